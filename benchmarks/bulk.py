"""Bulk history: `vipgrid import` of Parquet to deduplicated core, against DuckDB's own `create table as select`.

Belongs here: the files, both ways in processes of their own, their ratio, peak memory, the journal's rate. Does not
belong here: records over HTTP (``benchmarks.wire``), turns that bring little (``benchmarks.large``).

    python -m benchmarks.bulk --events 5000000 [--folder <scratch>] [--runs 3] [--trail]

Event ids are sixteen hexadecimal digits in no order; of a hundred rows one comes twice and one has no asset.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb
from rich.console import Console
from rich.table import Table

from pipeline.home import Home
from pipeline.ingest.importing import Importer
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import Turn
from pipeline.settings import FilesConnection, Settings
from resources.budget import MEMORY_LIMIT
from resources.importing import import_files
from resources.warehouse import CHECKPOINT_AT
from resources.workspace import Workspace

NOW: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
ROWS_PER_FILE: Final = 1_000_000
JOURNALLED: Final = 200_000


def write_history(folder: Path, events: int) -> None:
    """Write the files, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    size = min(events, ROWS_PER_FILE)
    with _connect(None, folder) as connection:
        for number in range(events // size):
            file = folder / f"events-{number:04}.parquet"
            if not file.exists():
                select = _events(number * size, (number + 1) * size, events)
                connection.execute(f"copy ({select}) to '{file}.part' (format parquet, compression zstd)")
                file.with_name(f"{file.name}.part").rename(file)


def _events(first: int, last: int, events: int) -> str:
    seconds = f"(i * 63000000 // {events})"
    return (
        "select printf('%016x', hash(case when i % 100 = 99 then i - 50 else i end)) as event_id,"
        " case when n % 3 = 0 then 'opened' else 'downloaded' end as event_type, 'P-' || hash(n * 7 + 1) % 4000 as"
        " partner_id, 'U-' || hash(n * 5 + 3) % 20000 as user_id, case when i % 100 <> 7 then 'AS-' || hash(n * 11) %"
        " 5000 end as asset_id, (1 + hash(n) % 3)::integer as version_no, case when n % 4 = 0 then 'DL-' || hash(n) %"
        " 1000000 end as delivery_id, 'direct' as vector, timestamptz '2024-03-01' + to_seconds(n) as occurred_at,"
        " timestamptz '2024-03-01' + to_seconds(n + 60) as recorded_at, '192.0.2.' || n % 250 as client_ip,"
        " 'portal/1.' || n % 20 as user_agent, (hash(n) % 10000000)::bigint as bytes from (select i,"
        f" case when i % 100 = 99 then {seconds.replace('i *', '(i - 50) *')} else {seconds} end as n"
        f" from range({first}, {last}) t(i))"
    )


def run_bare(source: Path, folder: Path) -> dict[str, Any]:
    """One table of the same rows as they are: no hash, no check, no deduplication."""
    with _connect(folder / "bare.duckdb", folder) as connection:
        files = source / "access_events" / "*.parquet"
        seconds = timed(lambda: connection.execute(f"create table events as select * from read_parquet('{files}')"))
        seconds += timed(lambda: connection.execute("checkpoint"))
        rows = connection.sql("select count(*) from events").fetchall()[0][0]
    return {"seconds": seconds, "rows": rows}


def run_ours(source: Path, folder: Path, *, has_trail: bool) -> dict[str, Any]:
    """The command's own way, and after it the trail where it is asked for."""
    nothing = FilesConnection(kind="files", path=folder / "none", watermark="now")
    settings = Settings(connections={"vip": nothing, "trading_grid": nothing})
    steps: list[tuple[str, float]] = []
    found: dict[str, Any] = {}
    started = time.perf_counter()
    with Workspace.open(settings, Home(folder / "home"), what="import", actor="benchmark", now=NOW) as workspace:
        importer = Importer(source, workspace.home, workspace.journal, is_copying=False, on_progress=lambda _: None)
        import_files(workspace, importer, None, lambda name: steps.append((name, time.perf_counter())))
        workspace.connection.execute("checkpoint")
        ended = time.perf_counter()
        counts = "sum(fetched), sum(new), sum(duplicates), sum(quarantined), bool_and(is_balanced)"
        found["counts"] = [
            str(one) for one in workspace.connection.sql(f"select {counts} from ops.pages").fetchall()[0]
        ]
        found["rows"] = workspace.connection.sql("select count(*) from core.access_events").fetchall()[0][0]
        if has_trail:
            for name in workspace.graph.left_of(["audit.trail"]):
                begun = time.perf_counter()
                workspace.compute(name)
                found["trail_seconds"] = time.perf_counter() - begun
    ends = [at for _, at in steps[1:]] + [ended]
    parts = {name: end - at for (name, at), end in zip(steps, ends, strict=True)}
    landed = {"hash, read through, journal": steps[0][1] - started}
    return found | {
        "seconds": ended - started,
        "parts": landed | {n: s for n, s in parts.items() if s > 0.02 * (ended - started)},
    }


def journal_rate(folder: Path) -> float:
    """Return how many entries a second the journal takes, canonical, in one durable append."""
    journal = Journal(folder)
    turn = Turn(1, NOW, NOW)
    folder.mkdir(parents=True)
    drafts = [
        turn.draft(
            "file_imported", {"turn": "1", "path": f"history/{n}", "sha256": "0" * 64}, source_id="access_events"
        )
        for n in range(JOURNALLED)
    ]
    return JOURNALLED / timed(lambda: journal.append(drafts))


def timed(work: Callable[[], Any]) -> float:
    """Return how long it took, in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _connect(file: Path | None, folder: Path) -> duckdb.DuckDBPyConnection:
    """The settings of our warehouse, so that only the work differs."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT, "checkpoint_threshold": CHECKPOINT_AT, "temp_directory": str(folder / "spill"),
    }  # fmt: skip
    return duckdb.connect(str(file) if file else ":memory:", config=config)  # noqa: TID251 - the bare way


