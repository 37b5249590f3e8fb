"""Issuing a report: the marts as files, a page for people, and a manifest that says what they rest on.

Belongs here: what a report consists of, its folder, its journal entry. Does not belong here: the figures
(``sql/marts``), the files' form (``pipeline.reports.tables``), the page (``pipeline.reports.page``).

The same question about the same state gives the same bytes: nothing in a report comes from a clock, every
table is in the order of its grain. A folder that bears the name and has the same bytes is the report.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pipeline.errors import RefusedError, StateError
from pipeline.home import Home
from pipeline.instants import format_instant
from pipeline.ledger.journal import PERSON_ROLE, SYSTEM_ROLE, Draft, Journal, sync_folder
from pipeline.ledger.turns import ACTOR, Turn
from pipeline.publish import file_sha256, joined_tables, published_select
from pipeline.questions import known_by
from pipeline.reports.completeness import Completeness, Verdict, judge
from pipeline.reports.page import PAGE, render_page
from pipeline.reports.period import Period, choose_period, parse_month
from pipeline.reports.tables import ESCAPED_STARTS, Format, Written, columns_of, write_table
from pipeline.snapshots import MANIFEST
from pipeline.sqlmodels.asking import SCOPE, WAREHOUSE, ask, read_stored
from pipeline.sqlmodels.graph import Graph
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.relations import Connection
from pipeline.version import code_version

FORMAT_VERSION: Final = "1"
REPORT_ISSUED: Final = "report_issued"
ALL_FORMATS: Final = tuple(Format)
# Entries that say what we did with what was known, and change nothing of it.
_NO_CONTENT: Final = ("run_started", "run_ended", REPORT_ISSUED, "published", "backup_made", "restored")
_PAGE_NEEDS: Final = ("freshness.positions", "core.partners", "core.assets", "ops.quarantine", "audit.findings")
# A month's events: which instant of a row decides whether the month has it.
_EVENT_INSTANT: Final = {
    "marts.audit_trail": "occurred_at",
    "marts.entitlement_violations": "occurred_at",
    "marts.notice_log": "coalesce(sent_at, decided_at)",
}
_EVENT_DAY: Final = {"marts.reconciliation": "day"}
_MAX_TRIES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Issued:
    """A report on disk; ``is_new`` False = the very same one lay there already."""

    name: str
    folder: Path
    manifest: dict[str, Any]
    is_new: bool

    @property
    def completeness(self) -> Completeness:
        """Whether everything it needs had arrived whole."""
        return Completeness(self.manifest["completeness"])

    @property
    def rows(self) -> dict[str, int]:
        """Rows by table."""
        return {table["table"]: table["rows"] for table in self.manifest["tables"]}


def issue_report(  # noqa: PLR0913 - the parameters of a report
    connection: Connection,
    home: Home,
    graph: Graph,
    turn: Turn,
    *,
    month: str | None = None,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
    ledger_seq: int | None = None,
    formats: Sequence[Format] = ALL_FORMATS,
    actor: str | None = None,
) -> Issued:
    """Issue a report of the last complete turn, or of the past, and return when it is durable and journalled.

    ``turn`` gives the journal entry its place. ``ledger_seq`` leaves out what was journalled later, to issue
    an earlier report once more. ``actor`` is the person who asked, None = the system itself.

    Raises:
        RefusedError: the month is none, or has not begun.
        StateError: no turn was ever completed.
        OSError: the disk refused; what lies there is as before.

    """
    stored = read_stored(connection)
    if stored is None:
        message = "No turn was completed yet, so there is nothing to report: run `vipgrid sync` first."
        raise StateError(message)
    last = known_by(connection, stored.question, known_at).question
    period = choose_period(last, month=parse_month(month) if month else None, as_of=as_of)
    marts = [model for model in graph.models.values() if model.floor == "marts"]
    try:
        needed = [*(m.name for m in marts), *(name for m in marts for name in joined_tables(m)), *_PAGE_NEEDS]
        ask(connection, graph, needed, period.question, last_seq=ledger_seq)
        writing = _Writing(connection, graph, period, tuple(formats), _ledger_seq(connection), _turn_id(connection))
        issued = writing.issue(home.reports, marts)
    finally:
        connection.execute(f"use {WAREHOUSE}")
    _journal(home, turn, issued, actor)
    return issued


@dataclass(frozen=True, slots=True)
class _Writing:
    """One report while it is written, from tables that answer its question."""

    connection: Connection
    graph: Graph
    period: Period
    formats: tuple[Format, ...]
    ledger_seq: int
    turn_id: str

    def issue(self, reports: Path, marts: Sequence[Model]) -> Issued:
        """Write everything beside, then give it its name, unless the same lies there already."""
        name = f"{self.period.name}_{self.turn_id}_{self.ledger_seq}"
        draft = reports / f".{name}.{os.getpid()}.part"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        try:
            manifest = self._write(draft, name, marts)
            for attempt in range(1, _MAX_TRIES):
                folder = reports / (name if attempt == 1 else f"{name}-{attempt}")
                if is_same_report(folder, draft):
                    return Issued(folder.name, folder, manifest, is_new=False)
                if not os.path.lexists(folder):
                    draft.rename(folder)
                    sync_folder(reports)
                    return Issued(folder.name, folder, manifest, is_new=True)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        message = f"Too many different reports are called {name} in {reports}."
        raise StateError(message)

    def _write(self, folder: Path, name: str, marts: Sequence[Model]) -> dict[str, Any]:
        verdict = judge(self.connection, self.period, frozenset(self.graph.models))
        tables = [self._write_table(model, folder) for model in sorted(marts, key=lambda model: model.name)]
        page = render_page(self.connection, self.period, verdict, self.turn_id, self.ledger_seq)
        _write_new(folder / PAGE, page.encode("utf-8"))
        manifest = self._manifest(name, verdict, tables, folder)
        text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        _write_new(folder / MANIFEST, text.encode("utf-8"))
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                with path.open("rb") as written:
                    os.fsync(written.fileno())
            else:
                sync_folder(path)
        sync_folder(folder)
        return manifest

    def _write_table(self, model: Model, folder: Path) -> dict[str, Any]:
        select = f"select * from ({published_select(model)}) where {self._covered(model)}"  # noqa: S608 - a model's own SELECT
        files = [write_table(self.connection, select, model.grain, model.table, folder, form) for form in self.formats]
        rows = self.connection.sql(f"select count(*) from ({select})").fetchall()  # noqa: S608 - the same
        columns = [{"name": c.name, "type": c.kind} for c in columns_of(self.connection, select)]
        return {
            "table": model.name,
            "says": model.description,
            "grain": list(model.grain),
            "covers": "the period" if self._covered(model) != "true" else "everything as of the instant",
            "rows": int(rows[0][0]),
            "columns": columns,
            "files": [_file_data(file) for file in files],
        }

    def _covered(self, model: Model) -> str:
        month = self.period.month
        if month is None:
            return "true"
        start, end = format_instant(month.start), format_instant(self.period.question.as_of)
        if model.name in _EVENT_INSTANT:
            instant = _EVENT_INSTANT[model.name]
            return f"{instant} >= timestamptz '{start}' and {instant} < timestamptz '{end}'"
        if model.name in _EVENT_DAY:
            return f"day >= date '{start[:10]}' and day < timestamptz '{end}'"
        return "true"

    def _manifest(self, name: str, verdict: Verdict, tables: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
        month = self.period.month
        return {
            "format": FORMAT_VERSION,
            "name": name,
            "period": None
            if month is None
            else {
                "month": month.text,
                "from": format_instant(month.start),
                "to": format_instant(month.end),
                "is_running": self.period.is_running,
            },
            "as_of": format_instant(self.period.question.as_of),
            "known_at": format_instant(self.period.question.known_at),
            "turn": self.turn_id,
            "ledger_seq": self.ledger_seq,
            "code_version": code_version(),
            "completeness": verdict.completeness.value,
            "reasons": list(verdict.reasons),
            "watermarks": [stream.as_data() for stream in verdict.streams],
            "quarantined": [
                {"stream": stream, "reason": reason, "records": count} for stream, reason, count in verdict.quarantined
            ],
            "csv": _CSV_NOTES,
            "page": {"file": PAGE, "sha256": file_sha256(folder / PAGE)},
            "tables": tables,
        }


_CSV_NOTES: Final = {
    "encoding": "UTF-8, no byte order mark; lines end with LF; the first line names the columns",
    "exact": 'every value in quotes (" doubled), null without quotes; instants as YYYY-MM-DDTHH:MM:SS.ffffffZ,'
    " lists and documents as JSON, truth as true and false",
    "spreadsheet": "as exact; besides, a text that begins with one of the escaped starts stands behind a ': take one"
    " leading ' away to have it back",
    "escaped_starts": list(ESCAPED_STARTS),
}


def copy_report(issued: Issued, out: Path) -> Path:
    """Copy a report's folder below another one, whole or not at all, and return where it lies.

    Raises:
        RefusedError: something else bears its name there.

    """
    target = out / issued.name
    if is_same_report(target, issued.folder):
        return target
    if os.path.lexists(target):
        message = f"{target} is there already and is not this report: name another folder with --out."
        raise RefusedError(message)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = out / f".{issued.name}.{os.getpid()}.part"
    try:
        shutil.copytree(issued.folder, draft)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def is_same_report(one: Path, other: Path) -> bool:
    """Say whether two folders hold the same files with the same bytes."""
    return one.is_dir() and _digests(one) == _digests(other)


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): file_sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }


def _file_data(file: Written) -> dict[str, Any]:
    return {"file": file.file, "form": file.form.value, "bytes": file.size_bytes, "sha256": file.sha256}


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _ledger_seq(connection: Connection) -> int:
    """Return the last entry that the report rests on; what only tells of runs, reports and copies does not count."""
    kinds = ", ".join(f"'{kind}'" for kind in _NO_CONTENT)
    rows = connection.sql(
        f"select coalesce(max(seq), -1) from {SCOPE}.ledger.entries where kind not in ({kinds})"  # noqa: S608 - names of ours
    ).fetchall()
    return int(rows[0][0])


def _turn_id(connection: Connection) -> str:
    rows = connection.sql("select max_by(turn_id, turn_no) from ops.turns where is_complete").fetchall()
    return str(rows[0][0] or "T000000")


def _journal(home: Home, turn: Turn, issued: Issued, actor: str | None) -> None:
    manifest_sha256 = file_sha256(issued.folder / MANIFEST)
    draft = Draft(
        kind=REPORT_ISSUED,
        known_at=turn.known_at,
        actor=actor or ACTOR,
        role=PERSON_ROLE if actor else SYSTEM_ROLE,
        run_id=turn.id,
        source="reports",
        source_id=issued.name,
        source_hash=manifest_sha256,
        data={
            "name": issued.name,
            "manifest_sha256": manifest_sha256,
            "as_of": issued.manifest["as_of"],
            "known_at": issued.manifest["known_at"],
            "completeness": issued.manifest["completeness"],
            "is_new": issued.is_new,
        },
    )
    Journal(home.ledger).append([draft])
