"""All state of the sandbox, in one SQLite file: feeds, current records, agenda, receipts.

Rows are serialised once, when they are written; a page is their bytes put together. Within a transaction, writes are
gathered and go to SQLite in bulk, so that millions of rows can be founded as a stream.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from sandbox.streams import STREAMS, Record

_GATHER_LIMIT = 40_000
_CACHE_LIMIT = 400_000

_TABLES = """
create table if not exists meta (name text primary key, value text not null) without rowid;
create table if not exists records (
    kind text not null, key text not null, body blob not null, primary key (kind, key)
) without rowid;
create table if not exists external_keys (
    kind text not null, external_key text not null, key text not null, primary key (kind, external_key, key)
) without rowid;
create table if not exists agenda (
    due_at integer not null, key text not null, kind text not null, args blob not null, primary key (due_at, key)
) without rowid;
create table if not exists answers (
    client text not null, idempotency_key text not null, fingerprint text not null, status integer not null,
    body blob not null, location text, replays integer not null default 0, primary key (client, idempotency_key)
) without rowid;
create table if not exists received (
    seq integer primary key, operation text not null, idempotency_key text, external_key text, subject_id text,
    partner_id text, kind text, at integer not null, body blob not null
);
create table if not exists refused (
    seq integer primary key, operation text not null, path text not null, idempotency_key text, at integer not null,
    status integer not null, detail text not null, body blob not null
);
create table if not exists tallies (name text primary key, count integer not null) without rowid;
"""

decode = msgspec.json.decode
encode = msgspec.json.encode


class Store:
    """The file, and what is gathered for it."""

    def __init__(self, path: Path) -> None:
        """Open the file, and make what is missing in it."""
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.executescript(
            "pragma journal_mode = wal; pragma synchronous = normal; pragma cache_size = -65536;"
        )
        self._connection.executescript(_TABLES + "".join(map(_feed_table, STREAMS)))
        self._feeds: dict[str, list[tuple[int, bytes]]] = {}
        self._records: dict[tuple[str, str], bytes] = {}
        self._cache: dict[tuple[str, str], bytes | None] = {}
        self._gathered = 0

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self._connection.execute("begin immediate")
        try:
            yield
            self.flush()
        except BaseException:
            self._feeds.clear()
            self._records.clear()
            self._cache.clear()
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def flush(self) -> None:
        """Hand what is gathered over to SQLite."""
        for stream, rows in self._feeds.items():
            # The name is one of STREAMS.
            self._connection.executemany(f"insert into feed_{stream} (changed_at, body) values (?, ?)", rows)  # noqa: S608
        records = [(kind, key, body) for (kind, key), body in self._records.items()]
        self._connection.executemany("insert or replace into records values (?, ?, ?)", records)
        self._feeds.clear()
        self._records.clear()
        self._gathered = 0
        if len(self._cache) > _CACHE_LIMIT:
            self._cache.clear()

    def append(self, stream: str, changed_at: int, body: bytes) -> None:
        """Write an item to a feed."""
        self._feeds.setdefault(stream, []).append((changed_at, body))
        self._count_gathered()

    def put(self, kind: str, key: str, body: bytes) -> None:
        """Write the current state of a record."""
        self._records[kind, key] = self._cache[kind, key] = body
        self._count_gathered()

    def get(self, kind: str, *key: object) -> Record | None:
        """Read the current state of a record."""
        body = self.raw(kind, "|".join(map(str, key)))
        return None if body is None else decode(body)

    def raw(self, kind: str, key: str) -> bytes | None:
        """Read the bytes of the current state of a record."""
        if (kind, key) in self._cache:
            return self._cache[kind, key]
        row = self.one("select body from records where kind = ? and key = ?", kind, key)
        body = self._cache[kind, key] = row[0] if row else None
        return body

    def scan(self, kind: str, prefix: str = "") -> Iterator[tuple[str, Record]]:
        """Read all records of a kind whose key begins so, in the order of their keys."""
        self.flush()
        rows = self.all(
            "select key, body from records where kind = ? and key >= ? and key < ? order by key",
            kind,
            prefix,
            prefix + "\U0010ffff",
        )
        return ((key, decode(body)) for key, body in rows)

    def page(self, stream: str, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Read items of a feed, with their places."""
        return self.all(f"select seq, body from feed_{stream} where seq > ? order by seq limit ?", after, limit)  # noqa: S608

    def place_before(self, stream: str, instant: int) -> int:
        """Find the place after which everything was written at or after this instant."""
        row = self.one(f"select min(seq) from feed_{stream} where changed_at >= ?", instant)  # noqa: S608
        if row is not None and row[0] is not None:
            return int(row[0]) - 1
        row = self.one(f"select coalesce(max(seq), 0) from feed_{stream}")  # noqa: S608
        return int(row[0]) if row else 0

    def setting(self, name: str) -> str | None:
        """Read a setting."""
        row = self.one("select value from meta where name = ?", name)
        return None if row is None else str(row[0])

    def set_setting(self, name: str, value: object) -> None:
        """Write a setting."""
        self.run("insert or replace into meta values (?, ?)", name, str(value))

    def tally(self, name: str, count: int = 1) -> None:
        """Count something."""
        self.run(
            "insert into tallies values (?, ?) on conflict (name) do update set count = count + excluded.count",
            name,
            count,
        )

    def run(self, statement: str, *values: object) -> None:
        """Execute one statement."""
        self._connection.execute(statement, values)

    def run_many(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Execute one statement for many rows."""
        self._connection.executemany(statement, rows)

    def one(self, question: str, *values: object) -> tuple[Any, ...] | None:
        """Ask for one row."""
        row: tuple[Any, ...] | None = self._connection.execute(question, values).fetchone()
        return row

    def all(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask for all rows."""
        return self._connection.execute(question, values).fetchall()

    def _count_gathered(self) -> None:
        self._gathered += 1
        if self._gathered > _GATHER_LIMIT:
            self.flush()


def _feed_table(stream: str) -> str:
    return f"""
create table if not exists feed_{stream} (seq integer primary key, changed_at integer not null, body blob not null);
create index if not exists feed_{stream}_by_time on feed_{stream} (changed_at);
"""
