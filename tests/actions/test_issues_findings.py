"""What contradicts the facts about an issue, and what the loop cannot settle: ``sql/audit/issue_conditions.sql``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.actions.exceptions_world import MONDAY, Loop, stamp


def dismissed_by_hand(loop: Loop, **fields: Any) -> list[str]:
    """Let a person reject an issue, and return the findings."""
    loop.report(**fields)
    loop.bring("IS-1", "triaged", "rejected")
    assert loop.look() == []
    return loop.findings()


def test_a_rejection_that_nothing_contradicts_is_no_finding(loop: Loop) -> None:
    assert dismissed_by_hand(loop, category="outdated") == []


def test_rejecting_that_a_version_is_outdated_while_it_is_contradicts_the_facts(loop: Loop) -> None:
    loop.version(2, MONDAY)

    assert dismissed_by_hand(loop, category="outdated") == ["issue_rejected_but_right"]


def test_rejecting_what_is_said_of_a_version_that_was_withdrawn_contradicts_the_facts(loop: Loop) -> None:
    loop.version(1, withdrawn_at=stamp(MONDAY))

    assert dismissed_by_hand(loop, category="other") == ["issue_rejected_but_right"]


def test_rejecting_that_a_file_is_corrupt_while_its_checksum_says_so_contradicts_the_facts(loop: Loop) -> None:
    loop.deliver("P1", 1, "delivered")
    loop.put("deliveries", ("delivery-P1-1",), checksum_sha256="f" * 64)

    assert dismissed_by_hand(loop) == ["issue_rejected_but_right"]


def test_rejecting_that_a_territory_is_wrong_while_the_version_is_barred_contradicts_the_facts(loop: Loop) -> None:
    loop.version(1, restricted_regions=["DE"])

    assert dismissed_by_hand(loop, category="wrong_territory") == ["issue_rejected_but_right"]


def test_rejecting_that_a_file_is_missing_while_its_reporter_never_got_it_contradicts_the_facts(loop: Loop) -> None:
    loop.partner("P2")

    assert dismissed_by_hand(loop, category="missing", partner_id="P2") == ["issue_rejected_but_right"]


def test_a_duplicate_of_another_partner_s_issue_shows_its_number_to_the_wrong_eyes(loop: Loop) -> None:
    loop.partner("P2")
    loop.report("IS-1", "P1")
    for issue_id, reporter in (("IS-2", "P1"), ("IS-3", "P2")):
        loop.report(issue_id, reporter)
        loop.bring(issue_id, "triaged", "duplicate")
        loop.put("issues", (issue_id,), duplicate_of="IS-1")
    loop.look()

    rows = loop.tables.rows("select subject_id, rule from audit.issue_conditions")
    assert rows == [("IS-3", "issue_duplicate_reveals_partner")]


def test_an_issue_that_was_moved_ahead_of_its_review_is_found_until_a_newer_version_is_in_force(loop: Loop) -> None:
    loop.report()
    loop.bring("IS-1", "triaged", "in_review", "replacement_approved")

    assert loop.look() == []
    assert (loop.findings(), loop.waits_for()) == (["issue_ahead_of_review"], "person")

    loop.version(2, loop.now)
    assert [wanted.step for wanted in loop.look()] == ["replacement_published"]
    assert loop.findings() == []


def test_a_replacement_that_is_barred_for_its_reporter_needs_a_person(loop: Loop) -> None:
    loop.version(2, MONDAY, restricted_regions=["DE"])
    loop.review("RV-1", "replacement_approved", issue_id="IS-1", replacement_version_no=2)
    loop.report()
    loop.bring("IS-1", "triaged", "in_review", "replacement_approved")

    assert loop.look() == []
    assert (loop.findings(), loop.waits_for()) == (["issue_replacement_barred"], "person")


def test_a_finding_is_gone_once_the_new_review_has_an_outcome(loop: Loop) -> None:
    loop.report()
    loop.bring("IS-1", "triaged", "in_review")
    loop.review("RV-1", "closed", issue_id="IS-1")
    loop.now += timedelta(hours=1)
    loop.review("RV-2", "rejected", issue_id="IS-1")
    loop.look()

    assert loop.findings() == []
