"""Bodies of answers: read whole, unpacked, and never larger than allowed.

Belongs here: the bound on what a body may cost, and what counts as JSON. Does not belong here: what
the JSON means.
"""

from __future__ import annotations

import zlib
from typing import Final

import httpx
import msgspec

from pipeline.json_structure import Parts, is_whole, parts_of

_GZIP: Final = 31
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class BodyError(Exception):
    """The body cannot be used: the message says why, without quoting it."""

    def __init__(self, message: str, *, is_transient: bool) -> None:
        """Keep the reason and whether the same question may be answered better."""
        super().__init__(message)
        self.is_transient = is_transient


def read_body(response: httpx.Response, max_bytes: int) -> bytes:
    """Read a streamed answer's body, unpacking gzip, without a byte order mark; at most ``max_bytes`` before and after.

    Raises:
        BodyError: too large, torn, or packed in another way.

    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"gzip", "x-gzip", "identity", ""}:
        message = "its content encoding is none that was asked for"
        raise BodyError(message, is_transient=False)
    unpack = zlib.decompressobj(_GZIP) if "gzip" in encoding else None
    blocks = []
    received = unpacked = 0
    for block in response.iter_raw():
        received += len(block)
        plain = block if unpack is None else _unpacked(unpack, block, max_bytes + 1 - unpacked)
        unpacked += len(plain)
        if received > max_bytes or unpacked > max_bytes:
            message = f"it is larger than {max_bytes} bytes: ask for smaller pages or raise max_body_bytes"
            raise BodyError(message, is_transient=False)
        blocks.append(plain)
    if unpack is not None and received and not unpack.eof:
        message = "it broke off in the middle"
        raise BodyError(message, is_transient=True)
    if unpack is not None and unpack.unused_data:
        message = "something stands behind the end of its gzip"
        raise BodyError(message, is_transient=True)
    return b"".join(blocks).removeprefix(_BYTE_ORDER_MARK)


def check_json(response: httpx.Response, body: bytes, *, is_page: bool = False) -> Parts | None:
    """Hold an answer against what JSON is, before anybody looks into it; a page need only be whole, not each record.

    Returns what stands at the top of an object, which takes no longer than checking it does.

    Raises:
        BodyError: another media type or charset, nothing, or not one JSON text.

    """
    media_type, _, parameters = response.headers.get("content-type", "").partition(";")
    media_type = media_type.strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        message = "it is not JSON by its content type: is base_url the API's, and not a login page's?"
        raise BodyError(message, is_transient=False)
    charset = parameters.lower().replace(" ", "").replace('"', "").partition("charset=")[2]
    if charset not in {"", "utf-8", "utf8"}:
        message = "its charset is not UTF-8"
        raise BodyError(message, is_transient=False)
    try:
        return parts_of(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        if is_page and is_whole(body):
            return None
        message = "it is empty" if not body else "it is not one whole JSON text"
        raise BodyError(message, is_transient=True) from error


def _unpacked(unpack: zlib._Decompress, block: bytes, room: int) -> bytes:
    try:
        return unpack.decompress(block, room)
    except zlib.error as error:
        message = "it is not the gzip that it says"
        raise BodyError(message, is_transient=True) from error
