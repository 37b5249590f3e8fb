"""SQL models: what a file under ``sql/`` says about itself, and whether it may say so.

Belongs here: reading a model's header and its inputs, and the layer rules. Does not belong here:
running it (``pipeline.sqlmodels.runner``), the relations it is given (``pipeline.sqlmodels.relations``).

A file holds one SELECT; its header is the comment that it begins with (``pipeline.sqlmodels.header``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope

from pipeline.errors import ConfigurationError
from pipeline.sqlmodels.emptiness import NEVER, Emptiness, read_emptiness
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
_NOT_OF_A_ROW: Final = (exp.Query, exp.Parameter, exp.Placeholder, exp.Window, exp.Anonymous)
_KNOWN_PARAMETERS: Final = frozenset({"as_of", "known_at"})


@dataclass(frozen=True, slots=True)
class Model:
    """One SQL file: ``name`` is its table's, ``floor.table``.

    ``counted`` has, for inputs of which only some rows are read whatever is asked, the condition that says which;
    ``emptiness`` says without which inputs it has no rows.
    """

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
    counted: Mapping[str, str] = field(default_factory=dict)
    emptiness: Emptiness = NEVER

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
    scopes = traverse_scope(statement)
    inputs = _inputs(scopes, path)
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
        counted=_counted(scopes),
        emptiness=read_emptiness(statement),
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


def _inputs(scopes: Sequence[Scope], path: Path) -> tuple[str, ...]:
    found: set[str] = set()
    for scope in scopes:
        for table in scope.tables:
            if table.name in scope.cte_sources and not table.db:
                continue
            if not isinstance(table.this, exp.Identifier):
                raise _wrong(path, f"it reads from the table function {table.this.sql()}")
            if not table.db or table.catalog:
                raise _wrong(path, f"the table {table.sql()} is not written as schema.table")
            found.add(f"{table.db}.{table.name}")
    return tuple(sorted(found))


def _counted(scopes: Sequence[Scope]) -> dict[str, str]:
    """Return the condition of each input that is read by itself, and alike wherever it is: what fails it is not read.

    What hangs on the question or on other tables is left out of the condition.
    """
    places: dict[str, set[str]] = {}
    for scope in scopes:
        tables = [table for table in scope.tables if table.db]
        is_alone = len(tables) == len(scope.selected_sources) == 1 and not scope.is_subquery
        where = scope.expression.args.get("where") if is_alone else None
        for table in tables:
            places.setdefault(f"{table.db}.{table.name}", set()).add(_own(where.this) if where else "")
    return {name: condition for name, (condition, *others) in places.items() if condition and not others}


def _own(condition: exp.Expression) -> str:
    """Return the part of a condition that each row meets or fails by itself."""
    parts = [part for part in condition.flatten() if isinstance(condition, exp.And)] or [condition]
    own = [
        part.sql(dialect="duckdb")
        for part in parts
        if not part.find(*_NOT_OF_A_ROW) and not any(column.table for column in part.find_all(exp.Column))
    ]
    return " and ".join(f"({part})" for part in own)


def _check_layers(name: str, inputs: tuple[str, ...], path: Path) -> None:
    floor = name.partition(".")[0]
    if floor not in _READS:
        raise _wrong(path, f"there is no floor {floor!r}")
    for source in inputs:
        if source.partition(".")[0] not in _READS[floor]:
            raise _wrong(path, f"{floor} may not read {source}")
        if source == name:
            raise _wrong(path, "it reads itself")
