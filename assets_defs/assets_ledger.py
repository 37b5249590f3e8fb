"""Ledger assets: the journal as the models read it, and the two steps that write what a table says into it.

Belongs here: ``ledger/entries``, ``ledger/findings``, ``ledger/actions``. Does not belong here: what is decided
(``pipeline.findings``, ``pipeline.actions``), the journal itself (``pipeline.ledger``).
"""

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any, Final

from dagster import AssetKey, AssetsDefinition, MaterializeResult, ResourceParam, asset

from pipeline.sqlmodels.graph import LEDGER_STEPS
from pipeline.sqlmodels.runner import Result
from pipeline.streams import STREAMS
from resources.session import Session

FLOOR: Final = "ledger"
OWNERS: Final = ("team:compliance",)
DESCRIPTIONS: Final[Mapping[str, str]] = {
    "ledger.findings": (
        "Findings opened and closed: one journal entry for each condition of audit/conditions that is new, and for "
        "each open finding whose condition is gone. Running it again in the same state writes nothing."
    ),
    "ledger.actions": (
        "Actions decided: one journal entry for each notice that is due, with its text, its key and what it rests on, "
        "or with the reason why it is not sent. Nothing leaves the house here; `dispatch` sends."
    ),
}


def build_ledger_assets() -> list[AssetsDefinition]:
    """Make the journal's asset and those of its steps."""
    return [_entries(), *(_step(name, inputs) for name, inputs in LEDGER_STEPS.items())]


def _entries() -> AssetsDefinition:
    @asset(
        key=AssetKey([FLOOR, "entries"]),
        deps=[AssetKey(["landing", stream]) for stream in STREAMS],
        description=(
            "The journal: what was pulled, decided, sent and said by people, one canonical entry per line, "
            "append-only, durable before its effect. States of the outbox, findings, turns and runs are folds over it."
        ),
        group_name=FLOOR,
        kinds={"python", "json"},
        owners=list(OWNERS),
        tags={"floor": FLOOR},
    )
    def entries(workspace: ResourceParam[Session]) -> MaterializeResult[None]:
        with workspace.attempt("ledger.entries") as opened:
            opened.refresh_ledger()
            counted = opened.connection.sql("select count(*), max(seq) from ledger.entries").fetchall()
            turn = opened.turn
        rows, last_seq = counted[0]
        return MaterializeResult(metadata={"dagster/row_count": rows, "last_seq": last_seq, "turn": turn.id})

    return entries


def _step(name: str, inputs: tuple[str, ...]) -> AssetsDefinition:
    @asset(
        key=AssetKey(name.split(".")),
        deps=[AssetKey(table.split(".")) for table in inputs],
        description=DESCRIPTIONS[name],
        # Shown with the tables round it: the lineage of groups stays one way, from left to right.
        group_name=inputs[0].partition(".")[0],
        kinds={"python", "json"},
        owners=list(OWNERS),
        tags={"floor": FLOOR},
    )
    def step(workspace: ResourceParam[Session]) -> MaterializeResult[None]:
        with workspace.attempt(name) as opened:
            outcome = opened.compute(name)
            turn = opened.turn
        return MaterializeResult(metadata={"turn": turn.id, **_counts(outcome)})

    return step


def _counts(outcome: object) -> dict[str, Any]:
    if isinstance(outcome, Result) or not is_dataclass(outcome) or isinstance(outcome, type):
        return {}
    return {name: value for name, value in asdict(outcome).items() if isinstance(value, int | str)}
