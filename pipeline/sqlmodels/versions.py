"""Which version of a table was made from which versions of its inputs: what makes skipping and increments safe.

Belongs here: the table in which that is noted, and the versions of relations that no model makes. Does not
belong here: deciding what to compute (``pipeline.sqlmodels.increments``).

``ops.models`` has one row per model: the turn it was last brought up to, its text's checksum, its rows, its version
(one more at every change of content), ``changed_from``, the version from which the rows in ``changes.<table>`` lead to
this one (null where these are not known), and the version of each input that it was made from. It is written in the
transaction of the table that it speaks of; a model that was left as it is only moves on to the turn, and to other
versions of its inputs: that is written when all is flushed. Where it is lost, that model is computed whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from typing import Final

from pipeline.sqlmodels.relations import Connection

_MODELS: Final = (
    "model varchar, turn_no integer, text_sha256 varchar, rows bigint, version bigint, changed_from bigint,"
    " as_of timestamptz, how varchar, inputs varchar[], input_versions varchar[]"
)


@dataclass(frozen=True, slots=True)
class Record:
    """What is noted of one model; ``how`` says in words what the last turn that changed it computed."""

    turn_no: int
    text_sha256: str
    rows: int
    version: int
    changed_from: int | None
    as_of: datetime
    how: str


class Versions:
    """What is noted of all models, in memory and in the warehouse."""

    def __init__(self, connection: Connection) -> None:
        """Read what is noted; a warehouse without notes, or with those of an older vipgrid, has none."""
        self._connection = connection
        self._moved_on: dict[str, tuple[Record, dict[str, str]]] = {}
        connection.execute("create schema if not exists ops")
        if not self._is_readable():
            connection.execute(f"create or replace table ops.models ({_MODELS})")
        self._read()

    def _read(self) -> None:
        noted = self._connection.sql(
            "select model, inputs, input_versions, turn_no, text_sha256, rows, version, changed_from, as_of, how"
            " from ops.models"
        ).fetchall()
        self.records: dict[str, Record] = {row[0]: Record(*row[3:]) for row in noted}
        self.consumed: dict[str, dict[str, str]] = {row[0]: dict(zip(row[1], row[2], strict=True)) for row in noted}

    def note(self, model: str, record: Record, consumed: Mapping[str, str]) -> None:
        """Note a model that was computed; inside the transaction that writes its table."""
        self._moved_on.pop(model, None)
        if model in self.records:
            self._connection.execute("delete from ops.models where model = ?", [model])
        self.take(model, record, consumed)
        self.write({model: (record, consumed)})

    def take(self, model: str, record: Record, consumed: Mapping[str, str]) -> None:
        """Know of a model that was computed; ``write`` has to follow in the transaction that writes its table."""
        self.records[model], self.consumed[model] = record, dict(consumed)

    def write(self, computed: Mapping[str, tuple[Record, Mapping[str, str]]]) -> None:
        """Note models that were computed and of which nothing is noted."""
        rows = [
            [model, *astuple(record), list(consumed), list(consumed.values())]
            for model, (record, consumed) in computed.items()
        ]
        columns = ", ".join(f"unnest(${place})" for place in range(1, len(rows[0]) + 1))
        self._connection.execute(f"insert into ops.models select {columns}", list(map(list, zip(*rows, strict=True))))

    def move_on(self, model: str, turn_no: int, as_of: datetime, consumed: Mapping[str, str]) -> Record:
        """Note that a model is as it has to be in this turn, with these versions of its inputs."""
        record = replace(self.records[model], turn_no=turn_no, as_of=as_of)
        if record != self.records[model] or consumed != self.consumed[model]:
            self.records[model], self.consumed[model] = record, dict(consumed)
            self._moved_on[model] = (record, self.consumed[model])
        return record

    def forget_changes(self, models: Sequence[str]) -> None:
        """Note that the changes which led to these models' versions are gone; inside a transaction."""
        self._write_moved_on()
        for model in models:
            self.records[model] = replace(self.records[model], changed_from=None)
        self._connection.execute(
            "update ops.models set changed_from = null where list_contains(?, model)", [list(models)]
        )

    def flush(self) -> None:
        """Write what only moved on."""
        if self._moved_on:
            self._connection.execute("begin transaction")
            self._write_moved_on()
            self._connection.execute("commit")

    def forget(self) -> None:
        """Read again what is noted: a transaction was rolled back."""
        self._read()
        for model, (record, consumed) in self._moved_on.items():
            self.records[model], self.consumed[model] = record, consumed

    def _write_moved_on(self) -> None:
        if not self._moved_on:
            return
        self._connection.execute(
            "update ops.models set turn_no = moved.turn_no, as_of = moved.as_of, inputs = moved.inputs,"
            " input_versions = moved.input_versions from (select unnest($models) as model, unnest($turns) as turn_no,"
            " unnest($instants) as as_of, unnest($inputs) as inputs, unnest($input_versions) as input_versions) moved"
            " where moved.model = ops.models.model",
            {
                "models": list(self._moved_on),
                "turns": [record.turn_no for record, _ in self._moved_on.values()],
                "instants": [record.as_of for record, _ in self._moved_on.values()],
                "inputs": [list(consumed) for _, consumed in self._moved_on.values()],
                "input_versions": [list(consumed.values()) for _, consumed in self._moved_on.values()],
            },
        )
        self._moved_on.clear()

    def _is_readable(self) -> bool:
        columns = self._connection.sql(
            "select table_name || '.' || column_name from duckdb_columns() where database_name = current_catalog()"
            " and schema_name = 'ops' and table_name = 'models'"
        ).fetchall()
        return {"models.version", "models.how", "models.input_versions"} <= {row[0] for row in columns}


def content_version(connection: Connection, relation: str) -> str:
    """Return a version of a relation that no model makes: how many its rows are, and what their hashes add up to."""
    rows = connection.execute(
        f"select count(*) || '.' || coalesce(sum(hash(r)::hugeint), 0) from {relation} r"
    ).fetchall()
    return str(rows[0][0])
