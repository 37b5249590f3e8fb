"""Pulling over HTTP: from the first request to typed, deduplicated, completeness-checked rows in core.

Belongs here: our way against the bare one, alternating in one run, and our way against a slow and limited source.
Does not belong here: the ways of others (``benchmarks.rivals``), turns over what is there already
(``benchmarks.large``).

    python -m benchmarks.wire --records 300000 3000000 --rounds 3
    python -m benchmarks.wire --slow 400
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.served import PAGE_RECORDS, RETRY_AFTER_SECONDS, Source, serving
from benchmarks.ways import BY_CURSOR, Measured, Ours, Way, bare, measure

OF_BARE: Final = 0.4
PEAK_MIB: Final = 600
RATE: Final = 20
LATENCY_SECONDS: Final = 0.05
OF_THE_RATE: Final = 1.05
# One in so many requests gets a 429 with a Retry-After, a 503.
REFUSED: Final = 331
FAILED: Final = 97
_SLOW_LIMITS: Final = f"limits: {{requests_per_second: {RATE}, concurrency: 4}}"
_PAGINGS: Final = {
    "by cursor": BY_CURSOR,
    "by page number": "{kind: page_number, param: page, pages: pages}",
    "by offset": "{kind: offset, param: offset, total: total}",
}


def compare(records: int, rounds: int, *, with_bare: bool = True) -> tuple[list[Measured], list[Measured]]:
    """Measure our way and the bare one, one after the other, so many times.

    Raises:
        SystemExit: rows are missing.

    """
    found: tuple[list[Measured], list[Measured]] = ([], [])
    ways: tuple[Way, ...] = (Ours(), bare) if with_bare else (Ours(),)
    with serving(Source(records=records)) as url:
        for turn in range(rounds):
            for place, way in enumerate(ways):
                with tempfile.TemporaryDirectory() as folder:
                    one = measure(way, url, Path(folder) / str(turn))
                if one.rows != records:
                    message = f"Rows are missing: {one.rows} of {records}."
                    raise SystemExit(message)
                found[place].append(one)
    return found


def show(records: int, ours: Sequence[Measured], barely: Sequence[Measured]) -> None:
    """Print the medians, and the ratio of each pair's median."""
    shown = Table("what", "seconds", "processor s", "records/s", "peak MiB", title=f"{records:,} records over HTTP")
    for name, runs in (("vipgrid", ours), ("bare", barely)):
        if not runs:
            continue
        seconds = _median(run.seconds for run in runs)
        peak = max(run.peak_mib for run in runs)
        cpu = _median(run.cpu_seconds for run in runs)
        shown.add_row(name, f"{seconds:.2f}", f"{cpu:.2f}", f"{records / seconds:,.0f}", str(peak))
        for part in runs[0].parts:
            shown.add_row(f"  {part}", f"{_median(run.parts[part] for run in runs):.2f}", "", "", "")
    if barely:
        ratio = _median(b.seconds / o.seconds for o, b in zip(ours, barely, strict=True))
        cpu = _median(b.cpu_seconds / o.cpu_seconds for o, b in zip(ours, barely, strict=True))
        shown.caption = f"of the bare limit: {ratio:.2f} (wanted {OF_BARE}); by processor time {cpu:.2f}"
    Console().print(shown)


def show_slow(pages: int, page_records: int) -> None:
    """Pull from a source with 50 ms a page and 20 requests/s that refuses and fails now and then, and print it."""
    columns = ("paging", "seconds", "times pages ÷ rate", "without waits asked for", "requests", "429", "503", "over")
    shown = Table(*columns)
    for name, paging in _PAGINGS.items():
        source = Source(
            records=pages * page_records,
            page_records=page_records,
            latency_seconds=LATENCY_SECONDS,
            requests_per_second=RATE,
            refused=REFUSED,
            failed=FAILED,
        )
        with serving(source) as url, tempfile.TemporaryDirectory() as folder:
            run = measure(Ours(_SLOW_LIMITS, paging, pulls_only=True), url, Path(folder) / "slow")
            with urllib.request.urlopen(f"{url}/counts") as answer:  # noqa: S310 - our own server
                seen = json.load(answer)
        seconds = run.parts["pull"]
        ratios = (seconds * RATE / pages, (seconds - seen["refused"] * RETRY_AFTER_SECONDS) * RATE / pages)
        numbers = (seen["requests"], seen["refused"], seen["failed"], seen["over"])
        shown.add_row(name, f"{seconds:.2f}", *(f"{ratio:.3f}" for ratio in ratios), *map(str, numbers))
    shown.title = f"{pages} pages, {LATENCY_SECONDS * 1000:.0f} ms each, {RATE} requests/s"
    shown.caption = f"wanted: at most {OF_THE_RATE} times, 0 over the limit"
    Console().print(shown)


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(prog="benchmarks.wire")
    parser.add_argument("--records", type=int, nargs="*", default=[300_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ours-alone", action="store_true", help="for memory at many records")
    parser.add_argument("--slow", type=int, metavar="PAGES", help="a slow and limited source instead")
    parser.add_argument("--page-records", type=int, default=PAGE_RECORDS, help="of the slow source's pages")
    given = parser.parse_args()
    if given.slow:
        show_slow(given.slow, given.page_records)
        return
    for records in given.records:
        show(records, *compare(records, given.rounds, with_bare=not given.ours_alone))


if __name__ == "__main__":
    main()
