"""SIGKILL at any moment of a pull, from folders and over HTTP: the next try gives what an undisturbed one gives."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.connections.making import Tenant
from tests.faults.http import PASSING
from tests.faults.lived import compute
from tests.faults.server import Answer, Asked, Send, Server
from tests.faults.shapes import SHAPE_OF, Truth, raw
from tests.ingest.making import Desk

ROOT = Path(__file__).parents[2]
STREAMS = ("assets", "deliveries", "access_events", "reviews")
KILLS_OF_A_HOME = 8
HOMES = 2
MANY_HOMES = int(os.environ.get("VIPGRID_CHAOS_KILLS", "500")) // KILLS_OF_A_HOME + 1
PROFILE: dict[str, Any] = {"defaults": SHAPE_OF["cursor"].stream, "limits": {"attempts": 20}}

# One process imports everything once, then forks a pull after the other and kills it.
KILLER = """
import os, random, signal, sys, time
from pathlib import Path
import stamina
from pipeline.ingest import files, landing
from tests.connections.making import Tenant
from tests.ingest.making import Desk
from tests.ingest.test_kill import PROFILE, STREAMS

files.PAGE_RECORDS = 50
landing.FIRST_CHUNK_BYTES = 4096
stamina.set_testing(True, attempts=20)
folder, homes, tries, url = sys.argv[1:]

def start(folder):
    pid = os.fork()
    if pid == 0:
        desk = Tenant(Path(folder), url, PROFILE, streams=STREAMS) if url else Desk(Path(folder))
        desk.journal.mend()
        failed = desk.pull().failed
        os._exit(1 if failed else 0)
    return pid

started = time.monotonic()
assert os.waitpid(start(folder + "/undisturbed"), 0)[1] == 0
whole_seconds = time.monotonic() - started

dice, kills = random.Random(11), 0
for home in range(int(homes)):
    for _ in range(int(tries)):
        pid = start(f"{folder}/{home}")
        time.sleep(dice.uniform(0, whole_seconds / 2))
        os.kill(pid, signal.SIGKILL)
        kills += os.waitpid(pid, 0)[1] != 0
    assert os.waitpid(start(f"{folder}/{home}"), 0)[1] == 0
print(kills)
"""


def kill(folder: Path, homes: int, url: str = "") -> None:
    """Pull once undisturbed, and into every other home with kills until it comes through."""
    run = subprocess.run(
        [sys.executable, "-c", KILLER, str(folder), str(homes), str(KILLS_OF_A_HOME), url],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    tries = homes * KILLS_OF_A_HOME
    print(f"\n{run.stdout.strip()} of {tries} kills hit a pull {'over HTTP' if url else 'from folders'}")
    assert int(run.stdout) >= homes


def kill_pulls_of_folders(tmp_path: Path, homes: int) -> None:
    desks = []
    for name in ("undisturbed", *map(str, range(homes))):
        desk = Desk(tmp_path / name)
        for stream in STREAMS:
            desk.write(f"{stream}/x.ndjson", "".join(f'{{"{stream}":{n}}}\n' for n in range(3000)))
        desk.turn()
        desks.append(desk)
    undisturbed, *killed = desks

    kill(tmp_path, homes)

    expected = {stream: undisturbed.lines(stream) for stream in STREAMS}
    assert [len(expected[stream]) for stream in STREAMS] == [3000] * len(STREAMS)
    for desk in killed:
        assert {stream: desk.lines(stream) for stream in STREAMS} == expected
        _is_whole(desk, undisturbed)


def kill_pulls_over_http(tmp_path: Path, homes: int) -> None:
    dice = random.Random(3)
    truth = Truth([raw(n) for n in range(240)])

    def answering(asked: Asked) -> Answer:
        return SHAPE_OF["cursor"].answering(truth, asked)

    def striking(_: Asked) -> Send | None:
        return dice.choice(PASSING).send if dice.random() < 0.1 else None

    with Server(answering, striking) as server:
        names = ("undisturbed", *map(str, range(homes)))
        undisturbed, *killed = (Tenant(tmp_path / name, server.url, PROFILE, streams=STREAMS) for name in names)
        for tenant in (undisturbed, *killed):
            tenant.turn()
        kill(tmp_path, homes, server.url)
    for tenant in (undisturbed, *killed):
        for stream in STREAMS:
            assert [own["n"] for own in tenant.landed(stream)] == list(range(240))
            assert [page["p"] for page in tenant.pages(stream)] == list(range(1, 61))
        _is_whole(tenant, undisturbed)
    computed, expected = compute(killed[-1]), compute(undisturbed)
    assert computed.is_exact()
    assert (computed.core, computed.history) == (expected.core, expected.history)
    assert len(computed.core) == 240


def _is_whole(killed: Desk | Tenant, undisturbed: Desk | Tenant) -> None:
    """Hold that each stream was pulled once, and that a killed pull left no file behind."""
    entries = [entry.source_id for entry in killed.journal.entries(frozenset({"stream_pulled"}))]
    assert len(entries) == len(set(entries))
    names = {path.name for path in (killed.home.landing / "vip" / "assets").iterdir()}
    assert names == {path.name for path in (undisturbed.home.landing / "vip" / "assets").iterdir()}


def test_a_killed_pull_of_folders_is_taken_up_and_gives_what_an_undisturbed_one_gives(tmp_path: Path) -> None:
    kill_pulls_of_folders(tmp_path, HOMES)


def test_a_killed_pull_over_http_is_taken_up_and_gives_what_an_undisturbed_one_gives(tmp_path: Path) -> None:
    kill_pulls_over_http(tmp_path, HOMES)


@pytest.mark.chaos
@pytest.mark.timeout(7200)
def test_pulls_that_are_killed_at_very_many_moments_lose_and_double_nothing(tmp_path: Path) -> None:
    kill_pulls_of_folders(tmp_path / "folders", MANY_HOMES)
    kill_pulls_over_http(tmp_path / "http", MANY_HOMES)
