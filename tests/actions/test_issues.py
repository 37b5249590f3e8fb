"""The exception loop from report to confirmation, and what can go wrong on the way: ``sql/sync/issue_actions.sql``."""

from __future__ import annotations

from datetime import timedelta

from pipeline.actions.book import Book
from pipeline.actions.desired import decide_desired
from pipeline.actions.outbox import ACTION_SENT
from pipeline.ledger.journal import Value
from tests.actions.exceptions_world import BEFORE, MONDAY, Loop, stamp


def test_a_report_becomes_a_review_a_replacement_a_delivery_and_a_confirmation(loop: Loop) -> None:
    loop.report()

    assert loop.steps() == ["triaged", "review", "in_review"]
    assert (loop.status(), loop.waits_for()) == ("in_review", "review")

    loop.version(2, loop.now)
    loop.review("RV-P3|A1|1|review|1", "replacement_approved", replacement_version_no=2)
    assert loop.steps() == ["replacement_approved", "replacement_published", "delivery", "partner_notified"]
    assert ("delivery-P1-2",) in loop.records["deliveries"]
    assert (loop.status(), loop.waits_for()) == ("partner_notified", "reporter")

    loop.move("IS-1", "confirmed")
    assert loop.look() == []


def test_a_review_that_was_rejected_rejects_the_issue_without_a_word_of_why(loop: Loop) -> None:
    loop.report()
    loop.bring("IS-1", "triaged", "in_review")
    loop.review("RV-1", "rejected", issue_id="IS-1", reason="No budget this quarter")

    (wanted,) = loop.look()

    assert (wanted.action_text, wanted.payload["to_status"]) == ("P3|IS-1|rejected|1", "rejected")
    assert "budget" not in wanted.payload["comment"]


def test_a_replacement_that_is_not_in_force_for_the_reporter_yet_is_waited_for(loop: Loop) -> None:
    loop.report()
    loop.bring("IS-1", "triaged", "in_review", "replacement_approved")
    loop.review("RV-1", "replacement_approved", issue_id="IS-1", replacement_version_no=2)
    in_force = (MONDAY + timedelta(days=1)).replace(hour=0, tzinfo=None)
    loop.version(2, effective_local=in_force.isoformat(), effective_policy="partner_local")

    assert loop.look() == []
    assert loop.waits_for() == "effect"

    (wanted,) = loop.look(timedelta(days=1))
    assert wanted.payload["to_status"] == "replacement_published"
    assert "Version 2" in wanted.payload["comment"]


def test_a_replacement_that_is_withdrawn_before_it_was_in_force_sends_the_issue_back_to_a_new_review(
    loop: Loop,
) -> None:
    loop.report()
    loop.bring("IS-1", "triaged", "in_review", "replacement_approved")
    loop.review("RV-1", "replacement_approved", issue_id="IS-1", replacement_version_no=2)
    loop.version(2, effective_local="2026-04-01T00:00:00", withdrawn_at=stamp(MONDAY), withdrawal_reason="Wrong recipe")

    (back,) = loop.look()
    assert (back.action_text, back.payload["to_status"]) == ("P3|IS-1|in_review|1.2", "in_review")
    assert "will not come" in back.payload["comment"]
    assert "recipe" not in back.payload["comment"]
    assert loop.findings() == ["issue_replacement_lost"]

    loop.do(back)
    (review,) = loop.look()
    assert (review.operation, review.action_text) == ("open_review", "P3|A1|1|review|2")

    loop.do(review)
    loop.version(3, loop.now)
    loop.review("RV-P3|A1|1|review|2", "replacement_approved", replacement_version_no=3)
    (again,) = loop.look()
    assert again.action_text == "P3|IS-1|replacement_approved|1.2"


def test_a_published_replacement_that_is_withdrawn_before_the_reporter_had_it_is_reviewed_again(loop: Loop) -> None:
    loop.report()
    loop.bring("IS-1", "triaged", "in_review", "replacement_approved", "replacement_published")
    loop.review("RV-1", "closed", issue_id="IS-1", replacement_version_no=2)
    loop.version(2, withdrawn_at=stamp(MONDAY))

    (wanted,) = loop.look()

    assert wanted.action_text == "P3|A1|1|review|2"
    assert loop.findings() == ["issue_replacement_lost"]


