"""Structured logs: one JSON line per message of a run, with run and turn.

Belongs here: the handler that ``dagster.yaml`` attaches to every run. Does not belong here: what is said.

Files are ``<home>/dagster/log/<day, UTC>.ndjson``; a line is one append, so several processes may write. Nothing is logged that
holds a secret or a record's content: messages name streams, tables, ids and counts.
"""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from typing import Any, Final

from pipeline.home import Home
from pipeline.instants import format_instant
from resources.session import TURN_ID
from resources.workspace import default_home

# Bookkeeping of Dagster's own that says nothing about the work.
_NOT_TOLD: Final = frozenset(
    {
        "ASSET_CHECK_EVALUATION_PLANNED",
        "ASSET_MATERIALIZATION_PLANNED",
        "ENGINE_EVENT",
        "HANDLED_OUTPUT",
        "LOADED_INPUT",
        "LOGS_CAPTURED",
        "RESOURCE_INIT_STARTED",
        "RESOURCE_INIT_SUCCESS",
        "STEP_INPUT",
        "STEP_OUTPUT",
    }
)


class RunLog(logging.Handler):
    """Writes what a run says."""

    def emit(self, record: logging.LogRecord) -> None:
        """Append one line."""
        event = (getattr(record, "dagster_meta", None) or {}).get("dagster_event")
        if event is not None and event.event_type_value in _NOT_TOLD:
            return
        try:
            at = datetime.fromtimestamp(record.created, UTC)
            line = json.dumps(as_fields(record, at), ensure_ascii=False) + "\n"
            folder = Home(default_home(dict(os.environ))).dagster / "log"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(folder / f"{at:%Y-%m-%d}.ndjson", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, line.encode("utf-8", "replace"))
            finally:
                os.close(descriptor)
        except Exception:  # noqa: BLE001 - logging never ends a run
            self.handleError(record)


def as_fields(record: logging.LogRecord, at: datetime) -> dict[str, Any]:
    """Return a record's fields by name; those that do not apply are missing."""
    meta: dict[str, Any] = getattr(record, "dagster_meta", None) or {}
    event = meta.get("dagster_event")
    asset = getattr(event, "asset_key", None)
    fields = {
        "at": format_instant(at),
        "level": record.levelname.lower(),
        "run_id": meta.get("run_id"),
        "turn": TURN_ID.get(),
        "job": meta.get("job_name"),
        "step": meta.get("step_key"),
        "event": event.event_type_value.lower() if event else None,
        "asset": "/".join(asset.path) if asset else None,
        "message": meta.get("orig_message") or record.getMessage(),
    }
    return {name: value for name, value in fields.items() if value is not None}
