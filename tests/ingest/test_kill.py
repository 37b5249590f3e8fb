"""SIGKILL at any moment of a pull: the next try gives the same landing content."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.ingest.making import Desk

ROOT = Path(__file__).parents[2]
STREAMS = ("assets", "deliveries", "access_events", "reviews")
TRIES = 25

# One process imports everything once, then forks a pull after the other and kills it.
KILLER = """
import os, random, signal, sys, time
from pathlib import Path
from pipeline.ingest import files, landing
from tests.ingest.making import Desk

files.PAGE_RECORDS = 50
landing.FIRST_CHUNK_BYTES = 4096

def start(folder):
    pid = os.fork()
    if pid == 0:
        desk = Desk(Path(folder))
        desk.journal.mend()
        desk.pull()
        os._exit(0)
    return pid

started = time.monotonic()
assert os.waitpid(start(sys.argv[1]), 0)[1] == 0
whole_seconds = time.monotonic() - started

dice, kills = random.Random(11), 0
for _ in range(int(sys.argv[3])):
    pid = start(sys.argv[2])
    time.sleep(dice.uniform(0, whole_seconds / 2))
    os.kill(pid, signal.SIGKILL)
    kills += os.waitpid(pid, 0)[1] != 0
assert os.waitpid(start(sys.argv[2]), 0)[1] == 0
print(kills)
"""


def _content(desk: Desk) -> dict[str, list[dict[str, object]]]:
    return {stream: desk.lines(stream) for stream in STREAMS}


def test_a_killed_pull_is_taken_up_and_gives_what_an_undisturbed_one_gives(tmp_path: Path) -> None:
    desks = []
    for name in ("undisturbed", "killed"):
        desk = Desk(tmp_path / name)
        for stream in STREAMS:
            desk.write(f"{stream}/x.ndjson", "".join(f'{{"{stream}":{n}}}\n' for n in range(3000)))
        desk.turn()
        desks.append(desk)
    undisturbed, killed = desks

    run = subprocess.run(
        [sys.executable, "-c", KILLER, str(tmp_path / "undisturbed"), str(tmp_path / "killed"), str(TRIES)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )

    assert int(run.stdout) > 0
    assert _content(killed) == _content(undisturbed)
    assert [len(killed.records(stream)) for stream in STREAMS] == [3000] * len(STREAMS)
    entries = [entry.source_id for entry in killed.journal.entries(frozenset({"stream_pulled"}))]
    assert len(entries) == len(set(entries))
    names = {path.name for path in (killed.home.landing / "vip" / "assets").iterdir()}
    assert names == {path.name for path in (undisturbed.home.landing / "vip" / "assets").iterdir()}
