"""Structured logs: one JSON line per step of a run, with run and turn.

Belongs here: the file and a line's fields. Does not belong here: what a step does; Dagster's own event log.

Files are ``<home>/dagster/log/<day, UTC>.ndjson``; a line is one append, so several processes may write. Nothing is
logged that holds a secret or a record's content: lines name steps, turns, durations, and the sentences of errors.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from pipeline.home import Home
from pipeline.instants import format_instant
from resources.clock import system_now


@dataclass(frozen=True, slots=True)
class RunLog:
    """Where one run writes; ``run_id`` is Dagster's."""

    home: Home
    run_id: str
    job: str

    def write(self, event: str, *, turn: str | None, level: str = "info", **fields: str | float | None) -> None:
        """Append one line; a log that cannot be written never ends a run."""
        at = system_now()
        line = {
            "at": format_instant(at),
            "level": level,
            "run_id": self.run_id,
            "turn": turn,
            "job": self.job,
            "event": event,
            **{name: value for name, value in fields.items() if value is not None},
        }
        folder = self.home.dagster / "log"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(folder / f"{at:%Y-%m-%d}.ndjson", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
            finally:
                os.close(descriptor)
        except OSError:
            return
