"""A tenant that lives through faults, turn by turn, and what is left afterwards: landing, pages, core, completeness.

Belongs here: pulling under a fault, and the figures of all turns in one computation. Does not belong here: verdicts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.ingest.pull import PullOutcome
from tests.connections.making import Tenant

ROOT = Path(__file__).parents[2]
EQUATION = "fetched = new + new_editions + duplicates + quarantined"


@dataclass(frozen=True)
class Computed:
    """What the tables say of every turn; ``unbalanced`` = what the blocking check finds."""

    core: dict[str, tuple[Any, ...]]
    history: list[tuple[Any, ...]]
    pages: list[dict[str, Any]]
    scopes: list[dict[str, Any]]
    quarantine: dict[tuple[int, int], str]
    unbalanced: list[Any]

    def of_turn(self, turn: int) -> dict[str, Any]:
        """Return the sums of a turn."""
        return next(s for s in self.scopes if s["scope"] == "run" and s["turn_no"] == turn)

    def is_exact(self) -> bool:
        """Say whether the completeness equation holds for every page, run and day, added up here once more."""
        parts = ("new", "new_editions", "duplicates", "quarantined")
        sums = all(own["fetched"] == sum(own[name] for name in parts) for own in (*self.pages, *self.scopes))
        days = sum(s["fetched"] for s in self.scopes if s["scope"] == "day")
        runs = sum(s["fetched"] for s in self.scopes if s["scope"] == "run")
        stamps = {scope["stamp"] for scope in self.scopes}
        return (
            sums
            and days == runs == sum(own["fetched"] for own in self.pages)
            and stamps <= {"COMPLETE"}
            and not self.unbalanced
        )


@dataclass
class Lived:
    """One tenant's turns, by name."""

    tenant: Tenant
    turns: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, PullOutcome] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)

    def pull(self, name: str) -> PullOutcome:
        """Pull once in a turn that bears a name."""
        self.turns[name] = self.tenant.turn().number
        self.outcomes[name] = self.tenant.pull()
        return self.outcomes[name]

    def failure(self, name: str, stream: str = "assets") -> str:
        return str(self.outcomes[name].failed[stream])

    def landed(self, name: str, stream: str = "assets") -> Counter[str]:
        return Counter(str(own) for own in self.tenant.landed(stream, self.turns[name]))

    def computed(self, stream: str = "assets") -> Computed:
        return compute(self.tenant, stream)


def compute(tenant: Tenant, stream: str = "assets") -> Computed:
    """Compute everything that the completeness equation is about, once."""
    check = (ROOT / "sql/checks/pages_are_balanced.sql").read_text(encoding="utf-8")
    with tenant.computed("marts.completeness") as connection:

        def rows(query: str) -> list[dict[str, Any]]:
            relation = connection.sql(query)
            return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]

        key = "asset_id"
        latest = f"""select * from core.{stream}_history
            qualify row_number() over (partition by {key} order by ordered_at desc, record_sha256 desc) = 1"""
        rejected = rows(f"select turn_no, page_no, row_no, rejected_because from staging.{stream}"
                        " where rejected_because is not null")  # fmt: skip
        return Computed(
            core={row[key]: (row["title"], str(row["updated_at"])) for row in rows(latest)},
            history=connection.sql(f"select {key}, edition, title from core.{stream}_history order by all").fetchall(),
            pages=rows("select * from ops.pages order by turn_no, page_no"),
            scopes=rows("select * from marts.completeness where scope <> 'page'"),
            quarantine={(row["page_no"], row["row_no"]): row["rejected_because"] for row in rejected},
            unbalanced=rows(check),
        )
