"""Typing what arrives while more of it is on its way.

Belongs here: one transaction per stream, open from its first full chunk until its model is computed; giving it up where
what was typed is not what the journal names in the end. Does not belong here: which pulls it is worth it for
(``resources.workspace``), computing a model (``pipeline.sqlmodels.increments``).

A chunk counts once the journal names it, and until then nothing of this is committed: a process that dies leaves none
of it. Whatever goes wrong here is logged and no error: the model is then computed from landing, as if nobody had begun.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

from pipeline.ingest.landed import LandedChunk
from pipeline.sqlmodels.landed_rows import landing_select
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.relations import Connection, text_literal
from pipeline.sqlmodels.runner import create_empty, described

ARRIVING: Final = "arriving"
_FILE: Final = "arriving_file"
_log: Final = logging.getLogger(__name__)


class OwnConnection(Connection, Protocol):
    """A further connection to the warehouse, with a transaction of its own."""

    def close(self) -> None:
        """Give it up."""


def arriving_table(model: Model) -> str:
    """Return the table in which a model's rows wait to be its table."""
    return f"{model.name}__{ARRIVING}"


@dataclass
class _Typed:
    """One stream's rows so far: the chunks that they are of, in order."""

    connection: OwnConnection
    statement: str
    chunks: list[LandedChunk] = field(default_factory=list)


class TypedAhead:
    """The streams that are typed while they are pulled. ``add`` is safe to use from several threads."""

    def __init__(
        self,
        connect: Callable[[], OwnConnection],
        landing: Path,
        models: Mapping[str, Model],
        *,
        on_settled: Callable[[], None],
    ) -> None:
        """Type nothing yet.

        ``connect`` is called in the thread that types, ``on_settled`` in that which takes, as soon as all is typed.
        """
        self._connect = connect
        self._on_settled = on_settled
        self._landing = landing
        self._models = models
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="typed-ahead")
        self._tasks: dict[str, list[Future[None]]] = {}
        self._typed: dict[str, _Typed] = {}

    def add(self, landed: LandedChunk) -> None:
        """Type a chunk whose files are durable, as soon as those before it are typed."""
        model = self._models.get(f"staging.{landed.stream}")
        if model is None or model.inputs != (f"landing.{landed.stream}",) or model.parameters:
            return
        with self._lock:
            task = self._thread.submit(self._type, model, landed)
            self._tasks.setdefault(landed.stream, []).append(task)

    def take(self, model: Model, chunks: Sequence[LandedChunk]) -> str | None:
        """Commit a model's rows if they are those of exactly these chunks, and return the table that has them.

        None where they are not, or nobody typed them.
        """
        wait([task for tasks in self._tasks.values() for task in tasks])
        if self._typed:
            self._on_settled()
        tasks = self._tasks.pop(model.table, [])
        typed = self._typed.pop(model.table, None)
        failures = [failure for task in tasks if (failure := task.exception()) is not None]
        if failures:
            _log.warning("Typing %s beside its pull failed, and is done from landing: %s", model.name, failures[0])
        if typed is None:
            return None
        is_whole = not failures and [_as_read(one) for one in typed.chunks] == [_as_read(one) for one in chunks]
        typed.connection.execute("commit" if is_whole else "rollback")
        typed.connection.close()
        return arriving_table(model) if is_whole else None

    def close(self) -> None:
        """Give up what nobody took; a second time changes nothing."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        while self._typed:
            # Its transaction goes with it.
            self._typed.popitem()[1].connection.close()

    def _type(self, model: Model, landed: LandedChunk) -> None:
        typed = self._typed.get(landed.stream) or self._begin(model, landed)
        typed.connection.execute(_naming(self._landing, landed))
        typed.connection.execute(typed.statement)
        typed.chunks.append(landed)

    def _begin(self, model: Model, landed: LandedChunk) -> _Typed:
        connection = self._connect()
        ((catalog,),) = connection.execute("select current_catalog()").fetchall()
        table = f"{catalog}.{arriving_table(model)}"
        # Of what others make in the meantime a transaction sees nothing: what it needs is there before it begins.
        connection.execute(_naming(self._landing, landed))
        select = landing_select(landed.stream, self._landing, [landed], files=f"getvariable('{_FILE}')")
        connection.execute(f"create schema if not exists {ARRIVING}.landing")
        connection.execute(f"create or replace view {ARRIVING}.landing.{landed.stream} as {select}")
        connection.execute(f"create schema if not exists {model.floor}")
        typed = self._typed[landed.stream] = _Typed(connection, f"insert into {table}\n{model.text}")
        connection.execute(f"use {ARRIVING}")
        connection.execute("begin transaction")
        create_empty(connection, table, model, described(connection, model, {}))
        return typed


def _naming(landing: Path, landed: LandedChunk) -> str:
    return f"set variable {_FILE} = [{text_literal(landing / landed.file)}]"


def _as_read(landed: LandedChunk) -> LandedChunk:
    """Leave out what has no part in how a chunk's records are read."""
    return replace(landed, seq=0, is_snapshot=False, connection="", parts=tuple(landed.parts))
