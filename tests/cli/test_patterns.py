"""The seven patterns in figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from cli.output import Output
from cli.patterns import NEEDS, count_patterns, show_patterns
from pipeline.home import Home
from resources.reading import open_reader
from resources.warehouse import open_in_memory

FIGURES: Final = ("started", "done", "ended_otherwise", "with_partners", "with_us")
GIVEN: Final = """
    create schema ops; create schema core; create schema freshness; create schema sync; create schema marts;
    create schema audit;
    create table ops.turns as select timestamptz '2026-03-02 08:00Z' as now;
    create table core.requests as
        select unnest(['new', 'closed', 'confirmed', 'denied', 'delivered', 'waiting_partner', 'reopened', 'closed'])
            as status, unnest([3, 3, 3, 3, 3, 3, 3, 1]) as day;
    create table core.issues as
        select unnest(['reported', 'confirmed', 'duplicate', 'partner_notified']) as status, 3 as day;
    create table freshness.obligations as
        select unnest(['publish', 'publish', 'withdrawal', 'expiry', 'version_change', 'version_change']) as kind,
            unnest(['pending', 'acknowledged', 'overdue', 'void', 'exception_requested', 'acknowledged_late']) as state,
            3 as day;
    create table sync.actions as
        select unnest(['publish_access_rules', 'publish_access_rules', 'post_notice']) as operation,
            unnest(['sent', 'pending', 'sent']) as state;
    create table marts.campaign_readiness as
        select unnest(['launched', 'cancelled', 'planning', 'planning', 'launched']) as campaign_status,
            unnest([true, false, false, false, false]) as is_ready, unnest([true, true, false, false, true])
            as is_launched, unnest([null, null, 'remind_to_obtain', 'send_package', null]) as next_action,
            true as is_required, 3 as day;
    create table audit.deliveries_acknowledged as
        select unnest([true, false, false]) as is_answered, unnest([[], ['bytes_without_grant'], []]) as contradictions,
            3 as day;
"""
INSTANTS: Final = {
    "core.requests": "created_at", "core.issues": "created_at", "freshness.obligations": "sent_at",
    "marts.campaign_readiness": "launch_at", "audit.deliveries_acknowledged": "first_obtained_at",
}  # fmt: skip


class GivenTables:
    """Tables as a reader gives them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.connection.execute(GIVEN)

    def table(self, name: str) -> str:
        instant = f", make_date(2026, 3, day)::timestamptz as {INSTANTS[name]}" if name in INSTANTS else ""
        answer = ", if(is_answered, now(), null) as acknowledged_at" if name.startswith("audit") else ""
        return f"(select *{instant}{answer} from {name})"

    def rows(self, query: str) -> list[dict[str, Any]]:
        relation = self.connection.sql(query)
        return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def test_each_case_since_the_first_turn_is_counted_once_where_it_stands(tmp_path: Path) -> None:
    with open_in_memory(Home(tmp_path)) as connection:
        found = count_patterns(GivenTables(connection))
    counts = {row["pattern"]: tuple(row[name] for name in FIGURES) for row in found}
    assert counts == {
        "P1": (7, 2, 1, 2, 2),
        "P2": (2, 1, 0, 1, 0),
        "P3": (4, 1, 1, 1, 1),
        "P4": (4, 1, 1, 1, 1),
        "P5": (2, 1, 0, 0, 1),
        "P6": (5, 1, 2, 1, 1),
        "P7": (3, 1, 1, 1, 0),
    }


def test_what_a_home_has_nothing_of_is_a_row_of_zeros(lived: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_reader(Home(lived / "home")) as reader:
        assert all(reader.has(table) for table in NEEDS)
        counts = count_patterns(reader)
    assert [row["pattern"] for row in counts] == ["P1", "P2", "P3", "P4", "P5", "P6", "P7"]
    assert all(row["started"] == sum(row[name] for name in FIGURES[1:]) for row in counts)
    assert [row["started"] for row in counts if row["pattern"] == "P6"] == [0]
    show_patterns(Output(is_json=False), counts, 11.5)
    shown = capsys.readouterr().out.splitlines()
    assert "11.5 days" in shown[0]
    assert max(len(line.rstrip()) for line in shown) <= 100
