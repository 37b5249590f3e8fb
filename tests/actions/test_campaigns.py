"""P6: a package goes out once, when it is final, to whom it is meant for, and again where it changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.actions.outbox import ACTION_FAILED, ACTION_LEASED
from tests.actions.launches_world import LAUNCH, Launch, open_launch
from tests.actions.records_world import BEFORE, DAY, GO_LIVE, HOUR, START, stamp


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    with open_launch(tmp_path) as told:
        yield told


def test_a_final_package_is_told_of_and_delivered_item_by_item(launch: Launch) -> None:
    deliveries = launch.look()
    assert [(one.target_system, one.operation, one.payload) for one in deliveries] == [
        ("vip", "create_delivery", {"partner_id": "P1", "asset_id": asset, "version_no": "1", "channel": "portal",
                                    "package_id": "K1"})
        for asset in ("A1", "A2")
    ]  # fmt: skip
    (told,) = launch.told()
    assert (told.partner_id, told.rule) == ("P1", "package_final")
    assert told.said["items"] == "- Title of A1 (A1): 1, A1-1.pdf\n- Title of A2 (A2): 1, A2-1.pdf"
    assert (told.said["campaign_name"], told.said["package_id"]) == ("Spring", "K1")
    assert told.said["launch_at"] == told.said["answer_by_at"] == "2026-03-16T08:00:00.000000Z"
    assert (told.said["required_rung"], told.said["changes"]) == ("obtained", "")


def test_what_launches_after_the_go_live_is_due_from_the_go_live_on(launch: Launch) -> None:
    launch.look()
    assert [told.due_at for told in launch.told()] == [GO_LIVE]


def test_what_was_launched_before_the_go_live_is_not_ours(launch: Launch) -> None:
    launch.campaign("launched", launch_local="2026-02-20T00:00:00")
    assert launch.look() == []
    assert launch.told() == []
    launch.records.version("A1", 2, approved_at=START, effective_local="2026-02-01T00:00:00")
    assert launch.look() == []


def test_asking_again_changes_nothing(launch: Launch) -> None:
    first = launch.look()
    told = launch.told()
    assert launch.look() == first
    assert launch.told() == told
    launch.post(told[0])
    assert launch.look() == first
    assert [one.step for one in launch.told()] == [told[0].step]


def test_a_partner_bears_vips_own_name_in_a_delivery(launch: Launch) -> None:
    launch.put("xref", "P1", entity="partner", vip_id="V-1", trading_grid_id="P1")
    launch.records.grant("R-P1", ("partner", "V-1"), ("package", "K1"))
    assert {one.payload["partner_id"] for one in launch.look()} == {"V-1"}


def test_nothing_is_delivered_to_a_partner_without_a_name_in_vip(launch: Launch) -> None:
    launch.put("xref", "P1", entity="partner", vip_id="P1", trading_grid_id="P9")
    launch.records.grant("R-P1", ("partner_group", "G1"), ("package", "K1"))
    launch.put("group_members", "G1", "P1", group_id="G1", partner_id="P1", joined_at=stamp(BEFORE))
    assert launch.look() == []
    assert len(launch.told()) == 1


def test_a_delivery_takes_the_way_that_reached_the_partner_last(launch: Launch) -> None:
    launch.records.asset("B1")
    launch.records.version("B1")
    launch.deliver("delivered", "B1", channel="sftp")
    assert {one.payload["channel"] for one in launch.look()} == {"sftp"}


@pytest.mark.parametrize("status", ["queued", "in_progress", "delivered", "picked_up", "cancelled"])
def test_what_is_on_its_way_or_was_stopped_by_hand_is_not_delivered_again(launch: Launch, status: str) -> None:
    launch.deliver(status)
    assert [one.asset_id for one in launch.look()] == ["A2"]


@pytest.mark.parametrize("status", ["failed", "expired"])
def test_a_failed_delivery_is_tried_again_and_three_times_at_most(launch: Launch, status: str) -> None:
    keys = set()
    for _ in range(3):
        (wanted,) = [one for one in launch.look() if one.asset_id == "A1"]
        keys.add(wanted.key)
        launch.deliver(status)
    assert len(keys) == 3
    assert [one.asset_id for one in launch.look()] == ["A2"]


def test_who_has_an_item_is_not_sent_it(launch: Launch) -> None:
    launch.obtain("A1")
    assert [one.asset_id for one in launch.look()] == ["A2"]


def test_an_item_without_a_version_at_the_launch_holds_the_package_back(launch: Launch) -> None:
    launch.records.version("A2", approval_status="pending", approved_at=BEFORE)
    assert launch.look() == []
    assert (launch.told(), launch.stage()) == ([], "blocked")
    launch.records.version("A2")
    assert len(launch.look()) == 2


def test_a_version_that_takes_effect_after_the_launch_is_not_the_one_to_send(launch: Launch) -> None:
    launch.records.version("A1", 2, effective_local=stamp(LAUNCH + DAY)[:19])
    assert {one.payload["version_no"] for one in launch.look()} == {"1"}


def test_a_version_that_takes_effect_with_the_launch_is_sent_before_it(launch: Launch) -> None:
    launch.records.version("A1", 2, effective_local=stamp(LAUNCH)[:19])
    assert [(one.asset_id, one.payload["version_no"]) for one in launch.look()] == [("A1", "2"), ("A2", "1")]


def test_each_zone_gets_what_is_live_at_its_own_launch(launch: Launch) -> None:
    launch.invite("P2", timezone="Asia/Tokyo")
    launch.campaign("planning", launch_policy="partner_local", launch_local="2026-03-16T08:00:00")
    launch.records.version("A1", 2, effective_local="2026-03-16T00:00:00")
    of_a1 = {one.partner_id: one.payload["version_no"] for one in launch.look() if one.asset_id == "A1"}
    assert of_a1 == {"P1": "2", "P2": "1"}


def test_a_barred_item_holds_back_the_package_of_that_partner_only(launch: Launch) -> None:
    launch.invite("P2", region="CN")
    launch.records.version("A1", restricted_regions=["CN"])
    assert {one.partner_id for one in launch.look()} == {"P1"}
    assert (launch.stage("P1"), launch.stage("P2")) == ("final", "blocked")


def test_a_partner_without_rights_gets_nothing(launch: Launch) -> None:
    launch.invite("P2", is_granted=False)
    assert {one.partner_id for one in launch.look()} == {"P1"}
    assert launch.stage("P2") == "blocked"


@pytest.mark.parametrize("fields", [{"status": "left", "left_at": stamp(BEFORE)}, {"status": "suspended"}])
def test_who_left_or_is_suspended_gets_nothing(launch: Launch, fields: dict[str, str]) -> None:
    launch.records.partner("P1", **fields)
    assert launch.look() == []
    assert launch.told() == []


def test_an_optional_item_that_is_not_ready_is_left_out(launch: Launch) -> None:
    launch.records.asset("A3")
    launch.item("A3", required=False)
    launch.look()
    (told,) = launch.told()
    assert "A3" not in told.said["items"]


def test_an_optional_item_is_told_of_and_not_delivered(launch: Launch) -> None:
    launch.item("A2", required=False)
    assert [one.asset_id for one in launch.look()] == ["A1"]
    assert "A2" in launch.told()[0].said["items"]


def test_an_embargo_is_respected(launch: Launch) -> None:
    launch.put("packages", "K1", embargo_until=stamp(START + 2 * DAY))
    assert launch.look() == []
    assert (launch.told(), launch.stage()) == ([], "embargo")
    assert len(launch.look(2 * DAY)) == 2
    assert [told.due_at for told in launch.told()] == [START + 2 * DAY]


@pytest.mark.parametrize("status", ["open", "blocked"])
@pytest.mark.parametrize("partner_id", [None, "P1"])
def test_nothing_goes_out_before_it_is_approved(launch: Launch, status: str, partner_id: str | None) -> None:
    launch.task("T1", "approval", status, partner_id=partner_id)
    assert launch.look() == []
    assert (launch.told(), launch.stage()) == ([], "approval")


@pytest.mark.parametrize("status", ["done", "waived"])
def test_an_approval_lets_it_go(launch: Launch, status: str) -> None:
    launch.task("T1", "approval", status, partner_id=None, completed_at=stamp(START))
    assert len(launch.look()) == 2


def test_another_partners_approval_holds_back_only_that_partner(launch: Launch) -> None:
    launch.invite("P2")
    launch.task("T1", "approval", partner_id="P2")
    assert {one.partner_id for one in launch.look()} == {"P1"}


def test_who_is_waived_is_left_alone(launch: Launch) -> None:
    launch.task("T1", "readiness", "waived")
    assert launch.look() == []
    assert (launch.told(), launch.stage()) == ([], "waived")


@pytest.mark.parametrize("status", ["cancelled", "closed"])
def test_a_campaign_that_is_over_stops_everything(launch: Launch, status: str) -> None:
    launch.look()
    launch.campaign(status)
    assert launch.look() == []
    assert launch.told() == []


def test_what_a_person_posted_is_not_posted_again(launch: Launch) -> None:
    launch.list_notice("N1", "P1")
    assert len(launch.look()) == 2
    assert launch.told() == []


def test_what_a_person_posted_before_the_version_was_approved_is_about_something_else(launch: Launch) -> None:
    launch.list_notice("N1", "P1")
    launch.look()
    launch.records.version("A1", 2, approved_at=launch.records.now + HOUR / 2)
    launch.look()
    assert len(launch.told()) == 1


def test_a_late_change_is_a_further_round_with_what_changed(launch: Launch) -> None:
    launch.look()
    (first,) = launch.told()
    launch.post(first)
    launch.obtain("A1", "A2")
    launch.records.version("A1", 2, approved_at=launch.records.now + HOUR / 2)
    (delivery,) = launch.look()
    assert (delivery.asset_id, delivery.payload["version_no"]) == ("A1", "2")
    (second,) = launch.told()
    assert second.rule == "package_changed"
    assert second.step.endswith(":2")
    assert second.said["changes"] == "- Title of A1 (A1): 2, A1-2.pdf"
    launch.post(second)
    launch.look()
    assert [told.step for told in launch.told()] == [second.step]


def test_an_item_that_joins_late_is_a_further_round(launch: Launch) -> None:
    launch.look()
    launch.post(launch.told()[0])
    launch.records.asset("A3")
    launch.records.version("A3")
    launch.item("A3")
    assert "A3" in {one.asset_id for one in launch.look()}
    assert launch.told()[0].said["changes"] == "- Title of A3 (A3): 1, A3-1.pdf"


def test_a_return_to_what_was_told_first_is_told_again(launch: Launch) -> None:
    steps: set[str] = set()
    for withdrawn in (None, None, "now"):
        if steps:
            extra = {"withdrawn_at": stamp(launch.records.now)} if withdrawn else {}
            launch.records.version("A1", 2, approved_at=START, **extra)
            launch.put("assets", "A1", on_withdraw="reinstate_previous")
        launch.look()
        (told,) = launch.told()
        launch.post(told)
        steps.add(told.step)
    assert [step.rpartition(":")[2] for step in sorted(steps, key=lambda one: one[-1])] == ["1", "2", "3"]


def test_a_notice_that_was_never_on_its_way_does_not_count_as_told(launch: Launch) -> None:
    launch.look()
    (first,) = launch.told()
    launch.records.post(first, "launch_package", ACTION_FAILED)
    launch.records.version("A1", 2, approved_at=launch.records.now + HOUR / 2)
    launch.look()
    assert launch.told()[0].rule == "package_final"


def test_a_notice_of_unknown_fate_counts_as_told(launch: Launch) -> None:
    launch.look()
    launch.records.post(launch.told()[0], "launch_package", ACTION_LEASED)
    launch.records.version("A1", 2, approved_at=launch.records.now + HOUR / 2)
    launch.look()
    assert launch.told()[0].rule == "package_changed"


def test_a_cancelled_campaign_takes_its_own_notices_back_and_no_others(launch: Launch) -> None:
    launch.invite("P2")
    launch.look()
    posted = {launch.post(told) for told in launch.told()}
    launch.list_notice("N-by-hand", "P1")
    launch.campaign("cancelled")
    wanted = launch.look()
    assert {one.payload["notice_id"] for one in wanted} == posted
    assert {one.operation for one in wanted} == {"retract_notice"}
    assert wanted[0].payload["reason"] == "Spring is cancelled."
    for notice_id in posted:
        launch.put("notices", notice_id, retracted_at=stamp(launch.records.now))
    assert launch.look() == []


def test_a_campaign_that_is_taken_up_again_tells_again(launch: Launch) -> None:
    launch.look()
    notice_id = launch.post(launch.told()[0])
    launch.campaign("cancelled")
    (wanted,) = launch.look()
    launch.records.send(wanted)
    launch.put("notices", notice_id, retracted_at=stamp(launch.records.now))
    launch.campaign("planning")
    launch.look()
    assert launch.told()[0].step.endswith(":2")


def test_what_a_person_retracted_stays_told(launch: Launch) -> None:
    launch.look()
    (first,) = launch.told()
    notice_id = launch.post(first)
    launch.put("notices", notice_id, retracted_at=stamp(launch.records.now))
    launch.look()
    assert [told.step for told in launch.told()] == [first.step]


def test_no_partners_package_names_another_partner(launch: Launch) -> None:
    launch.invite("P2")
    wanted = launch.look()
    for partner, other in (("P1", "P2"), ("P2", "P1")):
        own = [str(one.payload) for one in wanted if one.partner_id == partner]
        own += [f"{told.step} {told.said}" for told in launch.told() if told.partner_id == partner]
        assert len(own) == 3
        assert not [text for text in own if other in text]
