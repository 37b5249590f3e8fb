"""P6: tasks follow the facts where nobody moved them, approvals are a person's, and a gate is passed or missed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.actions.launches_world import FINDINGS, LAUNCH, Launch, of, open_launch
from tests.actions.records_world import BEFORE, DAY, HOUR, START, Wanted, stamp


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    with open_launch(tmp_path) as told:
        yield told


@pytest.fixture
def findings(tmp_path: Path) -> Iterator[Launch]:
    with open_launch(tmp_path, *FINDINGS) as told:
        yield told


def tasks(wanted: list[Wanted]) -> list[tuple[str, str]]:
    return [(one.subject_id, one.payload["status"]) for one in of(wanted, "change_campaign_task")]


def reminders(wanted: list[Wanted]) -> list[Wanted]:
    return of(wanted, "create_comment")


def found(launch: Launch) -> list[str]:
    """Look, and return the rules of what is found."""
    launch.look()
    return launch.records.rules()


def set_by_us(launch: Launch, wanted: Wanted) -> None:
    """Set a task as an action asks."""
    launch.records.send(wanted)
    status = wanted.payload["status"]
    launch.put("campaign_tasks", wanted.subject_id, status=status, updated_at=stamp(launch.records.now))


def test_a_readiness_task_is_done_when_everything_owed_was_obtained(launch: Launch) -> None:
    launch.task("T1", "readiness")
    launch.obtain("A1")
    assert tasks(launch.look()) == []
    launch.obtain("A2")
    assert tasks(launch.look()) == [("T1", "done")]


def test_an_older_version_does_not_make_ready(launch: Launch) -> None:
    launch.task("T1", "readiness")
    launch.obtain("A1", "A2")
    launch.records.version("A1", 2, approved_at=START + HOUR)
    assert tasks(launch.look(2 * HOUR)) == []


def test_receipt_is_confirmed_by_acknowledgments_of_every_item(launch: Launch) -> None:
    launch.task("T1", "confirmation")
    launch.obtain("A1", "A2")
    launch.acknowledge("A1")
    assert tasks(launch.look()) == []
    launch.acknowledge("A2")
    assert tasks(launch.look()) == [("T1", "done")]


def test_the_campaigns_own_task_is_done_when_its_gate_is_reached(launch: Launch) -> None:
    launch.invite("P2")
    launch.campaign("planning", gate_percent=50)
    launch.task("T1", "readiness", partner_id=None)
    assert tasks(launch.look()) == []
    launch.obtain("A1", "A2")
    assert tasks(launch.look()) == [("T1", "done")]


@pytest.mark.parametrize("status", ["blocked", "waived", "done"])
def test_what_a_person_set_stays(launch: Launch, status: str) -> None:
    launch.task("T1", "confirmation", status)
    launch.obtain("A1", "A2")
    launch.acknowledge("A1")
    launch.acknowledge("A2")
    assert tasks(launch.look()) == []


def test_what_a_person_reopened_stays_open(launch: Launch) -> None:
    launch.obtain("A1", "A2")
    launch.task("T1", "readiness", "done")
    launch.look()
    launch.task("T1", "readiness", "open")
    assert tasks(launch.look()) == []


def test_what_we_set_and_a_person_reopened_stays_open(launch: Launch) -> None:
    launch.obtain("A1", "A2")
    launch.task("T1", "readiness")
    set_by_us(launch, *of(launch.look(), "change_campaign_task"))
    assert tasks(launch.look()) == []
    launch.task("T1", "readiness", "open")
    assert tasks(launch.look()) == []


def test_a_task_is_not_set_twice_while_the_feed_still_shows_it_open(launch: Launch) -> None:
    launch.obtain("A1", "A2")
    launch.task("T1", "readiness")
    (wanted,) = of(launch.look(), "change_campaign_task")
    launch.records.send(wanted)
    assert tasks(launch.look()) == []


def test_a_late_change_undoes_what_we_set_and_the_new_version_does_it_again(launch: Launch) -> None:
    launch.task("T1", "readiness")
    launch.obtain("A1", "A2")
    set_by_us(launch, *of(launch.look(), "change_campaign_task"))
    launch.look()
    launch.records.version("A1", 2, approved_at=launch.records.now + HOUR / 2)
    (undone,) = of(launch.look(), "change_campaign_task")
    assert (undone.payload["status"], undone.rule) == ("open", "undone_by_a_change")
    set_by_us(launch, undone)
    assert tasks(launch.look()) == []
    launch.obtain("A1", number=2)
    (again,) = of(launch.look(), "change_campaign_task")
    assert again.payload["status"] == "done"
    assert again.action_text.endswith("|done|2")


def test_a_late_change_does_not_undo_what_a_person_set(launch: Launch) -> None:
    launch.obtain("A1", "A2")
    launch.task("T1", "readiness", "done")
    launch.look()
    launch.records.version("A1", 2, approved_at=launch.records.now + HOUR / 2)
    assert tasks(launch.look()) == []


def test_tasks_of_a_cancelled_campaign_are_left_alone(launch: Launch) -> None:
    launch.task("T1", "readiness")
    launch.obtain("A1", "A2")
    launch.campaign("cancelled")
    assert launch.look() == []


def test_an_owner_is_reminded_of_an_approval_before_and_after_it_is_due(launch: Launch) -> None:
    launch.task("T1", "approval", partner_id=None)
    assert reminders(launch.look()) == []
    (soon,) = reminders(launch.look(5 * DAY))
    assert soon.payload["visibility"] == "internal"
    assert soon.payload["thread_id"] == "C1"
    assert soon.payload["body"].startswith("olga: the approval T1 of Spring is due on 2026-03-09.")
    launch.records.send(soon)
    assert reminders(launch.look()) == []
    (overdue,) = reminders(launch.look(2 * DAY))
    assert "was due on 2026-03-09" in overdue.payload["body"]
    launch.records.send(overdue)
    assert reminders(launch.look(DAY)) == []


def test_a_blocked_approval_is_said_to_be_blocked(launch: Launch) -> None:
    launch.task("T1", "approval", "blocked", partner_id=None)
    assert "is blocked" in reminders(launch.look(6 * DAY))[0].payload["body"]


@pytest.mark.parametrize("status", ["done", "waived"])
def test_nobody_is_reminded_of_what_is_given(launch: Launch, status: str) -> None:
    launch.task("T1", "approval", status, partner_id=None)
    assert reminders(launch.look(6 * DAY)) == []


def test_nobody_is_reminded_of_what_was_due_before_the_go_live(launch: Launch) -> None:
    launch.task("T1", "approval", partner_id=None, due_at=stamp(BEFORE))
    assert reminders(launch.look()) == []


def test_a_launch_that_goes_well_has_no_finding(findings: Launch) -> None:
    findings.task("T1", "approval", "done", partner_id=None)
    findings.obtain("A1", "A2")
    findings.campaign("ready")
    assert found(findings) == []
    findings.campaign("launched")
    findings.records.look(LAUNCH + DAY - findings.records.now)
    assert findings.records.rules() == []


def test_a_campaign_called_ready_that_is_not(findings: Launch) -> None:
    findings.campaign("ready")
    assert found(findings) == ["campaign_ready_unconfirmed"]


def test_a_gate_is_missed_at_the_launch_and_stays_so(findings: Launch) -> None:
    findings.invite("P2")
    findings.campaign("planning", gate_percent=80)
    findings.obtain("A1", "A2")
    assert found(findings) == []
    findings.records.look(LAUNCH - findings.records.now)
    assert findings.records.findings() == [("launch_gate_missed", "C1")]
    findings.records.now += HOUR
    findings.obtain("A1", "A2", partner_id="P2")
    assert found(findings) == ["launch_gate_missed"]


def test_a_gate_that_allows_for_some_is_passed(findings: Launch) -> None:
    findings.invite("P2")
    findings.campaign("planning", gate_percent=50)
    findings.obtain("A1", "A2")
    findings.records.look(LAUNCH - findings.records.now)
    assert findings.records.rules() == []


def test_no_gate_is_called_missed_while_the_downloads_are_late(tmp_path: Path) -> None:
    with open_launch(tmp_path, *FINDINGS, vip_until=START) as late:
        late.records.look(LAUNCH - late.records.now)
        assert late.records.rules() == []


@pytest.mark.parametrize(("region", "is_granted"), [("CN", True), ("DE", False)])
def test_a_partner_that_may_not_have_what_it_is_required_to_have(
    findings: Launch, region: str, *, is_granted: bool
) -> None:
    findings.records.version("A1", restricted_regions=["CN"])
    findings.invite("P2", region=region, is_granted=is_granted)
    assert found(findings) == ["campaign_partner_without_rights"]
    query = "select partner_id from audit.campaign_conditions"
    assert findings.records.tables.rows(query) == [("P2",)]


def test_an_item_that_will_not_be_live_a_week_before_the_launch(findings: Launch) -> None:
    findings.records.version("A1", approval_status="rejected")
    assert found(findings) == []
    findings.records.look(LAUNCH - 7 * DAY - findings.records.now)
    assert findings.records.rules() == ["campaign_item_not_final"]


def test_an_overdue_approval_and_a_launch_without_one(findings: Launch) -> None:
    findings.task("T1", "approval", partner_id=None)
    assert found(findings) == []
    findings.records.look(7 * DAY)
    assert findings.records.rules() == ["campaign_approval_overdue"]
    findings.campaign("launched")
    assert found(findings) == ["launched_without_approval"]


def test_a_task_that_was_set_done_against_the_facts(findings: Launch) -> None:
    findings.task("T1", "readiness", "done", completed_at=stamp(START))
    assert found(findings) == []
    findings.records.look(DAY)
    assert findings.records.rules() == ["task_done_against_facts"]


def test_a_delivery_that_keeps_failing(findings: Launch) -> None:
    findings.deliver("failed")
    findings.deliver("expired")
    assert found(findings) == []
    findings.deliver("failed")
    assert found(findings) == ["campaign_delivery_failed"]


def test_a_partner_that_vip_has_no_name_for(findings: Launch) -> None:
    findings.put("xref", "P1", entity="partner", vip_id="P1", trading_grid_id="P9")
    findings.records.grant("R-P1", ("partner_group", "G1"), ("package", "K1"))
    findings.put("group_members", "G1", "P1", group_id="G1", partner_id="P1", joined_at=stamp(BEFORE))
    assert found(findings) == ["campaign_partner_unmatched"]


def test_a_campaign_with_partners_and_nothing_for_them(findings: Launch) -> None:
    findings.put("packages", "K1", campaign_id=None)
    assert found(findings) == ["campaign_without_package"]
