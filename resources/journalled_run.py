"""One process's run in the journal: its start, its end, and the end of runs whose process is gone.

Belongs here: these entries. Does not belong here: which runs have no end (``pipeline.ledger.runs``), Dagster's runs.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pipeline.instants import format_instant
from pipeline.ledger.journal import Draft, Journal
from pipeline.ledger.runs import RUN_ENDED, RUN_STARTED, unended_runs
from pipeline.ledger.turns import read_turns
from pipeline.version import code_version
from resources.clock import system_now


@dataclass(frozen=True, slots=True)
class JournalledRun:
    """One run; whoever begins it holds the writer's lock."""

    journal: Journal
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def begin(self, what: str, actor: str) -> None:
        """Journal that it begins, and that the runs of processes that are gone have ended."""
        lost = [
            self._draft(RUN_ENDED, run_id, "vipgrid", {"outcome": "lost", "error": "its process is gone"})
            for run_id in unended_runs(self.journal)
        ]
        data = {"what": what, "code_version": code_version()}
        self.journal.append([*lost, self._draft(RUN_STARTED, self.run_id, actor, data)])

    def end(self, actor: str, outcome: Literal["succeeded", "failed"], error: str | None = None) -> None:
        """Journal how it ended; ``error`` is its sentence."""
        self.journal.append([self._draft(RUN_ENDED, self.run_id, actor, {"outcome": outcome, "error": error})])

    def _draft(self, kind: str, run_id: str, actor: str, data: Mapping[str, str | None]) -> Draft:
        at = system_now()
        last = read_turns(self.journal).last
        return Draft(
            kind=kind,
            known_at=last.known_at if last else at,
            actor=actor,
            role="system",
            run_id=run_id,
            source_id=run_id,
            data={**data, "at": format_instant(at)},
        )
