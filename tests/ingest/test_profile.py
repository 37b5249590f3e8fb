"""Profiles: checked at the edge, and wrong in one sentence."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from pipeline.ingest.profile import Profile, load_profile
from pipeline.ingest.profile_incremental import ByInstant
from pipeline.ingest.profile_paging import CursorPaging, JsonLinkPaging

ROOT = Path(__file__).parents[2]


def load(folder: Path, text: str) -> Profile:
    path = folder / "p.yaml"
    path.write_text(text)
    return load_profile(path)


@pytest.mark.parametrize("system", ["vip", "trading_grid"])
def test_the_profiles_that_come_with_the_project_can_be_read(system: str) -> None:
    profile = load_profile(ROOT / "connections" / system / "sandbox.yaml")
    assert profile.auth.kind == "oauth2_client_credentials"
    assert profile.of_stream("assets").watermark == ("watermark",)
    assert all(operation.lookup or operation.may_be_repeated for operation in profile.writes.values())


def test_the_example_of_the_documentation_is_a_profile(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "connections.md").read_text()
    (example,) = [block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "defaults:" in block]
    assert load(tmp_path, example).of_stream("access_events").records == ("data", "events")


def test_a_stream_takes_the_defaults_and_replaces_what_it_names(tmp_path: Path) -> None:
    profile = load(
        tmp_path,
        """
defaults:
  path: /api/{stream}
  records: data.rows
  incremental: {param: since, lookback: 2h}
streams:
  assets:
    paging: {kind: json_link, link: _links.next.href}
    mapping: {asset_id: id, title: [meta.title, text]}
  grants:
