"""A network lived turn by turn with its figures computed, and what the reference says of the same.

Belongs here: from a network to both tellings. Does not belong here: holding them against each other (``test_figures``),
opening figures (``test_figures_opened``).
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pipeline.ledger.turns import Turn
from pipeline.notice_settings import Notices
from pipeline.settings import Policies
from tests.reference.networks import Network
from tests.reference.policy import Policy
from tests.reference_figures.everything import Grain, rows_of, things_of
from tests.reference_figures.feeds import completeness, lags, runs_of
from tests.reference_figures.letters import REASONS, Sent, Suppressed, posted
from tests.reference_figures.things import Value
from tests.reference_figures.working_time import Calendar
from tests.reference_figures.worlds import World
from tests.tables import Tables, files_settings, open_tables

KPIS: Final = "marts.kpis"
DISTANT: Final = datetime.fromisoformat("1900-01-01T00:00:00+00:00")
GRAIN: Final = "figure, measure, weighting, dimension, dimension_value, period"
ZONES: Final = ("UTC", "Europe/Berlin", "America/New_York")


@dataclass
class Lived:
    """The tables of a network's last turn, and what was decided in it."""

    tables: Tables
    network: Network
    turn: Turn
    calendar: Calendar
    ours: list[Sent] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        """Return the last turn's now."""
        return self.network.batches[-1].now

    def world(self, as_of: datetime) -> World:
        """Return the reference's question."""
        return World(self.network.arrivals(), as_of, self.now, Policy(notify_from=DISTANT), self.calendar)

    def compute(self, as_of: datetime) -> None:
        """Compute the figures as of another instant; what was decided stays."""
        self.tables.compute(self.turn, as_of, (KPIS,), floors=("freshness", "ops", "marts"))

    def told(self) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """Return the figures of the SQL by their grain."""
        rows = self.tables.rows(f"select {GRAIN}, numerator, denominator, value, censored, excluded from {KPIS}")
        return {row[:6]: row[6:] for row in rows}

    def expected(self, as_of: datetime) -> dict[Grain, Value]:
        """Return those of the reference."""
        world = self.world(as_of)
        rows = rows_of(world, things_of(world, self.ours, self.listed, self.suppressed))
        return rows | lags(world.arrivals, as_of) | completeness(list(runs_of(self.network)))

    def decide(self, rng: random.Random) -> None:
        """Let notices be ours, some of them sent and not listed yet, and candidates be decided against."""
        known = self.world(self.now).known
        keys = {str(row["external_key"]) for row in known.current("notices") if row.get("external_key") is not None}
        self.listed = sorted(key for key in keys if rng.random() < 0.8)
        for key in self.listed:
            (first, *_) = sorted(
                (notice for notice in posted(known, (key,)) if notice.is_ours), key=lambda notice: notice.sent_at
            )
            self._act(key, first)
        for number in range(rng.randint(2, 6)):
            notice = rng.choice(list(posted(known)))
            sent_at = self.now - timedelta(minutes=rng.randint(0, 90 * 60))
            mine = Sent(notice.partner_id, notice.asset_id, notice.version_no, notice.kind, sent_at, is_ours=True)
            self.ours.append(mine)
            self._act(f"unlisted{number}", mine)
        for number in range(rng.randint(4, 12)):
            notice = rng.choice(list(posted(known)))
            decided_at = self.now - timedelta(minutes=rng.randint(0, 30 * 24 * 60))
            reason = rng.choice((*REASONS[:-1], "something_new"))
            self.suppressed.append(Suppressed(notice.partner_id, notice.asset_id, decided_at, reason))
            self._insert(
                "sync.notice_decisions",
                candidate_key=f"candidate{number}",
                partner_id=notice.partner_id,
                asset_id=notice.asset_id,
                kind=notice.kind,
                decision="suppressed",
                reason=reason,
                decided_at=decided_at,
            )

    def _act(self, key: str, notice: Sent) -> None:
        self._insert(
            "sync.actions",
            action_key=key,
            operation="post_notice",
            partner_id=notice.partner_id,
            asset_id=notice.asset_id,
            version_no=notice.version_no,
            kind=notice.kind,
            state="sent",
            sent_at=notice.sent_at,
        )

    def _insert(self, table: str, **values: Any) -> None:
        placed = ", ".join(f"${name} as {name}" for name in values)
        self.tables.connection.execute(f"insert into {table} by name select {placed}", values)


@contextmanager
def lived(network: Network, seed: int = 0) -> Iterator[Lived]:
    """A network turn by turn, with the figures of each turn computed."""
    rng = random.Random(seed)
    calendar = Calendar(rng.choice(ZONES))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        policies = Policies.model_validate({"calendar": {"zone": calendar.zone}})
        settings = files_settings(folder / "source", notices=Notices(notify_from=DISTANT), policies=policies)
        with open_tables(folder, settings) as tables:
            for batch in network.batches:
                turn = tables.receive(batch, rng)
                is_last = batch is network.batches[-1]
                tables.compute(turn, batch.now, (KPIS,) if is_last else ("audit.first_verdicts",))
            told = Lived(tables, network, turn, calendar)
            told.decide(rng)
            tables.compute(turn, told.now, (KPIS,), floors=("marts",))
            yield told
