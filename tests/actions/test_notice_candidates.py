"""Which notices are due, and what speaks against them: ``sql/sync/notice_candidates.sql``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.actions.decisions import Subject, record_decision
from pipeline.actions.keys import candidate_key
from tests.actions.world import GO_LIVE, NOW, World, open_world


def due(world: World) -> list[tuple[str, int, str | None]]:
    """Return kind, version and suppression of the candidates."""
    world.compute()
    return world.ask(
        "select kind, version_no, suppression_reason from sync.notice_candidates order by kind, version_no"
    )


@pytest.mark.parametrize("position", ["stale_in_grace", "stale_overdue", "regressed"])
def test_a_partner_that_holds_something_else_than_the_target_is_due_a_version_change(
    world: World, position: str
) -> None:
    world.give("freshness.positions", {"position": position})

    assert due(world) == [("version_change", 2, None)]
    assert world.ask("select notice_due_at from sync.notice_candidates") == [(NOW - timedelta(days=2),)]


@pytest.mark.parametrize("position", ["current", "never_held", "cleared", "unknown_version", "ahead", "barred_held"])
def test_a_partner_that_is_not_behind_is_due_nothing(world: World, position: str) -> None:
    world.give("freshness.positions", {"position": position})

    assert due(world) == []


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
    world.rows["freshness.version_lives"][0]["effective_at"] = GO_LIVE - timedelta(seconds=1)
    assert due(world) == []

    world.rows["freshness.version_lives"][0]["effective_at"] = GO_LIVE
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


def test_a_coming_version_is_announced_ahead_but_not_before_it_is_approved(tmp_path: Path) -> None:
    with open_world(tmp_path) as world:
        world.settings = world.settings.model_copy(
            update={"policies": world.settings.policies.model_copy(update={"announce_before": timedelta(days=5)})}
        )
        world.give("freshness.positions", {"position": "current", "target_version_no": 1})
        world.rows["freshness.version_lives"][0]["effective_at"] = NOW + timedelta(days=3)
        world.rows["core.asset_versions"][1]["approved_at"] = NOW - timedelta(days=1)

        assert due(world) == [("version_change", 2, None)]
        assert world.ask("select notice_due_at from sync.notice_candidates") == [(NOW - timedelta(days=1),)]

        world.rows["freshness.version_lives"][0]["effective_at"] = NOW + timedelta(days=6)
        assert due(world) == []


def test_who_holds_the_coming_version_already_is_not_told_of_it(tmp_path: Path) -> None:
    with open_world(tmp_path) as world:
        world.settings = world.settings.model_copy(
            update={"policies": world.settings.policies.model_copy(update={"announce_before": timedelta(days=5)})}
        )
        world.give("freshness.positions", {"position": "current", "target_version_no": 1, "held_versions": [1, 2]})
        world.rows["freshness.version_lives"][0]["effective_at"] = NOW + timedelta(days=3)

        assert due(world) == []


def test_the_key_in_sql_is_the_key_in_python_whatever_the_ids_hold(world: World) -> None:
    odd = "P|1\\|"
    for table in ("freshness.positions", "freshness.held_copies", "core.partners", "core.partner_users"):
        world.give(table, {"partner_id": odd})
    world.compute()

    assert world.ask("select candidate_key from sync.notice_candidates") == [
        (candidate_key(odd, "A1", 2, "version_change"),)
    ]
