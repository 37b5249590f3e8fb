"""Which notices are due, and what speaks against them: ``sql/sync/notice_candidates.sql``."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.actions.decisions import Subject, record_decision
from pipeline.actions.keys import candidate_key
from tests.actions.world import GO_LIVE, NOW, World


def due(world: World) -> list[tuple[str, int, str | None]]:
    """Return kind, version and suppression of the candidates."""
    world.compute()
    return world.ask(
        "select kind, version_no, suppression_reason from sync.notice_candidates order by kind, version_no"
    )


@pytest.mark.parametrize("position", ["current", "never_held", "stale_overdue"])
def test_the_audience_of_a_version_is_told_wherever_it_stands(world: World, position: str) -> None:
    world.give("freshness.positions", {"position": position})
    world.give("freshness.audiences", {})

    assert due(world) == [("version_change", 2, None)]


def test_a_first_version_is_published_to_the_entitled(world: World) -> None:
    world.give("freshness.positions", {"position": "never_held"})
    world.give("freshness.held_copies")
    world.give("freshness.audiences", {"kind": "publish"})

    assert due(world) == [("publish", 2, None)]
    assert world.ask("select pattern, rule from sync.notice_candidates") == [("P2", "entitled_when_it_was_due")]


def test_a_joiner_is_told_when_it_became_entitled(world: World) -> None:
    joined_at = NOW - timedelta(hours=3)
    world.give("freshness.audiences", {"kind": "publish", "reason": "joiner", "notice_due_at": joined_at})
    world.compute()

    assert world.ask("select rule, notice_due_at from sync.notice_candidates") == [
        ("became_entitled_while_it_is_live", joined_at)
    ]


def test_the_audience_that_is_neither_entitled_any_more_nor_holds_anything_is_not_told(world: World) -> None:
    world.give("freshness.positions", {"position": "nothing_to_hold", "entitled": False})
    world.give("freshness.held_copies")
    world.give("freshness.audiences", {})

    assert due(world) == [("version_change", 2, "not_entitled")]


def test_a_version_that_a_newer_one_has_replaced_is_not_announced(world: World) -> None:
    world.give("freshness.audiences", {})
    world.give("freshness.version_lives", {"ended_at": NOW}, {"version_no": 3, "effective_at": NOW})
    world.give("freshness.positions", {"target_version_no": 3, "position": "current"})

    assert due(world) == [("version_change", 2, "superseded_by_newer")]


def test_a_version_that_has_ended_without_a_successor_is_not_announced(world: World) -> None:
    world.give("freshness.audiences", {})
    world.give("freshness.version_lives", {"ended_at": NOW})
    world.give("freshness.positions", {"target_version_no": None, "position": "no_target"})

    assert due(world) == [("version_change", 2, "no_longer_due")]


@pytest.mark.parametrize("position", ["stale_in_grace", "stale_overdue", "regressed"])
def test_who_came_to_hold_something_else_than_the_target_outside_of_its_audience_is_told(
    world: World, position: str
) -> None:
    world.give("freshness.positions", {"position": position})

    assert due(world) == [("version_change", 2, None)]
    assert world.ask("select rule, notice_due_at from sync.notice_candidates") == [
        ("holds_something_else_than_the_target", NOW - timedelta(days=2))
    ]


@pytest.mark.parametrize("position", ["current", "never_held", "cleared", "unknown_version", "ahead", "barred_held"])
def test_who_is_in_no_audience_and_not_behind_is_due_nothing(world: World, position: str) -> None:
    world.give("freshness.positions", {"position": position})

    assert due(world) == []


@pytest.mark.parametrize(("days", "told"), [(364, [("version_change", 2, None)]), (366, [])])
def test_an_updated_safety_sheet_goes_to_the_former_recipients_of_the_last_year(
    world: World, days: int, told: list[tuple[str, int, str | None]]
) -> None:
    world.give("core.assets", {"classification": "safety"})
    world.give("freshness.positions", {"position": "cleared", "entitled": False})
    world.give("freshness.held_copies")
    world.give("freshness.obtained", {"obtained_at": NOW - timedelta(days=2 + days)})

    assert due(world) == told


def test_an_updated_sheet_that_is_not_safety_does_not(world: World) -> None:
    world.give("freshness.positions", {"position": "cleared", "entitled": False})
    world.give("freshness.held_copies")

    assert due(world) == []


@pytest.mark.parametrize(
    ("kind", "classification", "is_urgent"),
    [("withdrawal", "standard", True), ("version_change", "safety", True), ("version_change", "standard", False)],
)
def test_withdrawals_and_whatever_is_about_safety_is_urgent(
    world: World, kind: str, classification: str, *, is_urgent: bool
) -> None:
    world.give("core.assets", {"classification": classification})
    world.withdraw(1, NOW)
    world.compute()

    found = world.ask(f"select is_urgent from sync.notice_candidates where kind = '{kind}'")
    assert found == [(is_urgent,)]


def test_the_patterns_notices_are_candidates_by_their_step(world: World) -> None:
    world.give("sync.request_notices", {}, {"step": "delivered:RQ-1:1"})
    world.give("freshness.positions", {"position": "current"})
    world.compute()

    assert world.ask("select candidate_key, suppression_reason from sync.notice_candidates order by step") == [
        ("P1|||request_update|accepted:RQ-1:1", None),
        ("P1|||request_update|delivered:RQ-1:1", None),
    ]


def test_a_holder_that_removed_its_copies_is_not_asked_to_remove_them(world: World) -> None:
    world.give("freshness.audiences", {"kind": "withdrawal", "version_no": 1, "reason": "holder"})
    world.give("freshness.held_copies")
    world.give("freshness.positions", {"position": "cleared"})
    world.withdraw(1, NOW - timedelta(days=1))

    assert due(world) == [("withdrawal", 1, "no_longer_due")]


def test_a_withdrawal_goes_to_whoever_holds_the_version_beside_the_version_change(world: World) -> None:
    world.withdraw(1, NOW - timedelta(days=1))

    assert due(world) == [("version_change", 2, None), ("withdrawal", 1, None)]


def test_an_expiry_goes_to_whoever_holds_the_version(world: World) -> None:
    world.rows["freshness.version_terms"][0]["expires_at"] = NOW
    world.give("freshness.positions", {"position": "expired_held", "target_version_no": None})

    assert due(world) == [("expiry", 1, None)]


def test_a_withdrawn_version_that_has_expired_too_is_announced_as_withdrawn_only(world: World) -> None:
    world.rows["freshness.version_terms"][0]["expires_at"] = NOW - timedelta(days=3)
    world.withdraw(1, NOW - timedelta(days=1))
    world.give("freshness.positions", {"position": "withdrawn_held", "target_version_no": None})

    assert due(world) == [("withdrawal", 1, None)]


def test_what_expires_or_is_withdrawn_later_is_not_due_yet(world: World) -> None:
    world.rows["freshness.version_terms"][0]["expires_at"] = NOW + timedelta(seconds=1)
    world.withdraw(1, NOW + timedelta(seconds=1))
    world.give("freshness.positions", {"position": "current"})

    assert due(world) == []


def test_a_copy_of_unknown_version_is_due_no_removal(world: World) -> None:
    world.withdraw(1, NOW - timedelta(days=1))
    world.give("freshness.positions", {"position": "unknown_version", "target_version_no": None})
    world.give("freshness.held_copies", {"version_no": None})

    assert due(world) == []


def test_nothing_that_was_due_before_the_go_live_is_announced(world: World) -> None:
    world.rows["freshness.notice_occasions"][0]["notice_due_at"] = GO_LIVE - timedelta(seconds=1)
    assert due(world) == []

    world.rows["freshness.notice_occasions"][0]["notice_due_at"] = GO_LIVE
    assert due(world) == [("version_change", 2, None)]


def test_a_deleted_asset_is_due_nothing(world: World) -> None:
    world.give("core.assets", {"deleted_at": NOW})

    assert due(world) == []


def test_a_partner_that_has_left_is_told_nothing(world: World) -> None:
    world.give("core.partners", {"status": "left", "gone_from": NOW})

    assert due(world) == [("version_change", 2, "partner_left")]


def test_a_suspended_partner_is_told_because_it_still_holds_the_file(world: World) -> None:
    world.give("core.partners", {"status": "suspended"})

    assert due(world) == [("version_change", 2, None)]


def test_late_data_makes_no_notice(world: World) -> None:
    world.give("ops.data_late", {"is_late": True})

    assert due(world) == [("version_change", 2, "data_late")]


def test_what_anybody_posted_already_is_a_duplicate_until_it_is_retracted(world: World) -> None:
    world.give("core.notices", {})
    assert due(world) == [("version_change", 2, "duplicate")]

    world.give("core.notices", {"retracted_at": NOW - timedelta(hours=1)})
    assert due(world) == [("version_change", 2, None)]


def test_a_notice_of_another_kind_or_version_is_no_duplicate(world: World) -> None:
    world.give("core.notices", {"kind": "publish"}, {"notice_id": "N2", "version_no": 1})

    assert due(world) == [("version_change", 2, None)]


def test_a_partner_none_of_whose_users_is_active_has_no_contact(world: World) -> None:
    world.give("core.partner_users", {"status": "disabled"})
    assert due(world) == [("version_change", 2, "no_contact")]

    world.add("core.partner_users", user_id="U2", status="active")
    assert due(world) == [("version_change", 2, None)]


def test_a_partner_whose_users_are_not_known_is_told(world: World) -> None:
    world.give("core.partner_users")

    assert due(world) == [("version_change", 2, None)]


def test_a_snooze_holds_a_notice_back_for_its_time(world: World) -> None:
    subject = Subject(partner_id="P1", asset_id="A1")
    world.compute()
    record_decision(
        world.journal,
        world.turn,
        "snooze",
        subject,
        actor="olga",
        reason="on holiday",
        valid_to=NOW + timedelta(days=1),
        connection=world.connection,
    )
    assert due(world) == [("version_change", 2, "snoozed")]

    world.next_turn(timedelta(days=1))
    assert due(world) == [("version_change", 2, None)]


def test_a_coming_version_is_announced_ahead(world: World) -> None:
    world.give("freshness.positions", {"position": "current", "target_version_no": 1})
    world.rows["freshness.version_lives"][0]["effective_at"] = NOW + timedelta(days=3)
    world.give("freshness.audiences", {"notice_due_at": NOW - timedelta(days=1)})

    assert due(world) == [("version_change", 2, None)]


def test_the_key_in_sql_is_the_key_in_python_whatever_the_ids_hold(world: World) -> None:
    odd = "P|1\\|"
    for table in ("freshness.positions", "freshness.held_copies", "core.partners", "core.partner_users"):
        world.give(table, {"partner_id": odd})
    world.compute()

    assert world.ask("select candidate_key from sync.notice_candidates") == [
        (candidate_key(odd, "A1", 2, "version_change"),)
    ]
