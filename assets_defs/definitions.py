"""Definitions: the one place where assets, checks, jobs, schedules, sensors and resources come together.

Belongs here: putting together what the other modules build. Does not belong here: anything else; no other module
of this folder imports its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster import Definitions, definitions, in_process_executor, mem_io_manager

from assets_defs.assets_landing import build_landing_assets
from assets_defs.assets_ledger import build_ledger_assets
from assets_defs.assets_models import build_model_assets
from assets_defs.assets_published import build_published_assets
from assets_defs.assets_reports import build_report_assets
from assets_defs.checks import build_checks
from assets_defs.jobs import build_jobs
from assets_defs.resources import WorkspaceResource
from assets_defs.schedules import build_schedules
from assets_defs.sensors import build_sensors
from pipeline.sqlmodels.graph import load_graph


def build_defs(*, resource_overrides: Mapping[str, Any] | None = None) -> Definitions:
    """Assemble everything; tests and the terminal replace resources by name."""
    graph = load_graph()
    checks = build_checks(graph)
    return Definitions(
        assets=[
            *build_landing_assets(),
            *build_ledger_assets(),
            *build_model_assets(graph),
            *build_published_assets(graph),
            *build_report_assets(),
        ],
        asset_checks=checks,
        jobs=build_jobs(),
        schedules=build_schedules(),
        sensors=build_sensors([key for definition in checks for key in definition.check_keys]),
        resources={"workspace": WorkspaceResource(), "io_manager": mem_io_manager, **(resource_overrides or {})},
        executor=in_process_executor,
    )


@definitions
def defs() -> Definitions:
    """Load what Dagster is to know (``workspace.yaml`` names this); nothing is read while importing."""
    return build_defs()
