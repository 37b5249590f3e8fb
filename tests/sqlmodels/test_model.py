"""Models: what a file may say, and what it is refused for."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from pipeline.sqlmodels.graph import load_graph
from pipeline.sqlmodels.model import Model, read_model

HEADER = "-- One row per thing.\n-- Grain: thing_id\n-- Refresh: full\n"


def model(folder: Path, text: str, name: str = "freshness/things") -> Model:
    path = folder / f"{name}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return read_model(path)


def test_a_header_says_grain_refresh_and_what_is_joined_when_published(tmp_path: Path) -> None:
    read = model(
        tmp_path,
        "-- One row per thing.\n-- It is so.\n-- Grain: a, b\n-- Refresh: by a, b\n"
        "-- Published with: as_of, data_late of position\n"
        "select * from core.assets",
    )
    assert read.description == "One row per thing. It is so."
    assert read.grain == ("a", "b")
    assert read.refresh.keys == ("a", "b")
    assert read.published_with == ("as_of", "data_late of position")
    assert (read.floor, read.table) == ("freshness", "things")


def test_a_cte_that_bears_a_tables_name_hides_only_the_unqualified_one(tmp_path: Path) -> None:
    read = model(tmp_path, HEADER + "with assets as (select * from core.assets) select * from assets")
    assert read.inputs == ("core.assets",)


def test_parameters_are_read_from_the_text(tmp_path: Path) -> None:
    assert model(tmp_path, HEADER + "select $as_of as x from core.assets").parameters == {"as_of"}


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        (
            "with a as (select * from core.assets where brand = 'B' and deleted_at <= $as_of) select * from a",
            {"core.assets": "(brand = 'B')"},
        ),
        ("select * from core.assets where deleted_at <= $as_of", {}),
        ("select * from core.assets where brand = 'B' or deleted_at <= $as_of", {}),
        ("select * from core.assets where asset_id in (select asset_id from core.grants)", {}),
        ("select * from core.assets where brand = 'B' union all select * from core.assets", {}),
        ("select assets.* from core.assets as assets inner join core.grants as g on true where brand = 'B'", {}),
        ("select * from core.grants as g where (select count(*) from core.assets where brand = effect) > 0", {}),
        ("select (select max(brand) from core.assets where asset_id = g.object_id) as x from core.grants as g", {}),
    ],
)
def test_which_rows_of_an_input_are_read_is_known_where_one_place_reads_it_alone(
    tmp_path: Path, text: str, counted: dict[str, str]
) -> None:
    assert dict(model(tmp_path, HEADER + text).counted) == counted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("select * from core.assets", "what one row is"),
        ("-- One row per thing.\nselect * from core.assets", "no line '-- Grain"),
        (HEADER + "select 1; select 2", "not exactly one SELECT"),
        (HEADER + "create table core.x as select 1", "not exactly one SELECT"),
        (HEADER + "select * from assets", "not written as schema.table"),
        (HEADER + "select * from other.core.assets", "not written as schema.table"),
        (HEADER + "select * from read_parquet('x')", "table function"),
        (HEADER + "select * from marts.outdated_holdings", "freshness may not read marts"),
        (HEADER + "select * from freshness.things", "reads itself"),
        (HEADER + "select $secret from core.assets", "are not known"),
        (HEADER + "select from where", "cannot be parsed"),
    ],
)
def test_what_is_refused_is_named_with_its_path(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=r"freshness/things\.sql") as refused:
        model(tmp_path, text)
    assert said in str(refused.value)


def test_models_that_read_each_other_in_a_circle_are_refused(tmp_path: Path) -> None:
    model(tmp_path, HEADER + "select * from freshness.b", "freshness/a")
    model(tmp_path, HEADER + "select * from freshness.a", "freshness/b")
    with pytest.raises(ConfigurationError, match="in a circle"):
        load_graph(tmp_path)


def test_an_input_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    model(tmp_path, HEADER + "select * from core.nothing", "freshness/a")
    with pytest.raises(ConfigurationError, match=r"core\.nothing, which does not exist"):
        load_graph(tmp_path)


def test_left_and_right_of_a_model_are_in_order() -> None:
    graph = load_graph()
    left = graph.left_of(["freshness.positions"])
    assert left.index("staging.assets") < left.index("core.assets") < left.index("freshness.positions")
    right = graph.right_of(["freshness.positions"])
    assert "marts.outdated_holdings" in right
    assert "freshness.positions" not in right
