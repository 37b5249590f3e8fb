"""Requests: how long until the first delivery, and whether that was right (docs/domain.md 9, P1; 11, K1 and K2).

Here belong: each request's working time, and what went wrong after its delivery. Not here: medians (things.py).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.reference.records import Knowledge, instant, required_instant
from tests.reference_figures.steps import Steps, asset_of, issues_of, requests_of
from tests.reference_figures.things import Thing, Wait
from tests.reference_figures.working_time import Calendar

PAUSED = "waiting_partner"
ENDED = frozenset({"denied", "cancelled", "delivered", "confirmed", "closed"})
JUDGED_AFTER = timedelta(days=14)


def turnarounds(known: Knowledge, as_of: datetime, calendar: Calendar) -> Iterator[Thing]:
    """K1: every request made by the instant; one that ended without ever being delivered has no turnaround."""
    for request in requests_of(known):
        started_at, delivered_at = request.started_at, request.first_by("delivered", as_of)
        if started_at > as_of:
            continue
        wait = None
        if delivered_at is not None or request.status(as_of) not in ENDED:
            worked = _worked(request, started_at, delivered_at or as_of, calendar)
            wait = Wait(worked, is_reached=delivered_at is not None)
        yield Thing(
            str(request.record["partner_id"]),
            _asset_of_request(known, request, as_of),
            started_at,
            wait=wait,
            excluded=wait is None,
        )


def _worked(request: Steps, start: datetime, end: datetime, calendar: Calendar) -> timedelta:
    """Return the working time outside pauses; it begins as new, steps at one instant are in the order of their ids."""
    points = [(start, "new"), *((at, status) for at, _, status in request.everything if start <= at <= end)]
    total = timedelta(0)
    for (at, status), (until, _) in zip(points, [*points[1:], (end, "")], strict=True):
        if status != PAUSED and at < until:
            total += calendar.worked(at, until)
    return total


def _asset_of_request(known: Knowledge, request: Steps, as_of: datetime) -> str | None:
    """Return the asset that it names, else that of its first delivery."""
    named = asset_of(known, request.record)
    if named is not None:
        return named
    deliveries = sorted(
        (instant(delivery, "created_at") or required_instant(delivery, "status_at"), str(delivery["delivery_id"]))
        for delivery in known.current("deliveries")
        if delivery.get("request_id") == request.record["request_id"]
        and required_instant(delivery, "status_at") <= as_of
    )
    return str((known.find("deliveries", deliveries[0][1]) or {})["asset_id"]) if deliveries else None


def first_time_right(known: Knowledge, as_of: datetime) -> Iterator[Thing]:
    """K2: what was delivered, without a reopening or an issue of that partner about that asset within the days."""
    issues = list(issues_of(known))
    for request in requests_of(known):
        delivered_at = request.first_by("delivered", as_of)
        if delivered_at is None or request.started_at > as_of:
            continue
        partner_id, asset_id = str(request.record["partner_id"]), _asset_of_request(known, request, as_of)
        judged_at = delivered_at + JUDGED_AFTER
        troubles = [at for at, _, status in request.everything if status == "reopened"] + [
            issue.started_at
            for issue in issues
            if issue.record["partner_id"] == partner_id
            and asset_id is not None
            and asset_of(known, issue.record) == asset_id
        ]
        is_right = not any(delivered_at <= at < judged_at for at in troubles)
        is_judged = judged_at < as_of
        yield Thing(
            partner_id,
            asset_id,
            delivered_at,
            numerator=is_judged and is_right,
            denominator=is_judged,
            excluded=not is_judged,
        )
