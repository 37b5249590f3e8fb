"""The relations that models read and no model makes: landing, the ledger, and the configuration as rows.

Belongs here: their columns, and how they are laid over files and settings. Does not belong here:
rules of meaning (``sql/``).

``landing.<stream>`` has one row per record that ever arrived, every field as text, exactly as often as
it arrived; ``rejected_because`` says why a record could not be read at all. ``ledger.entries`` has one row
per journal entry. Both are read from files, never from Python objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa

from pipeline.business_calendar import give_calendar
from pipeline.ingest.landed import LandedChunk
from pipeline.settings import Fulfilment, Policies, Settings
from pipeline.sqlmodels.known import give_former_mappings, give_known_values, give_read_fields
from pipeline.sqlmodels.landed_rows import landing_select, pages_select
from pipeline.sqlmodels.reading_ways import PAGES, sum_of, ways_of
from pipeline.streams import STREAMS

QUESTION: Final = "ops.question"
GIVEN_FLOORS: Final = frozenset({"landing", "ledger"})
GIVEN_RELATIONS: Final = frozenset(
    {
        "ops.question",
        "ops.grace",
        "ops.time_to_respond",
        "ops.notice_settings",
        "ops.fulfilment_settings",
        "ops.zones",
        "ops.connections",
        "ops.business_hours",
        "ops.business_calendar",
        "ops.service_levels",
        "ops.known_values",
        "ops.read_fields",
        "ops.former_mappings",
    }
)


class Relation(Protocol):
    """The part of a DuckDB relation that is used: results out of it."""

    @property
    def columns(self) -> list[str]:
        """The columns' names."""

    @property
    def types(self) -> Sequence[object]:
        """The columns' types."""

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all rows."""

    def to_arrow_table(self) -> pa.Table:
        """Return all rows, by columns."""


class Answered(Protocol):
    """A statement that was run."""

    def fetchall(self) -> list[Any]:
        """Return the rows of its answer."""


class Connection(Protocol):
    """The part of a DuckDB connection that is used."""

    def execute(self, query: str, parameters: object = ...) -> Answered:
        """Run a statement; its answer, if it has one, is there once."""

    def sql(self, query: str, *, params: object = ...) -> Relation:
        """Ask a question."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: about ``as_of``, with what was known by ``known_at``."""

    as_of: datetime
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Landing:
    """The landing folder and the chunks that the journal names, in its order, by stream.

    The version of one of its relations has two parts: how many chunks it has, and the sum of the ways in which they
    are read.
    """

    folder: Path
    chunks: Mapping[str, Sequence[LandedChunk]]
    _ways: dict[str, list[str]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, folder: Path, chunks: Iterable[LandedChunk]) -> Landing:
        """Sort chunks by their stream; under ``pages`` they are all together."""
        by_stream: dict[str, list[LandedChunk]] = {name: [] for name in (*STREAMS, PAGES)}
        for chunk in sorted(chunks, key=lambda chunk: chunk.seq):
            by_stream[chunk.stream].append(chunk)
            by_stream[PAGES].append(chunk)
        return cls(folder, by_stream)

    def select(self, name: str, *, since: int) -> str:
        """Return the SELECT of what the chunks of a stream behind the first ``since`` hold."""
        chunks = self.chunks[name][since:]
        return pages_select(self.folder, chunks) if name == PAGES else landing_select(name, self.folder, chunks)

    def version(self, name: str) -> str:
        """Return the version of a relation as it is."""
        return f"{len(self.chunks[name])}.{self._sum(name, len(self.chunks[name]))}"

    def read_before(self, name: str, version: str | None) -> int | None:
        """Return how many chunks were read at a version; None where they are read otherwise now, or none is known."""
        count, _, ways = (version or "").partition(".")
        if not count.isdecimal() or ways != self._sum(name, int(count)):
            return None
        return int(count)

    def _sum(self, name: str, count: int) -> str:
        if name not in self._ways:
            self._ways[name] = ways_of(name, self.chunks[name])
        return sum_of(self._ways[name][:count])


def give_landing(connection: Connection, landing: Path, chunks: Iterable[LandedChunk]) -> None:
    """(Re)make the views ``landing.<stream>`` and ``landing.pages`` over the chunks that the journal names."""
    connection.execute("create schema if not exists landing")
    by_stream: dict[str, list[LandedChunk]] = {name: [] for name in STREAMS}
    for chunk in chunks:
        by_stream[chunk.stream].append(chunk)
    for name, own in by_stream.items():
        connection.execute(f"create or replace view landing.{name} as {landing_select(name, landing, own)}")
    every = [chunk for own in by_stream.values() for chunk in own]
    connection.execute(f"create or replace view landing.pages as {pages_select(landing, every)}")
    give_read_fields(connection, by_stream)
    give_former_mappings(connection, by_stream)


