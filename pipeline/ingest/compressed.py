"""Files that may be compressed, opened as plain bytes.

Belongs here: telling a compression from a file's name, and refusing a torn file. Does not belong
here: what the bytes mean.
"""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import zstandard

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

COMPRESSIONS: Final = (".gz", ".zst")
READ_ERRORS: Final = (OSError, EOFError, zlib.error, zstandard.ZstdError)
_BLOCK_BYTES: Final = 2**20
_PACKED_BLOCK_BYTES: Final = 2**15


def open_plain(path: Path, named: str) -> BinaryIO:
    """Open a file for reading, unpacked where its name ends in ``.gz`` or ``.zst``.

    ``named`` is the name to judge by (a stored original bears another one). Reading raises one of
    ``READ_ERRORS`` where the file is torn; a torn end is never taken for the end.
    """
    if named.endswith(".gz"):
        return cast("BinaryIO", gzip.open(path, "rb"))
    file = path.open("rb")
    if named.endswith(".zst"):
        return cast("BinaryIO", io.BufferedReader(_ZstdFile(file), _BLOCK_BYTES))
    return file


class _ZstdFile(io.RawIOBase):
    """A zstd file of any number of frames; ``zstandard``'s own reader takes a torn frame for the end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._is_inside_frame = False
        self._ready = memoryview(b"")
        self._packed = b""

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not self._ready:
            if not self._packed:
                self._packed = self._file.read(_PACKED_BLOCK_BYTES)
            if not self._packed:
                if self._is_inside_frame:
                    message = "the file ends within a zstd frame"
                    raise EOFError(message)
                return 0
            self._unpack()
        view = memoryview(buffer).cast("B")
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _unpack(self) -> None:
        self._ready = memoryview(self._frame.decompress(self._packed))
        self._is_inside_frame = not self._frame.eof
        self._packed = b""
        if self._frame.eof:
            self._packed = self._frame.unused_data
            self._frame = zstandard.ZstdDecompressor().decompressobj()
