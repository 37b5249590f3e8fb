"""Backup: the state that cannot be computed again, as a folder or one file, with checksums.

Belongs here: what a copy consists of, and writing it. Does not belong here: putting it back
(``pipeline.restoring``), the lock (the caller holds it).

A copy has the ledger, the landed chunks that it names, the originals that landing keeps, issued reports, and the
manifest of what was published; the warehouse and ``published/`` are made again from these. A Parquet file that was
imported by reference is not ours: it is named in the manifest, and copied where that is asked for.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import zstandard

from pipeline.errors import RefusedError, StateError
from pipeline.home import Home
from pipeline.ingest.chunks import Chunk
from pipeline.ingest.importing import referenced_chunks
from pipeline.ingest.landed import found_files, landed_chunks, last_pulls
from pipeline.ingest.originals import check_parquet, copied_path, kept_originals
from pipeline.instants import format_instant
from pipeline.ledger.journal import PERSON_ROLE, Draft, Journal, sync_folder
from pipeline.ledger.turns import read_turns
from pipeline.publish import LATEST, file_sha256
from pipeline.snapshots import MANIFEST as PUBLISHED_MANIFEST

MANIFEST: Final = "backup.json"
FORMAT_VERSION: Final = "1"
ARCHIVE_SUFFIX: Final = ".tar.zst"
BACKUP_MADE: Final = "backup_made"
# What was published when the copy was made; the link of that name is made anew by the next publishing.
_PUBLISHED_NAME: Final = "published/backup-manifest.json"


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy: where it is, and how much it holds; ``last_seq`` is the ledger's last entry in it (-1 = none).

    ``left_out``: the files that were imported by reference and are not in it.
    """

    path: Path
    files: int
    size_bytes: int
    last_seq: int
    left_out: Sequence[str]


def back_up(home: Home, destination: Path, *, actor: str, at: datetime, with_referenced: bool = False) -> Copied:
    """Copy the home to a new folder, or to one file where the name ends in ``.tar.zst``; durable when it returns.

    ``with_referenced``: with the files that were imported by reference, as if they had been copied then.

    Raises:
        RefusedError: the destination is there already, lies inside the home, or there is nothing to copy.
        StateError: a file that the ledger names is missing, or not what it was.
        OSError: the disk refused; no half copy bears the name.

    """
    journal = Journal(home.ledger)
    if not journal.path.exists():
        message = f"There is nothing to back up in {home.path}: name the state folder with --home."
        raise RefusedError(message)
    if os.path.lexists(destination):
        message = f"The destination {destination} is there already: name a new one."
        raise RefusedError(message)
    if destination.resolve().is_relative_to(home.path.resolve()):
        message = f"The destination {destination} lies inside the home that is copied: name one outside."
        raise RefusedError(message)
    last = read_turns(journal).last
    known_at = last.known_at if last else at
    data = {"destination": destination.name, "at": format_instant(at)}
    journal.append([home_draft(BACKUP_MADE, known_at, actor, data)])
    referenced = {chunk.sha256: chunk for chunk in referenced_chunks(home, journal)}
    sources = _sources(home, journal)
    if with_referenced:
        sources |= _referenced_sources(home, referenced.values())
        referenced = {}
    manifest = _manifest(sources, _last_seq(journal), at, referenced.values())
    destination.parent.mkdir(parents=True, exist_ok=True)
    draft = destination.with_name(f".{destination.name}.{os.getpid()}.part")
    try:
        if destination.name.endswith(ARCHIVE_SUFFIX):
            _write_archive(draft, sources, manifest)
        else:
            _write_folder(draft, sources, manifest)
        draft.rename(destination)
    except BaseException:
        remove(draft)
        raise
    sync_folder(destination.parent)
    size = sum(file["bytes"] for file in manifest["files"])
    left_out = [chunk.file for chunk in referenced.values()]
    return Copied(destination, len(sources), size, int(manifest["last_seq"]), left_out)


def home_draft(kind: str, known_at: datetime, actor: str, data: dict[str, str], *, reason: str | None = None) -> Draft:
    """Make an entry about the home itself, by a person."""
    return Draft(
        kind=kind,
        known_at=known_at,
        actor=actor,
        role=PERSON_ROLE,
        run_id=kind,
        data=data,
        source="home",
        reason=reason,
    )


