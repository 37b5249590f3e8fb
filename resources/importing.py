"""The import's order of things: land what is new in a turn of its own, then bring it to core.

Belongs here: which turn, which tables. Does not belong here: which files are new, how they land
(``pipeline.ingest.importing``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.ingest.importing import Importer, imported_hashes
from pipeline.ledger.turns import Turn, read_turns
from resources.workspace import Workspace

# What says whether everything that was imported is accounted for.
SHOWN: Final = ("ops.pages", "ops.quarantine")


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What an import did: files by what became of them, and whether rows arrived in tables."""

    turn: Turn
    new: int
    known: int
    copied: int
    has_arrived: bool


def import_files(
    workspace: Workspace, importer: Importer, streams: Sequence[str] | None, on_step: Callable[[str], None]
) -> ImportOutcome:
    """Land what a folder has that was not imported yet, and bring what was ever imported to core.

    Where nothing is new, an import that was cut short behind its landing goes on.

    Raises:
        SourceError: a file cannot be read; what came before it is imported.

    """
    found = importer.find(streams)
    copied = importer.keep(found.known_parquet) if importer.is_copying else 0
    unfinished = read_turns(workspace.journal).unfinished
    if found.new:
        importer.land(found.new, workspace.open_turn(is_import=True))
    elif unfinished is not None and unfinished.is_import:
        workspace.take_up(unfinished)
    has_arrived = False
    targets = [f"core.{stream}" for stream in sorted(imported_hashes(workspace.journal))]
    for name in workspace.graph.left_of([*targets, *SHOWN]):
        on_step(name)
        has_arrived = has_arrived or bool(workspace.landed_ahead(name))
        workspace.compute(name)
    return ImportOutcome(workspace.turn, len(found.new), found.known, copied, has_arrived)
