"""Pages are cut, not re-encoded."""

from __future__ import annotations

import pytest

from pipeline.ingest.pages import PageError, cut_page


def test_records_are_cut_out_byte_for_byte() -> None:
    page = cut_page(b'{"items": [ {"b":1,  "a":"\\u00e4"} ,\n{"c" : 2.50}], "has_more": true}', ["items"])
    assert page.items == [b'{"b":1,  "a":"\\u00e4"}', b'{"c" : 2.50}']
    assert page.envelope == b'{"items": [], "has_more": true}'
    assert page.values == {"items": [], "has_more": True}


def test_records_may_lie_deep_or_at_the_top() -> None:
    assert cut_page(b'{"data": {"rows": [1]}}', ["data", "rows"]).items == [b"1"]
    assert cut_page(b'[{"a": 1}]', []).items == [b'{"a": 1}']


@pytest.mark.parametrize(
    ("body", "envelope"),
    [
        (b'{"before": [{"a": 1}], "items": [{"a": 1}]}', b'{"before": [{"a": 1}], "items": []}'),
        (b' {"x":"\\"items\\": [1]" , "it\\u0065ms" :\t[1]}', b' {"x":"\\"items\\": [1]" , "it\\u0065ms" :\t[]}'),
        (b'{"":{"items":[2]},"items":[2],"after":[2]}', b'{"":{"items":[2]},"items":[],"after":[2]}'),
    ],
)
def test_what_looks_like_the_records_stays_in_the_envelope(body: bytes, envelope: bytes) -> None:
    page = cut_page(body, ["items"])
    assert (len(page.items), page.envelope) == (1, envelope)
    deeper = cut_page(b'{"more": %b, "in": %b}' % (body, body), ["in", "items"])
    assert deeper.envelope == b'{"more": %b, "in": %b}' % (body, envelope)


def test_an_envelope_is_one_line() -> None:
    assert b"\n" not in cut_page(b'{\n "items": [],\r\n "next": null\n}', ["items"]).envelope


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"items": []} {"items": []}',
        b'{"rows": []}',
        b'{"items": {}}',
        b'{"items": null}',
        b"[]",
        b'{"items": [1], "items": [2]}',
        b'{"items": [], "next": 1, "next": 2}',
        b'{"items": [], "x": NaN}',
        b'{"items": [], "x": "\xff"}',
        b'{"items": [], "errors": [{"message": "no"}]}',
        b'{"items": [], "x": 1e400}',
        b'{"items": [], "next": "\\ud800"}',
        b'{"items": [], "x": ' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"items": [], "x": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"items": [{"a": NaN}}',
        b'{"rows": [{"a": NaN}]}',
        b'{"items": {"a": NaN}}',
        b'[{"a": NaN}]',
    ],
)
def test_what_is_no_page_is_never_an_empty_one(body: bytes) -> None:
    with pytest.raises(PageError):
        cut_page(body, ["items"])


def test_a_bad_record_spoils_nothing_but_itself() -> None:
    assert len(cut_page(b'{"items": [{"a": 1, "a": 2}, {"b": "\xff"}, {"c": 3}]}', ["items"]).items) == 3


DEEP = b"[" * 10_000 + b"]" * 10_000


@pytest.mark.parametrize(
    "record",
    [
        b'{"b": NaN}',
        b'{"b": "\\ud800"}',
        b'{"b": "\x01]"}',
        b'{"b": 01}',
        b'{"b": "\\x"}',
        b'{"b": %b}' % DEEP,
        b"{1: 2}",
    ],
)
@pytest.mark.parametrize("where", [["items"], ["a b", "items"], []])
def test_a_record_that_no_json_reader_takes_spoils_nothing_but_itself(record: bytes, where: list[str]) -> None:
    body = b'[ {"a": "],"} ,\n%b , {"c": "\\""}, 7 ]' % record
    for name in reversed(where):
        body = b'{"x": [1, {"items": [3]}], "%b": %b, "n": "y"}' % (name.encode(), body)
    cut = cut_page(body, where)
    assert cut.items == [b'{"a": "],"}', record, b'{"c": "\\""}', b"7"]
    assert record not in cut.envelope
    assert (cut.values.get("n") if where else "y") == "y"
