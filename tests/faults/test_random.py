"""Random faults: every response may be spoiled in any way, every paging, records that come, change and are wrong.

An episode is one turn: the source changes, a random share of its answers is spoiled, and the stream is pulled until it
comes through. Afterwards the landed records are those that the source had, byte for byte; of each tenant's episodes the
completeness equation holds for every page, run and day, and core is what plain Python makes of the same history.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from tests.connections.making import Tenant
from tests.faults.data import SPOILED_RECORDS
from tests.faults.http import FAULTS, LASTING
from tests.faults.lived import Computed, compute
from tests.faults.server import Asked, Send, Server, whole
from tests.faults.shapes import SHAPES, Shape, Truth, raw, record

EPISODES_OF_A_TENANT = 40
MOST_PULLS = 60
# Faults at which an episode's stream fails at once are the seldom ones, so that most episodes have long ways.
WEIGHTS = [1 if fault in LASTING else 8 for fault in FAULTS]


@dataclass
class Dice:
    """Which answers are spoiled, and how; ``spoiled`` counts them by name."""

    dice: random.Random
    share: float = 0.0
    spoiled: Counter[str] = field(default_factory=Counter)

    def __call__(self, _asked: Asked) -> Send | None:
        if self.dice.random() >= self.share:
            return None
        (fault,) = self.dice.choices(FAULTS, WEIGHTS)
        self.spoiled[fault.name] += 1
        return fault.send


@dataclass
class World:
    """The source's records, by number, and every edition that was ever landed of each."""

    dice: random.Random
    records: dict[int, bytes] = field(default_factory=dict)
    editions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    arrived: int = 0
    rejected: int = 0
    bad: set[int] = field(default_factory=set)

    def change(self) -> None:
        for _ in range(self.dice.randrange(3) if self.records else 9):
            self.records[len(self.records)] = raw(len(self.records))
        for _ in range(self.dice.randrange(4)):
            number = self.dice.randrange(len(self.records))
            edition = self.dice.randrange(5)
            self.records[number] = raw(number, title=f"{number} in {edition}")
            self.bad.discard(number)
        if self.dice.random() < 0.3:
            number = self.dice.randrange(len(self.records))
            self.records[number] = self.dice.choice(SPOILED_RECORDS)(record(number))
            self.bad.add(number)

    def note(self, landed: list[Any]) -> None:
        self.arrived += len(landed)
        for own in landed:
            if isinstance(own, dict):
                self.editions.setdefault(own["asset_id"], []).append(own)
            else:
                self.rejected += 1

    def core(self) -> dict[str, str]:
        return {key: max(own, key=lambda e: (e["updated_at"], _sha(e)))["title"] for key, own in self.editions.items()}


def _sha(value: Any) -> str:
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()


class Life:
    """One tenant's episodes."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self.dice, self.world, self.striking = dice, World(dice), Dice(dice)
        self.truth, self.shape, self.failures = Truth(), SHAPES[0], 0
        with Server(lambda asked: self.shape.answering(self.truth, asked), self.striking) as server:
            profile = {"limits": {"max_body_bytes": 1_000_000}}
            self.tenant = Tenant(folder, server.url, {**profile, "defaults": self.shape.stream})
            for episode in range(EPISODES_OF_A_TENANT):
                if episode:
                    self.tenant.next_turn()
                self._live(dice.choice(SHAPES), profile)
            self.responses = len(server.asked)

    def _live(self, shape: Shape, profile: dict[str, Any]) -> None:
        self.shape = shape
        self.tenant.write_profile({**profile, "defaults": shape.stream})
        self.world.change()
        self.truth.records = [self.world.records[number] for number in sorted(self.world.records)]
        self.striking.share = self.dice.choice([0.01, 0.2, 0.5, 0.8] if shape.is_repeatable else [0.01, 0.1, 0.2])
        for pull in range(MOST_PULLS):
            outcome = self.tenant.pull()
            if not outcome.failed:
                break
            said = str(outcome.failed["assets"])
            assert said.startswith(("Fetching assets from vip", "The ")), said
            assert "\n" not in said
            self.failures += 1
            if pull >= MOST_PULLS // 2:
                self.striking.share = 0.0
        assert not outcome.failed
        self._check_landed()

    def _check_landed(self) -> None:
        landed = self.tenant.landed(turn=self.tenant.turn().number)
        self.world.note(landed)
        readable = {own["n"]: own for own in landed if isinstance(own, dict)}
        good = {number: own for number, own in self.world.records.items() if number not in self.world.bad}
        assert readable == {number: json.loads(own) for number, own in good.items()}
        rejected = [own for own in landed if isinstance(own, str)]
        assert len(rejected) >= len(self.world.bad)
        assert bool(rejected) == bool(self.world.bad)


def hold(life: Life) -> Computed:
    """Hold what a tenant has in the end against its world."""
    computed = compute(life.tenant)
    assert computed.is_exact()
    assert {key: row[0] for key, row in computed.core.items()} == life.world.core()
    assert sum(page["fetched"] for page in computed.pages) == life.world.arrived
    assert sum(page["quarantined"] for page in computed.pages) == life.world.rejected
    distinct = {(key, _sha(own)) for key, editions in life.world.editions.items() for own in editions}
    assert len(computed.history) == len(distinct)
    return computed


def live(folder: Path, seed: int, responses: int) -> Counter[str]:
    """Live until so many responses were spoiled; return which, and how often."""
    spoiled: Counter[str] = Counter()
    answered = pages = failures = tenants = 0
    while spoiled.total() < responses:
        life = Life(folder / f"tenant-{tenants}", random.Random(seed * 1_000_003 + tenants))
        computed = hold(life)
        tenants += 1
        spoiled += life.striking.spoiled
        answered += life.responses
        pages += len(computed.pages)
        failures += life.failures
        if tenants % 25 == 0:
            print(f"  {spoiled.total()} spoiled responses of {answered}, {pages} pages exact", flush=True)
    print(
        f"\n{spoiled.total()} spoiled responses of {answered}, {len(spoiled)} faults, {failures} failed pulls; "
        f"the equation exact on {pages} pages of {tenants} tenants (seed {seed})"
    )
    return spoiled


def test_two_thousand_random_faulty_responses_lose_and_double_nothing(tmp_path: Path) -> None:
    spoiled = live(tmp_path, seed=7, responses=2_000)
    assert spoiled.total() >= 2_000
    assert set(spoiled) == {fault.name for fault in FAULTS}


@pytest.mark.chaos
@pytest.mark.timeout(6 * 3600)
def test_a_hundred_thousand_random_faulty_responses_lose_and_double_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get("VIPGRID_CHAOS_SEED", "1"))
    responses = int(os.environ.get("VIPGRID_CHAOS_RESPONSES", "100000"))
    assert live(tmp_path, seed, responses).total() >= responses


def test_a_good_answer_is_sent_as_it_is(tmp_path: Path) -> None:
    truth = Truth([raw(n) for n in range(9)])
    for place, shape in enumerate(SHAPES):
        with Server(lambda asked, shape=shape: shape.answering(truth, asked), lambda _: whole) as server:  # type: ignore[misc]
            tenant = Tenant(tmp_path / str(place), server.url, {"defaults": shape.stream})
            tenant.pull_well()
        assert {json.dumps(own) for own in tenant.landed()} == {json.dumps(record(n)) for n in range(9)}, shape.name