def in_a_process(what: str, source: Path, folder: Path, *, has_trail: bool = False) -> dict[str, Any]:
    """Run one way in a process of its own; its peak memory and processor time are the system's figures."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    told = [sys.executable, "-m", "benchmarks.bulk", "--part", what, "--folder", str(source), "--out", str(folder)]
    with subprocess.Popen([*told, *(["--trail"] if has_trail else [])], stdout=subprocess.PIPE) as process:
        answer = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        message = f"The {what} way failed; its message is above."
        raise SystemExit(message)
    shutil.rmtree(folder)
    cpu = usage.ru_utime + usage.ru_stime
    return {**json.loads(answer), "cpu_seconds": cpu, "peak_mib": usage.ru_maxrss // 1024}


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(prog="benchmarks.bulk")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="Where the files are made and kept.")
    parser.add_argument("--trail", action="store_true", help="Compute the audit trail, too.")
    parser.add_argument("--part", choices=("bare", "ours"), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        bare = given.part == "bare"
        run = run_bare(given.folder, given.out) if bare else run_ours(given.folder, given.out, has_trail=given.trail)
        sys.stdout.write(json.dumps(run))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        source = folder / f"history-{given.events}"
        write_history(source / "access_events", given.events)
        for number in range(given.runs):
            bare = in_a_process("bare", source, folder / "run")
            ours = in_a_process("ours", source, folder / "run", has_trail=given.trail and number == 0)
            show(given.events, bare, ours)
        rate = journal_rate(Path(temporary) / "journal")
    Console().print(f"the journal takes {rate:,.0f} entries/s, durable")


def show(events: int, bare: dict[str, Any], ours: dict[str, Any]) -> None:
    """Print one run."""
    shown = Table("what", "seconds", "of bare", "rows/s", "cpu s", "of bare", "peak MiB", title=f"{events:,} events")
    for name, found in (("create table as select", bare), ("vipgrid import", ours)):
        shown.add_row(
            name,
            f"{found['seconds']:.1f}",
            f"{found['seconds'] / bare['seconds']:.2f}",
            f"{events / found['seconds']:,.0f}",
            f"{found['cpu_seconds']:.1f}",
            f"{found['cpu_seconds'] / bare['cpu_seconds']:.2f}",
            str(found["peak_mib"]),
        )
    for name, seconds in ours["parts"].items():
        shown.add_row(f"  {name}", f"{seconds:.1f}")
    Console().print(shown)
    Console().print(f"fetched, new, duplicates, quarantined, balanced: {', '.join(ours['counts'])}")
    if "trail_seconds" in ours:
        Console().print(f"audit.trail: {ours['rows'] / ours['trail_seconds']:,.0f} rows/s")


if __name__ == "__main__":
    main()
