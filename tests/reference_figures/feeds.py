"""Feeds: how long records took to us, and whether everything that came is accounted for (docs/domain.md 11, K13, K14).

Here belong: the lag of each record, what each record of a turn turned out to be. Not here: what records mean.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise

from tests.reference.networks import Network
from tests.reference.records import OUR_STREAMS, Arrival, Key, digest_of, key_of, required_instant
from tests.reference_figures.everything import Grain
from tests.reference_figures.things import Value, month_of

LAGGING = {"access_events": "occurred_at", "acknowledgments": "occurred_at", "deliveries": "status_at"}


@dataclass(frozen=True)
class Run:
    """What one sync brought: how many records of each sort, in all."""

    known_at: datetime
    sorts: Counter[str]

    @property
    def day(self) -> str:
        """Return the UTC day."""
        return self.known_at.astimezone(UTC).strftime("%Y-%m-%d")


def runs_of(network: Network) -> Iterator[Run]:
    """Yield each sync's sorts of records: new, a new edition of a record, a duplicate, or quarantined."""
    seen: dict[tuple[str, Key], set[str]] = {}
    for before, after in pairwise(network.arrivals(count) for count in range(len(network.batches) + 1)):
        sorts: Counter[str] = Counter()
        fed = [arrival for arrival in after[len(before) :] if arrival.stream not in OUR_STREAMS]
        for arrival in fed:
            key, digest = key_of(arrival.stream, arrival.record), digest_of(arrival.record)
            if key is None:
                sorts["quarantined"] += 1
                continue
            known = seen.setdefault((arrival.stream, key), set())
            sorts["duplicates" if digest in known else "new_editions" if known else "new"] += 1
            known.add(digest)
        if fed:
            yield Run(fed[0].known_at, sorts)


def completeness(runs: Sequence[Run]) -> dict[Grain, Value]:
    """K14: every run and every day of which each record is accounted for, out of all."""
    found: dict[Grain, Value] = {}
    for measure, days in (("runs", [run.day for run in runs]), ("days", sorted({run.day for run in runs}))):
        for period in ("all", *days):
            count = Fraction(sum(period in {"all", day} for day in days))
            value = count / count if count else None
            found["K14", measure, "pair", "all", "all", period] = Value(count, count, value, 0, 0)
    return found


def lags(arrivals: Sequence[Arrival], as_of: datetime) -> dict[Grain, Value]:
    """K13: the nearest rank of 95 in 100 of the lags; the backlog of a stream's first turn apart."""
    found: dict[Grain, Value] = {}
    for stream, field in LAGGING.items():
        firsts: dict[Key, Arrival] = {}
        for arrival in arrivals:
            key = key_of(arrival.stream, arrival.record) if arrival.stream == stream else None
            if key is not None:
                firsts.setdefault(key, arrival)
        first_turn = min((arrival.known_at for arrival in firsts.values()), default=None)
        told = [
            (required_instant(arrival.record, field), arrival.known_at, arrival.known_at == first_turn)
            for arrival in firsts.values()
            if required_instant(arrival.record, field) <= as_of
        ]
        for period in {"all", *(month_of(at) for at, _, _ in told)}:
            here = [one for one in told if period in {"all", month_of(one[0])}]
            waits = sorted(int((known_at - at).total_seconds() // 1) for at, known_at, is_first in here if not is_first)
            rank = -(-len(waits) * 95 // 100)
            count, value = Fraction(len(waits)), Fraction(waits[rank - 1]) if waits else None
            grain: Grain = ("K13", f"feed_lag_p95_{stream}", "pair", "all", "all", period)
            found[grain] = Value(count, count, value, 0, len(here) - len(waits))
    return found
