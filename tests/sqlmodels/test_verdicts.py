"""Access verdicts, then and now, on small histories told by hand (docs/domain.md, 8)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from pipeline.publish import joined_tables, published_select
from pipeline.sqlmodels.relations import Question
from tests.reference.given import ASSET, PARTNER, Story, day, stamp
from tests.reference.networks import Batch
from tests.tables import GRAPH, Tables, open_tables

VERDICTS: Final = ("audit.verdicts",)
EVERYTHING: Final = ("audit.verdicts", "audit.first_verdicts", "marts.audit_trail", "marts.entitlement_violations")
Judged = dict[str, tuple[str, str]]


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    with open_tables(tmp_path) as opened:
        yield opened


def live(tables: Tables, story: Story, *targets: str) -> Question:
    """Let a story's arrivals come in, a turn for each instant at which something was known; the last one is asked."""
    question = None
    for known_at in sorted({arrival.known_at for arrival in story.arrivals}):
        streams: dict[str, list[dict[str, object]]] = {}
        for arrival in story.arrivals:
            if arrival.known_at == known_at:
                streams.setdefault(arrival.stream, []).append(arrival.record)
        turn = tables.receive(Batch(known_at, streams, frozenset()), random.Random(1))
        tables.compute(turn, known_at, targets or VERDICTS)
        question = Question(known_at, turn.known_at)
    assert question is not None
    return question


def judge(tables: Tables, story: Story) -> Judged:
    live(tables, story)
    rows = tables.rows("select subject_id, entitlement_now, timing_now from audit.verdicts")
    return {subject_id: (entitlement, timing) for subject_id, entitlement, timing in rows}


def test_a_download_with_a_grant_of_a_living_version_is_all_right(tables: Tables) -> None:
    story = Story()
    story.version(1, 2)
    fine = story.download(1, 3)
    assert judge(tables, story) == {fine: ("ok", "live")}


def test_timing_is_the_first_that_matches_at_the_events_own_instant(tables: Tables) -> None:
    story = Story()
    story.version(1, 2, withdrawn_at=stamp(20))
    story.version(2, 5, expires_at=stamp(15))
    story.version(3, 10)
    story.version(4, None, approval_status="pending")
    story.version(5, None, approval_status="pending", withdrawn_at=stamp(4))
    told = {
        "embargo": story.download(1, 1.5),
        "live": story.download(1, 2),
        "obsolete_superseded": story.download(1, 5),
        "obsolete_withdrawn": story.download(1, 20),
        "obsolete_expired": story.download(2, 15),
        "never_effective": story.download(4, 11),
        "version_unknown": story.download(77, 11),
    }
    never_known, never_lived = story.download(None, 11), story.download(5, 4)
    timings = {event: timing for event, (_, timing) in judge(tables, story).items()}
    assert {timing: timings[event] for timing, event in told.items()} == {timing: timing for timing in told}
    assert timings[never_known] == "version_unknown"
    assert timings[never_lived] == "obsolete_withdrawn"


def test_a_reinstated_version_lives_again_and_is_superseded_in_between(tables: Tables) -> None:
    story = Story(on_withdraw="reinstate_previous")
    story.version(1, 2)
    story.version(2, 5, withdrawn_at=stamp(10))
    between, again = story.download(1, 7), story.download(1, 10)
    assert judge(tables, story) == {between: ("ok", "obsolete_superseded"), again: ("ok", "live")}


def test_a_barred_version_is_barred_for_the_partner_and_timed_as_if_it_were_not(tables: Tables) -> None:
    story = Story()
    story.partner("p2", region="DE")
    story.grant(grantee_id="p2")
    story.grant(effect="deny", rights=["download"])
    story.version(1, 2)
    story.version(2, 5, restricted_regions=["US"])
    barred, stays = story.download(2, 6), story.download(1, 6)
    elsewhere = story.download(2, 6, partner_id="p2")
    assert judge(tables, story) == {
        barred: ("barred", "live"),
        stays: ("explicit_deny", "obsolete_superseded"),
        elsewhere: ("ok", "live"),
    }


def test_who_cannot_be_told_is_timed_on_the_publishers_clock(tables: Tables) -> None:
    story = Story()
    local = {"effective_policy": "partner_local", "effective_local": "2025-06-05T00:00:00"}
    story.version(1, 2, restricted_regions=["US"], **local)
    # Midnight comes to the publisher's Berlin six hours before it comes to the partner's New York.
    berlin = day(4) + timedelta(hours=22)
    nobody = story.download(1, berlin, partner_id=None)
    stranger = story.download(1, berlin - timedelta(microseconds=1), partner_id="stranger")
    partner = story.download(1, berlin)
    assert judge(tables, story) == {
        nobody: ("unknown_identity", "live"),
        stranger: ("unknown_identity", "embargo"),
        partner: ("barred", "embargo"),
    }


