"""What a pattern wants becomes an action once: held where it is too much, left where it may not be, dropped if moot."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipeline.actions.book import Book
from pipeline.actions.decisions import Subject, record_decision
from pipeline.actions.desired import decide_desired
from pipeline.actions.keys import action_key
from pipeline.actions.senders import Result
from tests.actions.desk import A1, P1, START, Desk, open_desk

KEY = action_key("P1|RQ-1|accepted|1")


def many(desk: Desk, partners: int) -> None:
    """Let so many partners ask for an asset that each of them may have."""
    for number in range(partners):
        name = f"N{number}"
        desk.add("core.partners", partner_id=name, region="DE-BY", zone="Europe/Berlin", status="active")
        desk.add("freshness.entitlements", partner_id=name, asset_id=A1, entitled=True)
        desk.request(f"RQ-N{number}", partner_id=name)


def test_a_desired_action_is_decided_once_with_its_text_and_its_reason(desk: Desk) -> None:
    desk.request()

    assert desk.decide().actions == 1
    (entry,) = desk.entries("action_decided")
    assert entry.source_id == KEY
    assert entry.data["action_text"] == "P1|RQ-1|accepted|1"
    assert (entry.data["rule"], entry.data["subject_id"], entry.data["evidence"]) == ("matched", "RQ-1", ["RQ-1"])
    assert desk.decide().actions == 0


def test_ids_that_hold_the_mark_between_parts_do_not_meet(desk: Desk) -> None:
    desk.request("RQ|1")
    desk.decide()

    assert desk.entries("action_decided")[0].source_id == action_key("P1|RQ\\|1|accepted|1")


def test_a_pattern_that_would_touch_too_many_partners_waits_for_a_person_in_its_own_batch(tmp_path: Path) -> None:
    with open_desk(tmp_path, notices={"approve_above": {"partners": 3, "share": 1.0}}) as desk:
        many(desk, 4)
        outcome = desk.decide()
        assert (outcome.actions, outcome.held) == (4, 4)
        assert desk.carry_out().sent == 0
        assert desk.decide().actions == 0

        record_decision(desk.journal, desk.turn, "approve", Subject(key="T000001-P1"), actor="olga", reason="right")
        assert desk.carry_out().sent == 4


@pytest.mark.parametrize(
    ("rule", "left_at", "held"),
    [("rules_changed", None, 1), ("rules_changed", START, 0), ("rules_not_published", None, 0)],
)
def test_new_rules_of_a_group_touch_everybody_who_is_in_it(
    tmp_path: Path, rule: str, left_at: datetime | None, held: int
) -> None:
    with open_desk(tmp_path, notices={"approve_above": {"partners": 3, "share": 1.0}}) as desk:
        desk.request()
        desk.compute()
        for number in range(4):
            desk.add("core.group_members", group_id="G1", partner_id=f"N{number}", left_at=left_at)
        desk.compute()
        desk.connection.execute(
            "create or replace table sync.desired_actions as select * replace ("
            " 'P5' as pattern, 'P5|G1' as action_text, 'partner_group' as subject_type, 'G1' as subject_id,"
            f" null::varchar as partner_id, '{rule}' as rule) from sync.desired_actions"
        )
        book = Book(desk.journal)
        outcome = decide_desired(desk.connection, book, desk.turn, desk.settings, active_partners=10)

        assert (outcome.actions, outcome.held) == (1, held)
        again = decide_desired(desk.connection, Book(desk.journal), desk.turn, desk.settings, active_partners=10)
        assert again.actions == 0


def test_a_share_of_the_network_that_is_too_large_waits_too_and_one_partner_less_does_not(tmp_path: Path) -> None:
    for partners, held in ((5, 0), (6, 6)):  # of ten that are active
        with open_desk(tmp_path / str(partners), notices={"approve_above": {"partners": 100, "share": 0.5}}) as desk:
            many(desk, partners)
            assert desk.decide().held == held


def test_what_a_turn_decided_before_it_was_killed_counts_toward_its_threshold(tmp_path: Path) -> None:
    with open_desk(tmp_path, notices={"approve_above": {"partners": 3, "share": 1.0}}) as desk:
        many(desk, 3)
        assert desk.decide().held == 0

        desk.request()
        assert desk.decide().held == 1


def test_what_a_person_rejected_is_not_decided_again(tmp_path: Path) -> None:
    with open_desk(tmp_path, notices={"approve_above": {"partners": 0, "share": 1.0}}) as desk:
        desk.request()
        desk.decide()
        record_decision(desk.journal, desk.turn, "reject", Subject(key="T000001-P1"), actor="olga", reason="wrong")

        assert desk.go_on(2) == []
        assert len(desk.entries("action_decided")) == 1


def test_with_notices_redirected_to_a_test_partner_nothing_is_decided_and_what_was_decided_waits(
    tmp_path: Path,
) -> None:
    with open_desk(tmp_path, notices={"redirect_to": "P-TEST"}) as desk:
        desk.request()
        outcome = desk.decide()
        assert outcome.actions == 0
        assert "1 of P1" in outcome.messages[0]

    with open_desk(tmp_path / "later") as desk:
        desk.request()
        desk.decide()
        redirected = {"notices": desk.settings.notices.model_copy(update={"redirect_to": "P-TEST"})}
        desk.settings = desk.settings.model_copy(update=redirected)
        assert desk.go_on() == []
        assert desk.ask("select verdict, reason from sync.action_rechecks") == [("wait", "redirected")]


def test_while_a_feed_is_late_nothing_of_its_pattern_is_decided_and_what_was_decided_waits(desk: Desk) -> None:
    desk.request()
    desk.rows["ops.streams"][1]["watermark"] = START - timedelta(hours=1)
    outcome = desk.decide()
    assert outcome.actions == 0
    assert outcome.messages == ("P1: 1 actions wait, because what they rest on is late: asset_versions.",)

    desk.rows["ops.streams"][1]["watermark"] = START
    assert desk.decide().actions == 1
    desk.rows["ops.streams"][1]["watermark"] = None
    desk.decide()
    assert desk.carry_out().sent == 0
    assert desk.ask("select verdict, reason from sync.action_rechecks") == [("wait", "data_late")]


def test_what_is_moot_before_it_was_sent_is_dropped_and_decided_again_when_it_is_wanted_again(desk: Desk) -> None:
    desk.request()
    desk.decide()
    desk.rows["freshness.entitlements"][0]["entitled"] = False
    desk.decide()
    desk.carry_out()
    assert [entry.data["reason"] for entry in desk.entries("action_suppressed")] == ["no_longer_desired"]
    assert [effect.payload["to_status"] for effect in desk.sent] == ["denied"]

    desk.pass_time()
    desk.move("reopened")
    desk.rows["freshness.entitlements"][0]["entitled"] = True
    assert desk.go_on() == ["accepted"]
    assert [entry.source_id for entry in desk.entries("action_decided")].count(KEY) == 2


def test_what_somebody_else_did_meanwhile_is_not_taken_for_ours(desk: Desk) -> None:
    desk.request()
    desk.decide()
    desk.pass_time()
    desk.move("accepted", actor="desk:olga")
    desk.rows["core.request_events"][-1]["known_at"] = desk.turn.now
    desk.decide()
    desk.carry_out()

    assert [entry.data["reason"] for entry in desk.entries("action_suppressed")] == ["done_by_somebody_else"]
    assert KEY not in {effect.key for effect in desk.sent}


def test_what_was_ever_on_its_way_keeps_its_words(desk: Desk) -> None:
    desk.request()
    desk.plan = [Result.UNKNOWN]
    desk.go_on()
    first = desk.entries("action_decided")[0].data["payload"]

    desk.rows["freshness.entitlements"][0]["entitled"] = False
    desk.decide()
    desk.plan = [Result.TRANSIENT]
    desk.carry_out()
    assert len(desk.entries("action_suppressed")) == 1
    desk.rows["freshness.entitlements"][0]["entitled"] = True
    desk.rows["core.assets"][0]["title"] = "Another title"
    desk.pass_time()
    desk.decide()

    again = [entry for entry in desk.entries("action_decided") if entry.source_id == KEY]
    assert [entry.data["payload"] for entry in again] == [first, first]


def test_a_delivery_of_unknown_fate_is_looked_up_and_not_sent_twice(desk: Desk) -> None:
    desk.request()
    desk.go_on(2)
    desk.plan = [Result.CONTESTED]
    assert desk.go_on() == ["delivery A1 v1 portal"]
    assert desk.go_on(2) == []

    assert [e.data["how"] for e in desk.entries("action_sent")] == ["posted", "posted", "found"]
    assert len(desk.rows["core.deliveries"]) == 1


def test_no_payload_bears_a_number_or_another_partners_name(desk: Desk) -> None:
    desk.add("core.partners", partner_id="P-OTHER", region="DE-BY", zone="Europe/Berlin", status="active")
    desk.comment("Internal: P-OTHER complained", visibility="internal", partner_id="P-OTHER")
    desk.request(asset_query="the Alpenglow allergen sheet")
    desk.go_on(3)
    desk.comment("1")
    desk.go_on(3)

    assert len(desk.sent) == 5
    for effect in desk.sent:
        assert all(isinstance(value, str) for value in effect.payload.values())
        assert "P-OTHER" not in str(effect.payload)
        assert effect.payload.get("partner_id", "V-P1") == f"V-{P1}"
