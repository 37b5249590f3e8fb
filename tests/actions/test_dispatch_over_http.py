"""A thousand actions over real HTTP to a hostile server that is gone at times, by a process that is really killed."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from pipeline.actions.outbox import State, read_outbox
from pipeline.ledger.journal import Journal
from tests.actions.hostile import Hostile
from tests.actions.hostile_http import RATE, HostileHttp, serving
from tests.actions.remote import decided, new_journal

ACTIONS = 1_000
KILLS = 5


@pytest.mark.parametrize(
    "remote",
    [
        {"honours_keys": False, "lists_after_seconds": 0.5},
        pytest.param({"honours_keys": True}, marks=pytest.mark.chaos),
    ],
)
def test_a_thousand_actions_outlive_a_hostile_server_and_kills(tmp_path: Path, remote: dict[str, float | bool]) -> None:
    drafts = [decided(f"P{number}", due_at=None) for number in range(ACTIONS)]
    new_journal(tmp_path, *drafts)
    dice = random.Random(11)
    hostile = Hostile(dice, time.monotonic, **remote)  # type: ignore[arg-type]
    with serving(hostile) as server:
        killed = drain_and_kill(tmp_path, server, dice)

    assert killed == KILLS
    states = Counter(action.state for action in read_outbox(Journal(tmp_path)).actions.values())
    assert states == {State.SENT: ACTIONS}
    assert hostile.effects == Counter(draft.source_id for draft in drafts)
    assert len(hostile.arrivals) <= 1.8 * ACTIONS
    assert hostile.most_in_a_second() <= RATE


def drain_and_kill(folder: Path, server: HostileHttp, dice: random.Random) -> int:
    """Start a dispatcher again and again until one ends by itself with nothing left; return how many were killed."""
    killed = 0
    for hour in itertools.count():
        # An hour between two drains, by the turns' clock: whatever is to be tried again is due by then.
        command = [sys.executable, "-m", "tests.actions.dispatcher_process", str(folder), server.url, str(hour * 3_600)]
        with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as process:
            if killed < KILLS and kill_at_work(process, folder, server, dice):
                killed += 1
            code = process.wait(timeout=120)
        assert code in {0, 1, -signal.SIGKILL}
        if code == 0:
            return killed
    raise AssertionError


def kill_at_work(process: subprocess.Popen[bytes], folder: Path, server: HostileHttp, dice: random.Random) -> bool:
    """Kill it somewhere in its work, at times with the server going away a moment before; False where it was faster."""
    before = size = (folder / "journal.ndjson").stat().st_size
    wanted = before + dice.randint(1_000, 60_000)
    while size < wanted and process.poll() is None:
        time.sleep(0.002)
        size = (folder / "journal.ndjson").stat().st_size
    if process.poll() is not None:
        return False
    if dice.random() < 0.5:
        server.stop()
        threading.Timer(0.5, server.start).start()
        time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    time.sleep(0.5)
    return True
