"""Keeping: backup, restore, compacting.

Belongs here: the lock round a copy, and what follows a restore. Does not belong here: the copy (``pipeline.backup``).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter

from cli.context import Context
from cli.words import Given
from cli.working import rebuild_warehouse
from pipeline.backup import back_up
from pipeline.errors import ConfigurationError, ExitCode
from pipeline.ingest.importing import lacking_files
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import read_turns
from pipeline.restoring import restore as put_back
from pipeline.settings import Settings
from resources.clock import system_now
from resources.warehouse import writer_lock
from resources.workspace import Workspace

FILES_NAMED: Final = 5


def add_to(app: App) -> None:
    """Add the commands."""
    for command in (backup, restore, compact):
        app.command(command)


def backup(
    destination: Path,
    *,
    with_referenced: Annotated[
        bool, Parameter(negative="", help="Copy the files that were imported by reference, too.")
    ] = False,
    context: Given,
) -> int:
    """Copy what cannot be computed again into DESTINATION: a new folder, or one file (NAME.tar.zst)."""
    actor = context.actor()
    with context.out.progress("copying"), writer_lock(context.home, wait_seconds=None, say=context.out.say):
        Journal(context.home.ledger).mend()
        copied = back_up(context.home, destination, actor=actor, at=system_now(), with_referenced=with_referenced)
    document = {
        "backup": str(copied.path),
        "files": copied.files,
        "size_bytes": copied.size_bytes,
        "ledger_entries": copied.last_seq + 1,
        "left_out": list(copied.left_out),
    }
    what = f"{copied.files} files ({copied.size_bytes} bytes, {copied.last_seq + 1} ledger entries)"
    lines = [f"Copied {what} to {copied.path}."]
    if copied.left_out:
        lines.append(
            f"Not in it: {_some(copied.left_out)}, imported by reference. --with-referenced copies such files, too."
        )
    context.out.sentences(document, lines)
    return ExitCode.DONE


def compact(*, context: Given) -> int:
    """Merge small landing files into few large ones; no byte of a record is lost, and each merging is journalled."""
    settings = context.settings()
    with (
        context.out.progress("compacting"),
        Workspace.open(settings, context.home, what="compact", actor=context.actor(), say=context.out.say) as workspace,
    ):
        done = workspace.compact()
    document = {"merged": [asdict(one) for one in done.merged], "removed_files": done.removed}
    lines = [
        f"{one.stream}: {one.before} pairs of files became {one.after}, {one.bytes_before} bytes {one.bytes_after}."
        for one in done.merged
    ]
    context.out.sentences(document, [*(lines or ["There is nothing to merge."]), f"Removed {done.removed} old files."])
    return ExitCode.DONE


def restore(
    source: Path,
    *,
    replace: Annotated[bool, Parameter(negative="", help="Set a home that is not empty aside.")] = False,
    reason: Annotated[str | None, Parameter(help="Why; it is journalled.")] = None,
    context: Given,
) -> int:
    """Verify the backup SOURCE, put it in the home's place, and make every table again from it."""
    actor = context.actor()
    out = context.out
    with out.progress("restoring"):
        is_there = context.home.path.exists()
        with writer_lock(context.home, wait_seconds=None, say=out.say) if is_there else nullcontext():
            restored = put_back(context.home, source, is_replacing=replace, actor=actor, reason=reason, at=system_now())
    manifest, set_aside, unsettled = restored.manifest, restored.set_aside, restored.unsettled_actions
    journal = Journal(context.home.ledger)
    settings, why_not = _settings(context)
    lacking = lacking_files(context.home, journal)
    if lacking:
        settings, why_not = None, "what it lacks has to be there first"
    tables = None
    if settings is not None and read_turns(journal).last is not None:
        tables, _ = rebuild_warehouse(context, settings_of_call=settings)
    document = {
        "home": str(context.home.path),
        "backup_made_at": manifest["made_at"],
        "ledger_entries": manifest["last_seq"] + 1,
        "files": len(manifest["files"]),
        "set_aside": None if set_aside is None else str(set_aside),
        "unsettled_actions": unsettled,
        "tables": tables,
        "lacking": [{"file": chunk.file, "sha256": chunk.sha256} for chunk in lacking],
    }
    lines = [f"Restored {len(manifest['files'])} files of the backup of {manifest['made_at']} to {context.home.path}."]
    if set_aside is not None:
        lines.append(f"What was there lies in {set_aside}.")
    if unsettled:
        lines.append(f"{unsettled} actions may have been sent since: each is looked up before it is sent.")
    if lacking:
        lines.append(
            f"Lacking: {_some([chunk.file for chunk in lacking])}, imported by reference. Put the same bytes there, or"
            " run `vipgrid import FOLDER --copy` on a folder that has them (--json has each one's SHA-256)."
        )
    if tables is None:
        lines.append(f"The tables were not made again ({why_not or 'no turn was ever opened'}): run `vipgrid rebuild`.")
    out.sentences(document, lines)
    return ExitCode.NEEDS_A_PERSON if lacking else ExitCode.DONE


def _some(files: Sequence[str]) -> str:
    more = len(files) - FILES_NAMED
    return ", ".join(files[:FILES_NAMED]) + (f" and {more} more files" if more > 0 else "")


def _settings(context: Context) -> tuple[Settings | None, str | None]:
    try:
        return context.settings(), None
    except ConfigurationError as error:
        return None, str(error).rstrip(".")
