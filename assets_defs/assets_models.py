"""Model assets: one per file below ``sql/``, named like its table.

Belongs here: how a model looks in Dagster (key, deps, description, grain check, preview). Does not belong here:
rules (``sql/``), running a model (``pipeline.sqlmodels``), the checks of ``sql/checks`` (``checks``).

The models of one floor are one operation with an output per table: any of them can be materialized alone,
and a run of all of them costs a third of what a hundred operations would.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from dagster import (
    AssetCheckKey,
    AssetCheckResult,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    Failure,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    TableColumn,
    TableSchema,
    multi_asset,
)

from pipeline.sqlmodels.columns import column_descriptions
from pipeline.sqlmodels.graph import LEDGER_STEPS, Graph
from pipeline.sqlmodels.model import FLOORS, Model
from pipeline.sqlmodels.relations import GIVEN_RELATIONS
from pipeline.sqlmodels.runner import GrainError, Result, check_grain
from resources.preview import preview
from resources.session import Session

GRAIN: Final = "grain"
OWNERS: Final[Mapping[str, str]] = {
    "ops": "team:data",
    "staging": "team:data",
    "core": "team:data",
    "audit": "team:compliance",
    "freshness": "team:content-operations",
    "sync": "team:partner-management",
    "marts": "team:compliance",
}
# What people look at. The other floors' rows would be copies of records in Dagster's files.
_PREVIEWED: Final = frozenset({"freshness", "audit", "marts", "ops"})

Yielded = MaterializeResult[None] | AssetCheckResult


def build_model_assets(graph: Graph) -> list[AssetsDefinition]:
    """Make the assets of every floor."""
    by_floor = {floor: [name for name in graph.order if _floor(name) == floor] for floor in FLOORS}
    return [_floor_assets(graph, floor, names) for floor, names in by_floor.items() if floor in OWNERS and names]


def _floor_assets(graph: Graph, floor: str, names: Sequence[str]) -> AssetsDefinition:
    @multi_asset(
        name=f"{floor}_models",
        description=f"Computes the tables of sql/{floor}/ in the order in which they read each other.",
        specs=[_spec(graph.models[name]) for name in names],
        check_specs=[_grain_check(graph.models[name]) for name in names],
        can_subset=True,
    )
    def models(context: AssetExecutionContext, workspace: ResourceParam[Session]) -> Iterator[Yielded]:
        for name in names:
            if _key(name) in context.selected_asset_keys:
                yield from _computed(workspace, graph.models[name], context.selected_asset_check_keys)
            elif AssetCheckKey(_key(name), GRAIN) in context.selected_asset_check_keys:
                yield _held(workspace, graph.models[name])

    return models


def _computed(session: Session, model: Model, checked: set[AssetCheckKey]) -> Iterator[Yielded]:
    key = _key(model.name)
    is_checked = AssetCheckKey(key, GRAIN) in checked
    try:
        with session.attempt(model.name) as workspace:
            result = workspace.compute(model.name)
            turn = workspace.turn
            shown = preview(workspace.connection, model.name) if model.floor in _PREVIEWED else None
    except Failure as failure:
        if is_checked and isinstance(failure.__cause__, GrainError):
            yield AssetCheckResult(passed=False, asset_key=key, check_name=GRAIN, description=failure.description)
        raise
    metadata: dict[str, Any] = {"turn": turn.id}
    if isinstance(result, Result):
        said = column_descriptions()
        columns = [TableColumn(name, kind.lower(), said.get(name)) for name, kind in result.columns]
        metadata |= {"dagster/row_count": result.rows, "dagster/column_schema": TableSchema(columns)}
    if shown:
        metadata["preview"] = MetadataValue.md(shown)
    yield MaterializeResult(asset_key=key, metadata=metadata)
    if is_checked:
        yield AssetCheckResult(passed=True, asset_key=key, check_name=GRAIN)


def _held(session: Session, model: Model) -> AssetCheckResult:
    """Hold the grain against the table as it is, without making it anew."""
    broken = None
    with session.attempt(f"grain of {model.name}") as workspace:
        workspace.ensure(model.name)
        try:
            check_grain(workspace.connection, model)
        except GrainError as error:
            broken = str(error)
    return AssetCheckResult(passed=broken is None, asset_key=_key(model.name), check_name=GRAIN, description=broken)


def _spec(model: Model) -> AssetSpec:
    return AssetSpec(
        key=_key(model.name),
        deps=[_key(name) for name in (*model.inputs, *model.after) if name not in GIVEN_RELATIONS],
        description=f"{model.description}\n\nGrain: {', '.join(model.grain)}. Refresh: {model.refresh}.",
        group_name=model.floor,
        kinds={"duckdb", "sql"},
        owners=[OWNERS[model.floor]],
        tags={"floor": model.floor, "refresh": re.sub(r"\W.*", "", str(model.refresh))},
        metadata={
            "file": f"sql/{model.floor}/{model.table}.sql",
            "sql": MetadataValue.md(f"```sql\n{model.text}\n```"),
            "dagster/table_name": model.name,
        },
        code_version=model.text_sha256[:16],
        skippable=True,
    )


def _grain_check(model: Model) -> AssetCheckSpec:
    return AssetCheckSpec(
        name=GRAIN,
        asset=_key(model.name),
        blocking=True,
        description=f"One row for each {', '.join(model.grain)}, none of them null; else the old table stays.",
    )


def _key(name: str) -> AssetKey:
    return AssetKey(name.split("."))


def _floor(name: str) -> str:
    return "" if name in LEDGER_STEPS else name.partition(".")[0]
