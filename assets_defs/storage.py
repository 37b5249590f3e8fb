"""Where Dagster keeps its own records: SQLite files below the state folder, with their connections kept open.

Belongs here: the storage that ``dagster.yaml`` names. Does not belong here: anything of the business; these records may
be deleted at any time, and only the UI's history is gone.

Dagster's own SQLite event log makes an engine, a connection and every statement's text anew for each event: on two
cores 700 events took 8 s, and 3 s with this class (docs/dagster.md). Nothing else of it is changed.
"""

from __future__ import annotations

import fcntl
import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from dagster import Field, StringSource
from dagster._config.config_schema import UserConfigSchema
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from pipeline.home import Home

_ENGINES_KEPT: Final = 8
_BUSY_TIMEOUT_SECONDS: Final = 30


class KeptEventLog(SqliteEventLogStorage):
    """Dagster's SQLite event log; the last few files stay open."""

    def __init__(self, base_dir: str) -> None:
        """Name the folder; files are opened when they are needed."""
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(base_dir)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.pop(shard, None)
        if engine is None:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=QueuePool,
                pool_size=1,
                max_overflow=-1,
                connect_args={"timeout": _BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            event.listen(engine, "connect", _relax)
        self._engines[shard] = engine
        while len(self._engines) > _ENGINES_KEPT:
            self._engines.popitem(last=False)[1].dispose()
        return engine

    def dispose(self) -> None:
        """Close the files."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()


class HomeStorage(DagsterSqliteStorage):
    """All of Dagster's records in ``<VIPGRID_HOME>/dagster``, whoever asks: terminal, UI, daemon or a run."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Open the records, with the event log that keeps its connections."""
        super().__init__(base_dir, inst_data)
        self._event_log_storage = KeptEventLog(str(Path(base_dir) / "history" / "runs"))

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Accept another folder, which nobody needs to name."""
        return {"base_dir": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> HomeStorage:
        """Make it below the home folder, unless another is named."""
        folder = config_value.get("base_dir") or Home.of(os.environ).dagster.resolve()
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        with _one_at_a_time(Path(folder) / "storage.lock"):
            return cls(str(folder), inst_data)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Let one process make the tables: two at once on a fresh home disturb each other."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _relax(connection: Any, _: object) -> None:
    """With a write-ahead log, NORMAL loses at most the last events after a power failure, and tears nothing."""
    connection.execute("pragma synchronous = normal")
