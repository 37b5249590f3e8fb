"""Working: one full turn, publishing, rebuilding. They hold the writer's lock while they change anything.

Belongs here: what is asked for, what is said about how it went. Does not belong here: the steps
(``resources.workspace``, and ``assets_defs`` for a turn, which is a Dagster run whoever starts it).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final

import stamina
from cyclopts import App, Parameter

from cli.context import Context
from cli.reading import origin_line, origin_of
from cli.rehearsing import run_dry
from cli.states import late_claims, read_status, show_waiting
from cli.words import AsOf, Given
from pipeline.actions.outbox import ACTION_DECIDED, ACTION_SENT, ACTION_SUPPRESSED
from pipeline.errors import ExitCode, RefusedError, VipgridError
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import read_turns
from pipeline.publish import FULL, LATEST
from resources.reading import Reader, open_reader
from resources.warehouse import writer_lock
from resources.workspace import Workspace

if TYPE_CHECKING:
    from dagster import Definitions

NOTICE: Final = "post_notice"
_WAREHOUSE_FILES: Final = ("", ".wal")


def add_to(app: App) -> None:
    """Add the working commands."""
    for command in (sync, publish, rebuild):
        app.command(command)


def sync(
    *,
    now: Annotated[
        AsOf, Parameter(help="The turn's instant, for instance 2026-03-02T08:00:00Z; else the clock's.")
    ] = None,
    dispatch: Annotated[bool, Parameter(negative="", help="Send what is pending, too.")] = False,
    dry_run: Annotated[
        bool, Parameter(negative="", help="Say what would be sent to whom, and why not to others; change nothing.")
    ] = False,
    context: Given,
) -> int:
    """One full turn: pull both systems, land, compute, decide what is due, publish; with --dispatch, send."""
    if dry_run:
        if dispatch:
            message = "--dry-run sends nothing: leave --dispatch out."
            raise RefusedError(message)
        return run_dry(context, now)
    run_turn(context, now=now, is_dispatching=dispatch)
    found = read_outcome(context)
    context.out.result(found, lambda: _show_outcome(context, found))
    return ExitCode.NEEDS_A_PERSON if found["needs_a_person"] else ExitCode.DONE


def publish(
    *, full: Annotated[bool, Parameter(negative="", help="Every table, the large ones too.")] = False, context: Given
) -> int:
    """Publish the tables of the last complete turn as Parquet."""
    settings = context.settings()
    kind = FULL if full else LATEST
    with (
        context.out.progress("publishing"),
        Workspace.open(settings, context.home, what="publish", actor=context.actor(), say=context.out.say) as workspace,
    ):
        refuse_unfinished(workspace, "published")
        workspace.refresh_folds()
        snapshot = workspace.publish(kind)
        turn = workspace.turn
    link = context.home.published / kind
    document = {"turn": turn.id, "as_of": turn.now, "kind": kind, "folder": str(link), "rows": snapshot.rows}
    text = f"Published {len(snapshot.rows)} tables of turn {turn.id} in {link}."
    context.out.sentences(document, [text])
    return ExitCode.DONE


def rebuild(*, context: Given) -> int:
    """Make the warehouse again from landing and ledger: the same tables, the same journal."""
    settings = context.settings()
    tables, turn_id = rebuild_warehouse(context, settings_of_call=settings)
    document = {"turn": turn_id, "tables": tables}
    context.out.sentences(document, [f"Made {tables} tables again, as of turn {turn_id}, and published them."])
    return ExitCode.DONE


def rebuild_warehouse(context: Context, *, settings_of_call: Any) -> tuple[int, str]:
    """Drop the warehouse and compute every table again; return how many, and the turn."""
    with (
        context.out.progress("rebuilding") as step,
        Workspace.open(
            settings_of_call,
            context.home,
            what="rebuild",
            actor=context.actor(),
            say=context.out.say,
            is_journalled=False,
        ) as workspace,
    ):
        for suffix in _WAREHOUSE_FILES:
            context.home.warehouse.with_name(context.home.warehouse.name + suffix).unlink(missing_ok=True)
        turn = workspace.turn
        tables = workspace.rebuild(step)
        if read_turns(workspace.journal).unfinished != turn:
            workspace.publish()
    return tables, turn.id


def refuse_unfinished(workspace: Workspace, done: str) -> None:
    """Refuse where the turn in the warehouse was never completed: only a complete one leaves the house.

    Raises:
        RefusedError: it was not.

    """
    turn = workspace.turn
    if read_turns(workspace.journal).unfinished == turn:
        message = f"Turn {turn.id} was begun and never completed, so nothing can be {done}: run `vipgrid sync`."
        raise RefusedError(message)


def run_turn(context: Context, *, now: Any, is_dispatching: bool) -> None:
    """Run one turn in this process, as a run that Dagster's UI shows.

    Raises:
        VipgridError: it could not be run to its end; the next call goes on from there.

    """
    context.settings()
    actor = context.actor()
    # By itself, stamina tells of retries on standard output.
    stamina.instrumentation.set_on_retry_hooks([])
    with context.out.progress("starting"):
        with writer_lock(context.home, wait_seconds=None, say=context.out.say):
            pass
        from assets_defs.launch import Request, run_sync

        definitions = _definitions()
    with context.out.progress("syncing") as step:
        request = Request(config=context.config, home=context.home, actor=actor, now=now, on_step=step)
        launched = run_sync(definitions, request, dispatch=is_dispatching)
    if not launched.is_success:
        raise VipgridError(launched.error or "The turn failed; `vipgrid ui` shows the run.")
    for message in launched.dispatched.messages if launched.dispatched else ():
        context.out.say(message)


@cache
def _definitions() -> Definitions:
    from assets_defs.definitions import build_defs

    return build_defs()


def read_outcome(context: Context) -> dict[str, Any]:
    """Say what the last turn brought, decided and sent, and what waits for a person."""
    with open_reader(context.home) as reader:
        status = read_status(reader)
        document = {**origin_of(reader), **_arrived(reader), "positions": count_positions(reader)}
        turn_id = reader.turn_id
    document |= {"notices": count_notices(Journal(context.home.ledger), turn_id)}
    waiting = status.document["waiting_for_a_person"]
    outbox = status.document["outbox"]
    late = late_claims(status.document["claims"], {row["stream"] for row in status.document["streams"]})
    return {
        **document,
        "late": late,
        "outbox": outbox,
        "waiting_for_a_person": waiting,
        "needs_a_person": status.needs_a_person,
    }


def count_positions(reader: Reader) -> dict[str, dict[str, int]]:
    """Count pairs and partners by position."""
    rows = reader.rows(
        "select position, count(*) as pairs, count(distinct partner_id) as partners"  # noqa: S608 - a name of ours
        f" from {reader.table('freshness.positions')} group by position order by pairs desc, position"
    )
    return {row["position"]: {"pairs": row["pairs"], "partners": row["partners"]} for row in rows}


def count_notices(journal: Journal, turn_id: str) -> dict[str, int]:
    """Count what a turn decided, sent and suppressed of its notices, out of the journal."""
    counts = dict.fromkeys((ACTION_DECIDED, ACTION_SENT, ACTION_SUPPRESSED), 0)
    notices: set[str | None] = set()
    for entry in journal.entries(frozenset(counts)):
        if entry.kind == ACTION_DECIDED and entry.data["operation"] == NOTICE:
            notices.add(entry.source_id)
        if entry.run_id == turn_id and entry.source_id in notices:
            counts[entry.kind] += 1
    return {kind.removeprefix("action_"): count for kind, count in counts.items()}


def notices_line(notices: Mapping[str, int]) -> str:
    """Say what became of a turn's notices; of those that were suppressed, only where there are any."""
    suppressed = f", {notices['suppressed']} suppressed" if notices["suppressed"] else ""
    return f"Notices of this turn: {notices['decided']} decided, {notices['sent']} sent{suppressed}."


