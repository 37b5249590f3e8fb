"""The lines of landing files: what is written of a page, and of each record on it.

Belongs here: the lines' text, which records nobody can read and why. Does not belong here: files
(``pipeline.ingest.landing``), what makes two records the same content (``pipeline.canonical``).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, cast

import msgspec

from pipeline.canonical import Hasher, NotCanonicalError, canonical_record, sha256_hex
from pipeline.ingest.pages import Item, Page, Unreadable
from pipeline.instants import format_instant

MAX_RECORD_BYTES: Final = 8 * 2**20
KEPT_OF_TOO_LARGE_BYTES: Final = 2**20


def record_text(page_no: int, page: Page, hasher: Hasher) -> tuple[bytes, int]:
    """Return a page's lines, and how many of them are of records that nobody can read."""
    hashes = _hashes(page.items, page.listed, hasher)
    # The pages of a source that is as it should be are the many: nothing is asked of each record of theirs.
    if None not in hashes:
        return _plain_text(page_no, page.items, hashes), 0
    lines = []
    rejected = 0
    for row, (item, known) in enumerate(zip(page.items, hashes, strict=True)):
        readable = (item, known) if known is not None and isinstance(item, bytes) else _readable(item)
        if isinstance(readable, Unreadable):
            rejected += 1
            lines.append(_rejected_line(page_no, row, readable))
        else:
            raw, sha256 = readable
            lines.append(b'{"p":%d,"i":%d,"h":"%b","r":%b}\n' % (page_no, row, sha256, raw))
    return b"".join(lines), rejected


def _plain_text(page_no: int, items: Sequence[Item], hashes: Sequence[bytes | None]) -> bytes:
    """Return the lines of a page of which every record can be read at first sight."""
    values: list[Any] = [b"%d" % page_no] * (3 * len(items))
    values[1::3] = hashes
    values[2::3] = items
    return _form(len(items)) % tuple(values)


@lru_cache(maxsize=8)
def _form(rows: int) -> bytes:
    return b"".join(b'{"p":%%b,"i":%d,"h":"%%b","r":%%b}\n' % row for row in range(rows))


def _hashes(items: Sequence[Item], listed: bytes | None, hasher: Hasher) -> Sequence[bytes | None]:
    """Return the hashes that a page's records have at first sight; None = look at it by itself."""
    # Asked of all at once: of each by itself it takes as long as writing them does.
    if (
        set(map(type, items)) <= {bytes}
        and max(map(len, cast("Sequence[bytes]", items)), default=0) <= MAX_RECORD_BYTES
    ):
        return hasher.hashes(cast("Sequence[bytes]", items), listed)
    return [None] * len(items)


def _readable(item: Item) -> tuple[bytes, bytes] | Unreadable:
    if isinstance(item, Unreadable):
        return item
    if len(item) > MAX_RECORD_BYTES:
        return Unreadable(item, f"the record has {len(item)} bytes, more than {MAX_RECORD_BYTES}")
    try:
        text = canonical_record(item)
    except NotCanonicalError as error:
        return Unreadable(item, str(error))
    except RecursionError:
        return Unreadable(item, "the record is nested too deeply")
    if b"\n" in item or b"\r" in item:
        item = item.replace(b"\r", b" ").replace(b"\n", b" ")
    return item, sha256_hex(text).encode()


def _rejected_line(page_no: int, row: int, unreadable: Unreadable) -> bytes:
    raw = unreadable.raw
    kept = raw if len(raw) <= MAX_RECORD_BYTES else raw[:KEPT_OF_TOO_LARGE_BYTES]
    reason = unreadable.reason.encode("utf-8", "replace").decode()
    if len(kept) < len(raw):
        reason += f"; the first {len(kept)} bytes are kept"
    line = {"p": page_no, "i": row, "h": sha256_hex(raw), "q": reason, "b": base64.b64encode(kept).decode()}
    return msgspec.json.encode(line) + b"\n"


def page_line(page_no: int, page: Page, rejected: int, news: Sequence[tuple[str, str]]) -> bytes:
    """Return a page's own line; ``news``: the fields and kinds that no page of its pull had before."""
    line: dict[str, Any] = {
        "p": page_no,
        "records": len(page.items),
        "rejected": rejected,
        "body_sha256": page.body_sha256,
        "request": dict(page.request),
        "status": page.status,
        "server_date": page.server_date,
        "received_at": format_instant(page.received_at),
        "cursor_in": page.cursor_in,
        "cursor_out": page.cursor_out,
        "envelope": None if page.envelope is None else msgspec.Raw(page.envelope),
        "origin": page.origin,
    }
    if news:
        line["shapes"] = [{"field": field, "kind": kind} for field, kind in news]
    return msgspec.json.encode(line) + b"\n"
