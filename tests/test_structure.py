"""The house's rules, held against the code: who may import whom, who connects, what a model may read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from pipeline.sqlmodels.graph import load_graph

ROOT: Final = Path(__file__).parent.parent
FORBIDDEN: Final = {
    "pipeline": {"dagster", "duckdb", "httpx", "resources", "assets_defs", "cli", "sandbox"},
    "resources": {"dagster", "assets_defs", "cli", "sandbox"},
    "assets_defs": {"cli", "sandbox"},
    "cli": {"sandbox"},
    "sandbox": {"pipeline", "resources", "assets_defs", "cli"},
}
TOP_LEVEL: Final = {
    ".ci",
    ".gitignore",
    "LICENSE",
    "Makefile",
    "README.md",
    "assets_defs",
    "benchmarks",
    "cli",
    "connections",
    "dagster.yaml",
    "docs",
    "pipeline",
    "pyproject.toml",
    "resources",
    "sandbox",
    "sql",
    "tests",
    "uv.lock",
    "workspace.yaml",
}


def modules(folder: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
    return names


@pytest.mark.parametrize("floor", sorted(FORBIDDEN))
def test_imports_only_go_down(floor: str) -> None:
    for path, tree in modules(floor):
        tops = {name.partition(".")[0] for name in imported(tree)}
        assert not tops & FORBIDDEN[floor], f"{path.relative_to(ROOT)} imports {sorted(tops & FORBIDDEN[floor])}"


def test_definitions_are_assembled_in_one_place() -> None:
    for path, tree in modules("assets_defs"):
        if path.stem not in {"definitions", "__init__"}:
            siblings = {name for name in imported(tree) if name.startswith("assets_defs")}
            assert not siblings, f"{path.name} imports {sorted(siblings)}"


@pytest.mark.parametrize(
    ("attribute", "allowed"),
    [
        (("duckdb", "connect"), {"resources/warehouse.py"}),
        (("httpx", "Client"), {"resources/rest.py"}),
        (("httpx", "AsyncClient"), set()),
    ],
)
def test_the_outside_is_opened_in_one_file(attribute: tuple[str, str], allowed: set[str]) -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in FORBIDDEN
        for path, tree in modules(folder)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) == attribute
    }
    assert found <= allowed


def test_the_wall_clock_is_read_in_one_file() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("pipeline", "resources", "assets_defs", "cli")
        for path, tree in modules(folder)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"now", "utcnow", "today"}
        and isinstance(node.value, ast.Name)
        and node.value.id in {"datetime", "date"}
    }
    assert found <= {"resources/clock.py"}


def test_every_module_has_a_charter() -> None:
    for folder in FORBIDDEN:
        for path, tree in modules(folder):
            if path.name != "__init__.py" or path.read_text(encoding="utf-8").strip():
                assert ast.get_docstring(tree), f"{path.relative_to(ROOT)} does not say what belongs in it"


def test_every_model_has_its_header_and_reads_only_to_its_left() -> None:
    graph = load_graph()
    for model in graph.models.values():
        assert model.description.startswith("One row per"), model.name
        assert model.grain, model.name
        assert model.text.rstrip().splitlines()[-1].startswith("select * from "), model.name
        rules = "\n".join(line for line in model.text.splitlines() if not line.startswith("--"))
        assert rules == rules.lower() or "'" in rules, model.name


def test_the_top_level_is_what_the_readme_maps() -> None:
    tracked = {path.name for path in ROOT.iterdir()} & TOP_LEVEL
    assert tracked == TOP_LEVEL
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in TOP_LEVEL - {".gitignore", "LICENSE", "README.md", "uv.lock"}:
        assert name in readme, f"the README's map does not mention {name}"
