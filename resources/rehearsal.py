"""A rehearsal: a turn on a copy of the state, which is thrown away afterwards.

Belongs here: the copy, and running a turn up to its decisions there. Does not belong here: what is shown (``cli``).

The sources are asked as in a real turn, which changes nothing there; nothing is sent, and nothing is written beside the
copy. Landed chunks are never changed, so they are linked where the file system can do that.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from pipeline.home import Home
from pipeline.settings import Settings
from pipeline.sqlmodels.graph import LEDGER_STEPS
from resources.warehouse import writer_lock
from resources.workspace import Workspace

DECIDING: Final = "ledger.actions"
LAST_LOOK: Final = "sync.action_rechecks"
_SUFFIXES: Final = ("", ".wal")


@contextmanager
def rehearse(
    settings: Settings,
    home: Home,
    *,
    actor: str,
    now: datetime | None,
    say: Callable[[str], None],
    on_step: Callable[[str], None],
) -> Iterator[Workspace]:
    """Run a turn up to its decisions on a copy, and give the copy's workspace.

    Raises:
        SourceError: a source could not be read.
        BusyError: the state is being written to.

    """
    with _copied(home, say) as copy, Workspace.open(settings, copy, what="dry run", actor=actor, now=now) as workspace:
        workspace.open_turn()
        for connection in settings.connections:
            on_step(connection)
            workspace.pull(connection)
        for name in workspace.graph.left_of(LEDGER_STEPS[DECIDING]):
            on_step(name)
            workspace.compute(name)
        on_step(DECIDING)
        workspace.compute(DECIDING)
        for name in workspace.graph.left_of([LAST_LOOK], stop_at=frozenset(LEDGER_STEPS[DECIDING])):
            workspace.compute(name)
        yield workspace


@contextmanager
def _copied(home: Home, say: Callable[[str], None]) -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="vipgrid-rehearsal-"))
    try:
        copy = Home(folder)
        copy.make()
        if home.ledger.exists():
            with writer_lock(home, wait_seconds=None, say=say):
                shutil.copytree(home.landing, copy.landing, copy_function=_link, dirs_exist_ok=True)
                shutil.copytree(home.ledger, copy.ledger, dirs_exist_ok=True)
                for suffix in _SUFFIXES:
                    file = home.warehouse.with_name(home.warehouse.name + suffix)
                    if file.exists():
                        shutil.copy2(file, copy.warehouse.with_name(copy.warehouse.name + suffix))
        yield copy
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
