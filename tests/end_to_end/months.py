"""Sixty days of two living systems with vipgrid at the desk, and what the two servers say about them afterwards.

Belongs here: living, and asking the servers over HTTP. Does not belong here: expectations, and any table of ours.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import httpx

from pipeline.home import Home
from pipeline.settings import load_settings
from resources.workspace import Workspace
from tests.end_to_end.system import SECRETS, Sandbox, Terminal, running_sandbox, terminal_for, write_config
from tests.sandbox.conftest import TRADING_GRID_STREAMS, VIP_STREAMS, System

Record = dict[str, Any]

CONFIGURATION: Final = "notices: {approve_above: {partners: 1000, share: 1.0}, requests_per_second: 50}"
KEYS: Final = {
    "assets": ("asset_id",), "asset_versions": ("asset_id", "version_no"), "segments": ("segment_id",),
    "grants": ("grant_id",), "deliveries": ("delivery_id",), "reviews": ("review_id",), "partners": ("partner_id",),
    "requests": ("request_id",), "issues": ("issue_id",), "campaigns": ("campaign_id",),
    "campaign_tasks": ("task_id",), "notices": ("notice_id",), "comments": ("comment_id",),
    "acknowledgments": ("ack_id",), "partner_groups": ("group_id",),
}  # fmt: skip
HISTORY_DAYS: Final = 140
DESK: Final = frozenset({"m.ostrowski", "j.fairweather", "r.delacroix", "s.lindqvist"})
US: Final = "api:vipgrid"
_SHORTEST_NAME: Final = 4
"""A shorter one is in the middle of many words."""


def instant(text: str) -> datetime:
    """Read an instant of either server."""
    return datetime.fromisoformat(text)


@dataclass
class Months:
    """What is to be read from the two servers when the days are over."""

    days: int
    began: datetime
    ended: datetime
    feeds: dict[str, list[Record]]
    writes: list[Record]
    refused: list[Record]
    received: Record
    access_rules: dict[str, Record]
    terminal: Terminal
    _current: dict[str, dict[tuple[Any, ...], Record]] = field(default_factory=dict)

    def current(self, stream: str) -> dict[tuple[Any, ...], Record]:
        """Give the last edition of each record; a feed may bring an older one after a newer one."""
        if stream not in self._current:
            found: dict[tuple[Any, ...], Record] = {}
            for record in self.feeds[stream]:
                key = tuple(record[name] for name in KEYS[stream])
                before = found.get(key)
                if before is None or _edited(record) >= _edited(before):
                    found[key] = record
            self._current[stream] = found
        return self._current[stream]

    def by_id(self, stream: str) -> dict[str, Record]:
        """Give the last edition of each record by its one id."""
        return {str(key[0]): record for key, record in self.current(stream).items()}

    def sent(self, operation: str) -> list[Record]:
        """Give the writes of one operation that had an effect."""
        return [write for write in self.writes if write["operation"] == operation]

    def notices(self, kind: str) -> list[Record]:
        """Give the bodies of the notices of a kind that we posted."""
        return [write["body"] for write in self.sent("postNotice") if write["body"]["kind"] == kind]

    def ways(self, stream: str) -> dict[str, list[Record]]:
        """Give the events of each case that began in these days, in their order."""
        member = stream.removesuffix("_events") + "_id"
        found: dict[str, dict[str, Record]] = defaultdict(dict)
        for event in self.feeds[stream]:
            found[event[member]][event["event_id"]] = event
        ways = {case: list(events.values()) for case, events in found.items()}
        return {case: way for case, way in ways.items() if instant(way[0]["occurred_at"]) > self.began}

    def moves(self, stream: str, actor: str | None = None) -> Counter[tuple[str | None, str]]:
        """Count the moves of the cases of these days, of one actor or of all."""
        return Counter(
            (event["from_status"], event["to_status"])
            for way in self.ways(stream).values()
            for event in way
            if actor is None or event["actor"] == actor
        )

    def is_old(self, text: str, days: float) -> bool:
        """Say whether something lies so many days before the end."""
        return instant(text) < self.ended - timedelta(days=days)

    def is_settled(self, until: str | None) -> bool:
        """Say whether an end lies so far from now that it cannot have been overlooked since the last turn."""
        return until is None or self.is_old(until, 1.5) or instant(until) > self.ended

    @cached_property
    def partner_of(self) -> dict[str, str]:
        """Give Trading Grid's id of a partner by VIP's."""
        rows = [row for row in self.feeds["xref"] if row["entity"] == "partner"]
        return {row["vip_id"]: row["trading_grid_id"] for row in rows}

    @cached_property
    def asset_of(self) -> dict[str, str]:
        """Give VIP's id of an asset by Trading Grid's."""
        return {row["trading_grid_id"]: row["vip_id"] for row in self.feeds["xref"] if row["entity"] == "asset"}

    @cached_property
    def names_of_partners(self) -> dict[str, set[str]]:
        """Give what a partner and its people are called, by Trading Grid's id of the partner."""
        names: dict[str, set[str]] = defaultdict(set)
        for partner in self.feeds["partners"]:
            names[partner["partner_id"]].add(partner["name"])
        for user in self.feeds["partner_users"]:
            said = (user["display_name"], user["email"], user["login_id"])
            names[user["partner_id"]].update(name for name in said if name and len(name) > _SHORTEST_NAME)
        return names

    def vip_asset(self, asset: str | None) -> str:
        """Give VIP's id of an asset."""
        return self.asset_of.get(asset or "", asset or "")

    def grid_partner(self, partner: str) -> str:
        """Give Trading Grid's id of a partner."""
        return self.partner_of.get(partner, partner)