def test_a_review_that_was_closed_without_an_outcome_is_opened_again(loop: Loop) -> None:
    loop.report()
    loop.bring("IS-1", "triaged", "in_review")
    loop.review("RV-1", "closed", issue_id="IS-1")

    (wanted,) = loop.look()

    assert wanted.action_text == "P3|A1|1|review|2"
    assert loop.findings() == ["issue_review_without_outcome"]


def test_a_closed_review_that_had_been_rejected_before_is_a_rejection(loop: Loop) -> None:
    loop.report()
    loop.bring("IS-1", "triaged", "in_review")
    loop.review("RV-1", "rejected", issue_id="IS-1")
    loop.look()
    loop.review("RV-1", "closed")

    assert [wanted.step for wanted in loop.look()] == ["rejected"]


def test_issues_about_one_version_share_one_review_and_keep_their_own_thread(loop: Loop) -> None:
    loop.partner("P2")
    loop.partner("P3")
    for partner in ("P2", "P3"):
        loop.obtain(partner, 1)
    loop.report("IS-1", "P1", description="Wrong colours, as Name of P3 says too")
    loop.report("IS-2", "P2", "wrong_format")
    for issue in ("IS-1", "IS-2"):
        loop.move(issue, "triaged")

    (review,) = loop.look()

    assert review.action_text == "P3|A1|1|review|1"
    assert review.partner_id is None
    reason = review.payload["reason"]
    assert "Reported by 2 partners (corrupt, wrong_format)." in reason
    assert "held by 1 other partner now; for 1 it is the current one" in reason
    assert "P2" not in reason
    assert 'Said: "Wrong colours, as [partner] says too"' in reason
    assert loop.tables.rows("select partner_id, is_reporter from sync.issue_blast_radius order by partner_id") == [
        ("P1", True),
        ("P2", True),
        ("P3", False),
    ]

    loop.do(review)
    moves = loop.look()
    assert [(move.subject_id, move.step) for move in moves] == [("IS-1", "in_review"), ("IS-2", "in_review")]
    assert "IS-1" not in str(moves[1].payload | {"issue_id": None})


def test_an_issue_joins_the_review_that_runs_already(loop: Loop) -> None:
    loop.review("RV-1", "in_progress")
    loop.report()
    loop.move("IS-1", "triaged")

    assert [wanted.step for wanted in loop.look()] == ["in_review"]


def test_a_review_that_ended_before_the_report_is_no_answer_to_it(loop: Loop) -> None:
    loop.review("RV-1", "rejected")
    loop.now += timedelta(hours=1)
    loop.report()
    loop.move("IS-1", "triaged")

    assert [wanted.action_text for wanted in loop.look()] == ["P3|A1|1|review|2"]


def test_a_reopened_issue_is_triaged_and_reviewed_again_about_what_its_reporter_has_now(loop: Loop) -> None:
    loop.version(2, MONDAY)
    loop.review("RV-1", "replacement_approved", issue_id="IS-1", replacement_version_no=2)
    loop.report()
    loop.bring("IS-1", "triaged", "in_review", "replacement_approved", "replacement_published", "partner_notified")
    loop.obtain("P1", 2, MONDAY + timedelta(hours=1))
    loop.look()
    loop.move("IS-1", "reopened")

    (triage,) = loop.look()
    assert triage.action_text == "P3|IS-1|triaged|2"
    assert "coming back" in triage.payload["comment"]

    loop.do(triage)
    (review,) = loop.look()
    assert (review.action_text, review.payload["version_no"]) == ("P3|A1|2|review|1", "2")
    assert "Reopened" in review.payload["reason"]

    loop.do(review)
    assert [wanted.action_text for wanted in loop.look()] == ["P3|IS-1|in_review|2"]


