"""Pages of a feed, and the cursors that go with them."""

import base64
import binascii
from hashlib import blake2b

import msgspec

from sandbox.http.problems import Complaint, ProblemError
from sandbox.store import Store
from sandbox.streams import Stream

DEFAULT_LIMIT = 200
_CHECK_BYTES = 6


class Pager:
    """Makes pages; a cursor is good for one data set and one stream."""

    def __init__(self, store: Store, generation: str) -> None:
        """Bind to a data set."""
        self._store = store
        self._generation = generation

    def page(self, stream: Stream, after: int, limit: int, watermark: str) -> bytes:
        """Write a page, from the bytes as they were stored."""
        rows = self._store.page(stream.name, after, limit + 1)
        has_more = len(rows) > limit
        rows = rows[:limit]
        cursor = f'"{self.cursor(stream, rows[-1][0])}"' if has_more else "null"
        tail = f'],"next_cursor":{cursor},"has_more":{str(has_more).lower()},"watermark":"{watermark}"}}'
        return b'{"items":[' + b",".join(body for _, body in rows) + tail.encode()

    def found(self, kind: str, external_keys: list[str], watermark: str) -> bytes:
        """Write the page of the records that were created with these keys."""
        marks = ",".join("?" * len(external_keys))
        rows = self._store.all(
            "select body from records join external_keys using (kind, key)"  # noqa: S608 - only question marks are added
            f" where kind = ? and external_key in ({marks}) order by external_key, key",
            kind,
            *external_keys,
        )
        tail = f'],"next_cursor":null,"has_more":false,"watermark":"{watermark}"}}'
        return b'{"items":[' + b",".join(body for (body,) in rows) + tail.encode()

    def cursor(self, stream: Stream, place: int) -> str:
        """Write a cursor."""
        text = msgspec.json.encode([self._generation, stream.name, place])
        return base64.urlsafe_b64encode(_check(text) + text).decode().rstrip("=")

    def place(self, stream: Stream, cursor: str) -> int:
        """Read a cursor.

        Raises:
            ProblemError: It is none of ours (400), or of another data set (410).
        """
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (binascii.Error, ValueError):
            raw = b""
        check, text = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
        if not text or check != _check(text):
            raise _bad_cursor("this server did not issue it")
        generation, name, place = msgspec.json.decode(text, type=tuple[str, str, int])
        if generation != self._generation:
            raise ProblemError(410, "The cursor belongs to an earlier data set. Begin again without it.")
        if name != stream.name:
            raise _bad_cursor("it belongs to another stream")
        return place


def _check(text: bytes) -> bytes:
    return blake2b(b"cursor" + text, digest_size=_CHECK_BYTES).digest()


def _bad_cursor(why: str) -> ProblemError:
    return ProblemError(400, "The cursor cannot be used.", (Complaint("query.cursor", why),))
