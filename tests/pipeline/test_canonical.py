"""One text and one hash: the fast way and the careful way are the same way."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.canonical import (
    Hasher,
    NotCanonicalError,
    canonical,
    canonical_record,
    canonical_text,
    sha256_hex,
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3).filter(lambda t: t.isprintable()), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(max_size=4).filter(lambda t: t.isprintable()), VALUES, max_size=5),
    st.booleans(),
    st.booleans(),
)
def test_any_spelling_of_a_record_has_the_text_of_the_standard(
    record: dict[str, object],
    has_blanks: bool,
    is_ascii: bool,
) -> None:
    separators = (", ", ": ") if has_blanks else (",", ":")
    raw = json.dumps(record, ensure_ascii=is_ascii, separators=separators).encode()
    if "\\u0000" in raw.decode():
        return
    assert canonical_record(raw) == rfc8785.dumps(record)  # type: ignore[arg-type]


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
# Around the surrogates the orders of code points and of UTF-16 part: U+FFFF is before U+10000 there, and after it here.
KEYS = st.text(st.sampled_from('ab\0\x1f\x7f"\\ä\u2028\ud7ff\ue000\uffff\U00010000\U0010ffff'), max_size=3)
WITHOUT_NUMBERS = st.recursive(
    st.none() | st.booleans() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | ANY_TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(WITHOUT_NUMBERS)
def test_what_holds_no_number_has_the_text_of_the_standard(value: object) -> None:
    expected = rfc8785.dumps(value)  # type: ignore[arg-type]
    assert canonical(value) == expected
    assert canonical_text(value) in {expected, None}


@given(VALUES)
def test_whatever_else_there_is_has_the_text_of_the_standard(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(st.dictionaries(ANY_TEXT, WITHOUT_NUMBERS, max_size=4), st.integers() | st.floats())
def test_a_number_is_seen_wherever_it_stands(around: dict[str, object], number: float) -> None:
    assert canonical_text(number) is None
    assert canonical_text({**around, "x": [{"y": number}]}) is None


@given(st.dictionaries(st.text("ab\ue000\uffff", max_size=3), ANY_TEXT, max_size=4), ANY_TEXT)
def test_only_odd_keys_need_a_closer_look(record: dict[str, str], text: str) -> None:
    assert canonical_text({**record, "t": text}) is not None


@pytest.mark.parametrize("value", ["\ud800", {"\ud800": "a"}, {1: "a"}, {"a": {1, 2}}, float("nan")])
def test_what_has_no_text_in_the_standard_is_refused(value: object) -> None:
    with pytest.raises(NotCanonicalError):
        canonical(value)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":1}',
        b'{"a":1, "a":2}',
        b"[]",
        b"1",
        b"{",
        b'{"a":NaN}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\u0000"}',
        b'{"a":9007199254740993}',
        b'{"a":"\xff"}',
        b"{" + b'"a":{' * 20_000,
    ],
)
def test_what_has_no_canonical_text_is_refused(raw: bytes) -> None:
    with pytest.raises(NotCanonicalError):
        canonical_record(raw)


RAW_PARTS = st.sampled_from(
    [
        *("1", "-0", "-0.0", "01", "1.0", "1e3", "1E400", "NaN", "-", " 5 ", "9007199254740991", "9007199254740993"),
        *('"ä"', '"\\u00e4"', '"a, \\"b"', '", "', '"-0"', '"\t"', '"\U0001f600"', "true", "null", "[1, 2]", "[1,2]"),
        *('{"z":1,"a":2}', '{"ä":1,"b":2}', '{"a":1,"a":1}', '{"\U0001f600":1,"\uffff":2}', '1,"c":2', "}", "[[[1]]]"),
        '{"q":[9007199254740993]}',
    ]
)


@st.composite
def raw_records(draw: st.DrawFn) -> bytes:
    """Texts that are nearly always nearly records."""
    parts = draw(st.lists(st.tuples(st.sampled_from("abcä"), RAW_PARTS), max_size=4))
    comma, colon = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,", ":")]))
    raw = ("{" + comma.join(f'"{name}"{colon}{part}' for name, part in parts) + "}").encode()
    return raw.replace(b"a", b"\xff") if draw(st.integers(0, 30)) == 0 else raw


@settings(max_examples=500)
@given(st.lists(st.lists(raw_records(), max_size=4), max_size=3))
def test_what_is_hashed_at_first_sight_has_the_hash_of_its_text(pages: list[list[bytes]]) -> None:
    hasher = Hasher()
    for raws in pages:
        for raw, found in zip(raws, hasher.hashes(raws), strict=True):
            if found is not None:
                assert found == sha256_hex(canonical_record(raw)).encode()


def test_names_that_come_and_go_are_hashed_at_first_sight() -> None:
    hasher = Hasher()
    for raws in (
        [b'{"b":1}'],
        [b'{"a":2,"b":1}', b'{"b":null}'],
        [b"{}", b'{"a":[true]}'],
        [b'{"b":1,"c":{"x":"y","w":1}}'],
    ):
        assert hasher.hashes(raws) == [sha256_hex(canonical_record(raw)).encode() for raw in raws]


def test_plain_records_are_hashed_at_first_sight() -> None:
    raws = [b'{"b":1,"a":["x",{"c":null}]}', '{"ä":"ö"}'.encode()]
    assert Hasher().hashes(raws) == [sha256_hex(canonical_record(raw)).encode() for raw in raws]
