"""The journal as a relation: ``ledger.entries``, brought up to date by what was appended since.

Belongs here: reading the journal's new lines into the warehouse, and noticing that the file is another one. Does not
belong here: what an entry means (the models under ``sql/``), writing entries (``pipeline.ledger``).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.sqlmodels.relations import Connection, text_literal

_ENTRY_COLUMNS: Final = (
    "{v: 'varchar', kind: 'varchar', source: 'varchar', source_id: 'varchar', known_at: 'varchar', actor: 'varchar',"
    " role: 'varchar', reason: 'varchar', supersedes: 'varchar', run_id: 'varchar', data: 'json'}"
)
# So much of the journal's end is remembered: another file, or an older one put back, does not end the same.
_MARK_BYTES: Final = 4096


def give_ledger(connection: Connection, journal: Path) -> None:
    """Bring ``ledger.entries`` up to the journal's file: its new lines, or all of them where it is another file.

    ``ledger.read_until`` says up to which byte it was read, the sha256 of what is before that, and how often it was
    read from its beginning. A line that was changed in place is for ``vipgrid verify`` to find, and ``vipgrid rebuild``
    reads every line.
    """
    connection.execute("create schema if not exists ledger")
    size = journal.stat().st_size if journal.exists() else 0
    before = _read_before(connection)
    start = before["bytes"] if before and _is_the_same(journal, size, before) else None
    readings = before.get("readings", 0) if before else 0
    if start == size and start is not None:
        return
    connection.execute("begin")
    try:
        if start is None:
            connection.execute(
                "create or replace table ledger.entries (seq bigint, kind varchar, source varchar, source_id varchar,"
                " known_at timestamptz, actor varchar, role varchar, reason varchar, supersedes varchar,"
                " run_id varchar, data json)"
            )
        if size > 0:
            _append(connection, journal, start or 0)
        connection.execute(
            "create or replace table ledger.read_until as"
            " select $bytes::bigint as bytes, $mark as mark, $readings::integer as readings",
            {"bytes": size, "mark": _mark(journal, size), "readings": readings + (start is None)},
        )
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def ledger_version(connection: Connection) -> str:
    """Return a version of ``ledger.entries``: how often it was read from its beginning, and how many entries it has."""
    before = _read_before(connection)
    count = connection.execute("select count(*) from ledger.entries").fetchall()[0][0]
    return f"{before.get('readings', 0) if before else 0}.{count}"


def appended_since(consumed: str | None, version: str) -> int | None:
    """Return the ``seq`` from which on entries were appended between two versions; None where it was read anew."""
    readings, _, count = (consumed or "").partition(".")
    return int(count) if count.isdecimal() and readings == version.partition(".")[0] else None


def _read_before(connection: Connection) -> dict[str, Any] | None:
    """Return what ``ledger.read_until`` says; None where nothing was ever read."""
    is_there = connection.sql(
        "select 1 from duckdb_tables() where database_name = current_database() and schema_name = 'ledger'"
        " and table_name = 'read_until'"
    ).fetchall()
    if not is_there:
        return None
    noted = connection.sql("select * from ledger.read_until")
    return dict(zip(noted.columns, noted.fetchall()[0], strict=True))


def _is_the_same(journal: Path, size: int, before: Mapping[str, Any]) -> bool:
    """Say whether the file is the one that was read, or that with more behind."""
    return bool(before["bytes"] <= size and before["mark"] == _mark(journal, before["bytes"]))


def _mark(journal: Path, until: int) -> str:
    if until == 0:
        return ""
    with journal.open("rb") as file:
        file.seek(max(0, until - _MARK_BYTES))
        return hashlib.sha256(file.read(min(until, _MARK_BYTES))).hexdigest()


def _append(connection: Connection, journal: Path, start: int) -> None:
    if start == 0:
        _insert(connection, journal)
        return
    tail = journal.with_name("unread.ndjson")
    try:
        with journal.open("rb") as file, tail.open("wb") as unread:
            file.seek(start)
            shutil.copyfileobj(file, unread)
        _insert(connection, tail)
    finally:
        tail.unlink(missing_ok=True)


def _insert(connection: Connection, lines: Path) -> None:
    connection.execute(
        "insert into ledger.entries "
        "select (select count(*) from ledger.entries) + row_number() over () - 1, kind, source, source_id,"
        " known_at::timestamptz, actor, role, reason, supersedes, run_id, data"
        f" from read_json({text_literal(lines)}, format = 'newline_delimited', columns = {_ENTRY_COLUMNS})"
    )
