"""A launch in miniature: campaign C1 with partners and a package, before anything goes wrong.

Belongs here: the records of a launch, and what each system makes of an action about it. Does not belong here: what a
test asserts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tests.actions.records_world import BEFORE, DAY, START, Records, Told, Wanted, open_records, stamp

ACTIONS: Final = ("sync.campaign_actions", "sync.campaign_notices", "sync.campaign_packages")
FINDINGS: Final = ("audit.campaign_conditions",)
LAUNCH: Final = START + 14 * DAY


class Launch:
    """Campaign C1 launches on 16 March at 08:00Z; P1 is to have A1 and A2 of package K1, and may."""

    def __init__(self, records: Records) -> None:
        """Tell of it."""
        self.records = records
        self.campaign("planning")
        self.put("packages", "K1", package_id="K1", campaign_id="C1", name="Kit", updated_at=stamp(BEFORE))
        for place, asset in enumerate(("A1", "A2"), start=1):
            self.records.asset(asset)
            self.records.version(asset)
            self.item(asset, sequence=place)
        self.invite("P1")

    def put(self, stream: str, *key: Any, **fields: Any) -> None:
        """Write a record down."""
        self.records.put(stream, *key, **fields)

    def campaign(self, status: str, **fields: Any) -> None:
        """Move the campaign."""
        usual = {
            "campaign_id": "C1",
            "name": "Spring",
            "launch_local": LAUNCH.replace(tzinfo=None).isoformat(),
            "launch_policy": "instant",
            "gate_percent": 100,
            "required_rung": 4,
            "owner": "olga",
        }
        known = self.records.records.get("campaigns", {}).get(("C1",), usual)
        changed = {**fields, "status": status, "updated_at": stamp(self.records.now)}
        self.put("campaigns", "C1", **{**known, **changed})

    def invite(self, partner_id: str, *, region: str = "DE", is_granted: bool = True, **fields: Any) -> None:
        """Invite a partner, that may have A1 and A2."""
        self.records.partner(partner_id, region=region, **fields)
        self.put("campaign_partners", "C1", partner_id, campaign_id="C1", partner_id=partner_id, required=True)
        if is_granted:
            self.records.grant(f"R-{partner_id}", ("partner", partner_id), ("package", "K1"))

    def item(self, asset_id: str, *, required: bool = True, sequence: int = 9) -> None:
        """Put an asset into the package."""
        key = {"package_id": "K1", "asset_id": asset_id}
        self.put("package_items", "K1", asset_id, **key, required=required, sequence=sequence)

    def task(
        self, task_id: str, kind: str, status: str = "open", *, partner_id: str | None = "P1", **fields: Any
    ) -> None:
        """Tell of a task, or of its new status."""
        record = {"task_id": task_id, "campaign_id": "C1", "partner_id": partner_id, "kind": kind}
        when = {"due_at": stamp(START + 7 * DAY), "updated_at": stamp(self.records.now)}
        self.put("campaign_tasks", task_id, **record, status=status, **{**when, **fields})

    def deliver(self, status: str, asset_id: str = "A1", number: int = 1, **fields: Any) -> None:
        """Tell of a further delivery to P1."""
        delivery_id = f"D{len(self.records.records.get('deliveries', {}))}"
        when = stamp(self.records.now)
        self.put("deliveries", delivery_id, **{
            "delivery_id": delivery_id, "partner_id": "P1", "asset_id": asset_id, "version_no": number,
            "channel": "portal", "status": status, "status_at": when, "created_at": when, "updated_at": when, **fields,
        })  # fmt: skip

    def acknowledge(self, asset_id: str, number: int = 1, partner_id: str = "P1") -> None:
        """Let a partner confirm receipt."""
        ack_id = f"K{len(self.records.records.get('acknowledgments', {}))}"
        when = stamp(self.records.now)
        self.put("acknowledgments", ack_id, ack_id=ack_id, partner_id=partner_id, asset_id=asset_id, version_no=number,
                 kind="received", covers_children=False, occurred_at=when, recorded_at=when)  # fmt: skip

    def obtain(self, *asset_ids: str, partner_id: str = "P1", number: int = 1) -> None:
        """Let a partner download items."""
        for asset_id in asset_ids:
            self.records.obtain(partner_id, asset_id, number)

    def post(self, told: Told) -> str:
        """Post a notice, as Trading Grid then lists it; return its id."""
        key = self.records.post(told, "launch_package")
        self.list_notice(f"N-{key}", told.partner_id, external_key=key)
        return f"N-{key}"

    def list_notice(self, notice_id: str, partner_id: str, **fields: Any) -> None:
        """Let Trading Grid list a notice of the package."""
        self.put("notices", notice_id, notice_id=notice_id, partner_id=partner_id, kind="launch_package",
                 package_id="K1", posted_at=stamp(self.records.now), **fields)  # fmt: skip

    def look(self, after: timedelta = timedelta(hours=1)) -> list[Wanted]:
        """Take a turn."""
        return self.records.look(after)

    def go_to(self, instant: datetime) -> list[Wanted]:
        """Take the turn of an instant."""
        return self.records.look(instant - self.records.now)

    def told(self) -> list[Told]:
        """Return the notices that are due."""
        return self.records.told()

    def stage(self, partner_id: str = "P1") -> str:
        """Return how far a partner's package is."""
        query = "select stage from sync.campaign_packages where partner_id = $partner"
        ((stage,),) = self.records.tables.rows(query, {"partner": partner_id})
        return str(stage)


def of(wanted: list[Wanted], operation: str) -> list[Wanted]:
    """Return the actions of an operation."""
    return [one for one in wanted if one.operation == operation]


@contextmanager
def open_launch(folder: Path, *targets: str, vip_until: datetime | None = None) -> Iterator[Launch]:
    """The usual launch."""
    with open_records(folder, "campaign", targets or ACTIONS, vip_until=vip_until) as records:
        yield Launch(records)
