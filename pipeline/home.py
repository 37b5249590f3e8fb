"""Where the state lives: one folder, each part at one name.

Belongs here: paths below the home folder. Does not belong here: what the files hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """The state folder (``VIPGRID_HOME``, default ``var``). The warehouse in it is a cache."""

    path: Path

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Home:
        """Return the home that the environment names."""
        return cls(Path(environment.get("VIPGRID_HOME", "var")))

    @property
    def landing(self) -> Path:
        """Bytes as received, in immutable chunks."""
        return self.path / "landing"

    @property
    def ledger(self) -> Path:
        """The journal."""
        return self.path / "ledger"

    @property
    def warehouse(self) -> Path:
        """DuckDB's file."""
        return self.path / "warehouse.duckdb"

    @property
    def lock(self) -> Path:
        """The OS lock that makes one writer of many processes."""
        return self.path / "warehouse.lock"

    @property
    def published(self) -> Path:
        """Parquet snapshots that others read."""
        return self.path / "published"

    @property
    def reports(self) -> Path:
        """Issued reports."""
        return self.path / "reports"

    @property
    def dagster(self) -> Path:
        """Dagster's own records."""
        return self.path / "dagster"

    @property
    def scratch(self) -> Path:
        """Files that nobody misses: DuckDB's spill."""
        return self.path / "scratch"

    def make(self) -> None:
        """Create the folders, readable by their owner only."""
        for folder in (self.path, self.landing, self.ledger, self.published, self.reports, self.dagster, self.scratch):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
