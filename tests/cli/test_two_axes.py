"""As of when, and as known when: an edit that arrives later changes the answers of now, never an old one."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import pytest

from cli.main import make_app, run
from pipeline.home import Home
from tests.cli.network import CONFIG, download, sync, version, vipgrid, write

FIRST, SECOND, THIRD = "2026-01-10T00:00:00Z", "2026-01-20T00:00:00Z", "2026-01-30T00:00:00Z"
BETWEEN: Final = "2026-01-15T12:00:00Z"
COMMANDS: Final = (
    ("positions",),
    ("positions", "P1"),
    ("holders", "A2"),
    ("verdicts",),
    ("verdicts", "P1", "--violations"),
    ("obligations",),
    ("obligations", "P0", "--asset", "A2"),
    ("status",),
)
AXES: Final = {
    FIRST: (("--as-of", FIRST, "--known-at", FIRST), ("--known-at", BETWEEN)),
    SECOND: (("--as-of", FIRST, "--known-at", SECOND),),
}
Question = tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """What a home said: per turn, the answers to the old questions, and in the end, whatever is asked."""

    home: Path
    said: Mapping[str, Mapping[Question, str]]
    ask: Callable[..., str]

    def rows(self, *question: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.ask(*question))["rows"]
        return rows


def _what_was_known_first(net: Path) -> None:
    partners = [
        {"partner_id": name, "name": name, "region": "DE", "timezone": "Europe/Berlin", "status": "active"}
        for name in ("P0", "P1")
    ]
    write(
        net, "trading_grid", "partners", "1.ndjson", [{**row, "updated_at": "2026-01-01T00:00:00Z"} for row in partners]
    )
    assets = [
        {"asset_id": name, "title": name, "classification": "standard", "publisher_timezone": "Europe/Berlin"}
        for name in ("A0", "A1", "A2")
    ]
    write(net, "vip", "assets", "1.ndjson", [{**row, "updated_at": "2026-01-01T00:00:00Z"} for row in assets])
    versions = [version(asset, 1, "2026-01-02") for asset in ("A0", "A1", "A2")]
    write(
        net,
        "vip",
        "asset_versions",
        "1.ndjson",
        [*versions, version("A0", 2, "2026-01-08"), version("A2", 2, "2026-01-04")],
    )
    write(
        net,
        "vip",
        "grants",
        "1.ndjson",
        [_grant("G0", "P0", "A0", "2026-01-01"), _grant("G2", "P0", "A2", "2026-01-01")],
    )
    events = [
        download("before_its_life", "P0", "A0", 2, "2026-01-07"),
        download("without_a_grant", "P1", "A1", 1, "2026-01-06"),
        download("mistaken", "P0", "A2", 2, "2026-01-06"),
    ]
    write(net, "vip", "access_events", "1.ndjson", events)
    notice = {"partner_id": "P0", "kind": "version_change", "version_no": 2}
    write(
        net,
        "trading_grid",
        "notices",
        "1.ndjson",
        [
            {
                **notice,
                "notice_id": "N0",
                "asset_id": "A0",
                "posted_at": "2026-01-08T00:00:00Z",
                "due_at": "2026-01-09T00:00:00Z",
            },
            {
                **notice,
                "notice_id": "N2",
                "asset_id": "A2",
                "posted_at": "2026-01-04T00:00:00Z",
                "due_at": "2026-01-09T00:00:00Z",
            },
        ],
    )
    write(net, "trading_grid", "acknowledgments", "1.ndjson", [_acknowledgment()])


def _edits_that_came_later(net: Path) -> None:
    """Move an effective date, date a grant back, correct an event, revoke an acknowledgment."""
    moved = version("A0", 2, "2026-01-06", updated_at="2026-01-11T00:00:00Z")
    write(net, "vip", "asset_versions", "2.ndjson", [moved])
    write(net, "vip", "grants", "2.ndjson", [_grant("G1", "P1", "A1", "2026-01-01")])
    correction = {"supersedes_event_id": "mistaken", "correction_reason": "it was version 1"}
    write(net, "vip", "access_events", "2.ndjson", [{**download("right", "P0", "A2", 1, "2026-01-06"), **correction}])
    revoked = {"revoked_at": "2026-01-09T12:00:00Z", "updated_at": "2026-01-12T00:00:00Z"}
    write(net, "trading_grid", "acknowledgments", "2.ndjson", [{**_acknowledgment(), **revoked}])


def _edits_that_came_last(net: Path) -> None:
    """End the grant that was dated back, and withdraw the version that was moved."""
    ended = {"valid_to": "2026-01-03T00:00:00Z", "updated_at": "2026-01-22T00:00:00Z"}
    write(net, "vip", "grants", "3.ndjson", [{**_grant("G1", "P1", "A1", "2026-01-01"), **ended}])
    gone = {"withdrawn_at": "2026-01-06T12:00:00Z", "updated_at": "2026-01-22T00:00:00Z"}
    write(net, "vip", "asset_versions", "3.ndjson", [version("A0", 2, "2026-01-06", **gone)])


def _grant(grant_id: str, partner_id: str, asset_id: str, day: str) -> dict[str, object]:
    return {
        "grant_id": grant_id,
        "grantee_type": "partner",
        "grantee_id": partner_id,
        "object_type": "asset",
        "object_id": asset_id,
        "effect": "allow",
        "rights": ["download"],
        "valid_from": f"{day}T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }


def _acknowledgment() -> dict[str, object]:
    return {
        "ack_id": "K2",
        "partner_id": "P0",
        "asset_id": "A2",
        "version_no": 2,
        "kind": "accepted",
        "occurred_at": "2026-01-07T00:00:00Z",
        "recorded_at": "2026-01-07T00:00:00Z",
    }


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("axes")
    net, home = folder / "net", Home((folder / "home").resolve())
    said: dict[str, dict[Question, str]] = {}
    for now, arrive in (
        (FIRST, _what_was_known_first),
        (SECOND, _edits_that_came_later),
        (THIRD, _edits_that_came_last),
    ):
        arrive(net)
        config = net / "vipgrid.yaml"
        config.write_text(CONFIG, encoding="utf-8")
        sync(config, home, now)
        if now in AXES:
            said[now] = {(*command, *axes): _asked(home, *command, *axes) for command in COMMANDS for axes in AXES[now]}
        if now == FIRST:
            decided = ("decide", "exempt", "--partner", "P0", "--asset", "A0", "--reason", "on leave", "--actor", "Ada")
            _asked(home, *decided, "--config", str(config))
    return Told(home.path, said, lambda *question: _asked(home, *question))


def _asked(home: Home, *question: str) -> str:
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        run(make_app(), [*question, "--home", str(home.path), "--json"])
    return written.getvalue()


@pytest.mark.parametrize("known_at", AXES)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_old_question_gets_the_old_answer_byte_for_byte(told: Told, command: Question, known_at: str) -> None:
    for axes in AXES[known_at]:
        question = (*command, *axes)
        assert told.ask(*question) == told.said[known_at][question]


def test_what_is_known_by_an_instant_is_asked_about_the_turn_that_knew_it(told: Told) -> None:
    known, between = (json.loads(told.ask("positions", "--known-at", at)) for at in (FIRST, BETWEEN))
    assert (known["as_of"], known["turn"]) == ("2026-01-10T00:00:00.000000Z", "T000001")
    assert between == known


def test_an_effective_date_that_is_moved_changes_the_verdict_of_now_and_not_that_of_then(told: Told) -> None:
    def judged(known_at: str) -> tuple[str, str, int]:
        rows = told.rows("verdicts", "P0", "--asset", "A0", "--as-of", FIRST, "--known-at", known_at)
        (position,) = told.rows("positions", "P0", "--asset", "A0", "--as-of", FIRST, "--known-at", known_at)
        return rows[0]["timing_then"], rows[0]["timing_now"], position["position_rule"]

    assert judged(FIRST) == ("embargo", "embargo", 14)
    assert judged(SECOND) == ("embargo", "live", 14)
    assert judged(THIRD) == ("embargo", "obsolete_withdrawn", 6)


def test_a_grant_that_is_dated_back_changes_the_verdict_of_now_and_not_that_of_then(told: Told) -> None:
    def judged(known_at: str) -> tuple[str, str, bool]:
        (row,) = told.rows("verdicts", "P1", "--as-of", FIRST, "--known-at", known_at)
        (position,) = told.rows("positions", "P1", "--as-of", FIRST, "--known-at", known_at)
        return row["entitlement_then"], row["entitlement_now"], position["entitled"]

    assert judged(FIRST) == ("no_grant", "no_grant", False)
    assert judged(SECOND) == ("no_grant", "ok", True)
    assert judged(THIRD) == ("no_grant", "no_grant", False)


def test_a_correction_changes_the_position_and_the_obligation_of_now(told: Told) -> None:
    def stood(known_at: str) -> tuple[str, list[str], str]:
        axes = ("--as-of", FIRST, "--known-at", known_at)
        (position,) = told.rows("positions", "P0", "--asset", "A2", *axes)
        (obligation,) = told.rows("obligations", "P0", "--asset", "A2", *axes)
        verdicts = told.rows("verdicts", "P0", "--asset", "A2", *axes)
        return position["position"], [row["subject_id"] for row in verdicts], obligation["state"]

    assert stood(FIRST) == ("current", ["mistaken"], "acknowledged")
    assert stood(SECOND) == ("stale_in_grace", ["right"], "overdue")


def test_a_decision_counts_from_the_turn_after_it(told: Told) -> None:
    states = [
        told.rows("obligations", "P0", "--asset", "A0", "--as-of", FIRST, "--known-at", known_at)[0]["state"]
        for known_at in (FIRST, SECOND)
    ]
    assert states == ["overdue", "exempt"]


def test_verdicts_can_be_asked_for_what_is_against_the_rules_only(told: Told) -> None:
    document = json.loads(told.ask("verdicts", "--violations", "--as-of", FIRST, "--known-at", SECOND))
    assert {row["subject_id"] for row in document["rows"]} == {"before_its_life", "without_a_grant", "right"}
    assert document["total"] == 3
    assert document["timings"] == {"live": 2, "obsolete_superseded": 1}
    assert json.loads(told.ask("verdicts", "--limit", "1"))["total"] == 3


def test_obligations_are_counted_by_state_and_filtered_by_it(told: Told) -> None:
    document = json.loads(told.ask("obligations", "--as-of", FIRST, "--known-at", FIRST))
    assert document["states"]["overdue"] == 1
    overdue = told.rows("obligations", "--state", "overdue", "--as-of", FIRST, "--known-at", FIRST)
    assert [(row["partner_id"], row["asset_id"], row["asset_title"]) for row in overdue] == [("P0", "A0", "A0")]


def test_the_trail_is_published_with_both_verdicts(told: Told) -> None:
    trail = pq.read_table(told.home / "published" / "latest" / "audit" / "trail.parquet").to_pylist()
    verdicts = ("entitlement_then", "timing_then", "entitlement_now", "timing_now")
    rows = {row["subject_id"]: tuple(row[name] for name in verdicts) for row in trail}
    assert rows["without_a_grant"] == ("no_grant", "live", "no_grant", "live")
    assert rows["before_its_life"] == ("ok", "embargo", "ok", "obsolete_withdrawn")
    assert rows["mistaken"] == ("ok", "live", None, None)
    assert rows["K2"] == (None,) * 4


@pytest.mark.parametrize("command", ["verdicts", "obligations"])
def test_people_get_tables_and_programs_a_document(told: Told, command: str) -> None:
    answer = vipgrid(command, "P0", "--limit", "1", "--home", told.home)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "P0" in answer.stdout
    assert "more: --limit" in answer.stdout


@pytest.mark.parametrize("command", ["verdicts", "obligations"])
def test_what_nobody_knows_is_refused(told: Told, command: str) -> None:
    answer = vipgrid(command, "Nobody", "--home", told.home)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "No partner 'Nobody' was known" in answer.stderr
