"""The journal as a relation: ``ledger.entries``, brought up to date by what was appended since.

Belongs here: reading the journal's new lines into the warehouse, and noticing that the file is another one. Does not
belong here: what an entry means (the models under ``sql/``), writing entries (``pipeline.ledger``).
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Final

from pipeline.sqlmodels.relations import Connection, text_literal

_ENTRY_COLUMNS: Final = (
    "{v: 'varchar', kind: 'varchar', source: 'varchar', source_id: 'varchar', known_at: 'varchar', actor: 'varchar',"
    " role: 'varchar', reason: 'varchar', supersedes: 'varchar', run_id: 'varchar', data: 'json'}"
)
# So much of the journal's end is remembered: another file, or an older one put back, does not end the same.
_MARK_BYTES: Final = 4096


def give_ledger(connection: Connection, journal: Path) -> None:
    """Bring ``ledger.entries`` up to the journal's file: its new lines, or all of them where it is another file.

    ``ledger.read_until`` says up to which byte it was read, and the sha256 of what is before that. A line that was
    changed in place is for ``vipgrid verify`` to find, and ``vipgrid rebuild`` reads every line.
    """
    connection.execute("create schema if not exists ledger")
    size = journal.stat().st_size if journal.exists() else 0
    start = _read_until(connection, journal, size)
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
            "create or replace table ledger.read_until as select $bytes::bigint as bytes, $mark as mark",
            {"bytes": size, "mark": _mark(journal, size)},
        )
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def _read_until(connection: Connection, journal: Path, size: int) -> int | None:
    """Return up to which byte the journal was read already; None where it has to be read from its beginning."""
    is_there = connection.sql(
        "select 1 from duckdb_tables() where database_name = current_database() and schema_name = 'ledger'"
        " and table_name = 'read_until'"
    ).fetchall()
    if not is_there:
        return None
    ((until, mark),) = connection.sql("select bytes, mark from ledger.read_until").fetchall()
    return until if until <= size and mark == _mark(journal, until) else None


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
