"""What others need for the same job, in the same run against the same server, with the ratios that are wanted.

Belongs here: the environments of the rivals, running them, the table. Does not belong here: their configuration
(``dlt_way.py``, ``singer_tap.py``), our way (``benchmarks.ways``).

    python -m benchmarks.rivals [--records 300000] [--rounds 3] [--also-ours-at 3000000]

Each rival has an environment of its own, made from a list of exact versions with uv the first time, in a folder that
is kept (``--environments``). What a rival takes at more records than it is measured at is reckoned in proportion.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.served import Source, serving
from benchmarks.ways import Ours, bare, measure

HERE: Final = Path(__file__).parent
# What is wanted: so many times as fast as the rival.
WANTED: Final = {"bare": 0.4, "dlt default": 75.0, "dlt tuned": 8.0, "Singer tap and target": 20.0}
# Records per second of dlt tuned where the wanted ratios were set, as a share of the bare limit there: where our
# tuning of it does worse, this counts.
TUNED_OF_BARE: Final = 22_000 / 380_000


def environment(name: str, folder: Path) -> Path:
    """Make a rival's environment, unless it is there, and return its Python."""
    place = folder / name
    python = place / "bin" / "python"
    listed = HERE / f"{name}.txt"
    made_from = place / "made-from.txt"
    if not made_from.exists() or made_from.read_bytes() != listed.read_bytes():
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([_uv(), "venv", "--quiet", "--python", sys.executable, str(place)], check=True)
        subprocess.run(
            [_uv(), "pip", "install", "--quiet", "--no-deps", "--python", str(python), "-r", str(listed)], check=True
        )
        shutil.copyfile(listed, made_from)
    return python


def _uv() -> str:
    own = HERE.parent.parent / ".tools" / "bin" / "uv"
    found = str(own) if own.exists() else shutil.which("uv")
    if found is None:
        message = "uv is not there: run `make setup` first."
        raise SystemExit(message)
    return found


def dlt_seconds(how: str, url: str, folder: Path, environments: Path, records: int) -> float:
    """Run dlt and return its seconds without its imports."""
    done = subprocess.run(
        [str(environment("dlt", environments)), str(HERE / "dlt_way.py"), how, url, str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    said = json.loads(done.stdout.splitlines()[-1])
    _note(said["rows"], records, f"dlt {how}")
    return float(said["seconds"])


def singer_seconds(url: str, folder: Path, environments: Path, records: int) -> float:
    """Run a tap into a target and return the seconds of both, from their start to the end of the later one."""
    tap, target = environment("tap", environments), environment("target", environments)
    database = folder / "events.duckdb"
    (folder / "tap.json").write_text(json.dumps({"address": url}), encoding="utf-8")
    (folder / "target.json").write_text(
        json.dumps({"path": str(database), "default_target_schema": "rival"}), encoding="utf-8"
    )
    started = time.perf_counter()
    with (folder / "tap.log").open("wb") as log:
        source = subprocess.Popen(
            [str(tap), str(HERE / "singer_tap.py"), "--config", str(folder / "tap.json")],
            stdout=subprocess.PIPE,
            stderr=log,
        )
        subprocess.run(
            [str(target.parent / "target-duckdb"), "--config", str(folder / "target.json")],
            stdin=source.stdout,
            stdout=subprocess.DEVNULL,
            stderr=log,
            check=True,
        )
    seconds = time.perf_counter() - started
    asked = "select count(*) from rival.access_events"
    counted = f"import duckdb; print(duckdb.connect({str(database)!r}).sql({asked!r}).fetchall()[0][0])"
    rows = subprocess.run([str(target), "-c", counted], check=True, stdout=subprocess.PIPE, text=True).stdout
    _note(int(rows), records, "the Singer tap and target")
    return seconds


def _note(rows: int, records: int, who: str) -> None:
    if rows != records:
        print(f"{who} brought {rows} rows of {records}.")


def ours_and_bare(url: str, records: int, rounds: int) -> tuple[float, float, int]:
    """Return the median seconds of our way and of the bare one, taken in turns, and our peak in MiB."""
    seconds: dict[str, list[float]] = {"ours": [], "bare": []}
    peak = 0
    for _ in range(rounds):
        for name, way in (("ours", Ours()), ("bare", bare)):
            with tempfile.TemporaryDirectory() as folder:
                found = measure(way, url, Path(folder) / name)
            if found.rows != records:
                message = f"Rows are missing: {found.rows} of {records} came by the way {name!r}."
                raise SystemExit(message)
            seconds[name].append(found.seconds)
            peak = max(peak, found.peak_mib) if name == "ours" else peak
    return statistics.median(seconds["ours"]), statistics.median(seconds["bare"]), peak


def rivals(url: str, records: int, environments: Path) -> dict[str, float]:
    """Run every rival once."""
    seconds = {}
    for how in ("default", "tuned"):
        with tempfile.TemporaryDirectory() as folder:
            seconds[f"dlt {how}"] = dlt_seconds(how, url, Path(folder), environments, records)
    with tempfile.TemporaryDirectory() as folder:
        seconds["Singer tap and target"] = singer_seconds(url, Path(folder), environments, records)
    return seconds


def show(records: int, ours: float, peak: int, others: dict[str, float], reckoned_from: int) -> None:
    """Print the table."""
    title = f"{records:,} records over HTTP, to deduplicated core; ours {ours:.2f} s, peak {peak} MiB"
    shown = Table("who", "seconds", "records/s", "we are so many times as fast", "wanted", title=title)
    for name, seconds in others.items():
        ratio = seconds / ours
        mark = "" if ratio >= WANTED[name] else "  (missed)"
        said = f"{name}{'' if name == 'bare' or reckoned_from == records else ', reckoned'}"
        shown.add_row(said, f"{seconds:.2f}", f"{records / seconds:,.0f}", f"{ratio:.2f}{mark}", f"{WANTED[name]}")
    Console().print(shown)


def main() -> None:
    """Run everything and print the tables."""
    parser = argparse.ArgumentParser(prog="benchmarks.rivals")
    parser.add_argument("--records", type=int, default=300_000, help="what everybody is measured at")
    parser.add_argument("--also-ours-at", type=int, nargs="*", default=[], help="and ours and the bare way at these")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--environments", type=Path, default=Path(tempfile.gettempdir()) / "vipgrid-rivals")
    given = parser.parse_args()
    given.environments.mkdir(parents=True, exist_ok=True)
    with serving(Source(records=given.records)) as url:
        ours, bare_seconds, peak = ours_and_bare(url, given.records, given.rounds)
        found = rivals(url, given.records, given.environments)
    tuned_as_noted = bare_seconds / TUNED_OF_BARE
    found["dlt tuned"] = min(found["dlt tuned"], tuned_as_noted)
    show(given.records, ours, peak, {"bare": bare_seconds, **found}, given.records)
    for records in given.also_ours_at:
        with serving(Source(records=records)) as url:
            ours, bare_seconds, peak = ours_and_bare(url, records, given.rounds)
        reckoned = {name: seconds * records / given.records for name, seconds in found.items()}
        show(records, ours, peak, {"bare": bare_seconds, **reckoned}, given.records)


if __name__ == "__main__":
    main()
