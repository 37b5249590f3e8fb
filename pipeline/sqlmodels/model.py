"""SQL models: what a file under ``sql/`` says about itself, and whether it may say so.

Belongs here: reading a model's header and its inputs, and the layer rules. Does not belong here:
running it (``pipeline.sqlmodels.runner``), the relations it is given (``pipeline.sqlmodels.relations``).

A file holds one SELECT; its header is the comment that it begins with (``pipeline.sqlmodels.header``).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import traverse_scope

from pipeline.errors import ConfigurationError
from pipeline.sqlmodels.header import Header, Refresh, read_header
from pipeline.sqlmodels.macros import macros_under

_READS: Final[dict[str, frozenset[str]]] = {
    "ops": frozenset({"landing", "ledger", "ops", "staging", "core"}),
    "staging": frozenset({"landing", "ops"}),
    "core": frozenset({"staging", "core", "ledger", "ops"}),
    "freshness": frozenset({"core", "freshness", "ledger", "ops"}),
    "audit": frozenset({"core", "freshness", "audit", "ledger", "ops"}),
    "sync": frozenset({"core", "freshness", "audit", "sync", "ledger", "ops"}),
    "marts": frozenset({"core", "freshness", "audit", "sync", "marts", "ledger", "ops"}),
    "checks": frozenset({"landing", "staging", "core", "freshness", "audit", "sync", "marts", "ledger", "ops"}),
}
FLOORS: Final = tuple(_READS)
_PARAMETER: Final = re.compile(r"\$(\w+)")
_KNOWN_PARAMETERS: Final = frozenset({"as_of", "known_at"})


@dataclass(frozen=True, slots=True)
class Model:
    """One SQL file: ``name`` is its table's, ``floor.table``."""

    name: str
    path: Path
    text: str
    description: str
    grain: tuple[str, ...]
    refresh: Refresh
    published_with: tuple[str, ...]
    stored_plain: tuple[str, ...]
    after: tuple[str, ...]
    severity: str
    inputs: tuple[str, ...]
    parameters: frozenset[str]
    macros: str = ""

    @property
    def floor(self) -> str:
        """The schema, which is the folder."""
        return self.name.partition(".")[0]

    @property
    def table(self) -> str:
        """The table, which is the file's name."""
        return self.name.partition(".")[2]

    @property
    def text_sha256(self) -> str:
        """What makes two versions of the rule the same rule: its text, and that of the macros it stands on."""
        return hashlib.sha256((self.text + self.macros).encode()).hexdigest()


def read_model(path: Path) -> Model:
    """Read and check one model.

    Raises:
        ConfigurationError: not one SELECT, no header, an unqualified table, a table function, or an
            input to the right of its own floor; the path is named.

    """
    name = f"{path.parent.name}.{path.stem}"
    text = path.read_text(encoding="utf-8")
    header = _header(text, path)
    statement = _one_select(text, path)
    inputs = _inputs(statement, path)
    _check_layers(name, inputs, path)
    try:
        refresh = header.refresh(inputs)
    except ValueError as error:
        raise _wrong(path, str(error)) from error
    parameters = frozenset(_PARAMETER.findall(text))
    if parameters - _KNOWN_PARAMETERS:
        raise _wrong(path, f"the parameters {sorted(parameters - _KNOWN_PARAMETERS)} are not known")
    return Model(
        name=name,
        path=path,
        text=text,
        description=header.description,
        grain=header.names("Grain"),
        refresh=refresh,
        published_with=header.names("Published with"),
        stored_plain=header.names("Stored plain"),
        after=header.names("After"),
        severity=header.one("Severity", "error"),
        inputs=inputs,
        parameters=parameters,
        macros=macros_under(text),
    )


def _wrong(path: Path, what: str) -> ConfigurationError:
    return ConfigurationError(f"The model {path.parent.name}/{path.name} is refused: {what}.")


def _header(text: str, path: Path) -> Header:
    try:
        header = read_header(text)
    except ValueError as error:
        raise _wrong(path, str(error)) from error
    if not header.description:
        raise _wrong(path, "it does not begin with a comment that says what one row is")
    if not header.names("Grain") and path.parent.name != "checks":
        raise _wrong(path, "its header has no line '-- Grain: …'")
    return header


def _one_select(text: str, path: Path) -> exp.Query:
    try:
        statements = sqlglot.parse(text, read="duckdb")
    except SqlglotError as error:
        raise _wrong(path, f"it cannot be parsed: {' '.join(str(error).split())}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise _wrong(path, "it is not exactly one SELECT")
    return statements[0]


def _inputs(statement: exp.Query, path: Path) -> tuple[str, ...]:
    found: set[str] = set()
    for scope in traverse_scope(statement):
        for table in scope.tables:
            if table.name in scope.cte_sources and not table.db:
                continue
            if not isinstance(table.this, exp.Identifier):
                raise _wrong(path, f"it reads from the table function {table.this.sql()}")
            if not table.db or table.catalog:
                raise _wrong(path, f"the table {table.sql()} is not written as schema.table")
            found.add(f"{table.db}.{table.name}")
    return tuple(sorted(found))


def _check_layers(name: str, inputs: tuple[str, ...], path: Path) -> None:
    floor = name.partition(".")[0]
    if floor not in _READS:
        raise _wrong(path, f"there is no floor {floor!r}")
    for source in inputs:
        if source.partition(".")[0] not in _READS[floor]:
            raise _wrong(path, f"{floor} may not read {source}")
        if source == name:
            raise _wrong(path, "it reads itself")
