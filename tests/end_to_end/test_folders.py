"""Unseen folders through the terminal: what is published is what the reference says, at rising and earlier instants."""

from __future__ import annotations

import random
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from pipeline.instants import format_instant
from tests.end_to_end.system import Terminal, terminal_for
from tests.reference.networks import TRADING_GRID_STREAMS, VIP_STREAMS, random_network, write_folders
from tests.reference.positions import PositionRow, positions

COLUMNS: Final = tuple(field.name for field in fields(PositionRow))


def published(here: Terminal) -> dict[tuple[str, str], dict[str, Any]]:
    table = pq.read_table(here.home.published / "latest" / "freshness" / "positions.parquet")
    return {(row["partner_id"], row["asset_id"]): row for row in table.to_pylist()}


def hold(here: Terminal, arrivals: list[Any], now: datetime) -> int:
    here.run("sync", "--now", format_instant(now))
    found = published(here)
    expected = positions(arrivals, as_of=now)
    assert found.keys() == expected.keys()
    for pair, row in expected.items():
        mine = {**found[pair], "held_versions": tuple(found[pair]["held_versions"])}
        assert {name: mine[name] for name in COLUMNS} == {name: getattr(row, name) for name in COLUMNS}, pair
        assert mine["as_of"] == now
        assert mine["data_late"] is False
    return len(expected)


def test_positions_of_unseen_folders_are_those_of_the_reference(tmp_path: Path) -> None:
    rng = random.Random(20261123)
    network = random_network(rng, size="medium")
    folders = {"vip": VIP_STREAMS, "trading_grid": TRADING_GRID_STREAMS}
    lines = ["connections:"]
    for system in folders:
        (tmp_path / system).mkdir()
        lines.append(f"  {system}: {{kind: files, path: {system}, watermark: now}}")
    config = tmp_path / "vipgrid.yaml"
    config.write_text("\n".join(lines), encoding="utf-8")
    here = terminal_for(tmp_path, config)
    held = 0
    for count, batch in enumerate(network.batches, start=1):
        for system, streams in folders.items():
            write_folders(batch, tmp_path / system, rng, streams=streams)
        held += hold(here, network.arrivals(count), batch.now)
    for now in network.questions[:2]:
        held += hold(here, network.arrivals(), now)
    assert held > 0
