"""Who is told of an exception beside its thread: ``sql/sync/issue_notices.sql``."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from tests.actions.exceptions_world import MONDAY, Loop


def notices(loop: Loop) -> list[tuple[str, int | None, str, dict[str, Any]]]:
    """Return partner, version, step and what is said."""
    loop.look()
    rows = loop.tables.rows(
        "select partner_id, version_no, step, said from sync.issue_notices order by partner_id, subject_id"
    )
    return [(partner, version, step, json.loads(what)) for partner, version, step, what in rows]


def test_the_reporter_is_told_what_it_should_have_and_that_it_was_sent(loop: Loop) -> None:
    loop.version(2, MONDAY)
    loop.report(category="outdated")
    assert notices(loop) == []

    loop.move("IS-1", "triaged")
    loop.deliver("P1", 2, "queued")
    loop.move("IS-1", "partner_notified")

    assert notices(loop) == [
        (
            "P1",
            1,
            "partner_notified:IS-1:1",
            {
                "issue_id": "IS-1",
                "status": "partner_notified",
                "issue_category": "outdated",
                "answer": "should_have",
                "faulty_version": "1",
                "replacement_version": "2",
                "reason": "",
                "is_delivered": "yes",
            },
        )
    ]


def test_a_rejection_is_told_without_versions_and_reasons(loop: Loop) -> None:
    loop.report(version_no=None)
    loop.bring("IS-1", "triaged", "in_review", "rejected")
    loop.review("RV-1", "rejected", issue_id="IS-1", reason="The other distributor complained too")

    ((_, version, step, what),) = notices(loop)

    assert (version, step) == (None, "rejected:IS-1:1")
    assert (what["answer"], what["replacement_version"], what["reason"]) == ("rejected", "", "")


def test_every_round_is_told_of_once(loop: Loop) -> None:
    loop.report()
    loop.bring("IS-1", "triaged", "partner_notified")
    loop.now += timedelta(hours=1)
    loop.bring("IS-1", "reopened", "triaged", "partner_notified")

    assert [step for _, _, step, _ in notices(loop)] == ["partner_notified:IS-1:2"]


def test_who_holds_the_faulty_version_and_gets_no_replacement_is_told_without_a_word_of_the_reporter(
    loop: Loop,
) -> None:
    loop.partner("P2", region="FR")
    loop.partner("P3")
    for partner in ("P2", "P3"):
        loop.obtain(partner, 1)
    loop.version(2, MONDAY, restricted_regions=["FR"])
    loop.review("RV-1", "replacement_approved", issue_id="IS-1", replacement_version_no=2)
    loop.report()
    loop.bring("IS-1", "triaged", "in_review", "replacement_approved", "replacement_published")

    ((partner, version, step, what),) = notices(loop)

    assert (partner, version, step) == ("P2", 1, "replaced:1:2")
    assert what == {
        "status": "replacement_published",
        "answer": "holder",
        "faulty_version": "1",
        "replacement_version": "",
    }


def test_who_gets_the_replacement_later_hears_of_it_as_of_any_version(loop: Loop) -> None:
    loop.partner("P2")
    loop.obtain("P2", 1)
    loop.version(2, effective_local="2026-05-01T00:00:00")
    loop.review("RV-1", "replacement_approved", issue_id="IS-1", replacement_version_no=2)
    loop.report()
    loop.bring("IS-1", "triaged", "in_review", "replacement_approved", "replacement_published")

    assert notices(loop) == []


def test_a_removal_is_said_to_be_for_the_territory(loop: Loop) -> None:
    loop.version(2, MONDAY, restricted_regions=["DE"])
    loop.obtain("P1", 2, MONDAY)
    loop.report(category="wrong_territory", version_no=2)
    loop.bring("IS-1", "triaged", "partner_notified")

    ((_, version, _, what),) = notices(loop)

    assert (version, what["reason"], what["replacement_version"]) == (2, "barred_region", "1")
