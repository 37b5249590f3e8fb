"""The published snapshot: what sensors, reports and BI tools read.

Belongs here: ``published/latest``, and the decision to keep the old one. Does not belong here: files and
manifest (``pipeline.publish``).
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import duckdb
from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    FreshnessPolicy,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    multi_asset,
)

from pipeline.publish import read_manifest
from pipeline.sqlmodels.graph import LEDGER_STEPS, Graph
from resources.session import Session

LATEST: Final = AssetKey(["published", "latest"])
IS_OF_THIS_TURN: Final = "is_of_the_last_turn"
_BAR_CELLS: Final = 40

Yielded = MaterializeResult[None] | AssetCheckResult


def build_published_assets(graph: Graph) -> list[AssetsDefinition]:
    """Make the snapshot's asset, to the right of everything."""
    return [_latest(leaves(graph))]


def leaves(graph: Graph) -> list[str]:
    """Return the tables and steps that nothing else reads, in order."""
    read = {name for model in graph.models.values() for name in (*model.inputs, *model.after)}
    read |= {name for inputs in LEDGER_STEPS.values() for name in inputs}
    return [name for name in graph.order if name not in read]


def _latest(inputs: list[str]) -> AssetsDefinition:
    spec = AssetSpec(
        key=LATEST,
        deps=[AssetKey(name.split(".")) for name in inputs],
        description=(
            "One consistent snapshot of all tables as Parquet, with a manifest, swapped in at once when a turn is "
            "complete: every stream pulled, every table computed in it. Else the old one stays, and the check says so."
        ),
        group_name="published",
        kinds={"parquet"},
        owners=["team:data"],
        tags={"floor": "published"},
        freshness_policy=FreshnessPolicy.time_window(warn_window=timedelta(minutes=15), fail_window=timedelta(hours=1)),
        skippable=True,
    )
    check = AssetCheckSpec(
        name=IS_OF_THIS_TURN,
        asset=LATEST,
        description="The snapshot in place is of the last turn.",
    )

    @multi_asset(name="publish_latest", specs=[spec], check_specs=[check], can_subset=True)
    def publish_latest(context: AssetExecutionContext, workspace: ResourceParam[Session]) -> Iterator[Yielded]:
        snapshot = None
        with workspace.attempt("published.latest") as opened:
            opened.ensure("ops.streams")
            turn = opened.turn
            if LATEST in context.selected_asset_keys and opened.is_computed():
                opened.complete_turn()
                snapshot = opened.publish()
                positions = position_bars(opened.connection)
            in_place = read_manifest(opened.home)
        if snapshot is not None:
            yield MaterializeResult(
                metadata={
                    "turn": turn.id,
                    "tables": len(snapshot.rows),
                    "rows": sum(snapshot.rows.values()),
                    "folder": MetadataValue.path(str(snapshot.folder)),
                    "positions": MetadataValue.md(positions),
                }
            )
        result = judge(in_place["turn"] if in_place else None, turn.id)
        if not result.passed:
            context.log.warning(result.description)
        if context.selected_asset_check_keys:
            yield result

    return publish_latest


def judge(published_turn_id: str | None, turn_id: str) -> AssetCheckResult:
    """Say whether the snapshot in place is of the last turn, and why not."""
    if published_turn_id == turn_id:
        return AssetCheckResult(passed=True, check_name=IS_OF_THIS_TURN, asset_key=LATEST)
    sentence = (
        f"Turn {turn_id} is not complete, because not every stream was pulled and every table computed in it: "
        f"{f'the snapshot of {published_turn_id} stays' if published_turn_id else 'nothing is published'}. "
        "Run the job `sync` (or materialize everything)."
    )
    return AssetCheckResult(
        passed=False,
        check_name=IS_OF_THIS_TURN,
        asset_key=LATEST,
        severity=AssetCheckSeverity.WARN,
        description=sentence,
    )


def position_bars(connection: duckdb.DuckDBPyConnection) -> str:
    """Draw how many pairs of partner and asset are in which position."""
    counted = connection.sql(
        "select position, count(*) from freshness.positions group by position order by count(*) desc, position"
    ).fetchall()
    most = max((count for _, count in counted), default=1)
    bars = [f"| {name} | {count} | {'█' * max(1, round(_BAR_CELLS * count / most))} |" for name, count in counted]
    return "\n".join(["| position | pairs | |", "| --- | ---: | :--- |", *bars])
