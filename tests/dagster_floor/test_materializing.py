"""Materializing: everything, each asset alone, and what happens when something is wrong."""

import json
from collections.abc import Sequence

import pyarrow.parquet as pq
import pytest
from dagster import AssetCheckSeverity, DagsterEventType, DagsterInstance, Definitions

from assets_defs.resources import as_failure
from assets_defs.sensors import read_red_checks
from pipeline.errors import SourceError, StateError
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import read_turns
from pipeline.publish import read_manifest
from tests.dagster_floor.network import LATER, NOW, Place, first_error, materialize

# One of each kind of step, and each floor's first and last.
REPRESENTATIVES = (
    "landing/assets",
    "landing/xref",
    "landing/pages",
    "ledger/entries",
    "ledger/findings",
    "ledger/actions",
    "ops/streams",
    "ops/turns",
    "staging/assets",
    "core/decisions",
    "core/partners",
    "core/partners_history",
    "freshness/version_lives",
    "freshness/positions",
    "audit/trail",
    "audit/findings",
    "sync/actions",
    "marts/outdated_holdings",
    "published/latest",
)


def journal_kinds(place: Place) -> list[str]:
    return [entry.kind for entry in Journal(place.home.ledger).entries()]


def materialized(result: object) -> set[str]:
    events = result.get_asset_materialization_events()  # type: ignore[attr-defined]
    return {"/".join(event.asset_key.path) for event in events}


def all_but_reports(definitions: Definitions) -> list[str]:
    keys = definitions.resolve_asset_graph().get_all_asset_keys()
    return sorted("/".join(key.path) for key in keys if key.path[0] != "reports")


def test_a_sync_materializes_everything_in_one_turn_and_publishes_it(
    definitions: Definitions, place: Place, instance: DagsterInstance
) -> None:
    result = materialize(definitions, place, instance)
    assert result.success, first_error(result)
    assert materialized(result) == set(all_but_reports(definitions))
    assert all(check.passed for check in result.get_asset_check_evaluations())
    turns = read_turns(Journal(place.home.ledger))
    assert turns.unfinished is None
    manifest = read_manifest(place.home)
    assert manifest is not None
    assert manifest["turn"] == "T000001"
    positions = pq.read_table((place.home.published / "latest").resolve() / "freshness" / "positions.parquet")
    assert positions.column("position").to_pylist() == ["stale_overdue"]


@pytest.mark.parametrize("key", REPRESENTATIVES)
def test_an_asset_alone_can_be_materialized_where_nothing_ever_ran(
    definitions: Definitions, place: Place, instance: DagsterInstance, key: str
) -> None:
    result = materialize(definitions, place, instance, key)
    assert result.success, first_error(result)
    assert materialized(result) == ({key} if key != "published/latest" else set())


@pytest.mark.chaos
def test_every_asset_alone_can_be_materialized(
    definitions: Definitions, synced: Place, instance: DagsterInstance
) -> None:
    for key in all_but_reports(definitions):
        result = materialize(definitions, synced, instance, key, now=None)
        assert result.success, (key, first_error(result))


def test_an_asset_alone_answers_about_the_last_turn_and_leaves_it_complete(
    definitions: Definitions, synced: Place, instance: DagsterInstance
) -> None:
    before = read_turns(Journal(synced.home.ledger))
    result = materialize(definitions, synced, instance, "freshness/positions", now=LATER)
    assert result.success, first_error(result)
    assert read_turns(Journal(synced.home.ledger)) == before
    metadata = result.get_asset_materialization_events()[0].materialization.metadata
    assert metadata["turn"].value == "T000001"
    assert metadata["dagster/row_count"].value == 1
    assert "stale" in str(metadata["preview"].value)


def test_the_old_snapshot_stays_while_a_turn_is_not_complete_and_the_check_says_so(
    definitions: Definitions, place: Place, instance: DagsterInstance
) -> None:
    assert materialize(definitions, place, instance).success
    assert materialize(definitions, place, instance, "landing/partners", "staging/partners", now=LATER).success
    result = materialize(definitions, place, instance, "published/latest", now=None)
    assert result.success, first_error(result)
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    assert check.severity is AssetCheckSeverity.WARN
    assert "T000002 is not complete" in str(check.description)
    manifest = read_manifest(place.home)
    assert manifest is not None
    assert manifest["turn"] == "T000001"


def test_checks_alone_can_be_run(definitions: Definitions, synced: Place, instance: DagsterInstance) -> None:
    workspace = {"config_path": str(synced.config), "home_path": str(synced.home.path)}
    keys = definitions.resolve_asset_graph().asset_check_keys
    result = definitions.resolve_job_def("checks").execute_in_process(
        instance=instance, run_config={"resources": {"workspace": {"config": workspace}}}
    )
    assert materialized(result) == set()
    assert {evaluation.asset_check_key for evaluation in result.get_asset_check_evaluations()} == set(keys)


