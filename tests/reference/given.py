"""Small networks told by hand: one partner, one asset, and what a test adds.

`Story` fills in every field that a test does not care about. Days are days of June
2025 in UTC, so that `day(3)` reads as the third of June, midnight.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tests.reference.acknowledgment_classes import acknowledgment_classes
from tests.reference.obligations import ObligationRow, obligations
from tests.reference.positions import PositionRow, positions
from tests.reference.records import Arrival, Record
from tests.reference.verdicts import verdicts
from tests.reference.versions import Life, version_lives

PARTNER, ASSET = "p1", "a1"
START = datetime(2025, 6, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    """Return that day of June 2025, fractions included."""
    return START + timedelta(days=number - 1)


def stamp(at: datetime | float | str) -> str:
    """Write a day number, an instant or a text as the text of an instant."""
    if isinstance(at, str):
        return at
    return (at if isinstance(at, datetime) else day(at)).isoformat()


class Story:
    """Records in the order told; every one is known at once unless said otherwise."""

    def __init__(self, *, classification: str = "standard", **asset: object) -> None:
        """Begin with partner p1 (US-CA), asset a1, and a grant to download it."""
        self.arrivals: list[Arrival] = []
        self.known_at = day(1)
        self._count = 0
        self.partner(PARTNER)
        self.asset(classification=classification, **asset)
        self.grant()

    def add(self, stream: str, record: Mapping[str, object]) -> None:
        """Let a record arrive at `known_at`."""
        self.arrivals.append(Arrival(stream, self.known_at, dict(record)))

    def _next(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def partner(self, partner_id: str, **fields: object) -> None:
        """Tell of a partner."""
        record: Record = {
            "partner_id": partner_id,
            "name": partner_id,
            "region": "US-CA",
            "timezone": "America/New_York",
            "status": "active",
            "updated_at": stamp(1),
        }
        self.add("partners", {**record, **fields})

    def asset(self, **fields: object) -> None:
        """Tell of the asset."""
        record: Record = {
            "asset_id": ASSET,
            "publisher_timezone": "Europe/Berlin",
            "updated_at": stamp(1),
        }
        self.add("assets", {**record, **fields})

    def version(self, number: int, approved_at: float | datetime | None, **fields: object) -> None:
        """Tell of an approved version."""
        record: Record = {
            "asset_id": ASSET,
            "version_no": number,
            "checksum_sha256": f"sum{number}",
            "approval_status": "approved",
            "effective_policy": "instant",
            "restricted_regions": [],
            "updated_at": stamp(1),
        }
        if approved_at is not None:
            record["approved_at"] = stamp(approved_at)
        self.add("asset_versions", {**record, **fields})

    def grant(self, **fields: object) -> None:
        """Tell of a grant; by default p1 may download a1 for ever."""
        record: Record = {
            "grant_id": self._next("r"),
            "grantee_type": "partner",
            "grantee_id": PARTNER,
            "object_type": "asset",
            "object_id": ASSET,
            "effect": "allow",
            "rights": ["view", "download"],
            "valid_from": "2000-01-01T00:00:00Z",
            "updated_at": stamp(1),
        }
        self.add("grants", {**record, **fields})

    def download(self, number: int | None, at: float | datetime, **fields: object) -> str:
        """Tell of a download, and return its event id."""
        record: Record = {
            "event_id": self._next("e"),
            "event_type": "downloaded",
            "partner_id": PARTNER,
            "asset_id": ASSET,
            "version_no": number,
            "occurred_at": stamp(at),
            "recorded_at": stamp(at),
        }
        record |= fields
        self.add("access_events", record)
        return str(record["event_id"])

    def deliver(self, delivery_id: str, number: int, at: float, **fields: object) -> None:
        """Tell of a delivery over sftp, one edition of it."""
        record: Record = {
            "delivery_id": delivery_id,
            "partner_id": PARTNER,
            "asset_id": ASSET,
            "version_no": number,
            "channel": "sftp",
            "status": "delivered",
            "status_at": stamp(at),
            "updated_at": stamp(at),
        }
        self.add("deliveries", {**record, **fields})

    def acknowledge(self, at: float | datetime, **fields: object) -> str:
        """Tell of an acknowledgment, by default an attested removal of everything; return its id."""
        record: Record = {
            "ack_id": self._next("k"),
            "partner_id": PARTNER,
            "asset_id": ASSET,
            "kind": "completed",
            "covers_children": False,
            "occurred_at": stamp(at),
            "recorded_at": stamp(at),
        }
        record |= fields
        self.add("acknowledgments", record)
        return str(record["ack_id"])

    def answer(self, at: float | datetime, number: int | None, kind: str = "accepted", **fields: object) -> str:
        """Tell of an acknowledgment of a version; return its id."""
        return self.acknowledge(at, kind=kind, version_no=number, **fields)

    def notice(self, at: float | datetime, number: int | None, kind: str = "version_change", **fields: object) -> str:
        """Tell of a notice of a version to p1; return its id."""
        record: Record = {
            "notice_id": self._next("n"),
            "partner_id": PARTNER,
            "kind": kind,
            "asset_id": ASSET,
            "version_no": number,
            "posted_at": stamp(at),
        }
        record |= fields
        self.add("notices", record)
        return str(record["notice_id"])

    def exempt(self, since: float, **fields: object) -> None:
        """Tell of a decision that exempts p1 from then on."""
        record: Record = {
            "decision_id": self._next("x"),
            "kind": "exempt",
            "partner_id": PARTNER,
            "asset_id": None,
            "version_no": None,
            "valid_from": stamp(since),
            "valid_to": None,
        }
        self.add("decisions", {**record, **fields})

    def ask(
        self,
        as_of: float | datetime,
        *,
        partner_id: str = PARTNER,
        as_known_at: datetime | None = None,
    ) -> PositionRow:
        """Ask for the position of a partner with the asset."""
        at = as_of if isinstance(as_of, datetime) else day(as_of)
        rows = positions(self.arrivals, as_of=at, as_known_at=as_known_at)
        return rows[partner_id, ASSET]

    def pairs(self, as_of: float) -> set[tuple[str, str]]:
        """Ask which (partner, asset) have a row at all."""
        return set(positions(self.arrivals, as_of=day(as_of)))

    def obligation(
        self, as_of: float | datetime, number: int = 1, kind: str = "version_change", partner_id: str = PARTNER
    ) -> ObligationRow:
        """Ask for one obligation, announced from the beginning of time on."""
        at = as_of if isinstance(as_of, datetime) else day(as_of)
        return obligations(self.arrivals, as_of=at)[partner_id, ASSET, number, kind]

    def state(self, as_of: float | datetime, number: int = 1, kind: str = "version_change") -> str:
        """Ask for the state of one obligation of p1."""
        return self.obligation(as_of, number, kind).state

    def classes(self, as_of: float, number: int = 1, kind: str = "version_change") -> dict[str, str]:
        """Ask for the classes of acknowledgments towards one obligation of p1."""
        rows = acknowledgment_classes(self.arrivals, as_of=day(as_of))
        return {ack: name for (ack, key), name in rows.items() if key == (PARTNER, ASSET, number, kind)}

    def verdict(self, event_id: str, *, as_known_at: datetime | None = None) -> tuple[str, str]:
        """Ask for both verdicts on an access event."""
        found = verdicts(self.arrivals, as_known_at=as_known_at)["access_event", event_id]
        return found.entitlement, found.timing

    def rule(self, as_of: float | datetime, partner_id: str = PARTNER) -> int:
        """Ask for the number of the rule that matched."""
        return self.ask(as_of, partner_id=partner_id).position_rule

    def lives(self) -> list[tuple[int, datetime, datetime | None, str | None]]:
        """Ask for lives as (version_no, effective_at, ended_at, end_reason)."""
        return [(life.version_no, life.effective_at, life.ended_at, life.end_reason) for life in self.full_lives()]

    def full_lives(self) -> list[Life]:
        """Ask for lives at the places of all partners."""
        return version_lives(self.arrivals)
