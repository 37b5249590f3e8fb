"""After an upgrade, the models whose text changed are computed again, and what lies right of them; nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.ingest.landed import landed_chunks
from pipeline.ledger.turns import Turn, open_turn
from pipeline.sqlmodels.increments import NEW_TEXT, UNCHANGED, Increments
from pipeline.sqlmodels.macros import macros_text, macros_under
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.relations import Landing
from tests.tables import GRAPH, Tables, open_tables

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
NAMES = GRAPH.left_of(["ops.quarantine", "core.assets", "core.partners"])


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    with open_tables(tmp_path) as opened:
        for stream, line in (
            ("assets", '{"asset_id": "a1", "title": "One", "updated_at": "2026-03-01T08:00:00Z"}\n'),
            ("partners", '{"partner_id": "p1", "name": "P", "region": "DE", "timezone": "Europe/Berlin"}\n'),
        ):
            folder = opened.source / stream
            folder.mkdir(parents=True)
            (folder / "1.ndjson").write_text(line)
        opened.pull(NOW)
        hows(opened, {})
        yield opened


def hows(tables: Tables, upgraded: dict[str, Model]) -> dict[str, str]:
    """Bring the tables up to date with some models' new texts, and return how each came about where it was touched."""
    models = {**GRAPH.models, **upgraded}
    turn: Turn = open_turn(tables.journal, NOW, NOW)
    question = tables.lay(turn, NOW)
    landing = Landing.of(tables.home.landing.resolve(), landed_chunks(tables.journal))
    increments = Increments(tables.connection, question, turn.number, landing, models)
    found = {name: increments.refresh(models[name]).how for name in NAMES}
    increments.flush()
    return {name: how for name, how in found.items() if how != UNCHANGED}


def with_text(name: str, old: str, new: str) -> dict[str, Model]:
    text = GRAPH.models[name].text
    assert old in text
    return {name: replace(GRAPH.models[name], text=text.replace(old, new))}


def test_with_the_same_texts_nothing_is_computed_again(tables: Tables) -> None:
    assert hows(tables, {}) == {}


def test_a_new_text_that_gives_other_rows_computes_that_model_and_what_lies_right_of_it(tables: Tables) -> None:
    touched = hows(tables, with_text("staging.assets", "        title,\n", "        upper(title) as title,\n"))
    assert touched["staging.assets"] == NEW_TEXT
    right = set(GRAPH.right_of(["staging.assets"]))
    assert "core.assets" in touched
    assert set(touched) - {"staging.assets"} <= right
    assert tables.rows("select title from core.assets") == [("ONE",)]
    again = with_text("staging.assets", "        title,\n", "        upper(title) as title,\n")
    assert hows(tables, again) == {}


def test_a_new_text_that_gives_the_same_rows_leaves_what_lies_right_of_it_alone(tables: Tables) -> None:
    upgraded = with_text("staging.assets", "        title,\n", "        title || '' as title,\n")
    hows(tables, upgraded)
    turns = dict(tables.rows("select model, how from ops.models"))
    assert [name for name, how in turns.items() if how == NEW_TEXT] == []
    assert hows(tables, upgraded) == {}
    assert tables.rows("select version from ops.models where model = 'core.assets'") == [(1,)]


def test_a_new_column_comes_into_the_table(tables: Tables) -> None:
    hows(tables, with_text("staging.assets", "        title,\n", "        title,\n        length(title) as letters,\n"))
    assert tables.rows("select letters from staging.assets") == [(3,)]


def test_a_macro_is_part_of_the_text_of_the_models_that_stand_on_it() -> None:
    text = "select as_instant(x) from core.assets"
    assert "macro as_instant(" in macros_under(text)
    changed = macros_text().replace("macro as_instant(", "macro as_instant(anything, ")
    assert macros_under(text, changed) != macros_under(text)
    assert macros_under("select x from core.assets") == ""
    deep = macros_under("select local_to_instant(a, b)")
    assert "macro zone_offset(" in deep
    assert "macro words_of(" not in deep
    reading = [model for model in GRAPH.models.values() if "as_instant(" in model.text]
    assert reading
    assert all("macro as_instant(" in model.macros for model in reading)