def give_question(connection: Connection, question: Question, name: str = QUESTION) -> None:
    """(Re)make the relation of what is asked."""
    connection.execute(
        f"create or replace table {name} as select $as_of::timestamptz as as_of, $known_at::timestamptz as known_at",
        {"as_of": question.as_of, "known_at": question.known_at},
    )


def empty_catalog(connection: Connection, catalog: str) -> None:
    """Drop every schema of a catalog in memory, with what is in it."""
    schemas = connection.sql(
        "select schema_name from duckdb_schemas()"
        " where database_name = $catalog and not internal and schema_name <> 'main'",
        params={"catalog": catalog},
    ).fetchall()
    for (schema,) in schemas:
        connection.execute(f"drop schema {catalog}.{schema} cascade")


def give_settings(connection: Connection, settings: Settings, question: Question, go_live: datetime) -> None:
    """(Re)make the configuration's relations; ``go_live`` is the first turn's ``now``."""
    connection.execute("create schema if not exists ops")
    give_question(connection, question)
    policies = settings.policies
    _rows(
        connection,
        "ops.grace",
        "classification varchar, seconds bigint",
        [(name, int(span.total_seconds())) for name, span in policies.grace],
    )
    _rows(
        connection,
        "ops.time_to_respond",
        "kind varchar, classification varchar, seconds bigint",
        [
            (kind, name, int(span.total_seconds()))
            for kind, by_classification in policies.time_to_respond
            for name, span in by_classification
        ],
    )
    notices = settings.notices
    escalate_after = notices.reminders.escalate_after
    _rows(
        connection,
        "ops.notice_settings",
        "notify_from timestamptz, redirect_to varchar, announce_before_seconds bigint, approve_above_partners bigint,"
        " approve_above_share double, max_attempts integer, former_recipient_seconds bigint, remind_at_half boolean,"
        " remind_every_seconds bigint, remind_most integer, escalate_after_seconds bigint",
        [
            (
                notices.notify_from or go_live,
                notices.redirect_to,
                int(policies.announce_before.total_seconds()),
                notices.approve_above.partners,
                notices.approve_above.share,
                notices.max_attempts,
                int(notices.former_recipients.total_seconds()),
                notices.reminders.at_half,
                int(notices.reminders.every.total_seconds()),
                notices.reminders.most,
                None if escalate_after is None else int(escalate_after.total_seconds()),
            )
        ],
    )
    _rows(
        connection,
        "ops.connections",
        "stream varchar, system varchar, connection varchar, safety_lag_seconds bigint, tolerance_seconds bigint,"
        " can_write boolean",
        [
            (
                stream,
                STREAMS[stream].system.value,
                name,
                int(connection_.safety_lag.total_seconds()),
                int(connection_.tolerance.total_seconds()),
                connection_.kind == "rest",
            )
            for name, connection_ in settings.connections.items()
            for stream in settings.streams_of(name)
        ],
    )
    connection.execute("create or replace table ops.zones as select name as zone from pg_timezone_names()")
    give_known_values(connection)
    _give_working_time(connection, policies)
    _give_fulfilment(connection, settings.fulfilment)


def _give_working_time(connection: Connection, policies: Policies) -> None:
    give_calendar(connection, policies.calendar)
    levels = policies.service_levels
    spans = (levels.request, levels.triage, levels.replacement, policies.first_time_right)
    _rows(
        connection,
        "ops.service_levels",
        "request_seconds bigint, triage_seconds bigint, replacement_seconds bigint, first_time_right_seconds bigint",
        [tuple(int(span.total_seconds()) for span in spans)],
    )


def _give_fulfilment(connection: Connection, fulfilment: Fulfilment) -> None:
    expires_after = fulfilment.expires_after
    _rows(
        connection,
        "ops.fulfilment_settings",
        "is_enabled boolean, channels varchar[], expires_after_seconds bigint, max_deliveries integer,"
        " answer_within_seconds bigint, max_questions integer, match_at_least double, match_margin double,"
        " candidates integer",
        [
            (
                fulfilment.enabled,
                list(fulfilment.channels),
                None if expires_after is None else int(expires_after.total_seconds()),
                fulfilment.max_deliveries,
                int(fulfilment.answer_within.total_seconds()),
                fulfilment.max_questions,
                fulfilment.match_at_least,
                fulfilment.match_margin,
                fulfilment.candidates,
            )
        ],
    )


def _rows(connection: Connection, table: str, columns: str, rows: Sequence[tuple[object, ...]]) -> None:
    connection.execute(f"create or replace table {table} ({columns})")
    for row in rows:
        marks = ", ".join("?" for _ in row)
        connection.execute(f"insert into {table} values ({marks})", list(row))


def rows_of(relation: Relation) -> Iterator[tuple[Any, ...]]:
    """Return a relation's rows of texts, whole numbers and booleans: as ``fetchall``, in half the time for many."""
    return zip(*(column.to_pylist() for column in relation.to_arrow_table().columns), strict=True)


def text_literal(value: object) -> str:
    """Return a value as an SQL text literal."""
    return "'" + str(value).replace("'", "''") + "'"
