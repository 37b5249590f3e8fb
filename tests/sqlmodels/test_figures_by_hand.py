"""Figures on small networks told by hand: each asset's brand is one story, so that each can be read by itself."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline.notice_settings import Notices
from pipeline.sqlmodels.relations import Question
from pipeline.sqlmodels.runner import create_table
from tests.reference.networks import Batch
from tests.reference_figures.test_things import MERCAPTOPURINE
from tests.reference_figures.things import Wait, kaplan_meier
from tests.tables import GRAPH, Tables, files_settings, open_tables

START: Final = datetime(2026, 3, 1, tzinfo=UTC)
NOW: Final = START + timedelta(days=29)
TOLD_FROM: Final = START - timedelta(days=400)


def stamp(day: float) -> str:
    """Write a day of March 2026."""
    return (START + timedelta(days=day - 1)).isoformat()


def partner(name: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    record = {"partner_id": name, "name": name, "region": "DE", "timezone": "Europe/Berlin", "status": "active"}
    return "partners", {**record, "updated_at": stamp(1), **fields}


def asset(brand: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    """One story's asset: its id is its brand's."""
    record = {"asset_id": brand, "brand": brand, "classification": "standard", "publisher_timezone": "Asia/Tokyo"}
    return "assets", {**record, "updated_at": stamp(1), **fields}


def version(brand: str, number: int, day: float, **fields: Any) -> tuple[str, dict[str, Any]]:
    record = {"asset_id": brand, "version_no": number, "approval_status": "approved", "approved_at": stamp(day)}
    return "asset_versions", {**record, "checksum_sha256": f"sum{number}", "updated_at": stamp(1), **fields}


def download(who: str | None, brand: str, number: int | None, day: float, **fields: Any) -> tuple[str, dict[str, Any]]:
    record = {"event_type": "downloaded", "partner_id": who, "asset_id": brand, "version_no": number}
    event_id = f"{who}|{brand}|{number}|{day}"
    at = {"occurred_at": stamp(day), "recorded_at": stamp(day)}
    return "access_events", {"event_id": event_id, **record, "vector": "direct", **at, **fields}


def notice(who: str, brand: str, number: int, day: float, kind: str = "version_change") -> tuple[str, dict[str, Any]]:
    record = {"partner_id": who, "asset_id": brand, "version_no": number, "kind": kind, "posted_at": stamp(day)}
    return "notices", {"notice_id": f"{who}|{brand}|{number}|{day}", **record}


def answer(who: str, brand: str, number: int, day: float, kind: str = "received") -> tuple[str, dict[str, Any]]:
    record = {"partner_id": who, "asset_id": brand, "version_no": number, "kind": kind, "covers_children": False}
    at = {"occurred_at": stamp(day), "recorded_at": stamp(day)}
    return "acknowledgments", {"ack_id": f"{who}|{brand}|{number}|{day}|{kind}", **record, **at}


def grant(who: str, brand: str, day: float) -> tuple[str, dict[str, Any]]:
    record = {"grantee_type": "partner", "grantee_id": who, "object_type": "asset", "object_id": brand}
    more = {"effect": "allow", "rights": ["download"], "valid_from": stamp(day), "updated_at": stamp(1)}
    return "grants", {"grant_id": f"{who}|{brand}", **record, **more}


def group(group_id: str, program: str) -> tuple[str, dict[str, Any]]:
    return "partner_groups", {"group_id": group_id, "dimension": "partner_program", "value": program}


def member(group_id: str, who: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    return "group_members", {"group_id": group_id, "partner_id": who, "joined_at": stamp(-100), **fields}


def of_currency() -> Iterator[tuple[str, dict[str, Any]]]:
    """Two of three pairs of p1 are current, none of p2's one; what p3 holds nobody can say."""
    for brand in ("current-a", "current-b"):
        yield from (asset(brand), version(brand, 1, -50), download("p1", brand, 1, -40))
    yield from (asset("behind"), version("behind", 1, -50), version("behind", 2, -20))
    yield from (download("p1", "behind", 1, -40), download("p2", "behind", 1, -40))
    yield download("p3", "behind", None, -40)