def test_looking_takes_less_than_obtaining_and_a_denied_attempt_is_to_obtain(tables: Tables) -> None:
    story = Story()
    for name in ("viewer", "no_files", "no_sight"):
        story.partner(name)
        story.grant(grantee_id=name, rights=["view"] if name == "viewer" else ["download"])
    story.grant(grantee_id="no_files", effect="deny", rights=["download"])
    story.grant(grantee_id="no_sight", effect="deny", rights=["view"])
    story.version(1, 2)
    asked = {
        (name, kind): story.download(1, 3, partner_id=name, event_type=kind)
        for name in ("viewer", "no_files", "no_sight")
        for kind in ("previewed", "opened", "downloaded", "denied")
    }
    entitlements = {event: entitlement for event, (entitlement, _) in judge(tables, story).items()}
    expected = {"viewer": ("ok", "no_grant"), "no_files": ("ok", "explicit_deny"), "no_sight": ("explicit_deny",) * 2}
    for (name, kind), event in asked.items():
        assert entitlements[event] == expected[name][kind in {"downloaded", "denied"}], (name, kind)
    counted = tables.rows("select subject_id from audit.verdicts where not is_counted_as_access order by all")
    assert [row[0] for row in counted] == sorted(event for (_, kind), event in asked.items() if kind == "denied")


def test_a_grant_is_in_force_from_its_beginning_until_just_before_its_end(tables: Tables) -> None:
    story = Story()
    story.partner("p2")
    story.grant(grantee_id="p2", valid_from=stamp(3), valid_to=stamp(5))
    story.grant(grantee_id="p2", valid_from=stamp(4), valid_to=stamp(6))
    story.version(1, 2)
    asked = [story.download(1, at, partner_id="p2") for at in (2.5, 3, 4, 5, 5.5, 6)]
    entitlements = judge(tables, story)
    assert [entitlements[event][0] for event in asked] == ["no_grant", "ok", "ok", "ok", "ok", "no_grant"]


def test_a_group_counts_while_the_partner_is_in_it_and_a_parent_never(tables: Tables) -> None:
    story = Story()
    story.partner("p2", parent_partner_id=PARTNER)
    story.add("group_members", {"group_id": "g", "partner_id": "p2", "joined_at": stamp(3), "left_at": stamp(5)})
    story.grant(grantee_type="partner_group", grantee_id="g")
    story.version(1, 2)
    asked = [story.download(1, at, partner_id="p2") for at in (2.5, 3, 5)]
    entitlements = judge(tables, story)
    assert [entitlements[event][0] for event in asked] == ["no_grant", "ok", "no_grant"]


def test_a_segment_counts_with_what_is_above_it_until_one_of_them_is_deleted(tables: Tables) -> None:
    story = Story()
    story.partner("p2")
    for segment, above, deleted in (("low", "mid", None), ("mid", "top", 8), ("top", None, None)):
        record = {"segment_id": segment, "name": segment, "dimension": "brand", "value": segment}
        ends = {} if deleted is None else {"deleted_at": stamp(deleted)}
        story.add("segments", {**record, "parent_segment_id": above, "updated_at": stamp(1), **ends})
    story.add("segment_assets", {"segment_id": "low", "asset_id": ASSET, "added_at": stamp(4)})
    story.grant(grantee_id="p2", object_type="segment", object_id="top")
    story.version(1, 2)
    asked = [story.download(1, at, partner_id="p2") for at in (3, 4, 8)]
    entitlements = judge(tables, story)
    assert [entitlements[event][0] for event in asked] == ["no_grant", "ok", "no_grant"]


def test_a_package_allows_from_the_end_of_its_embargo_and_denies_at_once(tables: Tables) -> None:
    story = Story()
    story.partner("p2")
    story.add("packages", {"package_id": "k", "name": "k", "embargo_until": stamp(6), "updated_at": stamp(1)})
    story.add("package_items", {"package_id": "k", "asset_id": ASSET, "required": True, "sequence": 1})
    story.grant(object_type="package", object_id="k", effect="deny")
    story.grant(grantee_id="p2", object_type="package", object_id="k")
    story.version(1, 2)
    asked = [story.download(1, 5), story.download(1, 5, partner_id="p2"), story.download(1, 6, partner_id="p2")]
    entitlements = judge(tables, story)
    assert [entitlements[event][0] for event in asked] == ["explicit_deny", "no_grant", "ok"]


