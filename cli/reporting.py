"""Reporting: the tables as files with a manifest and a page.

Belongs here: what is asked for, and saying where it lies. Does not belong here: the report (``pipeline.reports``).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from cli.words import AsOf, Given
from cli.working import refuse_unfinished
from pipeline.errors import ExitCode
from pipeline.reports.issue import ALL_FORMATS, Issued, copy_report, issue_report
from pipeline.reports.tables import Format
from resources.workspace import Workspace


def add_to(app: App) -> None:
    """Add the command."""
    app.command(report)


def report(  # noqa: PLR0913 - the parameters of a report
    *,
    month: Annotated[str | None, Parameter(help="A calendar month (UTC), as of its end: 2026-02.")] = None,
    as_of: AsOf = None,
    known_at: AsOf = None,
    ledger_seq: Annotated[
        int | None, Parameter(help="Leave out what was journalled later, to issue a report again.")
    ] = None,
    formats: Annotated[tuple[Format, ...], Parameter(name="--format", negative="")] = ALL_FORMATS,
    out: Annotated[Path | None, Parameter(help="Copy it below this folder, too.")] = None,
    context: Given,
) -> int:
    """Issue a report: every mart as Parquet and CSV, a manifest with checksums, and a page to read."""
    settings = context.settings()
    actor = context.actor()
    with (
        context.out.progress("reporting"),
        Workspace.open(settings, context.home, what="report", actor=actor, say=context.out.say) as workspace,
    ):
        refuse_unfinished(workspace, "reported")
        workspace.refresh_folds()
        issued = issue_report(
            workspace.connection,
            workspace.home,
            workspace.graph,
            workspace.turn,
            month=month,
            as_of=as_of,
            known_at=known_at,
            ledger_seq=ledger_seq,
            formats=formats or ALL_FORMATS,
            actor=actor,
        )
    if out is not None:
        issued = replace(issued, folder=copy_report(issued, out))
    context.out.sentences(describe(issued), sentences(issued))
    return ExitCode.DONE


def describe(issued: Issued) -> dict[str, object]:
    """Return a report for programs."""
    return {
        "name": issued.name,
        "folder": str(issued.folder),
        "page": str(issued.folder / "report.html"),
        "is_new": issued.is_new,
        "completeness": issued.completeness.value,
        "reasons": issued.manifest["reasons"],
        "as_of": issued.manifest["as_of"],
        "known_at": issued.manifest["known_at"],
        "rows": issued.rows,
    }


def sentences(issued: Issued) -> list[str]:
    """Return it for people."""
    how = "issued" if issued.is_new else "the same report, byte for byte, was issued before"
    lines = [f"{issued.name}: {issued.completeness.value}, {how}."]
    lines += [f"  {table} {rows} rows" for table, rows in issued.rows.items()]
    lines += [f"  partial because {reason}" for reason in issued.manifest["reasons"]]
    return [*lines, f"  to read: {issued.folder / 'report.html'}"]
