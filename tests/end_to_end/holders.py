"""Who held a version at an instant, worked out from what the servers say, in plain Python.

Belongs here: copies obtained and copies given up. Does not belong here: what has to follow from that.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Final

from tests.end_to_end.months import Months, instant

MACHINES: Final = frozenset({"sftp", "as2", "api"})


class Copies:
    """What each partner certainly fetched, and when it said that its old copies were gone."""

    def __init__(self, months: Months) -> None:
        """Read events, deliveries and attestations; whatever is doubtful in them is left out."""
        self.obtained: dict[tuple[str, int], dict[str, list[datetime]]] = defaultdict(lambda: defaultdict(list))
        self.gone: dict[tuple[str, str], list[datetime]] = defaultdict(list)
        self.parents = {key: partner["parent_partner_id"] for key, partner in months.by_id("partners").items()}
        self._read_events(months)
        self._read_deliveries(months)
        for ack in months.feeds["acknowledgments"]:
            if ack["kind"] == "completed":
                self.gone[ack["partner_id"], months.vip_asset(ack["asset_id"])].append(instant(ack["occurred_at"]))

    def _read_events(self, months: Months) -> None:
        events = months.feeds["access_events"]
        doubtful = {e["supersedes_event_id"] for e in events} | {
            e["event_id"] for e in events if e["correction_reason"]
        }
        for event in events:
            is_whole = event["event_type"] == "downloaded" and event["partner_id"] and event["version_no"]
            if is_whole and event["event_id"] not in doubtful:
                who = months.grid_partner(event["partner_id"])
                self.obtained[event["asset_id"], event["version_no"]][who].append(instant(event["occurred_at"]))

    def _read_deliveries(self, months: Months) -> None:
        for delivery in months.feeds["deliveries"]:
            by_machine = delivery["status"] == "delivered" and delivery["channel"] in MACHINES
            if delivery["status"] == "picked_up" or by_machine:
                who = months.grid_partner(delivery["partner_id"])
                self.obtained[delivery["asset_id"], delivery["version_no"]][who].append(instant(delivery["status_at"]))

    def certain_holders(self, asset: str, version_no: int, at: datetime) -> set[str]:
        """Name the partners that had fetched a version by then, and said nothing since of giving copies up."""
        found = set()
        for partner, instants in self.obtained[asset, version_no].items():
            had = [obtained for obtained in instants if obtained <= at]
            family = (partner, self.parents.get(partner) or partner)
            given_up = [gone for one in family for gone in self.gone[one, asset] if gone <= at]
            if had and not any(gone >= min(had) for gone in given_up):
                found.add(partner)
        return found
