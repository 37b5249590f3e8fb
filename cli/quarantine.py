"""Quarantine: what was rejected on arrival, its bytes and its reason, and giving it back.

Belongs here: the commands ``quarantine list``, ``quarantine show``, ``quarantine release``. Does not belong here: why
a record is rejected (``sql/staging``), what a release does (``pipeline.ingest.quarantine``).
"""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from cli.context import Context
from cli.reading import Limit, origin_line, origin_of
from cli.words import Given
from pipeline.errors import ExitCode, RefusedError
from pipeline.ingest.quarantine import RecordKey, kept_record, release, released
from pipeline.ledger.journal import Journal
from resources.reading import Reader, open_reader
from resources.workspace import Workspace

ROWS_SHOWN = 50


def add_to(app: App) -> None:
    """Add the commands."""
    own = App(name="quarantine", help="Records that were rejected on arrival: which, why, and giving them back.")
    own.command(list_records, name="list")
    own.command(show)
    own.command(release_records, name="release")
    app.command(own)


def list_records(
    stream: str | None = None,
    *,
    everything: Annotated[bool, Parameter(name="--all", negative="", help="Also what was released.")] = False,
    limit: Limit = None,
    context: Given,
) -> int:
    """What is in quarantine, of one STREAM or of all, the latest first."""
    with context.out.progress("asking"), open_reader(context.home) as reader:
        rows = [row for row in _rows(context, reader, stream) if everything or row["released_because"] is None]
        document = {**origin_of(reader), "total": len(rows), "rows": rows[:limit]}
    context.out.result(document, lambda: _show_list(context, document, limit))
    return ExitCode.DONE


def show(key: str, *, context: Given) -> int:
    """One record of the quarantine, by its KEY: its bytes as they landed, why it was rejected, who released it."""
    with context.out.progress("asking"), open_reader(context.home) as reader:
        asked = RecordKey.parse(key)
        row = next((row for row in _rows(context, reader, asked.stream) if row["key"] == key), None)
    kept = kept_record(context.home, Journal(context.home.ledger), asked)
    if row is None:
        message = f"The record {key} was not rejected; `vipgrid quarantine list` names those that were."
        raise RefusedError(message)
    document = {**row, "is_readable": kept.is_readable, "bytes": kept.raw.decode("utf-8", "backslashreplace")}
    lines = [
        f"{key} {row['record_key']}: {row['rejected_because']}.",
        f"Known since {row['known_at']:%Y-%m-%d %H:%M}, from {row['origin'] or 'a file'}.",
        str(document["bytes"]) or "Its bytes were not kept.",
    ]
    if row["released_because"] is not None:
        lines.append(f"Released: {row['released_because']}.")
    context.out.sentences(document, lines)
    return ExitCode.DONE


def release_records(
    *keys: str,
    reason: Annotated[str, Parameter(help="Why; it is kept for ever.")],
    stream: Annotated[str | None, Parameter(help="Instead of keys: all of a stream.")] = None,
    context: Given,
) -> int:
    """Let the records KEYS land once more at the next sync, read with the profile of then."""
    with context.out.progress("asking"), open_reader(context.home) as reader:
        rejected = {row["key"] for row in _rows(context, reader, stream)}
    wanted = sorted(rejected) if stream and not keys else list(keys)
    if unknown := [key for key in wanted if key not in rejected]:
        message = f"Not in quarantine: {', '.join(unknown)}; `vipgrid quarantine list` names what is."
        raise RefusedError(message)
    if not wanted:
        message = "There is nothing to release: name keys, or a stream with --stream."
        raise RefusedError(message)
    actor = context.actor()
    with Workspace.open(
        context.settings(), context.home, what="quarantine release", actor=actor, say=context.out.say
    ) as workspace:
        records = [RecordKey.parse(key) for key in wanted]
        count = release(workspace.journal, workspace.turn, records, actor=actor, reason=reason)
    document = {"released": wanted, "new": count, "actor": actor, "reason": reason}
    again = "" if count == len(wanted) else f" ({len(wanted) - count} of them before)"
    told = f"Released {len(wanted)} records{again}: they come again with the next `vipgrid sync`,"
    context.out.sentences(document, [f"{told} read as the profile then says."])
    return ExitCode.DONE


def _rows(context: Context, reader: Reader, stream: str | None) -> list[dict[str, Any]]:
    why = {str(key): reason for key, reason in released(Journal(context.home.ledger)).items()}
    rows = reader.rows(
        "select rejected.stream || ':' || rejected.turn_no || ':' || rejected.page_no || ':' || rejected.row_no as key,"  # noqa: S608 - names of ours
        " rejected.stream, rejected.record_key, rejected.rejected_because, rejected.known_at, pages.origin"
        f" from {reader.table('ops.quarantine')} as rejected"
        f" left join {reader.table('ops.pages')} as pages using (stream, turn_no, page_no)"
        " where $stream is null or rejected.stream = $stream"
        " order by rejected.turn_no desc, rejected.stream, rejected.page_no, rejected.row_no",
        {"stream": stream},
    )
    return [{**row, "released_because": why.get(row["key"])} for row in rows]


def _show_list(context: Context, document: dict[str, Any], limit: int | None) -> None:
    rows = document["rows"][: limit or ROWS_SHOWN]
    context.out.table(
        "Quarantine",
        ("key", "record", "why", "known at", "released"),
        [(r["key"], r["record_key"], r["rejected_because"], r["known_at"], r["released_because"]) for r in rows],
    )
    if document["total"] > len(rows):
        context.out.line(f"{document['total'] - len(rows)} more; --limit shows them.")
    context.out.line(origin_line(document))
