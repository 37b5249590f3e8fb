"""Requests, exceptions, launches and withdrawals: figures with clocks, against what was worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from tests.sqlmodels.process_stories import NOW, processes
from tests.tables import Tables

SQL: Final = Path(__file__).parents[2] / "sql"
HOUR: Final = 3600.0
DAY: Final = 86400.0


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tables]:
    with processes(tmp_path_factory.mktemp("processes")) as computed:
        yield computed


def one(tables: Tables, query: str) -> tuple[Any, ...]:
    (row,) = tables.rows(query)
    return row


def figure(
    tables: Tables, number: str, measure: str, *, weighting: str = "pair", where: str = "all"
) -> tuple[Any, ...]:
    return one(
        tables,
        "select numerator, denominator, value, censored, excluded from marts.kpi_processes"
        f" where figure = '{number}' and measure = '{measure}' and weighting = '{weighting}'"
        f" and dimension_value = '{where}' and period = 'all'",
    )


@pytest.mark.parametrize(
    ("request_id", "hours", "outcome"),
    [
        ("over-dst", 12, "delivered"),  # Thursday 2, Friday 8, Monday from 07:00Z 2
        ("paused", 8, "delivered"),  # Thursday 6 until the pause, Tuesday 2 after it
        ("over-easter", 2, "delivered"),  # Thursday 1, Tuesday 1
        ("open", 7, "open"),  # Tuesday 2, Wednesday 5 so far
        ("no-steps", 3, "open"),
        ("complained", 8, "delivered"),
    ],
)
def test_a_turnaround_counts_working_time_outside_pauses(
    tables: Tables, request_id: str, hours: int, outcome: str
) -> None:
    query = f"select working_seconds, outcome from marts.request_turnaround where request_id = '{request_id}'"
    assert one(tables, query) == (hours * HOUR, outcome)


def test_a_request_that_is_not_made_yet_has_no_row(tables: Tables) -> None:
    assert tables.rows("select 1 from marts.request_turnaround where request_id = 'later'") == []


def test_the_pause_of_a_request_is_counted_apart(tables: Tables) -> None:
    query = "select paused_seconds, calendar_seconds from marts.request_turnaround where request_id = 'paused'"
    assert one(tables, query) == (117 * HOUR, 9 * HOUR)


def test_open_requests_are_censored_and_denied_ones_excluded(tables: Tables) -> None:
    # Observed hours 2, 8, 8, 8, 8, 8, 12 and censored 3, 7: S(2) = 8/9, S(8) = 8/9 * 1/6 = 4/27, S(12) = 0.
    assert figure(tables, "K1", "turnaround_p50") == (7, 9, 8 * HOUR, 2, 1)
    assert figure(tables, "K1", "turnaround_p90") == (7, 9, 12 * HOUR, 2, 1)


def test_a_request_is_right_at_once_unless_it_is_reopened_or_complained_of_in_time(tables: Tables) -> None:
    right = dict(tables.rows("select request_id, is_first_time_right from marts.request_turnaround"))
    assert {name for name, value in right.items() if value} == {"over-dst", "late-complaint", "others-complaint"}
    assert {name for name, value in right.items() if value is False} == {"complained", "reopened"}
    assert figure(tables, "K2", "first_time_right") == (3, 5, 0.6, 0, 2)
    # p1: two of four right; p2: one of one.
    assert figure(tables, "K2", "first_time_right", weighting="partner") == (1.5, 2, 0.75, 0, 2)


def test_a_withdrawal_is_followed_from_the_holders_that_it_had(tables: Tables) -> None:
    row = one(
        tables,
        "select holders_known, notified, responded, completed, silent, replaced, accesses_after, downloads_after,"
        " partners_obtained_after, unknown_downloads, unknown_downloads_after"
        " from marts.withdrawal_effectiveness where asset_id = 'w1' and version_no = 1",
    )
    assert row == (5, 4, 3, 1, 1, 3, 3, 2, 2, 2, 1)


def test_the_completion_of_a_withdrawal_is_estimated(tables: Tables) -> None:
    # Rid of it after 2 days: h1 of five. Rid of it or with a later version: 2, 4 and 7 days of five.
    row = one(
        tables,
        "select completion_p50_seconds, replacement_p50_seconds, replacement_p90_seconds"
        " from marts.withdrawal_effectiveness where asset_id = 'w1'",
    )
    assert row == (None, 7 * DAY, None)
    assert figure(tables, "K8", "replacement_p50") == (3, 5, 7 * DAY, 2, 0)


def test_withdrawal_figures_divide_by_who_was_told(tables: Tables) -> None:
    assert figure(tables, "K8", "notified") == (4, 5, 0.8, 0, 0)
    assert figure(tables, "K8", "responded") == (3, 4, 0.75, 0, 1)
    assert figure(tables, "K8", "silent") == (1, 4, 0.25, 0, 1)
    assert figure(tables, "K8", "completed", where="FR") == (1, 3, 1 / 3, 0, 0)
    assert figure(tables, "K8", "unknown_downloads") == (2, None, 2, 0, 0)


def test_an_exception_has_its_stages_in_working_time(tables: Tables) -> None:
    row = one(
        tables,
        "select triage_working_seconds, replace_working_seconds, confirm_working_seconds, confirm_seconds"
        " from marts.exception_loop where issue_id = 'mended'",
    )
    assert row == (4 * HOUR, 18 * HOUR, 24 * HOUR, 72 * HOUR)


def test_a_stage_that_will_not_come_has_no_time_and_one_that_may_is_censored(tables: Tables) -> None:
    query = (
        "select triage_working_seconds, is_triage_censored, replace_working_seconds, is_replace_censored,"
        " is_triage_breached from marts.exception_loop where issue_id = '{}'"
    )
    assert one(tables, query.format("untouched")) == (13 * HOUR, True, 13 * HOUR, True, True)
    assert one(tables, query.format("twin")) == (2 * HOUR, False, None, False, False)
    assert one(tables, query.format("answered")) == (1 * HOUR, False, None, False, False)
    # Of six issues one is replaced after 18 hours; the untouched one is censored before, at 13.
    assert figure(tables, "K11", "replacement_p50") == (1, 2, 18 * HOUR, 1, 4)


def test_holders_of_the_faulty_version_are_informed_by_a_notice_or_a_newer_version(tables: Tables) -> None:
    rows = tables.rows(
        "select partner_id, is_reporter, is_informed from marts.exception_holders where issue_id = 'mended' order by 1"
    )
    assert rows == [("i1", True, True), ("i2", False, True), ("i3", False, False)]
    # The twin's report came after i1's newer version, and after i2's notice: that one does not count for it.
    assert figure(tables, "K11", "holders_informed") == (3, 6, 0.5, 0, 0)
    query = "select holders, holders_informed from marts.exception_loop where issue_id = '{}'"
    assert one(tables, query.format("mended")) == (3, 2)
    assert one(tables, query.format("untouched")) == (None, None)


def test_reopened_and_repeated_exceptions_are_counted_once_each(tables: Tables) -> None:
    assert figure(tables, "K11", "reopened") == (1, 2, 0.5, 0, 4)
    # Three issues about x1, three dismissed ones apart.
    assert figure(tables, "K11", "repeats_per_asset") == (2, 1, 2, 0, 3)
    query = "select issues, repeats, dismissed, issues_open from marts.exception_assets where asset_id = 'x1'"
    assert one(tables, query) == (3, 2, 1, 1)


def test_readiness_is_about_the_version_that_will_live_at_the_launch_in_the_partners_zone(tables: Tables) -> None:
    rows = tables.rows(
        "select partner_id, asset_id, launch_version_no, state, not_required_because, blocked_by"
        " from freshness.readiness where asset_id <> 'c3' order by 1, 2"
    )
    assert rows == [
        ("k1", "c1", 1, "confirmed", None, None),  # Tokyo launches before version 2 takes effect
        ("k1", "c2", 1, "confirmed", None, None),
        ("k2", "c1", 2, "invalidated", None, None),  # had version 1 before version 2 was approved
        ("k2", "c2", 1, "confirmed", None, None),
        ("k3", "c1", 2, "required", None, None),  # had version 1 only when version 2 was already to come
        ("k3", "c2", 1, "sent", None, None),
        ("k4", "c1", 2, "required", None, None),
        ("k4", "c2", None, "required", None, "barred"),
        ("k5", "c1", 1, "waived", "waived", None),
        ("k5", "c2", 1, "waived", "waived", None),
        ("k6", "c1", 2, "required", "partner_left", "not_entitled"),
        ("k6", "c2", 1, "required", "partner_left", "not_entitled"),
    ]


def test_the_launch_is_resolved_where_the_partner_is(tables: Tables) -> None:
    launches = dict(tables.rows("select partner_id, launch_at from marts.campaign_readiness"))
    assert launches["k1"] == datetime(2026, 4, 30, 15, tzinfo=UTC)
    assert launches["k2"] == datetime(2026, 5, 1, 4, tzinfo=UTC)


def test_readiness_counts_required_pairs_only(tables: Tables) -> None:
    assert figure(tables, "K10", "readiness") == (3, 8, 0.375, 0, 2)
    assert figure(tables, "K10", "readiness", weighting="partner") == (1.5, 4, 0.375, 0, 2)
    assert figure(tables, "K10", "partners_ready") == (1, 4, 0.25, 0, 1)


def test_who_will_miss_the_launch_is_told_with_what_helps(tables: Tables) -> None:
    rows = tables.rows(
        "select partner_id, items_required, items_ready, forecast, next_action, missing"
        " from marts.campaign_readiness order by 1"
    )
    assert rows == [
        ("k1", 2, 2, "ready", None, []),
        ("k2", 2, 1, "on_course", "send_new_version", ["c1 (invalidated)"]),
        ("k3", 2, 0, "on_course", "send_package", ["c1 (required)", "c2 (sent)"]),
        ("k4", 2, 0, "will_miss", "replace_barred_item", ["c1 (required)", "c2 (barred)"]),
        ("k5", 0, 0, None, None, []),
        ("k6", 0, 0, None, None, []),
    ]
    # One item took two days from being sent to being obtained, one was sent a day ago.
    assert figure(tables, "K10", "confirmation_p50") == (1, 2, 2 * DAY, 1, 0)
    query = "select partners_required, partners_ready, ready_percent, is_gate_reached from marts.campaign_gates"
    assert one(tables, query) == (4, 1, 25.0, False)


def test_a_campaign_called_ready_contradicts_its_unconfirmed_items(tables: Tables) -> None:
    query = "select subject_id, detail from audit.campaign_conditions where rule = 'campaign_ready_unconfirmed'"
    found = tables.rows(query)
    assert found == [("spring", "the campaign is ready, but 3 partners have not confirmed 2 required items")]


def test_the_evidence_of_readiness_is_that_of_positions(tables: Tables) -> None:
    keys = "partner_id, asset_id, version_no"
    here = (
        f"select {keys}, max(evidence_rung) from freshness.readiness_evidence"
        " where reached_at <= $as_of and (lost_at is null or lost_at > $as_of) group by all"
    )
    there = (
        f"select {keys}, evidence_rung from freshness.evidence"
        " semi join (from freshness.readiness) as wanted using (partner_id, asset_id)"
    )
    assert set(tables.rows(here, {"as_of": NOW})) == set(tables.rows(there))


def test_every_figure_is_made_of_the_rows_it_names(tables: Tables) -> None:
    whole = tables.rows(
        "select figure, measure, sum(numerator) filter (where excluded_because is null),"
        " sum(denominator) filter (where excluded_because is null), count(excluded_because)"
        " from marts.process_samples where kind = 'rate' group by all"
    )
    assert len(whole) == 9
    for number, measure, numerator, denominator, excluded in whole:
        row = figure(tables, number, measure)
        assert (row[0], row[1], row[4]) == (numerator, denominator, excluded)


def test_what_came_later_does_not_exist_as_of_then(tmp_path: Path) -> None:
    with processes(tmp_path, datetime(2026, 3, 11, 12, tzinfo=UTC)) as then:
        requests = then.rows(
            "select request_id, status, outcome, is_first_time_right from marts.request_turnaround order by 1"
        )
        assert requests == [
            (name, "delivered", "delivered", None)
            for name in ("complained", "late-complaint", "others-complaint", "reopened")
        ]
        # h2 had attested its removal, and fetched the file again only the day after.
        query = "select holders_known, completed, completion_p50_seconds from marts.withdrawal_effectiveness"
        assert one(then, query) == (5, 2, None)
        assert figure(then, "K11", "holders_informed") == (1, 3, 1 / 3, 0, 0)
        query = "select status, notified_at, confirmed_at from marts.exception_loop where issue_id = 'mended'"
        assert one(then, query) == ("partner_notified", datetime(2026, 3, 11, 11, tzinfo=UTC), None)


def test_late_feeds_take_everything_out_of_the_rates(tables: Tables) -> None:
    later = NOW + timedelta(hours=1)
    text = (SQL / "marts" / "process_samples.sql").read_text(encoding="utf-8")
    reasons = tables.rows(
        f"select distinct kind, excluded_because from ({text})"
        " where excluded_because is null or excluded_because = 'data_late'",
        {"as_of": later},
    )
    assert sorted(reasons, key=str) == [
        ("count", None), ("duration", "data_late"), ("rate", "data_late"), ("repeats", "data_late")
    ]  # fmt: skip