def test_an_issue_that_is_reopened_for_the_third_time_needs_its_owner(loop: Loop) -> None:
    loop.report()
    for _ in range(3):
        loop.bring("IS-1", "triaged", "partner_notified")
        loop.now += timedelta(hours=1)
        loop.move("IS-1", "reopened")

    (triage,) = loop.look()

    assert triage.action_text == "P3|IS-1|triaged|4"
    assert loop.findings() == ["issue_reopened_again"]


def test_what_persons_ended_by_hand_stays_ended(loop: Loop) -> None:
    loop.report("IS-1")
    loop.bring("IS-1", "triaged", "rejected")
    loop.report("IS-2")
    loop.bring("IS-2", "triaged", "duplicate")
    loop.report("IS-3")
    loop.bring("IS-3", "triaged", "partner_notified", "confirmed")

    assert loop.look() == []


def test_a_step_that_a_person_was_faster_with_is_not_taken_again(loop: Loop) -> None:
    loop.report()
    (triage,) = loop.look()
    assert triage.step == "triaged"

    loop.bring("IS-1", "triaged", "in_review")

    assert [wanted.operation for wanted in loop.look()] == ["open_review"]


def test_looking_again_wants_the_same_under_the_same_key(loop: Loop) -> None:
    loop.report()

    assert loop.look() == loop.look()


def test_an_issue_whose_step_has_not_arrived_yet_is_left_alone(loop: Loop) -> None:
    loop.report()
    loop.put("issues", ("IS-1",), status="triaged", updated_at=stamp(MONDAY + timedelta(minutes=1)))

    assert loop.look() == []
    assert loop.waits_for() == "steps"


def test_a_delivery_that_failed_is_made_again_three_times_and_then_no_more(loop: Loop) -> None:
    loop.version(2, MONDAY)
    loop.report(category="outdated")
    loop.move("IS-1", "triaged")
    keys = []
    for attempt in range(3):
        (wanted,) = loop.look()
        keys.append(wanted.action_text)
        loop.deliver("P1", 2, "failed", delivery_id=f"D-{attempt}")

    assert keys == ["P3|IS-1|delivery:2|1", "P3|IS-1|delivery:2|1.2", "P3|IS-1|delivery:2|1.3"]
    (answer,) = loop.look()
    assert answer.step == "partner_notified"
    assert "sent to you" not in answer.payload["comment"]


def test_a_version_that_is_replaced_while_its_delivery_waits_is_not_delivered(loop: Loop) -> None:
    loop.version(2, MONDAY)
    loop.report(category="outdated")
    loop.move("IS-1", "triaged")
    assert [wanted.action_text for wanted in loop.look()] == ["P3|IS-1|delivery:2|1"]

    loop.version(3, loop.now)
    assert [wanted.action_text for wanted in loop.look()] == ["P3|IS-1|delivery:3|1"]


def test_a_reporter_that_nobody_can_name_in_vip_is_sent_nothing_and_that_is_found(loop: Loop) -> None:
    loop.version(2, MONDAY)
    for trading_grid_id in ("P8", "P9"):
        record = {"entity": "partner", "vip_id": "P1", "trading_grid_id": trading_grid_id}
        loop.put("xref", (trading_grid_id,), **record, valid_from=stamp(BEFORE + timedelta(days=30)))
    loop.put("grants", ("P1",), grantee_type="partner_group", grantee_id="G1")
    loop.put("partner_groups", ("G1",), group_id="G1", name="All", updated_at=stamp(BEFORE))
    loop.put("group_members", ("G1", "P1"), group_id="G1", partner_id="P1", joined_at=stamp(BEFORE))
    loop.report(category="outdated")
    loop.move("IS-1", "triaged")

    assert [wanted.step for wanted in loop.look()] == ["partner_notified"]
    assert loop.findings() == ["issue_partner_unmatched"]


def test_a_delivery_names_the_partner_as_vip_does_and_goes_the_usual_way(loop: Loop) -> None:
    loop.put("xref", ("P1",), entity="partner", vip_id="V-1", trading_grid_id="P1")
    loop.put("grants", ("P1",), grantee_id="V-1")
    loop.version(2, MONDAY)
    loop.deliver("V-1", 1, "delivered", channel="sftp", at=BEFORE + timedelta(days=11))
    loop.report(category="outdated")
    loop.move("IS-1", "triaged")

    (wanted,) = loop.look()

    assert wanted.partner_id == "P1"
    assert wanted.payload == {"partner_id": "V-1", "asset_id": "A1", "version_no": "2", "channel": "sftp"}


