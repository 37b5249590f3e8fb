"""The warehouse: the one place where DuckDB is connected.

Belongs here: how the file is opened, by whom, with what limits, and the OS lock that makes one
writer. Does not belong here: what runs inside (``pipeline.sqlmodels``).
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import duckdb

from pipeline.errors import BusyError, StateError
from pipeline.home import Home
from pipeline.sqlmodels.macros import macros_text
from pipeline.sqlmodels.typed_ahead import ARRIVING
from resources.budget import INGEST_MEMORY_LIMIT, MEMORY_LIMIT, Budget, limit_memory

POLL_SECONDS: Final = 0.1
READERS_WAIT_SECONDS: Final = 5.0
SAY_SO_AFTER_SECONDS: Final = 1.0
MEMORY_CATALOGS: Final = ("scope", "asked", "replay", "replay_scope", ARRIVING)
WAREHOUSE_CATALOG: Final = "warehouse"
CHECKPOINT_AT: Final = "256MB"


@contextmanager
def writer_lock(home: Home, *, wait_seconds: float | None, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the one writer's lock; the system frees it when the process ends, however it ends.

    ``wait_seconds`` None = as long as it takes. ``say`` is told once who is waited for.

    Raises:
        BusyError: not free within the time.

    """
    home.make()
    descriptor = os.open(home.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(descriptor, wait_seconds, say)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, wait_seconds: float | None, say: Callable[[str], None]) -> None:
    started = time.monotonic()
    has_said = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = time.monotonic() - started
            holder = os.pread(descriptor, 100, 0).decode("utf-8", "replace") or "another process"
            if wait_seconds is not None and waited >= wait_seconds:
                message = f"The warehouse is in use by {holder}; try again when it has finished."
                raise BusyError(message) from None
            if not has_said and waited >= SAY_SO_AFTER_SECONDS:
                say(f"waiting for {holder}, which holds the warehouse")
                has_said = True
            time.sleep(POLL_SECONDS)
        else:
            return


@contextmanager
def open_for_writing(home: Home, *, reads: Iterable[Path] = ()) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse; the caller holds the writer's lock. ``reads``: files outside of the home that may be read.

    A reader may hold the file for a moment: it is waited for.

    Raises:
        BusyError: a reader kept it for longer than a minute.
        StateError: the file is not a warehouse; ``vipgrid rebuild`` makes it again.

    """
    connection = _connect(home, home.warehouse, is_read_only=False, wait_seconds=60, reads=reads)
    try:
        yield connection
    finally:
        # Row groups that are packed again at the end are streamed, too.
        with suppress(duckdb.Error):
            limit_memory(connection, INGEST_MEMORY_LIMIT)
        connection.close()


def open_beside(budget: Budget) -> duckdb.DuckDBPyConnection:
    """Open a further connection to the warehouse that is open for writing, to type what arrives beside a pull."""
    beside = budget.spare_one_core()
    beside.execute(macros_text())
    return beside


@contextmanager
def open_for_reading(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse read-only, waiting at most five seconds for a writer.

    Raises:
        BusyError: a writer holds it; answer from ``published/`` instead.
        StateError: there is no warehouse yet, or the file is not one.

    """
    if not home.warehouse.exists():
        message = f"There is no warehouse in {home.path} yet: run `vipgrid sync` first."
        raise StateError(message)
    connection = _connect(home, home.warehouse, is_read_only=True, wait_seconds=READERS_WAIT_SECONDS)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def open_in_memory(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty database in memory, to query ``published/`` with."""
    connection = _connect(home, None, is_read_only=False, wait_seconds=0)
    try:
        yield connection
    finally:
        connection.close()


def _connect(
    home: Home, file: Path | None, *, is_read_only: bool, wait_seconds: float, reads: Iterable[Path] = ()
) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            connection = _connect_once(home, file, is_read_only=is_read_only)
        except duckdb.IOException as error:
            if "lock" not in str(error):
                message = f"The warehouse {file} cannot be opened: run `vipgrid rebuild`, which makes it again."
                raise StateError(message) from error
            if time.monotonic() >= deadline:
                message = "The warehouse is in use by another process."
                raise BusyError(message) from error
            time.sleep(POLL_SECONDS)
        else:
            break
    _prepare(connection, home, reads)
    return connection


def _connect_once(home: Home, file: Path | None, *, is_read_only: bool) -> duckdb.DuckDBPyConnection:
    """Connect; a file that is only read is attached to a database in memory, which can hold the scope catalog."""
    in_memory = file is None or is_read_only
    connection = duckdb.connect(
        ":memory:" if in_memory else str(file),
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "checkpoint_threshold": CHECKPOINT_AT,
            "memory_limit": MEMORY_LIMIT,
            "python_enable_replacements": False,
            "temp_directory": str(home.scratch),
        },
    )
    if file is not None and in_memory:
        try:
            connection.execute(f"attach '{_quoted(file)}' as {WAREHOUSE_CATALOG} (read_only)")
            connection.execute(f"use {WAREHOUSE_CATALOG}")
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: duckdb.DuckDBPyConnection, home: Home, reads: Iterable[Path]) -> None:
    """Set the zone, the macros and the catalogs in memory, and close the door to everything but home and ``reads``."""
    for scope in ("global", "session"):
        connection.execute(f"set {scope} timezone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    for catalog in MEMORY_CATALOGS:
        connection.execute(f"attach ':memory:' as {catalog}")
    connection.execute(macros_text())
    folder = _quoted(home.path.resolve())
    connection.execute(f"set allowed_directories = ['{folder}/']")
    listed = ", ".join(f"'{_quoted(path)}'" for path in reads)
    connection.execute(f"set allowed_paths = [{listed}]")
    connection.execute("set enable_external_access = false")
    connection.execute("set allowed_configs = ['memory_limit', 'preserve_insertion_order', 'threads']")
    connection.execute("set lock_configuration = true")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
