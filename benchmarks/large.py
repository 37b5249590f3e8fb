"""A large network laid straight into staging, and the turns in which little arrives there.

Belongs here: the network, and what a turn does in it. Does not belong here: what is measured
(``benchmarks.large_figures``), how fast records are pulled and landed (``benchmarks.__main__``).

    python -m benchmarks.large --events 5000000 --home <folder>

The home is kept, so that a second call measures only the turns.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import duckdb

from pipeline.home import Home
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import TURN_COMPLETED, open_turn, read_turns
from pipeline.settings import FilesConnection, Settings
from pipeline.sqlmodels.graph import LEDGER_STEPS, Graph
from pipeline.sqlmodels.increments import Increments
from pipeline.sqlmodels.journalled import give_ledger
from pipeline.sqlmodels.relations import Landing, Question, give_landing, give_settings

NOW: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
ASSETS: Final = 5_000
VERSIONS: Final = 3
ACKNOWLEDGED: Final = 0.34
_ORIGIN: Final = "turn_no, page_no, row_no, known_at, source_system, record_sha256"


@dataclass
class Spent:
    """What something took: seconds by the clock, and of the processors (its own and the system's for it)."""

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def measured() -> Iterator[Spent]:
    """Measure what is done inside."""
    spent = Spent()
    wall, cpu = time.monotonic(), time.process_time()
    yield spent
    spent.wall, spent.cpu = time.monotonic() - wall, time.process_time() - cpu


class Large:
    """One home with a large network in it, and what a turn does there."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, home: Home, graph: Graph, events: int) -> None:
        """Take a warehouse that is open for writing."""
        self.connection = connection
        self.home = home
        self.graph = graph
        self.events = events
        self.partners = max(40, events // 12_500)
        both = FilesConnection(kind="files", path=home.path / "none", watermark="now")
        self.settings = Settings(connections={"vip": both, "trading_grid": both})
        self.journal = Journal(home.ledger)

    def turn(self, now: datetime) -> Increments:
        """Open a turn in the journal, and lay everything that is given under the models for it."""
        turn = open_turn(self.journal, now, now)
        self.journal.append([turn.draft(TURN_COMPLETED, {"turn": str(turn.number)})])
        question = Question(now, turn.known_at)
        give_landing(self.connection, self.home.landing.resolve(), [])
        give_ledger(self.connection, self.journal.path.resolve())
        give_settings(self.connection, self.settings, question, NOW - timedelta(days=30))
        landing = Landing.of(self.home.landing.resolve(), [])
        return Increments(self.connection, question, turn.number, landing, self.graph.models)

    def is_new(self) -> bool:
        """Say whether the home had no turn yet."""
        return read_turns(self.journal).last is None

    def now(self) -> datetime:
        """Return the instant of the last turn."""
        last = read_turns(self.journal).last
        return last.now if last else NOW

    def compute(self, increments: Increments, names: Iterable[str]) -> dict[str, Spent]:
        """Bring models up to date, and return what each took."""
        spent = {}
        for name in names:
            with measured() as spent[name]:
                increments.refresh(self.graph.models[name])
        increments.flush()
        increments.drop_read_changes()
        return spent

    def names(self, *floors: str) -> list[str]:
        """Return the models of some floors, in order."""
        return [name for name in self.graph.order if name not in LEDGER_STEPS and name.partition(".")[0] in floors]

    def fill(self, increments: Increments) -> None:
        """Lay the network into the empty tables of staging."""
        since = "timestamptz '2024-03-01'"
        origin = f"1 as turn_no, (i // 1000)::integer as page_no, i % 1000 as row_no, timestamptz '{NOW}' as known_at"
        self._insert(
            "partners",
            f"select {origin}, 'trading_grid' as source_system, 'P' || i as partner_id, 'Partner ' || i as name,"
            " ['US-CA', 'US-NY', 'DE', 'FR', 'ES', 'GB', 'JP', 'BR', 'AU', 'CA'][1 + i % 10] as region,"
            " ['America/Los_Angeles', 'America/New_York', 'Europe/Berlin', 'Asia/Tokyo', 'UTC'][1 + i % 5] as timezone,"
            f" 'active' as status, {since} as updated_at from range({self.partners}) t(i)",
        )
        self._insert(
            "assets",
            f"select {origin}, 'vip' as source_system, 'A' || i as asset_id, 'Asset ' || i as title,"
            " ['standard', 'regulated', 'safety'][1 + i % 3] as classification, 'B' || i % 7 as brand,"
            f" 'published' as status, 'Europe/Berlin' as publisher_timezone, {since} as updated_at from range({ASSETS}) t(i)",
        )
        self._insert(
            "asset_versions",
            f"select {origin}, 'vip' as source_system, 'A' || i % {ASSETS} as asset_id, 1 + i // {ASSETS} as version_no,"
            f" 'approved' as approval_status, {since} + to_days(((i // {ASSETS}) * 340 + i % 30)::integer) as approved_at,"
            f" 'instant' as effective_policy, 'content' as change_class, 'sum' || i as checksum_sha256,"
            f" {since} + to_days(((i // {ASSETS}) * 340 + i % 30)::integer) as updated_at,"
            f" case when i % 50 = 0 then ['FR'] else [] end as restricted_regions from range({ASSETS * VERSIONS}) t(i)",
        )
        self._grants(origin, since)
        self._insert("access_events", self._events_select("1", 0, self.events, since, 63_000_000))
        acknowledged = int(self.events * ACKNOWLEDGED)
        self._insert(
            "acknowledgments",
            f"select {origin}, 'trading_grid' as source_system, 'K' || i as ack_id, partner_id, asset_id, version_no,"
            " ['received', 'read', 'accepted', 'auto', 'accepted'][1 + i % 5] as kind, false as covers_children,"
            " occurred_at + interval 1 hour as occurred_at, occurred_at + interval 1 hour as recorded_at"
            f" from ({self._events_select('1', 0, self.events, since, 63_000_000).replace('select ', 'select i, ', 1)})"
            f" where i < {acknowledged}",
        )
        self._insert(
            "notices",
            f"select {origin}, 'trading_grid' as source_system, 'N' || i as notice_id, 'P' || hash(i * 7) % {self.partners}"
            f" as partner_id, 'A' || hash(i * 11 + 3) % {ASSETS} as asset_id, 3 as version_no, 'version_change' as kind,"
            f" timestamptz '2026-02-01' + to_seconds(hash(i) % 2000000) as posted_at from range({self.events // 50}) t(i)",
        )
        for stream in ("partners", "assets", "asset_versions", "access_events", "acknowledgments", "notices"):
            self._counts(increments, f"staging.{stream}")

    def arrive(self, increments: Increments, count: int, now: datetime) -> None:
        """Let new events arrive in staging, as a pull and its staging would leave them."""
        turn_no = increments.turn_no
        seconds = int((now - NOW).total_seconds())
        select = self._events_select(
            str(turn_no), self.events * turn_no, count, f"timestamptz '{NOW}'", max(1, seconds)
        ).replace(f"timestamptz '{NOW}' as known_at", f"timestamptz '{now}' as known_at")
        self.connection.execute(
            "create or replace table changes.staging__access_events as select '+' as change, false as is_new, *"
            f" from staging.access_events limit 0; insert into changes.staging__access_events by name"
            f" select '+' as change, false as is_new, s.* from ({self._hashed(select)}) s;"
            " insert into staging.access_events by name select * exclude (change, is_new)"
            " from changes.staging__access_events"
        )
        self._counts(increments, "staging.access_events")

    def _grants(self, origin: str, since: str) -> None:
        groups, segments = max(2, self.partners // 40), ASSETS // 100
        grid = f"{origin}, 'trading_grid' as source_system"
        vip = f"{origin}, 'vip' as source_system"
        self._insert(
            "group_members",
            f"select {grid}, 'G' || i % {groups} as group_id, 'P' || i as partner_id, {since} as joined_at"
            f" from range({self.partners}) t(i)",
        )
        self._insert(
            "segments",
            f"select {vip}, 'S' || i as segment_id, 'x' as name, {since} as updated_at from range({segments}) t(i)",
        )
        self._insert(
            "segment_assets",
            f"select {vip}, 'S' || i % {segments} as segment_id, 'A' || i as asset_id, {since} as added_at"
            f" from range({ASSETS}) t(i)",
        )
        self._insert(
            "grants",
            f"select {vip}, 'R' || i as grant_id, 'partner_group' as grantee_type, 'G' || i // {segments} as grantee_id,"
            f" 'segment' as object_type, 'S' || i % {segments} as object_id, 'allow' as effect,"
            f" ['view', 'download'] as rights, {since} as valid_from, {since} as updated_at"
            f" from range({groups * segments}) t(i)",
        )

    def _events_select(self, turn_no: str, first: int, count: int, since: str, seconds: int) -> str:
        """Events in the order of their instants, of the version that is live then, one in fifty of any."""
        whole = count > self.events // 2
        version = f"1 + (i - {first}) * {VERSIONS} // {count}" if whole else str(VERSIONS)
        return (
            f"select {turn_no} as turn_no, (i // 1000)::integer as page_no, i % 1000 as row_no,"
            f" timestamptz '{NOW}' as known_at, 'vip' as source_system, 'E' || hash(i) as event_id,"
            f" 'P' || hash(i * 7) % {self.partners} as partner_id, 'A' || hash(i * 11 + 3) % {ASSETS} as asset_id,"
            f" case when hash(i) % 50 = 0 then 1 + hash(i * 13) % {VERSIONS} else {version} end as version_no,"
            " ['downloaded', 'downloaded', 'opened'][1 + i % 3] as event_type, 'direct' as vector,"
            f" {since} + to_seconds((i - {first}) * {seconds} // {count}) as occurred_at,"
            f" {since} + to_seconds((i - {first}) * {seconds} // {count} + 60) as recorded_at"
            f" from range({first}, {first + count}) t(i)"
        )

    def _hashed(self, select: str) -> str:
        return f"select r.*, md5(r::varchar) as record_sha256 from ({select}) r"

    def _insert(self, stream: str, select: str) -> None:
        self.connection.execute(f"insert into staging.{stream} by name {self._hashed(select)}")

    def _counts(self, increments: Increments, name: str) -> None:
        """Note rows that were laid into a table of staging as if its model had added them."""
        records = increments.versions.records
        record = records[name]
        noted = type(record)(
            increments.turn_no,
            record.text_sha256,
            int(self.connection.sql(f"select count(*) from {name}").fetchall()[0][0]),
            record.version + 1,
            record.version,
            record.as_of,
            "laid",
        )
        increments.versions.note(name, noted, increments.versions.consumed.get(name, {}))


if __name__ == "__main__":
    from benchmarks.large_figures import main

    main()
