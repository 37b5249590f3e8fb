"""Random networks: what arrives at each successive sync, and what is worth asking.

`random_network` draws one from a `random.Random`; `networks` is the same as a
Hypothesis strategy that shrinks; `write_folders` writes a batch as files. Ids, versions
and instants are few, so that every rule of docs/domain.md 3 to 6 and 8 collides.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.reference import casts, letters, plots
from tests.reference.dice import MICROSECOND, Dice
from tests.reference.folders import write_files
from tests.reference.records import (
    KEY_FIELDS,
    OUR_STREAMS,
    Arrival,
    Key,
    Record,
    digest_of,
    instant,
    key_of,
    local_time,
)
from tests.reference.scenes import Scene, new_scene
from tests.reference.versions import resolve_local

Size: TypeAlias = Literal["small", "medium"]

TRADING_GRID_STREAMS = frozenset(
    {
        "partners",
        "partner_users",
        "partner_groups",
        "group_members",
        "acknowledgments",
        "notices",
        "requests",
        "request_events",
        "issues",
        "issue_events",
        "campaigns",
        "campaign_partners",
        "campaign_tasks",
        "xref",
    }
)
FED_STREAMS = frozenset(KEY_FIELDS) - OUR_STREAMS
VIP_STREAMS = FED_STREAMS - TRADING_GRID_STREAMS
INSTANT_FIELDS = frozenset({"valid_from", "valid_to", "embargo_until"})


@dataclass(frozen=True)
class Batch:
    """What one sync receives at `now`.

    What persons decided here (`decisions`) lies among the streams, and is journalled instead.
    `exact` names the records whose very text decides which edition counts (equal
    stamps, or none): these must be written as they are.
    """

    now: datetime
    streams: dict[str, list[Record]]
    exact: frozenset[tuple[str, Key]]


@dataclass(frozen=True)
class Network:
    """Batches in the order of their syncs, and instants to ask about."""

    batches: list[Batch]
    questions: list[datetime]

    def arrivals(self, batch_count: int | None = None) -> list[Arrival]:
        """All that the first so many syncs received (None: all of them)."""
        return [
            Arrival(stream, batch.now, record)
            for batch in self.batches[:batch_count]
            for stream, records in batch.streams.items()
            for record in records
        ]


def random_network(rng: Random, *, size: Size = "small") -> Network:
    """Draw a network; the same `rng` state gives the same network."""
    dice = Dice(rng)
    is_small = size == "small"
    scene = new_scene(dice, is_small=is_small)
    casts.cast_partners(scene)
    casts.cast_xref(scene)
    casts.cast_users(scene)
    casts.cast_groups(scene)
    casts.cast_assets(scene, 4 if is_small else 5)
    casts.cast_segments(scene)
    casts.cast_packages(scene)
    plots.plot_grants(scene, 5 if is_small else 9)
    plots.plot_deliveries(scene, 6 if is_small else 12)
    plots.plot_access(scene, 9 if is_small else 20)
    plots.plot_relapse(scene)
    letters.plot_notices(scene, 6 if is_small else 12)
    letters.plot_acknowledgments(scene, 4 if is_small else 8)
    letters.plot_answers(scene, 8 if is_small else 18)
    letters.plot_decisions(scene, 2 if is_small else 4)
    if dice.chance(10):
        scene.add("deliveries", {**scene.deliveries[0], "delivery_id": None})
    batches = _batches(scene)
    questions = _questions(scene, 8 if is_small else 16)
    return Network(batches, questions)


@st.composite
def networks(draw: Callable[..., Random], size: Size = "small") -> Network:
    """Draw a network through Hypothesis, choice by choice, so that it shrinks."""
    rng = draw(st.randoms(use_true_random=False))
    return random_network(rng, size=size)


def write_folders(
    batch: Batch,
    folder: Path,
    rng: Random,
    *,
    streams: Collection[str] = FED_STREAMS,
) -> list[Path]:
    """Write the batch's streams as new files under `<folder>/<stream>/`."""
    paths: list[Path] = []
    for stream, records in batch.streams.items():
        if stream not in streams:
            continue
        exact = [r for r in records if (stream, key_of(stream, r)) in batch.exact]
        free = [r for r in records if (stream, key_of(stream, r)) not in batch.exact]
        name = f"{batch.now:%Y%m%dT%H%M%S%f}"
        paths += write_files(folder / stream, name, (exact, free), Dice(rng))
    return paths


def _batches(scene: Scene) -> list[Batch]:
    """Spread the records over syncs: late ones, old ones after new ones, twice."""
    dice = scene.dice
    count = dice.count(1, 4)
    now = scene.era.anchor + dice.pick((timedelta(days=3), timedelta(days=-3), timedelta(0)))
    nows = [now]
    for _ in range(count - 1):
        nows.append(nows[-1] + dice.pick((timedelta(days=6), timedelta(hours=1))))
    contents: list[dict[str, list[Record]]] = [{} for _ in nows]
    for stream, record in scene.records:
        index = dice.count(0, count - 1) if dice.chance(45) else 0
        contents[index].setdefault(stream, []).append(record)
        if stream not in OUR_STREAMS and dice.chance(6):
            again = dice.count(index, count - 1)
            contents[again].setdefault(stream, []).append(dict(record))
    exact = frozenset(_exact(scene))
    return [Batch(*batch, exact) for batch in zip(nows, contents, strict=True)]


def _exact(scene: Scene) -> Iterator[tuple[str, Key]]:
    """Name records whose editions only their text, or their arrival, can order."""
    texts: dict[tuple[str, Key], dict[datetime | None, set[str]]] = {}
    for stream, record in scene.records:
        key = key_of(stream, record)
        if key is not None:
            stamp = instant(record, "updated_at") or instant(record, "recorded_at")
            stamps = texts.setdefault((stream, key), {})
            stamps.setdefault(stamp, set()).add(digest_of(record))
    for name, stamps in texts.items():
        if None in stamps or any(len(digests) > 1 for digests in stamps.values()):
            yield name


def _questions(scene: Scene, count: int) -> list[datetime]:
    """Instants at, just before and just after what changes an answer."""
    boundaries = sorted(set(_boundaries(scene)))
    asked: set[datetime] = set()
    for _ in range(count):
        shift = scene.dice.pick((timedelta(0), -MICROSECOND, MICROSECOND))
        asked.add(scene.dice.pick(boundaries) + shift)
    return sorted(asked)


def _boundaries(scene: Scene) -> Iterator[datetime]:
    yield scene.era.anchor
    for _, record in scene.records:
        for field in record:
            if field.endswith("_at") or field in INSTANT_FIELDS:
                at = instant(record, field)
                if at is not None:
                    yield at
                    if field in {"approved_at", "posted_at"}:
                        yield from (at + timedelta(days=days) for days in (1, 2, 7))
        local = local_time(record, "effective_local")
        if local is not None:
            yield from _resolved(scene, local)


def _resolved(scene: Scene, local: datetime) -> Iterator[datetime]:
    """Yield the local time in every zone, its grace ends, and the midnight before."""
    for zone in ("UTC", *scene.era.zones):
        resolved_at, _ = resolve_local(local, zone)
        yield resolved_at
        yield from (resolved_at + timedelta(days=days) for days in (2, 7))
        here = resolved_at.astimezone(ZoneInfo(zone))
        yield here.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
