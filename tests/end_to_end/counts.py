"""`python -m tests.end_to_end.counts 60`: lives so many days, and prints the README's table of what the servers tell.

Belongs here: the table. Does not belong here: living and asking (``months``), expectations.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Final

from tests.end_to_end.months import Months, Record, instant, lived

_SEEN_LATE_DAYS: Final = 5
_HEADINGS: Final = ("pattern", "started", "ended well", "on the other ways")


def rows(months: Months) -> list[tuple[str, str, str, str]]:
    """Return one row for each pattern, in words."""
    requests, issues = months.moves("request_events"), months.moves("issue_events")
    tasks = [task for task in months.by_id("campaign_tasks").values() if task["kind"] == "confirmation"]
    packages = {(body["package_id"], body["partner_id"]) for body in months.notices("launch_package")}
    cancelled = sum(campaign["status"] == "cancelled" for campaign in months.by_id("campaigns").values())
    return [
        (
            "P1 request fulfilment",
            f"{requests[None, 'new']} requests, {_to(requests, 'accepted')} taken up",
            f"{_to(requests, 'delivered')} delivered, {_to(requests, 'closed')} closed",
            (
                f"{_to(requests, 'waiting_partner')} asked back, {_to(requests, 'denied')} denied,"
                f" {_to(requests, 'reopened')} reopened, {_to(requests, 'cancelled')} cancelled"
            ),
        ),
        (
            "P2 publish notice",
            f"{len(months.notices('publish'))} notices",
            _answers(months, {"publish"}),
            (
                f"{len(late_publications(months))} versions live unseen, announced later;"
                f" {_about(months, 'publish')} reminders"
            ),
        ),
        (
            "P3 exception loop",
            f"{issues[None, 'reported']} issues, {_to(issues, 'in_review')} into review",
            f"{_to(issues, 'partner_notified')} solved, {_to(issues, 'confirmed')} confirmed",
            (
                f"{issues['triaged', 'partner_notified']} answered at once, {_to(issues, 'rejected')} rejected,"
                f" {_to(issues, 'duplicate')} duplicates, {_to(issues, 'reopened')} reopened"
            ),
        ),
        (
            "P4 version change",
            (
                f"{len(months.notices('version_change'))} changes, {len(months.notices('withdrawal'))} withdrawals,"
                f" {len(months.notices('expiry'))} expiries"
            ),
            _answers(months, {"version_change", "withdrawal", "expiry"}),
            f"{len(months.notices('reminder')) - _about(months, 'publish')} reminders",
        ),
        (
            "P5 segments and rights",
            f"{len(months.sent('publishAccessRules'))} rules published",
            f"{len(months.notices('access_rules'))} partners told",
            (
                f"{_changes(months, 'ended')} of an end, {_changes(months, 'denied')} of a denial;"
                f" {len(gap_packs(months))} with what they should have and do not"
            ),
        ),
        (
            "P6 campaign launch",
            f"{len({package for package, _ in packages})} packages, {len(packages)} times to a partner",
            f"{sum(task['status'] == 'done' for task in tasks)} receipts confirmed",
            (
                f"{_changes_of_packages(months)} told of a late change, {len(months.sent('retractNotice'))} notices"
                f" taken back, {cancelled} launches stopped"
            ),
        ),
        (
            "P7 audit trail",
            f"{len(months.writes)} writes",
            "each in the ledger, none twice",
            f"{len(months.refused)} refused",
        ),
    ]


def late_publications(months: Months) -> set[tuple[str, int]]:
    """List the first versions that were live for days before we could tell anybody: their approval was seen late."""
    versions = months.current("asset_versions")
    return {
        (asset, body["version_no"])
        for write in months.sent("postNotice")
        if (body := write["body"])["kind"] == "publish"
        and (asset := months.vip_asset(body["asset_id"]))
        and (approved := versions[asset, body["version_no"]]["approved_at"]) is not None
        and instant(approved) > months.began - timedelta(days=_SEEN_LATE_DAYS)
        and instant(write["at"]) - instant(approved) > timedelta(days=_SEEN_LATE_DAYS)
        and versions[asset, body["version_no"]]["effective_local"] is None
    }


def gap_packs(months: Months) -> list[Record]:
    """List the notices that tell a late joiner in one what it should have and does not."""
    return [body for body in months.notices("access_rules") if body["details"].get("missing")]


def _changes(months: Months, change: str) -> int:
    return sum(body["details"].get("change") == change for body in months.notices("access_rules"))


def _changes_of_packages(months: Months) -> int:
    return sum(bool(body["details"].get("changes")) for body in months.notices("launch_package"))


def _about(months: Months, kind: str) -> int:
    return sum(body["details"].get("about_kind") == kind for body in months.notices("reminder"))


def _to(moves: Counter[tuple[str | None, str]], state: str) -> int:
    return sum(count for (_, to), count in moves.items() if to == state)


def _answers(months: Months, kinds: set[str]) -> str:
    """Say how many of our notices of these kinds a person has answered."""
    ours = {
        notice["notice_id"]
        for notice in months.feeds["notices"]
        if notice["kind"] in kinds and notice["external_key"] is not None
    }
    answered = {
        ack["notice_id"]
        for ack in months.feeds["acknowledgments"]
        if ack["notice_id"] in ours and ack["kind"] not in {"auto", "proxy"}
    }
    return f"{len(answered)} of {len(ours)} answered"


def main() -> None:
    """Live, and print."""
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as folder, lived(Path(folder), days) as months:
        for row in (_HEADINGS, tuple("---" for _ in _HEADINGS), *rows(months)):
            sys.stdout.write(f"| {' | '.join(row)} |\n")


if __name__ == "__main__":
    main()