def _arrived(reader: Reader) -> dict[str, Any]:
    pages = reader.rows(
        "select stream, sum(fetched)::bigint as fetched, sum(new)::bigint as new,"
        " sum(new_editions)::bigint as new_editions, sum(duplicates)::bigint as duplicates,"
        " sum(quarantined)::bigint as quarantined from ops.pages"
        " where turn_no = (select max(turn_no) from ops.turns where is_complete) group by stream order by stream"
    )
    quarantine = reader.rows(
        "select stream, record_key, rejected_because, turn_no, page_no, row_no from ops.quarantine"
        " where turn_no = (select max(turn_no) from ops.turns where is_complete)"
        " order by stream, turn_no, page_no, row_no limit 20"
    )
    return {"arrived": pages, "quarantine": quarantine}


def _show_outcome(context: Context, found: dict[str, Any]) -> None:
    out = context.out
    out.line(origin_line(found), style="dim")
    fetched = sum(row["fetched"] for row in found["arrived"])
    out.line(f"{fetched} records arrived in {len(found['arrived'])} streams.")
    for row in found["quarantine"]:
        out.line(
            f"Rejected and kept in quarantine: {row['stream']} {row['record_key']} ({row['rejected_because']}),"
            f" page {row['page_no']}, row {row['row_no']}.",
            style="yellow",
        )
    rows = [(name, counts["pairs"], counts["partners"]) for name, counts in found["positions"].items()]
    out.table("Positions", ("position", "pairs", "partners"), rows)
    notices = found["notices"]
    out.line(notices_line(notices))
    for line in found["late"]:
        out.line(line, style="yellow")
    pending = sum(found["outbox"].get(state, 0) for state in ("pending", "failed", "unknown"))
    if pending:
        out.line(f"{pending} actions have yet to be sent: `vipgrid sync --dispatch`.")
    show_waiting(out, found["waiting_for_a_person"])
