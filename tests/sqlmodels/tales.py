"""Tales: many small histories told by hand, computed together in one network, each asked about by itself.

Belongs here: telling (`Tale`), and computing all tales of a test module at once (`computed`). Does not belong here:
expectations. Days are days of June 2025 in UTC, so that ``at=3`` reads as the third of June, midnight; every tale is
asked about at ``NOW``, the thirtieth, by which all of it is known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pipeline.ledger.turns import Turn
from pipeline.notice_settings import Notices
from tests.tables import Tables, files_settings, open_tables

Fields = dict[str, Any]
NOW: Final = datetime(2025, 6, 30, tzinfo=UTC)
_IDS: Final = "partner parent_partner asset ack notice event delivery grant group user issue request campaign package"
_ID_FIELDS: Final = frozenset({*(f"{one}_id" for one in _IDS.split()), "grantee_id", "object_id", "decision_id"})


def day(number: float) -> datetime:
    """Return that day of June 2025, fractions included."""
    return datetime(2025, 6, 1, tzinfo=UTC) + timedelta(days=number - 1)


def stamp(number: float) -> str:
    """Write that day as the text of an instant."""
    return day(number).isoformat()


def _is_day(name: str, value: object) -> bool:
    return isinstance(value, (int, float)) and (name.endswith("_at") or name in {"valid_from", "valid_to"})


@dataclass
class Tale:
    """One history: partner p1 (US-CA) and asset a1 to begin with; every method returns the tale."""

    records: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @classmethod
    def of(cls, classification: str = "standard", **asset: Any) -> Tale:
        """Begin with the partner and the asset."""
        tale = cls()
        tale.partner("p1")
        return tale.add("assets", {"asset_id": "a1", "classification": classification, "updated_at": 1, **asset})

    def add(self, stream: str, record: dict[str, Any]) -> Tale:
        """Tell of any record; a number in an instant's field is a day."""
        stamped = {name: stamp(value) if _is_day(name, value) else value for name, value in record.items()}
        self.records.append((stream, stamped))
        return self

    def _next(self, letter: str) -> str:
        return f"{letter}{len(self.records)}"

    def partner(self, partner_id: str, **fields: Any) -> Tale:
        """Tell of a partner."""
        record: Fields = {
            "partner_id": partner_id,
            "name": partner_id,
            "region": "US-CA",
            "timezone": "America/New_York",
        }
        return self.add("partners", {**record, "status": "active", "updated_at": 1, **fields})

    def version(self, number: int, approved: float | None = 1, **fields: Any) -> Tale:
        """Tell of an approved version."""
        record: Fields = {
            "asset_id": "a1",
            "version_no": number,
            "checksum_sha256": f"sum{number}",
            "updated_at": 1,
        }
        if approved is not None:
            record["approved_at"] = approved
        return self.add("asset_versions", {**record, "approval_status": "approved", **fields})

    def notice(self, at: float, kind: str = "version_change", *, number: int | None = 1, **fields: Any) -> Tale:
        """Tell of a posted notice."""
        record: Fields = {
            "notice_id": self._next("n"),
            "partner_id": "p1",
            "asset_id": "a1",
            "version_no": number,
        }
        record |= {"kind": kind, "posted_at": at}
        return self.add("notices", {**record, **fields})

    def says(self, kind: str, at: float, *, number: int | None = 1, **fields: Any) -> Tale:
        """Tell of an acknowledgment."""
        record: Fields = {"ack_id": self._next("k"), "partner_id": "p1", "asset_id": "a1", "version_no": number}
        record |= {"kind": kind, "covers_children": False, "occurred_at": at, "recorded_at": at}
        return self.add("acknowledgments", {**record, **fields})

    def obtains(self, at: float, *, number: int | None = 1, **fields: Any) -> Tale:
        """Tell of a download."""
        record: Fields = {
            "event_id": self._next("e"),
            "event_type": "downloaded",
            "partner_id": "p1",
            "asset_id": "a1",
        }
        record |= {"version_no": number, "occurred_at": at, "recorded_at": at}
        return self.add("access_events", {**record, **fields})

    def delivered(self, at: float, *, number: int = 1, **fields: Any) -> Tale:
        """Tell of a delivery that arrived over sftp."""
        record: Fields = {
            "delivery_id": self._next("d"),
            "partner_id": "p1",
            "asset_id": "a1",
            "version_no": number,
        }
        record |= {"channel": "sftp", "status": "delivered", "status_at": at, "updated_at": at}
        return self.add("deliveries", {**record, **fields})

    def granted(self, partner_id: str = "p1", since: float = -30, until: float | None = None, **fields: Any) -> Tale:
        """Tell of a grant to download the asset."""
        record: Fields = {
            "grant_id": self._next("r"),
            "grantee_type": "partner",
            "grantee_id": partner_id,
            "effect": "allow",
        }
        record |= {"object_type": "asset", "object_id": "a1", "rights": ["download"], "valid_from": since}
        record |= {} if until is None else {"valid_to": until}
        return self.add("grants", {**record, "updated_at": 1, **fields})

    def exempts(self, since: float, until: float | None = None, **fields: Any) -> Tale:
        """Tell of a person's decision to exempt the partner."""
        record: Fields = {
            "decision_id": self._next("x"),
            "kind": "exempt",
            "partner_id": "p1",
            "valid_from": since,
        }
        record |= {} if until is None else {"valid_to": until}
        return self.add("decisions", {**record, **fields})

    def under(self, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the records with ids of their own, so that no tale touches another."""
        for stream, record in self.records:
            yield (
                stream,
                {
                    name: f"{prefix}-{value}" if name in _ID_FIELDS and value is not None else value
                    for name, value in record.items()
                },
            )


@dataclass
class Told:
    """All tales of a module, computed."""

    tables: Tables

    def rows(self, tale: str, columns: str, table: str, where: str = "true") -> list[tuple[Any, ...]]:
        """Return columns of a tale's rows; its prefix is taken off every text."""
        found = self.tables.rows(
            f"select {columns} from {table} where starts_with(asset_id, $prefix) and {where} order by all",
            {"prefix": f"{tale}-"},
        )
        return [tuple(_without(tale, value) for value in row) for row in found]

    def row(self, tale: str, columns: str, table: str, where: str = "true") -> tuple[Any, ...]:
        """Return the one row that there is."""
        (row,) = self.rows(tale, columns, table, where)
        return row


def _without(tale: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_without(tale, item) for item in value]
    return value.replace(f"{tale}-", "") if isinstance(value, str) else value


def receive(tables: Tables, tales: Mapping[str, Tale], now: datetime = NOW) -> Turn:
    """Write what all tales tell as files, pull it in a turn of its own, and journal what persons decided."""
    by_stream: dict[str, list[dict[str, Any]]] = {}
    for prefix, tale in tales.items():
        for stream, record in tale.under(prefix):
            by_stream.setdefault(stream, []).append(record)
    decisions = by_stream.pop("decisions", [])
    for stream, records in by_stream.items():
        folder = tables.source / stream
        folder.mkdir(parents=True, exist_ok=True)
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (folder / f"{now:%Y%m%dT%H%M%S}.ndjson").write_text(lines, encoding="utf-8")
    turn = tables.pull(now)
    for record in decisions:
        tables.decide(turn, record)
    return turn


@contextmanager
def computed(folder: Path, tales: Mapping[str, Tale], targets: Sequence[str], *, go_live: float) -> Iterator[Told]:
    """Receive all tales in one turn and compute the targets as of ``NOW``; notices are due from the go-live on."""
    settings = files_settings(folder / "source", notices=Notices(notify_from=day(go_live)))
    with open_tables(folder, settings) as tables:
        turn = receive(tables, tales)
        tables.compute(turn, NOW, targets)
        yield Told(tables)


def asked(at: float, kind: str = "version_change", *, number: int | None = 1, **fields: Any) -> Tale:
    """Version 1 of a standard asset, and a notice about it."""
    return Tale.of().version(1).notice(at, kind, number=number, **fields)
