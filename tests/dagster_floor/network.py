"""A tiny network in folders, and homes to compute it in: the shortest way to a run of the Dagster floor.

Belongs here: given records, configuration, instances. Does not belong here: expectations.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dagster import AssetKey, DagsterInstance, Definitions, ExecuteInProcessResult

from pipeline.home import Home
from pipeline.instants import parse_instant

NOW: Final = "2026-03-02T08:00:00Z"
LATER: Final = "2026-03-03T08:00:00Z"

RECORDS: Final[Mapping[str, Sequence[Mapping[str, Any]]]] = {
    "assets": [
        {
            "asset_id": "A1",
            "title": "Bottle",
            "classification": "standard",
            "status": "published",
            "publisher_timezone": "Europe/Berlin",
            "owner": "owner@example.com",
            "updated_at": "2026-01-01T00:00:00Z",
        }
    ],
    "asset_versions": [
        {
            "asset_id": "A1",
            "version_no": number,
            "approval_status": "approved",
            "approved_at": f"2026-01-{number:02d}T00:00:00Z",
            "change_class": "content",
            "updated_at": f"2026-01-{number:02d}T00:00:00Z",
        }
        for number in (1, 2)
    ],
    "access_events": [
        {
            "event_id": "E1",
            "event_type": "downloaded",
            "partner_id": "P1",
            "asset_id": "A1",
            "version_no": 1,
            "vector": "direct",
            "occurred_at": "2026-01-01T12:00:00Z",
            "recorded_at": "2026-01-01T12:00:00Z",
        }
    ],
    "grants": [
        {
            "grant_id": "G1",
            "grantee_type": "partner",
            "grantee_id": "P1",
            "object_type": "asset",
            "object_id": "A1",
            "effect": "allow",
            "rights": ["view", "download"],
            "valid_from": "2026-01-01T00:00:00Z",
        }
    ],
    "partners": [
        {
            "partner_id": "P1",
            "name": "Partner One",
            "region": "DE",
            "timezone": "Europe/Berlin",
            "locale": "de",
            "status": "active",
            "updated_at": "2026-01-01T00:00:00Z",
        }
    ],
}


@dataclass(frozen=True)
class Place:
    """A folder with sources, configuration and home."""

    folder: Path

    @property
    def home(self) -> Home:
        return Home(self.folder / "home")

    @property
    def config(self) -> Path:
        return self.folder / "vipgrid.yaml"

    def give(self, stream: str, records: Sequence[Mapping[str, Any]], name: str = "given") -> None:
        folder = self.folder / "source" / stream
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.ndjson").write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")

    def lines_of_log(self) -> list[dict[str, Any]]:
        files = sorted((self.home.dagster / "log").glob("*.ndjson"))
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def make_place(folder: Path, *, more: str = "notices: {notify_from: 2026-01-01T00:00:00Z}\n") -> Place:
    """Write the sources and the configuration."""
    place = Place(folder)
    for stream, records in RECORDS.items():
        place.give(stream, records)
    place.config.write_text(
        "connections:\n"
        "  vip: {kind: files, path: source, watermark: now}\n"
        "  trading_grid: {kind: files, path: source, watermark: now}\n" + more,
        encoding="utf-8",
    )
    return place


@contextmanager
def ephemeral() -> Iterator[DagsterInstance]:
    """A real instance in memory."""
    with DagsterInstance.ephemeral() as instance:
        yield instance


def materialize(
    definitions: Definitions,
    place: Place,
    instance: DagsterInstance,
    *keys: str,
    now: str | None = NOW,
    partition: str | None = None,
) -> ExecuteInProcessResult:
    """Press Materialize on some assets (``floor/table``), or on everything but the reports."""
    workspace = {"config_path": str(place.config), "home_path": str(place.home.path), "is_attended": True}
    if now:
        workspace["now"] = parse_instant(now).isoformat()
    job = definitions.resolve_job_def("monthly_report" if partition else "sync")
    return job.execute_in_process(
        instance=instance,
        run_config={
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            "resources": {"workspace": {"config": workspace}},
        },
        asset_selection=[AssetKey(key.split("/")) for key in keys] or None,
        partition_key=partition,
        raise_on_error=False,
    )


def first_error(result: ExecuteInProcessResult) -> str | None:
    """The sentence of the first step that failed."""
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data:
                return data.user_failure_data.description
            return data.error.message if data.error else None
    return None