def of_time() -> Iterator[tuple[str, dict[str, Any]]]:
    """The second version took effect on day 10; p1 had it before, p2 and p3 came later, p4 never."""
    yield from (asset("slow"), version("slow", 1, -50), version("slow", 2, 10))
    yield from (download(who, "slow", 1, -40) for who in ("p1", "p2", "p3"))
    yield from (download("p1", "slow", 2, 9.5), download("p2", "slow", 2, 12), download("p3", "slow", 2, 15))
    yield from (download("p4", "slow", 1, 13), download("p5", "slow", 2, 11))


def of_obligations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Six were told: one answered in time, one late, two by machine or proxy, one refused, one has time yet."""
    yield from (asset("told"), version("told", 1, -50), version("told", 2, 2))
    yield from (notice(f"p{number}", "told", 2, 3) for number in range(1, 6))
    yield notice("p6", "told", 2, 28)
    yield from (answer("p1", "told", 2, 5), answer("p2", "told", 2, 15))
    yield from (answer("p3", "told", 2, 5, "auto"), answer("p4", "told", 2, 5, "proxy"))
    yield from (answer("p5", "told", 2, 5, "declined"), answer("p6", "told", 2, 28.5))


def of_machines() -> Iterator[tuple[str, dict[str, Any]]]:
    """Four were told; a machine or a proxy names another version, or none; one says in person that it has the older."""
    yield from (asset("machines"), version("machines", 1, -50), version("machines", 2, 2))
    yield from (notice(f"p{number}", "machines", 2, 3) for number in range(1, 5))
    yield from (answer("p1", "machines", 1, 5, "auto"), answer("p2", "machines", 1, 5, "proxy"))
    stream, unnamed = answer("p3", "machines", 1, 5, "auto")
    yield stream, {**unnamed, "version_no": None}
    yield answer("p4", "machines", 1, 5)


def of_coverage() -> Iterator[tuple[str, dict[str, Any]]]:
    """Of p1, p2 and p3, entitled when it took effect, two were told; p4 joined later, and was told too."""
    yield from (asset("announced"), version("announced", 1, 5))
    yield from (grant("p1", "announced", -9), grant("p2", "announced", -9), grant("p3", "announced", -9))
    yield grant("p4", "announced", 7)
    yield from (notice(who, "announced", 1, 8, "publish") for who in ("p1", "p2", "p4"))


def of_obsolete() -> Iterator[tuple[str, dict[str, Any]]]:
    """The first version ended at noon of day 10, by each partner's clock; by Tokyo's for whom nobody knows."""
    local = {"approved_at": stamp(1), "effective_local": "2026-03-10T12:00:00", "effective_policy": "partner_local"}
    yield from (asset("ended"), version("ended", 1, -50), version("ended", 2, 1, **local))
    yield download("p1", "ended", 1, 10.4)
    yield download("p1", "ended", 1, 10.5, event_id="in grace")
    yield download("p1", "ended", 1, 20, event_id="after grace", vector="share_link")
    yield download(None, "ended", 1, 10.2, event_id="nobody")
    picked = {"delivery_id": "late", "partner_id": "p2", "asset_id": "ended", "version_no": 1, "channel": "portal"}
    yield "deliveries", {**picked, "status": "delivered", "status_at": stamp(5), "updated_at": stamp(5)}
    yield "deliveries", {**picked, "status": "picked_up", "status_at": stamp(19), "updated_at": stamp(19)}


def of_notices() -> Iterator[tuple[str, dict[str, Any]]]:
    """One acted after 71 hours, one after 73, one has had only two days."""
    yield from (asset("nudged"), version("nudged", 1, -50), version("nudged", 2, 2))
    yield from (notice("p1", "nudged", 2, 3), notice("p2", "nudged", 2, 3), notice("p3", "nudged", 2, 28))
    yield from (download("p1", "nudged", 2, 3 + 71 / 24), download("p2", "nudged", 2, 3 + 73 / 24))


def first_batch() -> Batch:
    everyone = (partner(f"p{number}", tier="gold" if number < 3 else None) for number in range(1, 7))
    programs = (group("g1", "Ambassadors"), group("g2", "Launch"), group("g3", "Past"))
    members = (member("g1", "p1"), member("g2", "p1"), member("g2", "p2"), member("g3", "p1", left_at=stamp(1)))
    stories = (of_currency, of_time, of_obligations, of_machines, of_coverage, of_obsolete, of_notices)
    streams: dict[str, list[dict[str, Any]]] = {}
    for stream, record in (*everyone, *programs, *members, *(told for story in stories for told in story())):
        streams.setdefault(stream, []).append(record)
    return Batch(NOW - timedelta(hours=1), streams, frozenset())


def second_batch() -> Batch:
    """Twenty records come between one and twenty minutes after they happened."""
    events = [download("p6", "behind", 1, 0, event_id=f"lag{number}") for number in range(1, 21)]
    for number, (_, event) in enumerate(events, start=1):
        event["occurred_at"] = (NOW - timedelta(minutes=number)).isoformat()
    return Batch(NOW, {"access_events": [event for _, event in events]}, frozenset())


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tables]:
    folder = tmp_path_factory.mktemp("figures")
    settings = files_settings(folder / "source", notices=Notices(notify_from=TOLD_FROM))
    with open_tables(folder, settings) as opened:
        for batch in (first_batch(), second_batch()):
            turn = opened.receive(batch, random.Random(1))
            opened.compute(turn, batch.now, ("marts.kpis",))
        yield opened


def row(tables: Tables, figure: str, measure: str, **where: str) -> Mapping[str, Any]:
    names = ("numerator", "denominator", "value", "censored", "excluded")
    place = {"weighting": "pair", "dimension": "all", "dimension_value": "all", "period": "all", **where}
    if "brand" in where:
        place |= {"dimension": "brand", "dimension_value": place.pop("brand")}
    clause = " and ".join(f"{name} = ${name}" for name in ("figure", "measure", *place))
    found = tables.rows(
        f"select {', '.join(names)} from marts.kpis where {clause}", {"figure": figure, "measure": measure, **place}
    )
    return dict(zip(names, found[0], strict=True)) if found else {}


def test_unknown_versions_stand_in_a_bar_of_their_own(tables: Tables) -> None:
    found = row(tables, "K5", "currency", brand="behind")
    assert (found["numerator"], found["denominator"], found["excluded"]) == (0, 3, 1)
    assert row(tables, "K5", "unknown_version", brand="behind")["value"] == 1 / 4


def test_a_partner_in_two_programs_counts_in_each_and_no_longer_in_one_that_it_left(tables: Tables) -> None:
    programs = tables.rows("select program from marts.partner_programs where partner_id = 'p1' order by program")
    assert programs == [("Ambassadors",), ("Launch",)]
    ambassadors = row(tables, "K5", "currency", dimension="program", dimension_value="Ambassadors")
    launch = row(tables, "K5", "currency", dimension="program", dimension_value="Launch")
    assert launch["denominator"] > ambassadors["denominator"] > 0
    assert not row(tables, "K5", "currency", dimension="program", dimension_value="Past")


def test_each_partner_weighs_the_same_where_partners_are_weighed(tables: Tables) -> None:
    by_pair = tables.rows(
        "select sum(numerator), sum(denominator) from marts.kpis where measure = 'currency' and weighting = 'pair'"
        " and dimension_value in ('current-a', 'current-b', 'behind')"
    )
    assert by_pair == [(2.0, 5.0)]
    by_partner = row(tables, "K5", "currency", weighting="partner", brand="behind")
    assert (by_partner["numerator"], by_partner["denominator"], by_partner["value"]) == (0, 3, 0)


def test_who_had_it_before_is_counted_apart_and_who_has_it_not_is_censored(tables: Tables) -> None:
    median = row(tables, "K6", "time_to_currency_p50", brand="slow")
    assert median["value"] == timedelta(days=5).total_seconds()
    assert (median["numerator"], median["denominator"], median["censored"], median["excluded"]) == (2, 3, 1, 1)
    assert row(tables, "K6", "time_to_currency_p90", brand="slow")["value"] is None
    assert row(tables, "K6", "prepositioned", brand="slow")["value"] == 1 / 4


def test_machines_and_proxies_are_no_response_and_refusals_are(tables: Tables) -> None:
    assert row(tables, "K4", "response", brand="told")["value"] == 4 / 6
    assert row(tables, "K4", "acknowledgment", brand="told")["value"] == 3 / 6


def test_machines_and_proxies_are_no_response_whatever_version_they_name(tables: Tables) -> None:
    assert row(tables, "K4", "response", brand="machines")["value"] == 1 / 4


def test_on_time_is_asked_of_what_was_due_only(tables: Tables) -> None:
    found = row(tables, "K4", "on_time", brand="told")
    assert (found["numerator"], found["denominator"], found["censored"]) == (1, 5, 1)


def test_violations_are_weighed_by_partner_too_and_nobody_is_no_partner(tables: Tables) -> None:
    by_pair, by_partner = (
        row(tables, "K9", "violations_now", weighting=how, brand="ended") for how in ("pair", "partner")
    )
    assert (by_pair["numerator"], by_pair["denominator"]) == (5, 5)
    assert (by_partner["numerator"], by_partner["denominator"]) == (2, 2)
    assert not row(tables, "K9", "unknown_identity_now", weighting="partner")


def test_coverage_asks_who_was_to_be_told_at_the_instant_itself(tables: Tables) -> None:
    found = row(tables, "K3", "notice_coverage", brand="announced")
    assert (found["numerator"], found["denominator"]) == (2, 3)


def test_obsolete_copies_are_told_by_grace_vector_and_whose_clock(tables: Tables) -> None:
    opened = tables.rows(
        "select subject_id, reason, is_in_grace, is_partner_known from marts.obsolete_access"
        " where asset_id = 'ended' order by subject_id"
    )
    assert opened == [
        ("after grace", "superseded", False, True),
        ("in grace", "superseded", True, True),
        ("late", "superseded", False, True),
        ("nobody", "superseded", True, False),
    ]
    assert row(tables, "K7", "obsolete", brand="ended")["value"] == 4
    assert row(tables, "K7", "obsolete_by_unknown_identity", brand="ended")["value"] == 1
    assert row(tables, "K7", "obsolete_by_share_link", brand="ended")["value"] == 1


def test_a_notice_counts_as_acted_on_or_not_when_its_72_hours_are_over(tables: Tables) -> None:
    found = row(tables, "K12", "acted_on_within_72_hours", brand="nudged")
    assert (found["numerator"], found["denominator"], found["censored"]) == (1, 2, 1)
    week = row(tables, "K12", "notices_sent", weighting="partner", period="2026-W10")
    assert week["value"] == week["numerator"] / week["denominator"] > 1


def test_the_feeds_lag_leaves_out_the_backlog_of_the_first_turn(tables: Tables) -> None:
    found = row(tables, "K13", "feed_lag_p95_access_events")
    assert (found["value"], found["denominator"]) == (19 * 60, 20)
    assert found["excluded"] > 0


def test_every_page_run_and_day_is_complete(tables: Tables) -> None:
    assert row(tables, "K14", "pages")["value"] == 1
    assert row(tables, "K14", "runs")["denominator"] == 2
    assert row(tables, "K14", "days", period="2026-03-30")["value"] == 1


def test_a_page_that_is_not_accounted_for_makes_its_run_and_its_day_partial(tmp_path: Path) -> None:
    pages = ((1, 1, 1, 10, 10), (1, 1, 2, 10, 9), (2, 1, 1, 10, 10), (3, 2, 1, 4, 4))
    with open_tables(tmp_path) as opened:
        connection = opened.connection
        connection.execute("create schema marts; create schema ops")
        connection.execute(
            "create table ops.pages as select 'assets' as stream, *, fetched = new as is_balanced"
            " from (select unnest($pages) as p), lateral (select p[1] as turn_no, p[3] as page_no,"
            " timestamptz '2026-03-01' + to_days(p[2]::integer) as known_at, p[4] as fetched, p[5] as new,"
            " 0 as new_editions, 0 as duplicates, 0 as quarantined)",
            {"pages": [list(page) for page in pages]},
        )
        connection.execute(
            "create table marts.feed_lags (stream varchar, month varchar, is_backlog boolean, lag_seconds bigint,"
            " records bigint)"
        )
        for name in ("marts.completeness", "marts.kpi_feed"):
            create_table(connection, GRAPH.models[name], Question(NOW, NOW))
        stamps = dict(opened.rows("select scope || ' ' || scope_id, stamp from marts.completeness"))
        assert {name for name, stamp in stamps.items() if stamp == "PARTIAL"} == {
            "page assets|1|2",
            "run 1",
            "day 2026-03-02",
        }
        values = opened.rows(
            "select measure, numerator, denominator from marts.kpi_feed"
            " where figure = 'K14' and period = 'all' order by 1"
        )
        assert values == [("days", 1, 2), ("pages", 3, 4), ("pages_with_quarantine", 0, 4), ("runs", 2, 3)]


def test_nothing_at_all_is_null_and_not_zero(tables: Tables) -> None:
    found = row(tables, "K12", "suppressed")
    assert (found["numerator"], found["denominator"], found["value"]) == (0, 0, None)
    assert not tables.rows("select 1 from marts.kpis where denominator = 0 and value is not null")
    assert not tables.rows("select 1 from marts.kpis where denominator > 0 and value is null and unit <> 'seconds'")


def medians_of(folder: Path, waits: Iterable[tuple[timedelta, bool]]) -> dict[str, tuple[Any, ...]]:
    """What the SQL says of replacements that took so long, or that were not reached after so long."""
    with open_tables(folder) as opened:
        connection = opened.connection
        connection.execute("create schema core; create schema marts; create schema ops")
        connection.execute("create table ops.data_late as select 'position' as claim, false as is_late")
        connection.execute("create table core.partners as select 'p' as partner_id, 'DE' as region, '' as tier")
        connection.execute(
            "create table core.assets as select 'a' as asset_id, 'x' as brand, 'safety' as classification"
        )
        connection.execute("create table marts.partner_programs as select 'p' as partner_id, '(none)' as program")
        connection.execute(
            "create table marts.time_to_currency (partner_id varchar, asset_id varchar, outcome varchar,"
            " started_at timestamptz, seconds double, month varchar)"
        )
        for lasted, is_reached in waits:
            connection.execute(
                "insert into marts.time_to_currency values ('p', 'a', $outcome, null, $seconds, '2026-03')",
                {"outcome": "reached" if is_reached else "not_reached", "seconds": lasted.total_seconds()},
            )
        for name in ("marts.process_measures", "marts.measures", "marts.waits", "marts.kpi_times"):
            create_table(connection, GRAPH.models[name], Question(NOW, NOW))
        rows = opened.rows(
            "select measure, value, numerator, denominator, censored from marts.kpi_times"
            " where dimension_value = 'safety' and measure <> 'prepositioned'"
        )
        return {row[0]: row[1:] for row in rows}


def test_the_median_of_a_textbooks_remissions_is_the_published_one(tmp_path: Path) -> None:
    found = medians_of(tmp_path, [(timedelta(weeks=weeks), reached) for weeks, reached in MERCAPTOPURINE])
    assert found["time_to_currency_p50"] == (timedelta(weeks=23).total_seconds(), 9, 21, 12)
    assert found["time_to_currency_p90"] == (None, 9, 21, 12)


@pytest.mark.parametrize("seed", range(3))
def test_the_time_to_currency_is_exact_to_the_microsecond(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    most, reached = ((5, 0.8), (3_000_000, 0.95), (10_000_000_000, 0.97))[seed]
    waits = [(timedelta(microseconds=dice.randint(0, most)), dice.random() < reached) for _ in range(300)]
    found = medians_of(tmp_path, waits)
    plain = [Wait(lasted, is_reached=is_reached) for lasted, is_reached in waits]
    for measure, part in (("time_to_currency_p50", Fraction(1, 2)), ("time_to_currency_p90", Fraction(9, 10))):
        moment = kaplan_meier(plain, part)
        assert found[measure][0] == (None if moment is None else moment.total_seconds())