def test_a_pull_opens_its_turn_before_whatever_else_was_selected_with_it(
    definitions: Definitions, place: Place, instance: DagsterInstance
) -> None:
    assert materialize(definitions, place, instance).success
    place.give("partners", [{"partner_id": "P2", "name": "Partner Two", "region": "FR"}], name="more")
    result = materialize(definitions, place, instance, "core/decisions", "landing/partners", now=LATER)
    assert result.success, first_error(result)
    metadata = [event.materialization.metadata for event in result.get_asset_materialization_events()]
    assert {found["turn"].value for found in metadata} == {"T000002"}
    assert [found["records"].value for found in metadata if "records" in found] == [1]


def test_the_monthly_report_is_issued(definitions: Definitions, synced: Place, instance: DagsterInstance) -> None:
    result = materialize(definitions, synced, instance, "reports/compliance", partition="2026-02-01")
    assert result.success, first_error(result)
    metadata = result.get_asset_materialization_events()[0].materialization.metadata
    assert metadata["completeness"].value in {"COMPLETE", "PARTIAL"}


def test_a_source_that_cannot_be_read_fails_its_step_with_one_sentence_and_is_not_tried_again(
    definitions: Definitions, place: Place, instance: DagsterInstance
) -> None:
    (place.folder / "source" / "partners" / "torn.ndjson.gz").write_bytes(b"\x1f\x8bno gzip")
    result = materialize(definitions, place, instance)
    assert not result.success
    sentence = first_error(result)
    assert sentence is not None
    assert "partners" in sentence
    assert "Traceback" not in sentence
    assert not result.filter_events(lambda event: event.event_type is DagsterEventType.STEP_RESTARTED)
    assert "turn_completed" not in journal_kinds(place)
    failed = [line for line in place.lines_of_log() if line["event"] == "step_failed"]
    assert failed[-1]["turn"] == "T000001"
    assert failed[-1]["run_id"] == result.run_id
    assert (place.home.dagster / "log").is_dir()


def test_a_failing_stream_turns_its_check_red_for_the_sensor_to_see(
    definitions: Definitions, place: Place, instance: DagsterInstance
) -> None:
    (place.folder / "source" / "partners" / "torn.ndjson.gz").write_bytes(b"\x1f\x8bno gzip")
    materialize(definitions, place, instance)
    result = materialize(definitions, place, instance, "ops/streams", now=None)
    assert result.success, first_error(result)
    red = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert [check.check_name for check in red] == ["streams_are_not_failing"]
    assert red[0].metadata["bad_rows"].value == 1
    keys = [key for key in definitions.resolve_asset_graph().asset_check_keys if key.name != "grain"]
    (seen,) = read_red_checks(instance, keys)
    assert (seen.asset, seen.check, seen.bad_rows) == ("ops/streams", "streams_are_not_failing", 1)


@pytest.mark.parametrize(
    ("error", "is_attended", "may_retry"),
    [
        (SourceError("down", is_transient=True), False, True),
        (SourceError("down", is_transient=True), True, False),
        (SourceError("forbidden", is_transient=False), False, False),
        (StateError("torn"), False, False),
        (OSError("disk full"), False, False),
    ],
)
def test_only_a_source_that_may_be_back_soon_is_tried_again(
    error: Exception, is_attended: bool, may_retry: bool
) -> None:
    failure = as_failure(error, is_attended)
    assert getattr(failure, "allow_retries") is may_retry  # noqa: B009 - Exception has none by type
    assert str(error) in str(failure.description)  # type: ignore[attr-defined]


def test_only_pulls_are_retried(definitions: Definitions) -> None:
    job = definitions.resolve_job_def("sync")
    retried = {node.name for node in job.nodes if node.definition.retry_policy}  # type: ignore[attr-defined]
    assert retried == {"pull_vip", "pull_trading_grid"}


def test_a_wrong_configuration_is_one_sentence(
    definitions: Definitions, place: Place, instance: DagsterInstance
) -> None:
    place.config.write_text("connections: {vip: {kind: telepathy}}\n", encoding="utf-8")
    result = materialize(definitions, place, instance, "core/assets")
    assert not result.success
    assert "is wrong at" in str(first_error(result))
    assert journal_kinds(place) == []


def test_the_log_has_a_line_per_step_with_run_and_turn(
    definitions: Definitions, place: Place, instance: DagsterInstance
) -> None:
    result = materialize(definitions, place, instance, "landing/assets", "staging/assets", now=NOW)
    lines = place.lines_of_log()
    steps: Sequence[str] = [line["step"] for line in lines if line["event"] == "step_succeeded"]
    assert steps[-1] == "staging.assets"
    assert {line["run_id"] for line in lines} == {result.run_id}
    assert lines[-1]["turn"] == "T000001"
    assert json.dumps(lines)


def test_previews_never_show_what_is_personal(
    definitions: Definitions, synced: Place, instance: DagsterInstance
) -> None:
    result = materialize(definitions, synced, instance, "audit/trail", "marts/audit_trail", now=None)
    for event in result.get_asset_materialization_events():
        preview = event.materialization.metadata.get("preview")
        assert preview is None or "user\\_id" not in str(preview.value)
