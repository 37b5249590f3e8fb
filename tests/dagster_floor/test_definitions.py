"""What exists: every asset, its deps, and what a person sees of it; loading needs no environment."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import yaml
from dagster import AssetKey, DefaultScheduleStatus, DefaultSensorStatus, Definitions

from assets_defs.launch import ui_command
from pipeline.sqlmodels.graph import LEDGER_STEPS, Graph
from pipeline.streams import STREAMS
from tests.dagster_floor.lineage import FILE, lineage

ROOT: Final = Path(__file__).parent.parent.parent
OTHERS: Final = {"landing/pages", "ledger/entries", "published/latest", "reports/compliance"}


def names(definitions: Definitions) -> set[str]:
    return {"/".join(key.path) for key in definitions.resolve_asset_graph().get_all_asset_keys()}


def test_definitions_load_without_environment_home_and_configuration(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VIPGRID", "DAGSTER"))}
    code = (
        "from dagster import Definitions; from assets_defs.definitions import build_defs;"
        " Definitions.validate_loadable(build_defs())"
    )
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        check=True,
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": str(ROOT)},
    )
    assert list(tmp_path.iterdir()) == []


def test_the_lineage_is_as_it_was(definitions: Definitions) -> None:
    told = "the lineage changed; if that is meant: python -m tests.dagster_floor.lineage"
    assert lineage(definitions) == FILE.read_text(encoding="utf-8"), told


def test_nothing_but_landing_comes_before_the_pull(definitions: Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    first = {"/".join(key.path) for key in graph.get_all_asset_keys() if not graph.get(key).parent_keys}
    assert first == {f"landing/{stream}" for stream in STREAMS}


def test_every_sql_file_stream_and_step_has_one_asset_of_its_name(definitions: Definitions, graph: Graph) -> None:
    models = {name.replace(".", "/") for name in (*graph.models, *LEDGER_STEPS)}
    files = {path.relative_to(ROOT / "sql").with_suffix("").as_posix() for path in (ROOT / "sql").glob("*/*.sql")}
    files = {name for name in files if not name.startswith(("checks/", "macros/"))}
    assert files <= models
    assert names(definitions) == models | {f"landing/{stream}" for stream in STREAMS} | OTHERS


def test_every_asset_says_what_it_is_and_whose(definitions: Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.group_name != "default", key
        assert node.kinds, key


def test_every_model_bears_the_digest_of_its_text_and_a_blocking_grain_check(
    definitions: Definitions, graph: Graph
) -> None:
    assets = definitions.resolve_asset_graph()
    for model in graph.models.values():
        key = AssetKey([model.floor, model.table])
        assert assets.get(key).code_version == model.text_sha256[:16]
        checks = {check.name: assets.get_check_spec(check) for check in assets.get_check_keys_for_assets({key})}
        assert checks["grain"].blocking


def test_every_check_file_is_a_check_of_the_first_table_that_it_reads(definitions: Definitions, graph: Graph) -> None:
    assets = definitions.resolve_asset_graph()
    found = {key.name: key.asset_key for key in assets.asset_check_keys}
    for check in graph.checks.values():
        asset_key = found[check.table]
        assert ".".join(asset_key.path) in check.inputs


def test_what_runs_by_itself_is_off_but_for_what_tells_a_person(definitions: Definitions) -> None:
    repository = definitions.get_repository_def()
    assert {s.default_status for s in repository.schedule_defs} == {DefaultScheduleStatus.STOPPED}
    running = {s.name for s in repository.sensor_defs if s.default_status is DefaultSensorStatus.RUNNING}
    assert running == {"red_checks_sensor", "failed_runs_sensor", "dead_actions_sensor"}


def test_one_run_at_a_time_in_one_process(definitions: Definitions) -> None:
    settings = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    assert settings["concurrency"]["runs"]["max_concurrent_runs"] == 1
    assert settings["run_monitoring"]["enabled"]
    assert settings["freshness"]["enabled"]
    assert not settings["telemetry"]["enabled"]
    for job in definitions.get_repository_def().get_all_jobs():
        assert job.executor_def.name == "in_process", job.name


def test_the_ui_is_bound_to_loopback() -> None:
    command = ui_command()
    assert command[command.index("-h") + 1] == "127.0.0.1"
