"""What computing may take of the machine: memory, cores, and the order in which rows are written.

Belongs here: DuckDB's limits, which ones a floor has, going beyond them where they are not enough. Does not belong
here: opening the warehouse (``resources.warehouse``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import duckdb

_Done = TypeVar("_Done")

MEMORY_LIMIT: Final = "4GB"
# Of typing and deduplicating what arrived: it streams, so that more of it takes longer but no more memory.
INGEST_MEMORY_LIMIT: Final = "320MB"
INGEST_FLOORS: Final = frozenset({"staging", "core"})


@dataclass(slots=True)
class Budget:
    """One connection's limits, set anew only where they change."""

    connection: duckdb.DuckDBPyConnection
    _is_ingest: bool | None = None

    def within(self, floor: str | None, work: Callable[[], _Done]) -> _Done:
        """Do what is computed on a floor in the memory that it should need; if that is not enough, again in all.

        Without a floor all there is may be used at once: bulk history is worth it. What streams through the floors of
        ingest is written in any order, because both cores can do that in little memory.

        Raises:
            duckdb.OutOfMemoryException: all there is is not enough.

        """
        is_ingest = floor in INGEST_FLOORS
        if is_ingest is not self._is_ingest:
            limit_memory(self.connection, INGEST_MEMORY_LIMIT if is_ingest else MEMORY_LIMIT)
            self.connection.execute(f"set preserve_insertion_order = {str(not is_ingest).lower()}")
            self._is_ingest = is_ingest
        try:
            return work()
        except duckdb.OutOfMemoryException:
            if not is_ingest:
                raise
        limit_memory(self.connection, MEMORY_LIMIT)
        self._is_ingest = None
        return work()

    def spare_one_core(self) -> duckdb.DuckDBPyConnection:
        """Return a further connection, to type what arrives with one core while the other one pulls.

        What one thread writes fills whole row groups, which are not written again later.
        """
        beside = self.connection.cursor()
        limit_memory(beside, INGEST_MEMORY_LIMIT)
        beside.execute("set threads = 1")
        # It set a limit of all connections.
        self._is_ingest = None
        return beside

    def use_all_cores(self) -> None:
        """Compute with all cores again, once nothing is typed beside a pull any more."""
        self.connection.execute("reset threads")


def limit_memory(connection: duckdb.DuckDBPyConnection, limit: str) -> None:
    """Let DuckDB take so much memory, whichever connection asks for it."""
    connection.execute(f"set memory_limit = '{limit}'")
