"""Reconciling: a source read a second time, and what it has that we have not.

Belongs here: the command ``connect reconcile``, and how differences are told. Does not belong here: the second pass
(``resources.reconciling``), where its differences stand afterwards (``sql/ops/differences.sql``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from cyclopts import Parameter

from cli.context import Context
from cli.words import AsOf, Given
from pipeline.errors import ExitCode, RefusedError
from pipeline.ingest.reconciling import MISSING_HERE, NOT_AT_SOURCE, OTHER_CONTENT, Reconciled
from pipeline.ingest.windows import Window
from pipeline.settings import Settings
from resources.reconciling import Reconciler
from resources.workspace import Workspace

DIFFERENCES_SHOWN: Final = 20
_KINDS: Final = (MISSING_HERE, OTHER_CONTENT, NOT_AT_SOURCE)


def reconcile(
    connection: str | None = None,
    stream: str | None = None,
    *,
    from_: Annotated[AsOf, Parameter(name="--from", help="Only what the source has from this instant on.")] = None,
    to: Annotated[AsOf, Parameter(help="Only what it has before this one; else up to the last turn.")] = None,
    read: Annotated[bool, Parameter(negative="", help="Read every record, also where the number agrees.")] = False,
    context: Given,
) -> int:
    """Read CONNECTION's STREAM (or all) a second time, and say where it differs from what we have.

    What was missed lands at the next sync. Every pass and every difference is journalled.
    """
    settings = context.settings()
    chosen = chosen_streams(settings, connection, stream)
    done: list[Reconciled] = []
    with (
        context.out.progress("reading again") as step,
        Workspace.open(
            settings, context.home, what="reconcile", actor=context.actor(), say=context.out.say
        ) as workspace,
    ):
        window = _window(from_, to, workspace.turn.now)
        for name, streams in chosen.items():
            for one in Reconciler(workspace, name, window, is_read=read).reconcile(streams):
                step(f"{one.stream}: {one.source_records} records")
                done.append(one)
        workspace.refresh_ledger()
        for table in ("ops.reconciliations", "ops.differences"):
            workspace.compute(table)
    document = {"streams": [_told(one) for one in done], "is_good": not any(one.differences for one in done)}
    context.out.result(document, lambda: _show(context, document))
    return ExitCode.DONE if document["is_good"] else ExitCode.NEEDS_A_PERSON


def chosen_streams(settings: Settings, connection: str | None, stream: str | None) -> dict[str, tuple[str, ...]]:
    """Return the streams that are meant, by their connections.

    Raises:
        RefusedError: there is no such connection, or it does not serve the stream.

    """
    if connection is not None and connection not in settings.connections:
        message = f"{connection!r} is no connection; there are {', '.join(settings.connections)}."
        raise RefusedError(message)
    names = [connection] if connection is not None else list(settings.connections)
    served = {name: settings.streams_of(name) for name in names}
    if stream is None:
        return served
    chosen: dict[str, tuple[str, ...]] = {name: (stream,) for name, streams in served.items() if stream in streams}
    if not chosen:
        message = f"No such stream {stream!r} is served by {', '.join(names)}."
        raise RefusedError(message)
    return chosen


def _window(since: datetime | None, until: datetime | None, last: datetime) -> Window | None:
    if since is None:
        if until is not None:
            message = "--to needs --from."
            raise RefusedError(message)
        return None
    end = last if until is None else until
    if end <= since:
        message = "The window is empty: --to is not after --from (or the last turn is not)."
        raise RefusedError(message)
    return Window(since, end)


def _told(one: Reconciled) -> dict[str, Any]:
    return {
        "connection": one.connection,
        "stream": one.stream,
        "from": None if one.window is None else one.window.since,
        "to": None if one.window is None else one.window.until,
        "method": "count" if one.counted else "read",
        "source_records": one.source_records,
        "our_records": one.our_records,
        **{kind: one.count(kind) for kind in _KINDS},
        "differences": [
            {"kind": difference.kind, "record_key": difference.record_key} for difference in one.differences
        ],
    }


def _show(context: Context, document: dict[str, Any]) -> None:
    out = context.out
    columns = (
        "connection",
        "stream",
        "by",
        "at the source",
        "here",
        "missing here",
        "other content",
        "not at the source",
    )
    rows = [
        tuple(one[name] for name in ("connection", "stream", "method", "source_records", "our_records", *_KINDS))
        for one in document["streams"]
    ]
    out.table("Read a second time", columns, rows)
    every = [
        (one["stream"], difference["kind"], difference["record_key"])
        for one in document["streams"]
        for difference in one["differences"]
    ]
    if every:
        out.table("Differences", ("stream", "kind", "record"), every[:DIFFERENCES_SHOWN])
        if len(every) > DIFFERENCES_SHOWN:
            out.line(f"{len(every) - DIFFERENCES_SHOWN} more in ops.differences, or with --json.")
        out.line("What is missing here lands at the next sync.")
    else:
        out.line("Both sides agree.", style="green")
