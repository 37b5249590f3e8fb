"""A tiny network as folders, and homes that have lived through turns of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.home import Home
from pipeline.instants import parse_instant
from pipeline.settings import load_settings
from resources.workspace import Workspace

FIRST, SECOND = "2026-01-10T00:00:00Z", "2026-02-01T00:00:00Z"
HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script> \x1b[31mred\x1b[0m \u202egnp.exe \x07"
CONFIG = """\
connections:
  vip: {kind: files, path: vip, watermark: now}
  trading_grid: {kind: files, path: trading_grid, watermark: now}
notices:
  approve_above: {partners: 1, share: 0.01}
"""


def write(folder: Path, system: str, stream: str, name: str, records: Sequence[Mapping[str, Any]]) -> None:
    """Write one file of records."""
    target = folder / system / stream
    target.mkdir(parents=True, exist_ok=True)
    (target / name).write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def write_network(folder: Path) -> Path:
    """Write six partners who hold first versions of three of four assets; return the configuration."""
    write(folder, "trading_grid", "partners", "a.ndjson", [_partner(number) for number in range(6)])
    write(folder, "vip", "assets", "a.ndjson", [_asset(number) for number in range(4)])
    write(folder, "vip", "asset_versions", "a.ndjson", [version(f"A{number}", 1, "2026-01-02") for number in range(4)])
    write(
        folder,
        "vip",
        "grants",
        "a.ndjson",
        [_grant(partner, asset) for partner in range(6) for asset in range(4)],
    )
    events = [download(f"E{p}-{a}", f"P{p}", f"A{a}", 1, "2026-01-05") for p in range(5) for a in range(3)]
    nobodys = {**download("EX", "P0", "A0", 1, "2026-01-06"), "partner_id": None}
    unknown = {**download("EU", "P5", "A0", 1, "2026-01-06"), "version_no": None}
    write(folder, "vip", "access_events", "a.ndjson", [*events, nobodys, unknown])
    config = folder / "vipgrid.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    return config


def write_what_came_later(folder: Path) -> None:
    """Write a second version of A0, which one partner obtains."""
    write(folder, "vip", "asset_versions", "b.ndjson", [version("A0", 2, "2026-01-20")])
    write(folder, "vip", "access_events", "b.ndjson", [download("F0", "P0", "A0", 2, "2026-01-21")])


def sync(config: Path, home: Home, now: str) -> None:
    """Take one turn, without Dagster."""
    settings = load_settings(config)
    with Workspace.open(settings, home, what="sync", actor="tests", now=parse_instant(now)) as workspace:
        workspace.open_turn()
        for connection in settings.connections:
            workspace.pull(connection)
        workspace.compute_all()
        workspace.complete_turn()
        workspace.publish()


def live(folder: Path) -> Path:
    """Make a home that has lived through two turns below the folder; return the configuration beside it."""
    config = write_network(folder / "net")
    home = Home((folder / "home").resolve())
    sync(config, home, FIRST)
    write_what_came_later(folder / "net")
    sync(config, home, SECOND)
    return config


def copied(lived: Path, folder: Path) -> tuple[Path, Home]:
    """Copy a network and its home, to be changed."""
    shutil.copytree(lived, folder / "copy", symlinks=True)
    return folder / "copy" / "net" / "vipgrid.yaml", Home((folder / "copy" / "home").resolve())


def vipgrid(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VIPGRID_")}
    return subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:cli", "-m", "tests.cli.door", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=Path(__file__).parent.parent.parent,
        env={**clean, **(environment or {})},
    )


def version(asset_id: str, version_no: int, day: str, **more: object) -> dict[str, object]:
    """Make an approved version."""
    return {
        "asset_id": asset_id,
        "version_no": version_no,
        "file_name": "sheet.pdf",
        "format": "pdf",
        "size_bytes": 10,
        "checksum_sha256": f"{version_no:064d}",
        "change_class": "content",
        "approval_status": "approved",
        "approved_at": f"{day}T00:00:00Z",
        "effective_policy": "instant",
        "restricted_regions": [],
        "updated_at": f"{day}T00:00:00Z",
        **more,
    }


def download(event_id: str, partner_id: str, asset_id: str, version_no: int, day: str) -> dict[str, object]:
    """Make a download."""
    return {
        "event_id": event_id,
        "event_type": "downloaded",
        "partner_id": partner_id,
        "asset_id": asset_id,
        "version_no": version_no,
        "vector": "direct",
        "occurred_at": f"{day}T00:00:00Z",
        "recorded_at": f"{day}T00:00:00Z",
    }


def _partner(number: int) -> dict[str, object]:
    return {
        "partner_id": f"P{number}",
        "name": HOSTILE if number == 1 else f"Partner {number}",
        "region": "DE" if number % 2 else "US-CA",
        "timezone": "Europe/Berlin",
        "locale": "de",
        "status": "active",
        "trading_addresses": [],
        "updated_at": "2026-01-01T00:00:00Z",
    }


def _asset(number: int) -> dict[str, object]:
    return {
        "asset_id": f"A{number}",
        "title": f"Sheet {number}",
        "asset_type": "doc",
        "classification": ("standard", "regulated", "safety")[number % 3],
        "status": "published",
        "publisher_timezone": "Europe/Berlin",
        "on_withdraw": "no_target",
        "owner": "owner",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }


def _grant(partner: int, asset: int) -> dict[str, object]:
    return {
        "grant_id": f"G{partner}-{asset}",
        "grantee_type": "partner",
        "grantee_id": f"P{partner}",
        "object_type": "asset",
        "object_id": f"A{asset}",
        "effect": "allow",
        "rights": ["download"],
        "valid_from": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a network and a home of two turns; it is not to be changed."""
    folder = tmp_path_factory.mktemp("lived")
    live(folder)
    return folder
