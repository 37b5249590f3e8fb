"""Exceptions: how fast, how often again, who else was told (docs/domain.md 9, P3; 11, K11).

Here belong: the stages of each issue, the holders of the faulty version. Not here: rates and medians (things.py).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.reference.holdings import copies
from tests.reference.identities import canonical_asset
from tests.reference.records import Knowledge, has_passed, instant, integer, required_instant, text
from tests.reference_figures.steps import Steps, asset_of, issues_of
from tests.reference_figures.things import Thing, Things, Wait
from tests.reference_figures.withdrawals import removed_at
from tests.reference_figures.working_time import Calendar

DISMISSED = frozenset({"rejected", "duplicate"})
ANSWERED = frozenset({"partner_notified", "confirmed"})
INFORMING = frozenset({"publish", "version_change", "withdrawal", "expiry", "issue_update"})


def exception_loop(known: Knowledge, as_of: datetime, calendar: Calendar) -> Things:
    """K11: stages in working time and by the calendar, reopened, repeats, holders informed."""
    stages = ("triage", "replacement", "confirmation")
    found: Things = {("K11", name + how): [] for name in stages for how in ("", "_calendar")}
    found |= {("K11", name): [] for name in ("reopened", "repeats_per_asset", "holders_informed")}
    for issue in issues_of(known):
        if issue.started_at > as_of:
            continue
        partner_id, asset_id = str(issue.record["partner_id"]), asset_of(known, issue.record)
        for stage, end in _stages(issue, as_of).items():
            for how in ("", "_calendar"):
                wait = None if end is None else _wait(issue, end, None if how else calendar)
                thing = Thing(partner_id, asset_id, issue.started_at, wait=wait, excluded=wait is None)
                found["K11", stage + how].append(thing)
        reached = {status for _, _, status in issue.by(as_of)}
        was_answered = bool(reached & (ANSWERED | {"reopened"}))
        found["K11", "reopened"].append(
            Thing(
                partner_id,
                asset_id,
                issue.started_at,
                numerator="reopened" in reached,
                denominator=was_answered,
                excluded=not was_answered,
            )
        )
        if asset_id is not None:
            is_dismissed = issue.status(as_of) in DISMISSED
            thing = Thing(partner_id, asset_id, issue.started_at, denominator=not is_dismissed, excluded=is_dismissed)
            found["K11", "repeats_per_asset"].append(thing)
            found["K11", "holders_informed"] += _holders(known, issue, asset_id, as_of)
    return found


def _stages(issue: Steps, as_of: datetime) -> dict[str, tuple[datetime, bool] | None]:
    """When each stage came, or until when it has been waited for; None where it will not come."""
    status = issue.status(as_of)
    triaged_at = min((at for at, _, to_status in issue.by(as_of) if to_status != "reported"), default=None)
    replaced_at = issue.first_by("replacement_published", as_of)
    confirmed_at = issue.first_by("confirmed", as_of)
    will_come = {
        "triage": status == "reported",
        "replacement": status not in DISMISSED and status not in ANSWERED,
        "confirmation": status not in DISMISSED and status != "confirmed",
    }
    came = {"triage": triaged_at, "replacement": replaced_at, "confirmation": confirmed_at}
    return {
        stage: (at, True) if at is not None else (as_of, False) if will_come[stage] else None
        for stage, at in came.items()
    }


def _wait(issue: Steps, end: tuple[datetime, bool], calendar: Calendar | None) -> Wait:
    """How long since the report, in working time where there is a calendar; not below 0."""
    at, is_reached = end
    if at < issue.started_at:
        return Wait(timedelta(0), is_reached=is_reached)
    lasted = at - issue.started_at if calendar is None else calendar.worked(issue.started_at, at)
    return Wait(lasted, is_reached=is_reached)


def _faulty_version(known: Knowledge, issue: Steps, as_of: datetime) -> int | None:
    """Return the version that the issue names, else its first review that names one."""
    named = integer(issue.record, "version_no")
    if named is not None:
        return named
    reviews = [
        (required_instant(review, "opened_at"), str(review["review_id"]), number)
        for review in known.current("reviews")
        if review.get("issue_id") == issue.record["issue_id"]
        and (number := integer(review, "version_no")) is not None
        and required_instant(review, "opened_at") <= as_of
    ]
    return min(reviews)[2] if reviews else None


def _holders(known: Knowledge, issue: Steps, asset_id: str, as_of: datetime) -> Iterator[Thing]:
    """Yield who held the faulty version at any time from the report on."""
    number, reported_at = _faulty_version(known, issue, as_of), issue.started_at
    if number is None:
        return
    obtained = [copy for copy in copies(known) if copy.asset_id == asset_id and copy.obtained_at <= as_of]
    held = set()
    for copy in obtained:
        gone_at = removed_at(known, copy, as_of)
        if copy.version_no == number and (gone_at is None or gone_at > reported_at):
            held.add(copy.partner_id)
    for partner_id in sorted(held):
        has_newer = any(
            copy.partner_id == partner_id and copy.version_no is not None and copy.version_no > number
            for copy in obtained
        )
        is_informed = has_newer or _is_told(known, (partner_id, asset_id), reported_at, as_of)
        yield Thing(partner_id, asset_id, reported_at, numerator=is_informed, denominator=True)


def _is_told(known: Knowledge, holder: tuple[str, str], reported_at: datetime, as_of: datetime) -> bool:
    """Whether a notice about the asset was posted to it since the report, and stands."""
    for notice in known.current("notices"):
        posted_at, named = required_instant(notice, "posted_at"), text(notice, "asset_id")
        if (
            notice["partner_id"] == holder[0]
            and notice["kind"] in INFORMING
            and reported_at <= posted_at <= as_of
            and not has_passed(instant(notice, "retracted_at"), as_of)
            and named is not None
            and canonical_asset(known, named, posted_at) == holder[1]
        ):
            return True
    return False
