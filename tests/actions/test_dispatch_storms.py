"""Thousands of actions against a hostile server, with the dispatcher killed at random: none lost, none doubled."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.actions.dispatch import dispatch
from pipeline.actions.outbox import Outbox, State, read_outbox
from pipeline.actions.pace import Patience
from pipeline.ledger.journal import Draft, Journal
from pipeline.settings import Settings
from tests.actions.hostile import Hostile, HostileSender, VirtualTime
from tests.actions.remote import NOW, TURN, NoWarehouse, decided, new_journal

RATE = 50
BETWEEN_DRAINS_SECONDS = 120.0
# One thread: then the server's virtual clock is exact, and so is the rate that it measures.
PATIENCE = Patience(threads=1, total_seconds=60, longest_seconds=1e9)


class Kill(BaseException):
    """The process ends here."""


class MortalJournal(Journal):
    """Dies in an append: before it, after a part of it, or after it."""

    def __init__(self, folder: Path, dice: random.Random, share: float) -> None:
        super().__init__(folder)
        self.dice = dice
        self.share = share

    def append(self, drafts: Iterable[Draft]) -> None:
        if self.dice.random() >= self.share:
            super().append(drafts)
            return
        asked = list(drafts)
        super().append(asked[: self.dice.randint(0, len(asked))])
        raise Kill


@dataclass(frozen=True)
class Storm:
    """What was left when nothing was open any more."""

    outbox: Outbox
    server: Hostile
    kills: int
    drains: int
    virtual_seconds: float


def weather(storm: VirtualTime, dice: random.Random, **server: bool | float) -> Hostile:
    """Return a server that is down for twenty seconds of every five minutes."""
    return Hostile(dice, storm.now, is_down=lambda second: second % 300 > 280, **server)  # type: ignore[arg-type]


def live_through(folder: Path, dice: random.Random, virtual: VirtualTime, server: Hostile, *, kills: float) -> Storm:
    """Drain until nothing is open; ``kills`` is how many of the appends and posts end the process."""
    settings = Settings.model_validate({"connections": {}, "targets": {"trading_grid": {"requests_per_second": RATE}}})
    journal = MortalJournal(folder, dice, kills)

    def dies(_: str) -> None:
        if dice.random() < kills / 100:
            raise Kill

    sender = HostileSender(server, virtual, dies=dies)
    killed = drains = 0
    while True:
        drains += 1
        turn = replace(TURN, now=NOW + timedelta(seconds=virtual.seconds))
        try:
            outcome = dispatch(
                NoWarehouse(),
                journal,
                turn,
                settings,
                {"trading_grid": sender},
                waiter=virtual.waiter(),
                patience=PATIENCE,
                dice=dice,
            )
        except Kill:
            killed += 1
            Journal(folder).mend()
            continue
        if outcome.pending + outcome.failed + outcome.unknown == 0:
            return Storm(read_outbox(Journal(folder)), server, killed, drains, virtual.seconds)
        virtual.pass_by(BETWEEN_DRAINS_SECONDS)


def check(storm: Storm, keys: Sequence[str]) -> None:
    assert Counter(action.state for action in storm.outbox.actions.values()) == {State.SENT: len(keys)}
    assert storm.server.effects == Counter(keys)
    assert storm.server.requests <= 1.8 * len(keys)
    assert storm.server.most_in_a_second() <= RATE


REMOTES = [
    pytest.param({"honours_keys": True, "lists": True}, id="honours keys and lists"),
    pytest.param({"honours_keys": False, "lists": True, "lists_after_seconds": 4.5}, id="ignores keys, lists late"),
    pytest.param(
        {"honours_keys": True, "lists": True, "lists_after_seconds": 600.0}, id="honours keys, lists too late"
    ),
    pytest.param({"honours_keys": True, "lists": False}, id="honours keys, lists nothing"),
]


@pytest.mark.parametrize("remote", REMOTES)
def test_a_thousand_actions_outlive_faults_and_kills(tmp_path: Path, remote: dict[str, bool | float]) -> None:
    storm = run(tmp_path, 1_000, remote, kills=0.02)

    assert storm.kills > 0


@pytest.mark.chaos
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("remote", REMOTES[1:])
def test_a_hundred_thousand_actions_outlive_faults_and_kills(tmp_path: Path, remote: dict[str, bool | float]) -> None:
    actions = 250 * int(os.environ.get("VIPGRID_CHAOS_STEPS", "400"))
    started = time.monotonic()
    storm = run(tmp_path, actions, remote, kills=0.002)

    print(
        f"\n{remote}: {actions} actions, {storm.server.requests / actions:.3f} requests each, {storm.kills} kills,"
        f" {storm.drains} drains, most in a second {storm.server.most_in_a_second()} of {RATE},"
        f" {storm.virtual_seconds:.0f} virtual seconds in {time.monotonic() - started:.0f} s"
    )


def run(folder: Path, actions: int, remote: dict[str, bool | float], *, kills: float) -> Storm:
    dice = random.Random(20)
    virtual = VirtualTime()
    drafts = [decided(f"P{number}", due_at=None) for number in range(actions)]
    new_journal(folder, *drafts)
    storm = live_through(folder, dice, virtual, weather(virtual, dice, **remote), kills=kills)
    check(storm, [str(draft.source_id) for draft in drafts])
    return storm
