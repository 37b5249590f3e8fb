"""Importing: bulk history out of folders of files.

Belongs here: the command ``import``, what is said about how it went. Does not belong here: which files are new, how
they land (``pipeline.ingest.importing``), what becomes of their rows (``sql``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from cli.context import Context
from cli.words import AsOf, Given
from pipeline.errors import ExitCode, RefusedError
from pipeline.ingest.importing import Importer
from pipeline.streams import STREAMS
from resources.importing import import_files as import_folder
from resources.workspace import Workspace

_REJECTED_SHOWN = 20
_COUNTS = ("fetched", "new", "duplicates", "new_editions", "quarantined")


def add_to(app: App) -> None:
    """Add the command."""
    app.command(import_files, name="import")


def import_files(
    folder: Path,
    *streams: str,
    copy: Annotated[
        bool, Parameter(negative="", help="Keep a copy of each Parquet file; else it is read where it lies.")
    ] = False,
    now: Annotated[
        AsOf, Parameter(help="When it became known, for instance 2026-03-02T08:00:00Z; else the clock's.")
    ] = None,
    context: Given,
) -> int:
    """Take in bulk history: FOLDER/<stream>/*.parquet, *.ndjson, *.csv, of all streams or of some.

    A file that was imported before, whatever its name, is left alone; an import that was cut short goes on.
    """
    if unknown := [name for name in streams if name not in STREAMS]:
        message = f"There is no stream {unknown[0]}; there are {', '.join(STREAMS)}."
        raise RefusedError(message)
    if not folder.is_dir():
        message = f"There is no folder {folder}: name one that has a folder for each stream."
        raise RefusedError(message)
    settings = context.settings()
    with (
        context.out.progress("importing") as step,
        Workspace.open(
            settings, context.home, what="import", actor=context.actor(), now=now, say=context.out.say
        ) as workspace,
    ):
        importer = Importer(folder.resolve(), context.home, workspace.journal, is_copying=copy, on_progress=step)
        done = import_folder(workspace, importer, streams or None, step)
        arrived = read_counts(workspace) if done.turn.is_import and done.has_arrived else []
        rejected = read_rejected(workspace) if arrived else []
    document = {
        "turn": done.turn.id,
        "known_at": done.turn.known_at,
        "files": {"new": done.new, "known": done.known, "copied": done.copied},
        "streams": arrived,
        "quarantine": rejected,
        "needs_a_person": bool(rejected),
    }
    context.out.result(document, lambda: _show(context, document))
    return ExitCode.NEEDS_A_PERSON if document["needs_a_person"] else ExitCode.DONE


def read_counts(workspace: Workspace) -> list[dict[str, Any]]:
    """Say what became of the records of the import's turn, by stream."""
    sums = ", ".join(f"sum({name})::bigint" for name in _COUNTS)
    rows = workspace.connection.sql(
        f"select stream, count(*), {sums} from ops.pages where turn_no = $turn group by stream order by stream",  # noqa: S608 - names of ours
        params={"turn": workspace.turn.number},
    ).fetchall()
    return [dict(zip(("stream", "files", *_COUNTS), row, strict=True)) for row in rows]


def read_rejected(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the first of the import's rejected records."""
    columns = ("stream", "record_key", "rejected_because", "turn_no", "page_no", "row_no")
    rows = workspace.connection.sql(
        f"select {', '.join(columns)} from ops.quarantine where turn_no = $turn"  # noqa: S608 - names of ours
        f" order by stream, page_no, row_no limit {_REJECTED_SHOWN}",
        params={"turn": workspace.turn.number},
    ).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _show(context: Context, document: dict[str, Any]) -> None:
    out = context.out
    files = document["files"]
    if not document["streams"]:
        out.line(f"Nothing new: all {files['known']} files were imported before.")
    else:
        columns = ("stream", "fetched", *(name.replace("_", " ") for name in _COUNTS[1:]))
        rows = [(row["stream"], *(row[name] for name in _COUNTS)) for row in document["streams"]]
        out.table(f"Imported in turn {document['turn']}", columns, rows)
        out.line("fetched = new + duplicates + new editions + quarantined", style="dim")
        out.line(f"{files['new']} new files; {files['known']} had been imported before.")
    if files["copied"]:
        out.line(f"{files['copied']} copies were kept of files that were imported before.")
    for row in document["quarantine"]:
        key = f"{row['stream']}:{row['turn_no']}:{row['page_no']}:{row['row_no']}"
        out.line(f"Rejected and kept in quarantine: {key} ({row['rejected_because']}).", style="yellow")
    if document["streams"]:
        out.line("The next `vipgrid sync` brings everything else up to date.")