def _sources(home: Home, journal: Journal) -> dict[str, Path]:
    """Return the files of a copy by their names in it; what lies in landing unnamed by the ledger does not exist."""
    landed: set[str] = set()
    for chunk in landed_chunks(journal):
        landed |= {f"landing/{name}" for name, _ in chunk.chunk.own_files}
    originals = kept_originals(home.landing)
    if changed := [path for path, sha256 in originals.items() if file_sha256(path) != sha256]:
        message = f"The kept file {changed[0]} was changed: its name is its SHA-256; restore it, or remove it."
        raise StateError(message)
    landed |= {path.relative_to(home.path).as_posix() for path in originals}
    for pull in last_pulls(journal).values():
        if pull.seen_files is not None:
            landed.add(f"landing/{pull.seen_files.file}")
    landed |= {f"landing/{found.file}" for found in found_files(journal)}
    names = sorted(landed)
    missing = [name for name in names if not (home.path / name).is_file()]
    if missing:
        message = f"The ledger names {missing[0]}, which is not in {home.path} (and {len(missing) - 1} more)."
        raise StateError(message)
    for folder in (home.ledger, home.reports):
        names += [
            path.relative_to(home.path).as_posix()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(home.path).parts)
        ]
    sources = {name: home.path / name for name in names}
    published = home.published / LATEST / PUBLISHED_MANIFEST
    return sources | ({_PUBLISHED_NAME: published} if published.is_file() else {})


def _referenced_sources(home: Home, chunks: Iterable[Chunk]) -> dict[str, Path]:
    """Return the files that were imported by reference, by the names that their copies have in a home."""
    found = {}
    for chunk in chunks:
        check_parquet(home.landing, chunk)
        found[copied_path(home.landing, chunk).relative_to(home.path).as_posix()] = Path(chunk.file)
    return found


def _manifest(sources: Mapping[str, Path], last_seq: int, at: datetime, left_out: Iterable[Chunk]) -> dict[str, Any]:
    return {
        "format": FORMAT_VERSION,
        "made_at": format_instant(at),
        "last_seq": last_seq,
        "files": [
            {"file": name, "bytes": path.stat().st_size, "sha256": file_sha256(path)} for name, path in sources.items()
        ],
        "left_out": [{"file": chunk.file, "sha256": chunk.sha256} for chunk in left_out],
    }


def _last_seq(journal: Journal) -> int:
    seq = -1
    for entry in journal.entries():
        seq = entry.seq
    return seq


def _manifest_text(manifest: dict[str, Any]) -> bytes:
    return (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()


def _write_folder(draft: Path, sources: Mapping[str, Path], manifest: dict[str, Any]) -> None:
    draft.mkdir(mode=0o700)
    for name, path in sources.items():
        target = draft / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("rb") as read, new_file(target) as written:
            shutil.copyfileobj(read, written, 2**20)
            sync_file(written)
    with new_file(draft / MANIFEST) as written:
        written.write(_manifest_text(manifest))
        sync_file(written)
    for folder in (draft, *(path for path in draft.rglob("*") if path.is_dir())):
        sync_folder(folder)


def _write_archive(draft: Path, sources: Mapping[str, Path], manifest: dict[str, Any]) -> None:
    """Write one file: the manifest first, then the files, without owners, times or modes of this machine."""
    with new_file(draft) as written:
        compressor = zstandard.ZstdCompressor(level=3)
        with (
            compressor.stream_writer(written, closefd=False) as stream,
            tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive,
        ):
            text = _manifest_text(manifest)
            info = tarfile.TarInfo(MANIFEST)
            info.size, info.mode = len(text), 0o600
            archive.addfile(info, io.BytesIO(text))
            for name, path in sources.items():
                info = tarfile.TarInfo(name)
                info.size, info.mode = path.stat().st_size, 0o600
                with path.open("rb") as read:
                    archive.addfile(info, read)
        sync_file(written)


def new_file(path: Path) -> IO[bytes]:
    """Open a file that is not there yet, for its owner only."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def sync_file(file: IO[bytes]) -> None:
    """Make what was written durable."""
    file.flush()
    os.fsync(file.fileno())


def remove(path: Path) -> None:
    """Remove a file or folder that nobody was promised."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