def decide(loop: Loop) -> int:
    """Decide what the loop wants, as a turn does, and return how many actions that made."""
    loop.tables.connection.execute(
        "create or replace table sync.desired_actions as"
        " select *, null::varchar as owner, null::varchar as waits_because, []::varchar[] as late_streams"
        " from sync.issue_actions"
    )
    outcome = decide_desired(
        loop.tables.connection, Book(loop.tables.journal), loop.turns[-1], loop.tables.settings, active_partners=9
    )
    return outcome.actions


def test_deciding_again_decides_nothing(loop: Loop) -> None:
    loop.report()
    loop.look()

    assert decide(loop) == 1
    assert decide(loop) == 0

    loop.look()
    assert decide(loop) == 0


def test_a_step_that_was_taken_before_we_died_is_not_taken_again(loop: Loop) -> None:
    loop.report()
    (triage,) = loop.look()
    assert decide(loop) == 1
    loop.do(triage)

    (review,) = loop.look()
    assert decide(loop) == 1
    loop.do(review)

    assert [wanted.step for wanted in loop.look()] == ["in_review"]
    assert decide(loop) == 1
    actions = Book(loop.tables.journal).outbox.actions.values()
    assert sorted(str(action.data["action_text"]) for action in actions) == [
        "P3|A1|1|review|1",
        "P3|IS-1|in_review|1",
        "P3|IS-1|triaged|1",
    ]


def test_a_delivery_that_vip_made_and_does_not_list_yet_is_not_waited_for(loop: Loop) -> None:
    loop.version(2, MONDAY)
    loop.report(category="outdated")
    loop.move("IS-1", "triaged")
    loop.look()
    decide(loop)
    (action,) = Book(loop.tables.journal).outbox.actions.values()
    sent: dict[str, Value] = {"action_key": action.key, "remote_id": "D-1", "how": "posted"}
    loop.tables.journal.append([loop.turns[-1].draft(ACTION_SENT, sent, source="vip", source_id=action.key)])

    assert [wanted.step for wanted in loop.look()] == ["partner_notified"]

    loop.deliver("P1", 2, "failed", delivery_id="D-1")
    assert [wanted.action_text for wanted in loop.look()] == ["P3|IS-1|delivery:2|1.2"]


def test_an_old_review_of_no_version_does_not_answer_a_new_report_of_none(loop: Loop) -> None:
    loop.review("RV-1", "replacement_approved", version_no=None, replacement_version_no=2)
    loop.version(2, MONDAY)
    loop.obtain("P1", 2, MONDAY + timedelta(minutes=1))
    loop.now += timedelta(hours=1)
    loop.report(version_no=None)
    loop.move("IS-1", "triaged")

    assert [wanted.action_text for wanted in loop.look()] == ["P3|A1||review|2"]


def progress(loop: Loop) -> list[tuple[str | int | None, ...]]:
    """Return what a lead of content operations sees of the first issue."""
    for name in ("ops.turns", "sync.actions", "sync.issue_progress"):
        loop.compute(name)
    return loop.tables.rows(
        "select status, next_step, waits_for, action_step, action_state, holders from sync.issue_progress"
    )


def test_who_leads_content_operations_sees_what_is_under_way_and_whom_it_waits_for(loop: Loop) -> None:
    loop.report()
    loop.look()
    assert progress(loop) == [("reported", "triaged", "us", None, None, 1)]

    decide(loop)
    assert progress(loop) == [("reported", "triaged", "us", "triaged", "pending", 1)]

    loop.move("IS-1", "triaged")
    (review,) = loop.look()
    decide(loop)
    loop.do(review)
    loop.move("IS-1", "in_review")
    loop.look()
    assert progress(loop)[0][:4] == ("in_review", None, "review", "review")
