"""Files as a source gave them: kept under their own hash, or referred to where they lie.

Belongs here: keeping a copy, where a Parquet file's bytes are read, holding them against their hash. Does not belong
here: which files there are (``pipeline.ingest.files``, ``pipeline.ingest.importing``), their rows.

A Parquet file is landed by reference: the journal has its path and its SHA-256. Where ``originals/`` has a file of that
hash, that is read and the path is not needed any more.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import BinaryIO, Final

from pipeline.errors import StateError
from pipeline.ingest.chunks import Chunk
from pipeline.ingest.landing import hash_file, make_durable_folder
from pipeline.ledger.journal import sync_folder

ORIGINALS: Final = "originals"
_NAME: Final = re.compile(r"[0-9a-f]{64}[.].+")


class ChangedError(Exception):
    """The file that was copied is not what it was when it was hashed."""


def keep_original(landing: Path, source: Path, sha256: str, ending: str) -> Path:
    """Keep a file byte for byte under its own hash, and return where.

    Raises:
        ChangedError: its bytes have another hash.
        StateError: the disk refused.

    """
    folder = landing / ORIGINALS
    kept = folder / f"{sha256}.{ending}"
    if kept.exists() and hash_file(kept) == sha256:
        return kept
    temporary = folder / f".{sha256}.{os.getpid()}.tmp"
    try:
        make_durable_folder(folder, landing)
        with source.open("rb") as read, _created(temporary) as target:
            shutil.copyfileobj(read, target, 2**20)
            target.flush()
            os.fsync(target.fileno())
        if hash_file(temporary) != sha256:
            raise ChangedError
        temporary.replace(kept)
        sync_folder(folder)
    except OSError as error:
        message = f"Cannot keep {source} as {kept}: {error.strerror}; make room there and run it again."
        raise StateError(message) from error
    finally:
        temporary.unlink(missing_ok=True)
    return kept


def kept_originals(landing: Path) -> dict[Path, str]:
    """Return every file that is kept, with the hash that its name says."""
    paths = sorted((landing / ORIGINALS).glob("*"))
    return {path: path.name.partition(".")[0] for path in paths if _NAME.fullmatch(path.name) and path.is_file()}


def copied_path(landing: Path, chunk: Chunk) -> Path:
    """Return where a Parquet file's copy lies, if there is one."""
    return landing / ORIGINALS / f"{chunk.sha256}.parquet"


def parquet_path(landing: Path, chunk: Chunk) -> Path:
    """Return where a Parquet file's bytes are read: its copy, else where it was found."""
    copied = copied_path(landing, chunk)
    return copied if copied.exists() else Path(chunk.file)


def check_parquet(landing: Path, chunk: Chunk) -> None:
    """Hold a Parquet file against the hash that it was landed with.

    Raises:
        StateError: it is gone, cannot be read, or is not what it was.

    """
    path = parquet_path(landing, chunk)
    try:
        stored = hash_file(path)
    except OSError as error:
        raise StateError(gone_sentence(chunk, f"cannot be read ({error.strerror})")) from error
    if stored != chunk.sha256:
        raise StateError(gone_sentence(chunk, "was changed"))


def gone_sentence(chunk: Chunk, what: str) -> str:
    """Say what is wrong with a file, and what to do."""
    return (
        f"The file {chunk.file}, which was imported by reference, {what}: put the bytes with SHA-256 {chunk.sha256}"
        " back there, or run `vipgrid import FOLDER --copy` on a folder that has them."
    )


def _created(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
