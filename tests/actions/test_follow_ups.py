"""Reminders and the escalation: ``sql/sync/follow_ups.sql``, and what speaks against them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.actions.world import NOW, World, open_world

SENT = NOW - timedelta(days=8)
DUE = NOW - timedelta(days=1)


@pytest.fixture
def owing(world: World) -> World:
    """P1 was told of version 2 eight days ago, and had a week to answer."""
    world.give("freshness.positions", {"position": "current"})
    world.give("freshness.obligations", {"sent_at": SENT, "due_at": DUE, "state": "overdue"})
    world.give("core.notices", {"posted_at": SENT, "due_at": DUE})
    return world


def steps(world: World) -> list[tuple[str, str, str | None]]:
    world.compute()
    return world.ask(
        "select kind, step, suppression_reason from sync.notice_candidates"
        " where kind in ('reminder', 'escalation') order by kind desc"
    )


@pytest.mark.parametrize(
    ("after", "step"),
    [
        (timedelta(days=3), None),
        (timedelta(days=3, hours=12), "r1:version_change"),
        (timedelta(days=7), "r2:version_change"),
        (timedelta(days=13, hours=23), "r2:version_change"),
        (timedelta(days=14), "r3:version_change"),
        (timedelta(days=28), "r5:version_change"),
        (timedelta(days=350), "r5:version_change"),
    ],
)
def test_reminders_come_at_half_of_the_time_at_due_and_then_weekly_five_at_most(
    world: World, after: timedelta, step: str | None
) -> None:
    sent = NOW - after
    due = sent + timedelta(days=7)
    world.settings = world.settings.model_copy(
        update={"notices": world.settings.notices.model_copy(update={"notify_from": NOW - timedelta(days=400)})}
    )
    world.give("freshness.positions", {"position": "current"})
    state = "overdue" if due < NOW else "pending"
    world.give("freshness.obligations", {"sent_at": sent, "due_at": due, "state": state})

    assert [found for kind, found, _ in steps(world) if kind == "reminder"] == ([] if step is None else [step])


def test_what_is_overdue_is_reminded_and_escalated(owing: World) -> None:
    assert steps(owing) == [("reminder", "r2:version_change", None), ("escalation", "e1:version_change", None)]


@pytest.mark.parametrize(
    "state",
    [
        "acknowledged",
        "acknowledged_late",
        "void",
        "closed_by_later",
        "exempt",
        "exception_requested",
        "declined",
        "unsent",
    ],
)
def test_what_is_answered_or_void_is_not_followed_up(owing: World, state: str) -> None:
    owing.rows["freshness.obligations"][0]["state"] = state

    assert steps(owing) == []


def test_late_answers_are_not_missing_answers(owing: World) -> None:
    owing.give("ops.data_late", {"is_late": False}, {"claim": "obligation", "is_late": True})

    assert {reason for _, _, reason in steps(owing)} == {"data_late"}


def test_nobody_is_reminded_of_a_version_that_was_superseded(owing: World) -> None:
    owing.give("freshness.version_lives", {"ended_at": NOW}, {"version_no": 3, "effective_at": NOW})
    owing.give("freshness.positions", {"target_version_no": 3, "position": "current"})

    assert {reason for _, _, reason in steps(owing)} == {"superseded_by_newer"}


def test_a_leaver_is_not_reminded(owing: World) -> None:
    owing.give("core.partners", {"status": "left", "gone_from": NOW})

    assert {reason for _, _, reason in steps(owing)} == {"partner_left"}


def test_the_owner_hears_of_a_partner_that_nobody_can_reach(owing: World) -> None:
    owing.give("core.partner_users", {"status": "disabled"})

    assert steps(owing) == [("reminder", "r2:version_change", "no_contact"), ("escalation", "e1:version_change", None)]


def test_a_reminder_that_somebody_else_posted_is_not_repeated(owing: World) -> None:
    owing.add("core.notices", notice_id="N2", kind="reminder", posted_at=DUE + timedelta(hours=1))
    assert steps(owing)[0] == ("reminder", "r2:version_change", "duplicate")

    owing.rows["core.notices"][1]["posted_at"] = DUE - timedelta(hours=1)
    assert steps(owing)[0] == ("reminder", "r2:version_change", None)


@pytest.mark.parametrize(
    ("reminders", "expected"),
    [
        ({"most": 0}, ["escalation"]),
        ({"escalate_after": None}, ["reminder"]),
        ({"escalate_after": "2d"}, ["reminder"]),
        ({"at_half": False}, ["reminder", "escalation"]),
    ],
)
def test_the_ladder_is_configured(tmp_path: Path, reminders: dict[str, Any], expected: list[str]) -> None:
    with open_world(tmp_path, reminders=reminders) as world:
        world.give("freshness.positions", {"position": "current"})
        world.give("freshness.obligations", {"sent_at": SENT, "due_at": DUE, "state": "overdue"})

        assert [kind for kind, _, _ in steps(world)] == expected


def test_a_reminder_is_worded_and_decided_once_and_gives_way_to_the_next(owing: World) -> None:
    owing.decide()
    owing.next_turn(timedelta(days=1))
    assert owing.decide().actions == 0
    owing.next_turn(timedelta(days=6))
    owing.decide()

    found = owing.ask(
        "select step, json_extract_string(payload, '$.subject') from sync.actions where kind = 'reminder' order by step"
    )
    assert found == [
        ("r2:version_change", "Reminder 2: Allergen sheet, version 2 is overdue"),
        ("r3:version_change", "Reminder 3: Allergen sheet, version 2 is overdue"),
    ]


def test_an_owner_is_told_once_of_all_that_is_overdue(owing: World) -> None:
    owing.give(
        "freshness.obligations",
        *({"version_no": no, "sent_at": SENT, "due_at": DUE, "state": "overdue"} for no in (1, 2)),
    )
    owing.add("freshness.version_lives", version_no=1)
    owing.decide()

    found = owing.ask(
        "select json_extract_string(payload, '$.owner'), json_extract_string(payload, '$.subject'), target_system"
        " from sync.actions where kind = 'escalation'"
    )
    assert found == [("olga@example.com", "2 answers are overdue for your assets", "owner")]
    owing.next_turn(timedelta(days=1))
    owing.decide()
    assert owing.ask("select count(*) from sync.actions where kind = 'escalation'") == [(1,)]
    assert owing.ask("select distinct decision from sync.notice_decisions where kind = 'escalation'") == [("digested",)]