def test_nothing_is_granted_to_who_is_gone_nor_of_what_is_deleted_but_a_suspended_partner_keeps_it(
    tables: Tables,
) -> None:
    story = Story(deleted_at=stamp(9))
    story.partner("gone", status="left", left_at=stamp(5))
    story.partner("paused", status="suspended")
    story.grant(grantee_id="gone")
    story.grant(grantee_id="gone", effect="deny")
    story.grant(grantee_id="paused")
    story.version(1, 2)
    before, after = (story.download(1, at, partner_id="gone") for at in (4, 5))
    paused, deleted = story.download(1, 4, partner_id="paused"), story.download(1, 9)
    entitlements = judge(tables, story)
    assert [entitlements[event][0] for event in (before, after, paused, deleted)] == [
        "explicit_deny",
        "no_grant",
        "ok",
        "no_grant",
    ]


def test_a_delivery_is_judged_when_it_first_arrived_for_whom_it_then_was(tables: Tables) -> None:
    story = Story()
    story.partner("p2")
    story.version(1, 2)
    story.version(2, 6)
    story.deliver("d1", 1, 3, channel="portal", status="queued")
    story.deliver("d1", 1, 4, channel="portal")
    story.deliver("d1", 1, 7, channel="portal", status="picked_up")
    story.deliver("d2", 1, 5, status="failed")
    story.deliver("d3", 1, 5, partner_id="old", channel="portal")
    story.deliver("d3", 1, 8, partner_id="old", channel="portal", status="picked_up")
    for target, span in ((PARTNER, {"valid_to": stamp(7)}), ("p2", {"valid_from": stamp(7)})):
        story.add("xref", {"entity": "partner", "vip_id": "old", "trading_grid_id": target, **span})
    assert judge(tables, story) == {"d1": ("ok", "live"), "d3": ("ok", "live")}
    rows = tables.rows("select subject_id, partner_id, event_kind, occurred_at from audit.verdicts order by all")
    assert rows == [("d1", PARTNER, "delivery_delivered", day(4)), ("d3", PARTNER, "delivery_delivered", day(5))]


def test_a_superseded_event_is_not_judged_but_its_correction_is(tables: Tables) -> None:
    story = Story()
    story.version(1, 2)
    wrong = story.download(1, 1.5)
    right = story.download(1, 3, supersedes_event_id=wrong)
    assert judge(tables, story) == {right: ("ok", "live")}


def test_an_edit_that_arrives_later_changes_the_verdict_of_now_and_never_that_of_then(tables: Tables) -> None:
    story = Story()
    story.partner("p2")
    story.version(1, 2)
    story.known_at = day(6)
    ungranted, early = story.download(1, 5, partner_id="p2"), story.download(1, 1.5)
    story.known_at = day(9)
    story.grant(grantee_id="p2", valid_from=stamp(4))
    story.version(1, 1.2, updated_at=stamp(8))
    live(tables, story, *EVERYTHING)
    verdicts = "subject_id, entitlement_then, timing_then, entitlement_now, timing_now"
    expected = sorted(
        [(ungranted, "no_grant", "live", "ok", "live"), (early, "ok", "embargo", "ok", "live")],
    )
    for name in ("audit.trail", "marts.audit_trail"):
        published = published_select(GRAPH.models[name])
        found = tables.rows(f"select {verdicts} from ({published}) where subject_type = 'access_event' order by 1")
        assert found == expected
        assert joined_tables(GRAPH.models[name]) == ("audit.verdicts",)
    rows = tables.rows(
        f"select {verdicts}, is_violation_then, is_violation_now, says from marts.entitlement_violations order by 1"
    )
    assert rows == [(*row, True, False, "as known now, nothing was wrong") for row in expected]


def test_what_is_first_known_before_it_happened_is_judged_as_known_then(tables: Tables) -> None:
    story = Story()
    story.version(1, 2)
    story.known_at = day(3)
    early = story.download(1, 8)
    story.known_at = day(9)
    story.version(2, 7)
    live(tables, story, "audit.first_verdicts")
    rows = tables.rows(
        "select subject_id, timing_then, timing_now from audit.first_verdicts natural join audit.verdicts"
    )
    assert rows == [(early, "live", "obsolete_superseded")]


def test_violations_are_told_in_words_with_denied_attempts_marked(tables: Tables) -> None:
    story = Story()
    story.partner("p2")
    story.version(1, 2, withdrawn_at=stamp(6))
    story.known_at = day(10)
    refused = story.download(1, 7, partner_id="p2", event_type="denied")
    story.download(1, 3)
    story.download(77, 3)
    story.download(1, 11)
    live(tables, story, *EVERYTHING)
    columns = "subject_id, partner_name, is_denied_attempt, is_counted_as_access, says"
    rows = tables.rows(f"select {columns} from marts.entitlement_violations")
    assert rows == [(refused, "p2", True, False, "no grant allowed it; the version was already withdrawn")]
