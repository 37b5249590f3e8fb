"""What the tests of the Dagster floor share: definitions once, the models' files read once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterInstance, Definitions

import resources.workspace
from assets_defs.definitions import build_defs
from pipeline.sqlmodels.graph import Graph, load_graph
from tests.dagster_floor.network import Place, ephemeral, make_place, materialize


@pytest.fixture(scope="session")
def graph() -> Graph:
    return load_graph()


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    return build_defs()


@pytest.fixture(autouse=True)
def graph_read_once(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources.workspace, "load_graph", lambda: graph)


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with ephemeral() as instance:
        yield instance


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


@pytest.fixture(scope="session")
def synced(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Place:
    """A place where one turn is complete; tests leave it so."""
    place = make_place(tmp_path_factory.mktemp("synced"))
    with ephemeral() as instance:
        assert materialize(definitions, place, instance).success
    return place
