"""What is fast and what is not, as ratios within one run: `make bench`.

Belongs here: comparisons of our way with the bare one, on the same machine in the same minute. Does not belong
here: absolute promises (machines differ), assertions (they would fail on a busy day).
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from tests.tables import GRAPH, Tables, open_tables

NOW: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
PARTNERS: Final = 500
ASSETS: Final = 2_000
VERSIONS: Final = 3


def main() -> None:
    """Run the comparisons and print them."""
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("--events", type=int, default=300_000)
    events = parser.parse_args().events
    rows: list[tuple[str, float, float]] = []
    with tempfile.TemporaryDirectory() as folder, open_tables(Path(folder)) as tables:
        write_network(tables.source, events)
        compare_ingest(tables, rows)
        compare_positions(tables, rows)
    shown = Table("what", "ours, s", "bare, s", "ratio", title=f"{events:,} access events")
    for what, ours, bare in rows:
        shown.add_row(what, f"{ours:.2f}", f"{bare:.2f}", f"{ours / bare:.1f}")
    Console().print(shown)


def compare_ingest(tables: Tables, rows: list[tuple[str, float, float]]) -> None:
    """From files to typed, deduplicated core, against one `read_json` into one table."""
    pulled, turn = timed(lambda: tables.pull(NOW))
    computed, _ = timed(lambda: tables.compute(turn, NOW, ["core.access_events_history"]))
    fields = "event_id varchar, partner_id varchar, asset_id varchar, version_no bigint, occurred_at timestamptz"
    landed = next((tables.home.landing / "vip" / "access_events").glob("*[0-9].ndjson.zst"))
    bare, _ = timed(
        lambda: tables.connection.execute(
            f"create table bare as select r.* from read_json('{landed}', format = 'newline_delimited',"
            f" columns = {{r: 'struct({fields})'}}, maximum_object_size = 67108864)"
        )
    )
    rows.append(("files to landing, hashed and fsynced (bare: read_json of the same bytes)", pulled, bare))
    rows.append(("landing to typed, deduplicated history (bare: read_json of the same bytes)", computed, bare))


def compare_positions(tables: Tables, rows: list[tuple[str, float, float]]) -> None:
    """All positions, against the bare latest version per pair."""
    turn = tables.pull(NOW)
    tables.compute(turn, NOW, ["freshness.positions"])
    question = [name for name in GRAPH.left_of(["freshness.positions"]) if name.startswith("freshness.")]
    ours, _ = timed(lambda: tables.compute(turn, NOW, ["freshness.positions"], floors=["freshness"]))
    bare, _ = timed(
        lambda: tables.connection.execute(
            "create or replace table latest as"
            " select partner_id, asset_id, arg_max(version_no, occurred_at) as version_no"
            " from core.access_events where event_type = 'downloaded' group by all"
        )
    )
    rows.append((f"positions, {len(question)} models (bare: arg_max per pair)", ours, bare))


def write_network(folder: Path, events: int) -> None:
    """Write a plain network with many downloads."""
    dice = random.Random(7)
    regions = ["DE", "FR", "US-CA", "US-TX", "JP", "BR"]
    zones = [
        "Europe/Berlin",
        "Europe/Paris",
        "America/Los_Angeles",
        "America/Chicago",
        "Asia/Tokyo",
        "America/Sao_Paulo",
    ]
    start = NOW - timedelta(days=270)

    def stamp(minutes: int) -> str:
        return (start + timedelta(minutes=minutes)).isoformat()

    write(
        folder / "partners",
        [
            {"partner_id": f"P{n}", "name": f"Partner {n}", "region": regions[n % 6], "timezone": zones[n % 6],
             "locale": "en", "status": "active", "trading_addresses": [], "updated_at": stamp(0)}
            for n in range(PARTNERS)
        ],
    )  # fmt: skip
    write(
        folder / "assets",
        [
            {"asset_id": f"A{n}", "title": f"Asset {n}", "asset_type": "image", "classification": "standard",
             "status": "published", "publisher_timezone": "UTC", "created_at": stamp(0), "updated_at": stamp(0)}
            for n in range(ASSETS)
        ],
    )  # fmt: skip
    write(
        folder / "asset_versions",
        [
            {"asset_id": f"A{n}", "version_no": v, "file_name": f"a{n}-{v}.png", "approval_status": "approved",
             "approved_at": stamp(v * 100_000), "restricted_regions": [], "updated_at": stamp(v * 100_000)}
            for n in range(ASSETS)
            for v in range(1, VERSIONS + 1)
        ],
    )  # fmt: skip
    write(
        folder / "access_events",
        [
            {"event_id": f"E{n}", "event_type": "downloaded" if n % 3 else "opened",
             "partner_id": f"P{dice.randrange(PARTNERS)}",
             "user_id": None, "asset_id": f"A{dice.randrange(ASSETS)}", "version_no": dice.randint(1, VERSIONS),
             "vector": "direct", "occurred_at": stamp(dice.randrange(388_000)), "recorded_at": stamp(388_000),
             "client_ip": "192.0.2.1", "user_agent": "portal/1.0", "bytes": 123_456}
            for n in range(events)
        ],
    )  # fmt: skip


def write(folder: Path, records: list[dict[str, Any]]) -> None:
    """Write records as NDJSON."""
    folder.mkdir(parents=True)
    with (folder / "all.ndjson").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(record, separators=(",", ":")) + "\n" for record in records)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long it took, in seconds, and what it gave."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    main()
