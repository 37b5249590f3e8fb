"""What triage finds, and what is answered at once: ``sql/sync/issue_steps.sql``, ``sql/sync/issue_comments.sql``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.actions.exceptions_world import MONDAY, Loop, Wanted, open_loop


def said(wanted: list[Wanted]) -> str:
    """Return the comment of the only action."""
    (only,) = wanted
    return str(only.payload["comment"])


def test_an_outdated_issue_of_a_stale_partner_is_answered_at_once_with_the_version_it_should_have(loop: Loop) -> None:
    loop.version(2, MONDAY)
    loop.report(category="outdated", version_no=None)

    triage = loop.look()
    assert "version 2 is the one that you should have" in said(triage)

    loop.do(triage[0])
    assert loop.steps() == ["delivery", "partner_notified"]
    assert "reviews" not in loop.records


def test_what_the_partner_obtains_between_two_steps_does_not_change_the_answer(loop: Loop) -> None:
    loop.version(2, MONDAY)
    loop.report(category="outdated", version_no=None)
    loop.move("IS-1", "triaged")
    loop.obtain("P1", 2, MONDAY + timedelta(minutes=30))

    (answer,) = loop.look()

    assert answer.step == "partner_notified"
    assert answer.payload["comment"].startswith("Please use version 2 from now on.")


def test_reports_about_a_version_that_has_a_successor_are_answered_with_it_and_one_delivery(loop: Loop) -> None:
    loop.version(2, MONDAY)
    for category in ("corrupt", "outdated", "wrong_format"):
        loop.report(f"IS-{category}", category=category)
        loop.move(f"IS-{category}", "triaged")

    (delivery,) = loop.look()
    assert delivery.action_text == "P3|IS-corrupt|delivery:2|1"

    loop.do(delivery)
    assert [wanted.step for wanted in loop.look()] == ["partner_notified"] * 3


def test_what_no_newer_version_answers_goes_to_the_owners(loop: Loop) -> None:
    loop.version(2, MONDAY)
    for issue_id, category, version_no in (
        ("IS-1", "outdated", 2),
        ("IS-2", "other", 1),
        ("IS-3", "wrong_territory", 1),
    ):
        loop.report(issue_id, category=category, version_no=version_no)
        loop.move(issue_id, "triaged")

    assert [wanted.action_text for wanted in loop.look()] == ["P3|A1|1|review|1", "P3|A1|2|review|1"]


def test_a_version_that_vip_does_not_know_is_not_named_in_the_review(loop: Loop) -> None:
    loop.report(version_no=7)
    loop.move("IS-1", "triaged")

    (review,) = loop.look()

    assert review.action_text == "P3|A1||review|1"
    assert review.payload["version_no"] is None


def test_a_missing_file_is_delivered_to_whom_is_entitled_and_to_nobody_else(loop: Loop) -> None:
    loop.partner("P2", is_entitled=False)
    loop.report("IS-1", "P1", "missing", version_no=None)
    loop.report("IS-2", "P2", "missing", version_no=None)
    loop.bring("IS-1", "triaged")
    loop.bring("IS-2", "triaged")

    wanted = loop.look()
    assert [one.action_text for one in wanted] == ["P3|A1||review|1", "P3|IS-1|delivery:1|1"]

    for one in wanted:
        loop.do(one)
    answer, review = loop.look()
    assert (answer.subject_id, answer.step) == ("IS-1", "partner_notified")
    assert "It has been sent to you." in answer.payload["comment"]
    assert (review.subject_id, review.step) == ("IS-2", "in_review")


def test_who_reports_an_old_version_and_may_not_download_the_new_one_is_told_so(loop: Loop) -> None:
    loop.partner("P2", is_entitled=False)
    loop.obtain("P2", 1)
    loop.version(2, MONDAY)
    loop.report("IS-2", "P2", "outdated")
    loop.move("IS-2", "triaged")

    assert "ask your contact for access" in said(loop.look())


def test_a_barred_version_is_answered_with_its_removal_and_what_to_hold_instead(loop: Loop) -> None:
    loop.version(2, MONDAY, restricted_regions=["DE"])
    loop.obtain("P1", 2, MONDAY)
    loop.report(category="wrong_territory", version_no=2)

    triage = loop.look()
    assert "not meant for your territory" in said(triage)

    loop.do(triage[0])
    comment = said(loop.look())
    assert "remove every copy" in comment
    assert "use version 1" in comment


def test_a_barred_version_without_a_predecessor_leaves_nothing_to_hold(loop: Loop) -> None:
    loop.version(1, restricted_regions=["DE"])
    loop.report(category="wrong_territory")
    loop.move("IS-1", "triaged")

    assert "no version to use in its place" in said(loop.look())


def test_negative_claims_wait_for_late_data_and_the_rest_does_not(tmp_path: Path) -> None:
    with open_loop(tmp_path, is_late=True) as loop:
        loop.version(2, MONDAY)
        loop.report("IS-1", category="outdated")
        loop.report("IS-2", category="missing")
        loop.report("IS-3", category="corrupt", version_no=2)

        triage = loop.look()
        assert [one.step for one in triage] == ["triaged", "triaged", "triaged"]
        assert "comparing it with our records" in triage[0].payload["comment"]

        for one in triage:
            loop.do(one)
        assert [(one.subject_id, one.step) for one in loop.look()] == [("IS-3", "review")]
        assert (loop.waits_for("IS-1"), loop.waits_for("IS-2")) == ("data", "data")


def test_a_partner_s_second_report_of_the_same_is_folded_into_its_first(loop: Loop) -> None:
    loop.report("IS-1")
    loop.now += timedelta(hours=1)
    loop.report("IS-2")
    for issue in ("IS-1", "IS-2"):
        loop.move(issue, "triaged")

    review, fold = loop.look()

    assert review.subject_id == "IS-1"
    assert fold.payload["to_status"] == "duplicate"
    assert fold.payload["duplicate_of"] == "IS-1"
    assert "IS-1" in fold.payload["comment"]


def test_only_the_same_category_and_version_is_the_same_report(loop: Loop) -> None:
    loop.version(2, MONDAY + timedelta(days=30))
    for issue_id, category, version_no in (
        ("IS-1", "corrupt", 1),
        ("IS-2", "corrupt", 1),
        ("IS-3", "corrupt", 2),
        ("IS-4", "other", 1),
    ):
        loop.report(issue_id, category=category, version_no=version_no)
        loop.move(issue_id, "triaged")

    assert [wanted.subject_id for wanted in loop.look() if wanted.step == "duplicate"] == ["IS-2"]


def test_outdated_reports_of_one_asset_are_the_same_whatever_version_they_name(loop: Loop) -> None:
    loop.report("IS-1", category="outdated")
    loop.report("IS-2", category="outdated", version_no=None)
    loop.bring("IS-1", "triaged", "in_review")
    loop.move("IS-2", "triaged")

    assert ("IS-2", "duplicate") in [(one.subject_id, one.step) for one in loop.look()]


def test_another_partner_s_report_is_never_folded_and_never_named(loop: Loop) -> None:
    loop.partner("P2")
    loop.obtain("P2", 1)
    loop.report("IS-1", "P1")
    loop.report("IS-2", "P2")

    first, second = loop.look()

    assert second.step == "triaged"
    assert "IS-1" not in str(second.payload)
    assert "IS-2" not in str(first.payload)


def test_a_first_report_that_is_answered_does_not_swallow_the_second(loop: Loop) -> None:
    loop.report("IS-1")
    loop.bring("IS-1", "triaged", "partner_notified")
    loop.now += timedelta(hours=1)
    loop.report("IS-2")
    loop.move("IS-2", "triaged")

    assert [wanted.operation for wanted in loop.look()] == ["open_review"]


def test_an_issue_that_names_no_known_file_is_asked_about_and_found(loop: Loop) -> None:
    loop.report("IS-1", asset_id=None)
    loop.report("IS-2", asset_id="A99")

    triage = loop.look()
    assert all("which file" in one.payload["comment"] for one in triage)

    for one in triage:
        loop.do(one)
    assert loop.look() == []
    assert loop.waits_for() == "name"
    assert loop.findings() == ["issue_subject_unknown", "issue_subject_unknown"]


def test_the_thread_speaks_the_reporter_s_language_where_it_can(loop: Loop) -> None:
    for partner, locale in (("P1", "de-AT"), ("P2", "es"), ("P3", "fr-FR"), ("P4", "")):
        loop.partner(partner, locale=locale)
        loop.report(f"IS-{partner}", partner)

    begins = [wanted.payload["comment"].split()[0] for wanted in loop.look()]

    assert begins == ["Danke", "Gracias", "Thank", "Thank"]


def test_every_sentence_is_there_in_every_language(loop: Loop) -> None:
    loop.look()

    rows = loop.tables.rows("select name, count(distinct wording) from sync.issue_wordings group by name")
    assert {count for _, count in rows} == {3}