""",
    )
    assets = profile.of_stream("assets")
    assert (assets.path, assets.records) == ("/api/{stream}", ("data", "rows"))
    assert isinstance(assets.incremental, ByInstant)
    assert assets.incremental.lookback == timedelta(hours=2)
    assert isinstance(assets.paging, JsonLinkPaging)
    assert {name: rule.path for name, rule in assets.mapping.items()} == {
        "asset_id": ("id",),
        "title": ("meta.title", "text"),
    }
    assert isinstance(profile.of_stream("grants").paging, CursorPaging)
    assert profile.of_stream("grants").records == ("data", "rows")
    assert profile.of_stream("reviews") == profile.defaults


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("- a", "is empty"),
        ("a: [", "is not YAML"),
        ("auth: {kind: magic}", "wrong at auth (line 1)"),
        ("limits:\n  requests_per_second: 0", "wrong at limits.requests_per_second (line 2)"),
        (
            "defaults:\n  path: /x\n  paging: {kind: cursor, size: many}",
            "wrong at defaults.paging.size (line 3)",
        ),
        ("streams: {asets: {}}", "no such stream: asets"),
        ("streams: {assets: {mapping: {colour: c}}}", "stream assets has no field colour to map"),
        ("defaults:\n  incremental: {lookback: soon}", "is not a span of time"),
        ("writes:\n  post_notice:\n    methd: POST", "wrong at writes.post_notice"),
        (
            "writes:\n  post_notce: {path: /n}",
            "writes.post_notce (line 2): no such operation: post_notce (did you mean",
        ),
        (
            "writes:\n  post_notice:\n    path: /n\n    fields:\n      partner: to",
            "writes.post_notice.fields.partner (line 5): the payload of post_notice has no partner (did you",
        ),
        ("writes: {move_request: {path: '/r/{id}'}}", "the payload of move_request has no id"),
        (
            "writes:\n  post_notice: {path: /n, drop: [body], fields: {body: text}}",
            "body is dropped, and 'fields' says how it is sent",
        ),
        (
            "writes: {post_notice: {path: /n, integers: [due_at], instants: {due_at: iso}}}",
            "due_at is written in one way",
        ),
        ("writes: {post_notice: {path: /n, instants: {due_at: epoch}}}", "post_notice.instants (line 1): it is 'iso'"),
        ("writes: {move_request: {path: '/r/{request_id}', drop: [request_id]}}", "and the path needs it"),
        (
            "writes: {post_notice: {path: /n, lookup: {path: '/n/{nr}', id: nr}}}",
            "writes.post_notice.lookup (line 1): a look-up knows the key alone: its path has {nr}",
        ),
        (
            "writes: {post_notice: {path: /n, lookup: {path: /n, id: nr, body: {a: 1}}}}",
            "writes.post_notice.lookup (line 1): 'body' needs 'method: POST'",
        ),
        (
            "writes: {post_notice: {path: /n, lookup: {path: /, id: nr, errors: [{status: [413], do: split_window}]}}}",
            "'split_window' is nothing for a look-up: it can retry, refresh_token, ignore, fail",
        ),
        ("streams: {assets: {mapping: {title: no}}}", "title.path (line 1): it is read by YAML as true or false"),
        ("streams: {assets: {mapping: {title: [a, {b: c}]}}}", "it is to be a text: in quotes, where YAML takes it"),
        ("defaults: {paging: cursor}", "defaults.paging (line 1): it is to be words with their values, such as {kind"),
        ("defaults: {paging: {param: p}}", "defaults.paging (line 1): it does not say its 'kind'"),
        (
            "defaults: {paging: {kind: cursors}}",
            "there is no kind 'cursors': it is one of single_page, cursor",
        ),
        (
            "defaults: {errors: [{status: 404, do: ignore}]}",
            "errors.0.status (line 1): it is to be a list, such",
        ),
        ("defaults: {errors: [{status: [404], do: skip}]}", "errors.0.do (line 1): it is one of retry, refresh_token,"),
        ("streams: {assets: /v1/assets}", "streams.assets (line 1): it is to be words with their values"),
        ("limits: {requests_per_second: fast, attempts: 1.5}", "attempts (line 1): it is to be a whole number"),
        ("defaults: {incremental: {start: 2026}}", "2026 is no instant: write 2026-03-02T08:00:00Z"),
        ("defaults: {incremental: {start: 2026-03-02 08h}}", "'2026-03-02 08h' is no instant: write 2026-03-02T08"),
        ("defaults:\n  pageing: {kind: cursor}", "no field 'pageing' here (did you mean paging?)"),
        ("defaults: {paging: {kind: keyset, param: p, key: 7}}", "7 is no path: write a.b"),
        ("writes: {post_notice: {path: /n, id: no}}", "it is read by YAML as true or false: write it in quotes"),
        ("defaults:\n  records: regions[*].companies", "leads through a list: what stands here is a way of names"),
    ],
)
def test_a_wrong_profile_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    assert said in str(caught.value)
    assert str(tmp_path / "p.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_that_is_wrong_is_said_at_once_and_what_comes_of_the_defaults_once(tmp_path: Path) -> None:
    text = "defaults:\n  path: 5\nstreams:\n  assets: {mapping: {}}\n  grants:\n    query: 7\nlimits: {attemps: 3}"
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    said = str(caught.value)
    assert said.count("defaults.path (line 2)") == 1
    assert "Also at streams.grants.query (line 6): " in said
    assert "limits.attemps (line 7): there is no field 'attemps' here (did you mean attempts?)" in said


def test_a_long_list_of_mistakes_ends_with_their_number(tmp_path: Path) -> None:
    fields = ", ".join(f"word{n}: x" for n in range(14))
    with pytest.raises(ConfigurationError, match=r"Also at .* And 4 more\.$"):
        load(tmp_path, f"streams: {{assets: {{mapping: {{{fields}}}}}}}")


def test_a_missing_profile_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Cannot read the profile"):
        load_profile(tmp_path / "none.yaml")


def test_numbers_are_texts_where_they_are_sent_as_such_and_a_day_is_its_first_instant(tmp_path: Path) -> None:
    text = "defaults: {query: {v: 2, all: true}, headers: {X-V: 1.5}, incremental: {start: 2026-03-02}}"
    found = load(tmp_path, text).defaults
    assert (dict(found.query), dict(found.headers)) == ({"v": "2", "all": "true"}, {"X-V": "1.5"})
    assert isinstance(found.incremental, ByInstant)
    assert found.incremental.start == datetime(2026, 3, 2, tzinfo=UTC)