@contextmanager
def lived(folder: Path, days: int, *, step: int = 2, seed: int = 7) -> Iterator[Months]:
    """Let days go by with vipgrid at the desk, a turn every so many days, and ask the servers then."""
    with running_sandbox(folder / "sandbox", seed=seed, history_days=HISTORY_DAYS) as sandbox:
        config = write_config(folder, sandbox.vip, sandbox.trading_grid, clock=sandbox.vip, more=CONFIGURATION)
        here = terminal_for(folder, config)
        began = _clock(sandbox)
        here.run("sync", "--dispatch")
        for _ in range(days // step):
            sandbox.advance(days=step)
            _turn(config, here.home, _clock(sandbox))
            _approve_what_waits(here)
        yield _ask(sandbox, here, days, began)


def _turn(config: Path, home: Home, now: datetime) -> None:
    """Take a turn and send what it decided: as the terminal does, without Dagster's minutes around it."""
    settings = load_settings(config, {**os.environ, **SECRETS})
    with Workspace.open(settings, home, what="sync", actor="tests", now=now) as workspace:
        workspace.open_turn()
        for connection in settings.connections:
            workspace.pull(connection)
        workspace.compute_all()
        workspace.complete_turn()
        workspace.dispatch()


def _approve_what_waits(here: Terminal) -> None:
    """Be the person for whom a busy day's batch waits: it goes out with the next turn."""
    for (batch,) in here.rows("select distinct batch from sync.actions where state = 'held_for_approval'"):
        here.run("decide", "approve", batch, "--reason", "looked at, and as it should be")


def _clock(sandbox: Sandbox) -> datetime:
    return instant(httpx.get(f"{sandbox.vip}/sandbox/clock", timeout=30).json()["now"])


def _ask(sandbox: Sandbox, here: Terminal, days: int, began: datetime) -> Months:
    vip, trading_grid = System(sandbox.vip), System(sandbox.trading_grid)
    try:
        feeds = {stream: vip.all(stream) for stream in VIP_STREAMS}
        feeds |= {stream: trading_grid.all(stream) for stream in TRADING_GRID_STREAMS}
        book = trading_grid.desk("writes")
        groups = {write["subject_id"] for write in book["writes"] if write["operation"] == "publishAccessRules"}
        rules = {group: trading_grid.get(f"/v1/partner_groups/{group}/access_rules").json() for group in groups}
        received = trading_grid.desk("received")
    finally:
        vip.close()
        trading_grid.close()
    return Months(days, began, _clock(sandbox), feeds, book["writes"], book["refused"], received, rules, here)


def _edited(record: Record) -> datetime:
    text = record.get("updated_at") or record.get("read_at") or record.get("posted_at") or "1970-01-01T00:00:00Z"
    return instant(text)
