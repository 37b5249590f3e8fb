"""Records that are not simply the elements of a page's list: lists in lists, members of objects, what they inherit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.ingest.nested import cut_records
from pipeline.ingest.pages import PageError, Unreadable
from pipeline.ingest.profile import load_profile
from pipeline.ingest.profile_records import Records
from tests.connections.making import Asked, Server, Tenant
from tests.connections.test_personal import stored

SINGLE: dict[str, Any] = {"paging": {"kind": "single_page"}}
DOWNLOADS: dict[str, Any] = {
    "records": "items",
    "nested": [{"records": "downloads", "inherit": {"asset_id": "id", "partner_id": "owner.company"}}],
    "mapping": {"event_id": "no", "occurred_at": "when", "event_type": {"constant": "downloaded"}},
}


def media(number: int, *downloads: Any) -> dict[str, Any]:
    owner = {"company": f"P{number}", "mail": "ann@example.org"}
    return {"id": f"A{number}", "owner": owner, "downloads": list(downloads)}


def download(number: int, **more: Any) -> dict[str, Any]:
    return {"no": f"E{number}", "when": f"2026-03-01T08:00:{number:02}Z", **more}


def records(body: str, **words: Any) -> list[str]:
    """Return the records of a page; one that nobody can read is its reason, after a sign."""
    source = Records.model_validate(words)
    found = cut_records(body.encode(), source).records(source)
    return [f"! {item.reason}" if isinstance(item, Unreadable) else item.decode() for item in found]


def test_each_element_of_a_list_within_an_element_is_a_record_that_inherits_what_is_named(tmp_path: Path) -> None:
    pages = {"1": [media(1, download(1), download(2)), media(2)], "2": [media(3, download(3)), media(1, download(1))]}
    with Server(lambda asked: {"items": pages.get(asked.query["page"], [])}) as server:
        profile = {"streams": {"access_events": {**DOWNLOADS, "paging": {"kind": "page_number"}}}}
        tenant = Tenant(tmp_path, server.url, profile, streams=("access_events",))
        tenant.pull_well()
        tenant.next_turn()
        pages["2"][0] = media(3, download(3, note="corrected"), 5)
        tenant.pull_well()
    first = tenant.landed("access_events", turn=1)
    assert first[0] == {"asset_id": "A1", "partner_id": "P1", "no": "E1", "when": "2026-03-01T08:00:01Z"}
    assert [record["no"] for record in first] == ["E1", "E2", "E3", "E1"]
    assert [(page["records"], page["request"]["listed"]) for page in tenant.pages("access_events", 1)] == [
        (2, "2"),
        (2, "2"),
        (0, "0"),
    ]
    assert "ann@example.org" not in str(first)
    rows = tenant.rows("access_events", "event_id, asset_id, partner_id, rejected_because")
    assert tuple(rows[2].values()) == ("E3", "A3", "P3", None)
    kinds = ("fetched", "new", "new_editions", "duplicates", "quarantined")
    counts = ", ".join(["turn_no", *(f"sum({kind})::int" for kind in kinds)])
    with tenant.computed("ops.pages") as connection:
        found = connection.sql(f"select {counts} from ops.pages group by 1 order by 1").fetchall()
    assert found == [(1, 4, 3, 0, 1, 0), (2, 5, 0, 1, 3, 1)]


def test_paging_counts_what_the_source_lists_and_not_the_records_inside(tmp_path: Path) -> None:
    listed = [media(n, *(download(10 * n + k) for k in range(n))) for n in range(5)]

    def answering(asked: Asked) -> Any:
        start, size = int(asked.query["offset"]), int(asked.query["limit"])
        return {"items": listed[start : start + size], "total": len(listed)}

    paging = {"kind": "offset", "total": "total", "size": 2}
    with Server(answering) as server:
        profile = {"streams": {"access_events": {**DOWNLOADS, "paging": paging}}}
        tenant = Tenant(tmp_path, server.url, profile, streams=("access_events",))
        tenant.pull_well()
    assert sorted(int(query["offset"]) for query in server.queries()) == [0, 2, 4]
    assert len(tenant.landed("access_events")) == 10


def test_where_a_pull_ends_and_what_belongs_to_it_are_told_by_the_records_inside(tmp_path: Path) -> None:
    items = [media(1, download(1), download(5, kind="view")), media(2, download(3))]
    stream = {
        **SINGLE,
        **DOWNLOADS,
        "keep": {"path": "partner_id", "none_of": ["P2"]},
        "incremental": {"kind": "client_side", "cursor": "when", "lookback": "2s"},
    }
    with Server(lambda _: {"items": items}) as server:
        tenant = Tenant(tmp_path, server.url, {"streams": {"access_events": stream}}, streams=("access_events",))
        tenant.pull_well()
        tenant.next_turn()
        tenant.pull_well()
    assert [record["no"] for record in tenant.landed("access_events", turn=1)] == ["E1", "E5"]
    assert [record["no"] for record in tenant.landed("access_events", turn=2)] == ["E5"]
    assert [page["request"]["left_out"] for page in tenant.pages("access_events")] == ["1", "2"]


def test_a_record_is_the_bytes_that_came_behind_what_it_inherits() -> None:
    body = '{"who": {"n": 1.50}, "rows": [{"id": 7, "sub": [ { "a" : 1.50, "b": 12345678901234567890 }, {} ]}]}'
    assert records(
        body, records="rows", inherit={"who": "who"}, nested=[{"records": "sub", "inherit": {"id": "id", "no": "x"}}]
    ) == ['{"who":{"n":1.5},"id":7,"a" : 1.50, "b": 12345678901234567890 }', '{"who":{"n":1.5},"id":7}']


def test_what_is_inherited_keeps_numbers_of_any_size_and_letters_of_any_script() -> None:
    body = '{"n": 123456789012345678901234567890, "t": "Ünï\\u00e9", "rows": [{"a": 1}]}'
    assert records(body, records="rows", inherit={"n": "n", "t": "t"}) == [
        '{"n":123456789012345678901234567890,"t":"Ünïé","a": 1}'
    ]


def test_several_levels_lists_of_lists_and_members_of_objects() -> None:
    body = '{"by": {"A1": {"eu": [["x"], ["y", {"t": "z"}]]}, "A2": {}}}'
    levels = {
        "records": "by",
        "key_as": "asset",
        "nested": [{"records": "", "key_as": "market"}, {"records": ""}, {"records": "", "value_as": "tag"}],
    }
    assert records(body, **levels) == [
        '{"asset":"A1","market":"eu","tag":"x"}',
        '{"asset":"A1","market":"eu","tag":"y"}',
        '{"asset":"A1","market":"eu","t": "z"}',
    ]
    assert records('{"m": {"a": "live", "b": null}}', records="m", key_as="id", value_as="state") == [
        '{"id":"a","state":"live"}',
        '{"id":"b","state":null}',
    ]
    assert records('{"meta": {"a": {}}, "m": {"a": {}}}', records="m", key_as="id") == ['{"id":"a"}']


def test_what_cannot_be_read_spoils_itself_only() -> None:
    last = '{"id": 5, "sub": [1, {"id": 6}, {"b": NaN}, {}]}'
    body = f'{{"items": [{{"id": 1}}, 5, {{"id": 2, "sub": {{"x": 1}}}}, {{"id": 3, "id": 4, "sub": []}}, {last}]}}'
    found = records(body, nested=[{"records": "sub", "inherit": {"id": "id"}}])
    assert found[0] == (
        "! it should hold records: it has no sub, where a list should be"
        " ('may_be: [absent]' takes that for an empty one)"
    )
    assert "it is not JSON with a list at element.sub" in found[1]
    assert "an object stands at sub, where a list should be ('key_as' takes its members" in found[2]
    assert found[3] == "! it should hold records: a key occurs twice in it"
    assert found[4:] == [
        "1",
        "! it has a id of its own: inherit that of the outside under another name",
        '{"id":5,"b": NaN}',
        '{"id":5}',
    ]


def test_nothing_or_one_record_may_stand_where_a_list_is_looked_for() -> None:
    words: dict[str, Any] = {"records": "r.row", "may_be": ["absent", "single"]}
    assert records('{"r": {"row": {"a": 1}}}', **words) == ['{"a": 1}']
    assert records('{"r": {"row": [{"a": 1}, {"a": 2}]}}', **words) == ['{"a": 1}', '{"a": 2}']
    for nothing in ('{"r": {"row": null}}', '{"r": {"row": ""}}', '{"r": {}}', '{"r": null}', '{"r": ""}', "{}"):
        assert records(nothing, **words) == []
    within = {"nested": [{"records": "sub", "may_be": ["absent"]}]}
    assert records('{"items": [{"errors": [1]}, {"sub": null}, {"sub": [{"a": 1}]}]}', **within) == ['{"a": 1}']


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"items": null}', "null stands at items, where a list should be ('may_be: [absent]' takes"),
        ('{"rows": []}', "it has no items, where a list should be"),
        ('{"items": {"a": {}}}', "an object stands at items, where a list should be ('key_as' takes its members"),
        ('{"items": 5}', "a number stands at items"),
        ('{"items": null, "errors": ["x"]}', "got `null`), and it lists errors"),
        ("<html>", "it is not JSON"),
    ],
)
def test_a_page_without_its_list_says_what_stands_there_and_which_word_may_help(body: str, said: str) -> None:
    with pytest.raises(PageError) as caught:
        records(body)
    assert said in str(caught.value)


def test_an_error_is_never_an_empty_page_and_no_member_of_an_object_is_lost() -> None:
    with pytest.raises(PageError, match="lists errors"):
        records('{"items": null, "errors": ["x"]}', may_be=["absent"])
    with pytest.raises(PageError, match="a key occurs twice in its object"):
        records('{"items": {"a": {"k": 1}, "a": {"k": 2}}}', key_as="id")
    with pytest.raises(PageError, match="a key occurs twice in it"):
        records('{"items": {"a": {}}, "items": {"b": {}}}', key_as="id")


def test_what_is_personal_in_what_holds_the_records_is_cut_wherever_it_is_stored(tmp_path: Path) -> None:
    page = {
        "reader": {"mail": "bob@example.org", "id": "P-9"},
        "asked_by": "eve@example.org",
        "items": [media(1, download(1, ip="10.9.8.7")), {**media(2), "downloads": "dan@example.org"}],
    }
    stream = {
        **SINGLE,
        **DOWNLOADS,
        "inherit": {"reader": "reader"},
        "nested": [{"records": "downloads", "inherit": {"asset_id": "id", "owner": "owner"}}],
        "personal": {"owner.mail": "pseudonymise", "reader.mail": "pseudonymise", "ip": "drop"},
        "page_personal": {"asked_by": "drop"},
    }
    with Server(lambda _: page) as server:
        secrets = {"pseudonym_key": "key-1"}
        profile = {"streams": {"access_events": stream}}
        tenant = Tenant(tmp_path, server.url, profile, streams=("access_events",), secrets=secrets)
        tenant.pull_well()
    first, second = tenant.landed("access_events")
    assert first["owner"] == {"company": "P1", "mail": first["owner"]["mail"]}
    assert first["owner"]["mail"].startswith("pn-")
    assert "a text stands at downloads" in second
    assert "not kept, for it may hold personal data" in second
    (kept,) = tenant.pages("access_events")
    assert kept["envelope"] == {"reader": {"mail": first["reader"]["mail"], "id": "P-9"}, "items": []}
    everything = stored(tenant)
    for secret in (b"@example.org", b"10.9.8.7"):
        assert secret not in everything


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("records: a\n    inherit: {x: a}\n    key_as: x", "streams.assets (line 2): a record can inherit one value"),
        ("nested: [{inherit: {x: a}}]", "streams.assets.nested.0.records (line 3): it is missing"),
        ("nested: [{records: a, key_as: x.y}]", "streams.assets.nested.0.key_as (line 3): 'x.y' is to be a name at"),
        ("value_as: v\n    nested: [{records: a}]", "'value_as' belongs to the innermost list"),
        ("one_record: true\n    key_as: v", "'one_record' is the whole of what stands there"),
        ("key_as: v\n    may_be: [single]", "an object is either many records ('key_as') or one"),
        ("page_personal: {'': drop}", "streams.assets.page_personal (line 3): an empty path is everything"),
    ],
)
def test_words_that_do_not_go_together_are_refused_with_their_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(f"streams:\n  assets:\n    {text}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_profile(path)
    assert said in str(caught.value)


def test_fields_that_nobody_knows_are_held_against_what_is_inherited_too(tmp_path: Path) -> None:
    stream = {**SINGLE, **DOWNLOADS, "unknown_fields": "quarantine"}
    with Server(lambda _: {"items": [media(1, download(1), download(2, odd=1))]}) as server:
        tenant = Tenant(tmp_path, server.url, {"streams": {"access_events": stream}}, streams=("access_events",))
        tenant.pull_well()
    assert [row["rejected_because"] for row in tenant.rows("access_events")] == [
        None,
        "it has a field that the profile does not know: odd",
    ]


def test_the_same_element_in_the_same_surroundings_gives_the_same_bytes() -> None:
    bodies = [json.dumps({"items": [media(n, download(1)), media(1, download(2))]}) for n in (3, 4)]
    words = {"nested": DOWNLOADS["nested"]}
    assert records(bodies[0], **words)[1] == records(bodies[1], **words)[1]


SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=4)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))
CHILDREN = st.lists(st.dictionaries(st.sampled_from(["a", "b", "items", "errors"]), VALUES, max_size=3), max_size=4)
PARENTS = st.lists(
    st.tuples(st.sampled_from(["list", "absent"]), CHILDREN, st.dictionaries(st.sampled_from("pq"), VALUES)), max_size=5
)


@settings(max_examples=200, deadline=None)
@given(PARENTS, st.sampled_from([None, 1]), st.booleans())
def test_random_nests_give_what_a_slow_reading_gives(parents: list[Any], indent: int | None, is_ascii: bool) -> None:
    listed, expected = [], []
    for kind, children, more in parents:
        listed.append({**more, **({"in": {"items": children}} if kind == "list" else {})})
        inherited = {name: more[key] for name, key in (("x", "p"), ("y", "q")) if more.get(key) is not None}
        expected += [{**inherited, **child} for child in children] if kind == "list" else []
    body = json.dumps({"n": 1, "items": listed}, indent=indent, ensure_ascii=is_ascii)
    level = {"records": "in.items", "inherit": {"x": "p", "y": "q"}, "may_be": ["absent"]}
    found = records(body, nested=[level])
    assert [json.loads(one) for one in found] == expected


def test_a_value_that_looks_like_the_records_is_kept() -> None:
    body = '{"items": [{"p": [{}], "in": {"p": [{}], "items": [{}]}}]}'
    found = records(body, nested=[{"records": "in.items", "inherit": {"x": "p"}, "may_be": ["absent"]}])
    assert [json.loads(one) for one in found] == [{"x": [{}]}]


INCLUDED: dict[str, Any] = {
    "attach": [{"from": "more.users", "where": {"id": "by"}, "inherit": {"partner_id": "org", "mail": "mail"}}],
}


def test_what_a_record_names_in_another_list_of_the_page_is_inherited() -> None:
    users = '[{"id": 7, "org": "P7"}, {"id": "7", "org": "second"}, {"id": 8}, 5, {"org": "no id"}]'
    rows = '[{"by": "7"}, {"by": 8}, {"by": 9}, {}, 4, {"by": 7, "org": "own", "partner_id": "own"}]'
    assert records(f'{{"items": {rows}, "more": {{"users": {users}}}}}', **INCLUDED) == [
        '{"partner_id":"P7","by": "7"}',
        '{"by": 8}',
        '{"by": 9}',
        "{}",
        "4",
        "! it has a partner_id of its own: inherit that of the outside under another name",
    ]
    assert records('{"items": [{"by": 7}]}', **INCLUDED) == ['{"by": 7}']
    with pytest.raises(PageError, match=r"no list at more\.users to attach from"):
        records('{"items": [{"by": 7}], "more": {"users": {"7": {}}}}', **INCLUDED)


def test_what_is_attached_and_personal_is_cut_in_the_record_and_in_its_list(tmp_path: Path) -> None:
    user = {"id": 7, "org": "P7", "mail": "ann@example.org"}
    page = {"items": [{"asset_id": "a", "by": 7}], "more": {"users": [user]}}
    stream = {**SINGLE, **INCLUDED, "personal": {"mail": "pseudonymise"}}
    with Server(lambda _: page) as server:
        secrets = {"pseudonym_key": "k"}
        tenant = Tenant(tmp_path, server.url, {"streams": {"assets": stream}}, secrets=secrets)
        tenant.pull_well()
    (record,) = tenant.landed()
    assert record["partner_id"] == "P7"
    (kept,) = tenant.pages()
    assert kept["envelope"]["more"] == {"users": [{"id": 7, "org": "P7", "mail": record["mail"]}]}
    assert b"example.org" not in stored(tenant)
