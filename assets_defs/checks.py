"""Asset checks: one per file of ``sql/checks``; its rows are the bad ones.

Belongs here: to which asset a check belongs, and how its answer looks. Does not belong here: the grain checks
(``assets_models``: they are part of making a table), the rules (``sql/checks``).

They do not block: a red one leaves the run green, so ``sensors`` watches them by themselves.
"""

from collections.abc import Iterator

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    MetadataValue,
    ResourceParam,
    multi_asset_check,
)

from pipeline.sqlmodels.graph import Graph
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.runner import parameters_of
from resources.preview import preview
from resources.session import Session


def build_checks(graph: Graph) -> list[AssetChecksDefinition]:
    """Make the checks; together they are one operation, each of them can be run alone."""
    checks = [(_spec(check, graph), check) for check in graph.checks.values()]
    if not checks:
        return []

    @multi_asset_check(
        name="table_checks",
        description="Runs the SELECTs of sql/checks/; every row that one returns is a bad one.",
        specs=[spec for spec, _ in checks],
        can_subset=True,
    )
    def table_checks(
        context: AssetCheckExecutionContext, workspace: ResourceParam[Session]
    ) -> Iterator[AssetCheckResult]:
        for spec, check in checks:
            if spec.key in context.selected_asset_check_keys:
                yield _checked(workspace, spec, check)

    return [table_checks]


def severity_of(check: Model) -> AssetCheckSeverity:
    """Return the header's severity; ``error`` where it says none."""
    return AssetCheckSeverity.WARN if check.severity.startswith("warn") else AssetCheckSeverity.ERROR


def _checked(session: Session, spec: AssetCheckSpec, check: Model) -> AssetCheckResult:
    with session.attempt(check.name) as workspace:
        for name in check.inputs:
            workspace.ensure(name)
        rows, parameters = f"({check.text}\n)", parameters_of(check, workspace.question)
        counted = workspace.connection.sql(f"select count(*) from {rows}", params=parameters).fetchall()  # noqa: S608 - the check's own text
        bad_rows = int(counted[0][0])
        shown = preview(workspace.connection, rows, parameters) if bad_rows else None
        turn = workspace.turn
    return AssetCheckResult(
        passed=bad_rows == 0,
        asset_key=spec.asset_key,
        check_name=spec.name,
        severity=severity_of(check),
        description=check.description if bad_rows else None,
        metadata={
            "bad_rows": bad_rows,
            "turn": turn.id,
            **({"first_bad_rows": MetadataValue.md(shown)} if shown else {}),
        },
    )


def _spec(check: Model, graph: Graph) -> AssetCheckSpec:
    inputs = [name for name in check.inputs if name in graph.models]
    first = min(inputs, key=check.text.index)
    return AssetCheckSpec(
        name=check.table,
        asset=AssetKey(first.split(".")),
        additional_deps=[AssetKey(name.split(".")) for name in inputs if name != first],
        description=check.description,
        metadata={
            "file": f"sql/{check.floor}/{check.table}.sql",
            "sql": MetadataValue.md(f"```sql\n{check.text}\n```"),
        },
    )
