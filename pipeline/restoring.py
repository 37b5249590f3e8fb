"""Restoring: a verified copy in the home's place, and a ledger that says so.

Belongs here: verifying a copy, putting it in place, and what the ledger has to say afterwards. Does not belong
here: writing a copy (``pipeline.backup``), the lock (the caller holds it), computing the warehouse again.

After a restore the world may be further than the ledger: so every action that the ledger does not know to be
settled is marked ``unknown``, and is looked up at its target before it is sent.
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

import zstandard

from pipeline.actions.outbox import ACTION_UNKNOWN, RESTORED, State, read_outbox
from pipeline.backup import FORMAT_VERSION, MANIFEST, home_draft, new_file, remove, sync_file
from pipeline.errors import RefusedError, StateError
from pipeline.formats import refuse_newer
from pipeline.home import Home
from pipeline.instants import format_instant
from pipeline.ledger.journal import PERSON_ROLE, Draft, Journal, sync_folder
from pipeline.ledger.turns import read_turns
from pipeline.publish import file_sha256

_PARTS: Final = frozenset({"ledger", "landing", "reports", "published"})
_HARMLESS: Final = frozenset({"warehouse.lock", "scratch", "dagster"})
# What may have reached its target behind the copy's back. A batch that waits for a person stays with the person.
_UNSETTLED: Final = (State.PENDING, State.LEASED, State.FAILED, State.UNKNOWN)
_MAX_NAME_CHARACTERS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Restored:
    """A home that was put back; ``set_aside`` is where the one before lies now."""

    manifest: dict[str, Any]
    set_aside: Path | None
    unsettled_actions: int


def restore(home: Home, source: Path, *, is_replacing: bool, actor: str, reason: str | None, at: datetime) -> Restored:
    """Verify a copy, let its ledger say that it was restored, and put it in the home's place.

    Nothing of the home changes before every checksum was found right and the ledger's entry is durable.

    Raises:
        RefusedError: the home is not empty and was not to be replaced, or the source is no copy.
        StateError: a file is missing, too many, or not what its checksum says.

    """
    if not is_replacing and not _is_empty(home):
        message = f"The home {home.path} is not empty: --replace sets it aside and puts the copy in its place."
        raise RefusedError(message)
    target = home.path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}.restoring")
    remove(draft)
    draft.mkdir(mode=0o700)
    try:
        manifest = _unpack(source, draft)
        unsettled = _mark_restored(Home(draft), manifest, actor, reason, at)
        Home(draft).make()
        for folder in sorted(path for path in draft.rglob("*") if path.is_dir()):
            sync_folder(folder)
        sync_folder(draft)
        set_aside = _set_aside(target)
        draft.rename(target)
    except BaseException:
        remove(draft)
        raise
    sync_folder(target.parent)
    return Restored(manifest, set_aside, unsettled)


def _mark_restored(home: Home, manifest: dict[str, Any], actor: str, reason: str | None, at: datetime) -> int:
    """Journal that the state was restored, and that nobody knows what became of the actions that it holds open."""
    journal = Journal(home.ledger)
    journal.mend()
    last = read_turns(journal).last
    known_at = last.known_at if last else at
    unsettled = read_outbox(journal).in_state(*_UNSETTLED)
    data = {
        "last_seq": str(manifest["last_seq"]),
        "backup_made_at": str(manifest["made_at"]),
        "at": format_instant(at),
        "unsettled_actions": str(len(unsettled)),
    }
    drafts = [home_draft(RESTORED, known_at, actor, data, reason=reason)]
    drafts += [
        Draft(
            kind=ACTION_UNKNOWN,
            known_at=known_at,
            actor=actor,
            role=PERSON_ROLE,
            run_id=RESTORED,
            source=action.target_system,
            source_id=action.key,
            reason=RESTORED,
            data={
                "action_key": action.key,
                "error": "restored from a backup: it may have been sent since, so it is looked up first",
                "retry_at": None,
                "counts": False,
            },
        )
        for action in unsettled
    ]
    journal.append(drafts)
    return len(unsettled)


def _unpack(source: Path, draft: Path) -> dict[str, Any]:
    """Copy a backup's files below the draft folder, and hold each against its checksum."""
    with _members(source) as members:
        manifest: dict[str, Any] | None = None
        found: set[str] = set()
        for name, read in members:
            if name == MANIFEST:
                manifest = _read_manifest(read, source)
                continue
            if manifest is None or name not in {file["file"] for file in manifest["files"]}:
                message = f"The backup {source} holds {name!r}, which its manifest does not name: it is not restored."
                raise StateError(message)
            found.add(name)
            target = draft / _safe(name, source)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with new_file(target) as written:
                shutil.copyfileobj(read, written, 2**20)
                sync_file(written)
    if manifest is None:
        message = f"{source} is no backup: it has no {MANIFEST}."
        raise RefusedError(message)
    for file in manifest["files"]:
        if file["file"] not in found:
            message = f"The backup {source} lacks {file['file']}: it is not restored."
            raise StateError(message)
        if file_sha256(draft / file["file"]) != file["sha256"]:
            message = f"In the backup {source}, {file['file']} is not what its checksum says: it is not restored."
            raise StateError(message)
    return manifest


@contextmanager
def _members(source: Path) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    if source.is_dir():
        yield _folder_members(source)
        return
    try:
        with (
            source.open("rb") as file,
            zstandard.ZstdDecompressor().stream_reader(file) as stream,
            tarfile.open(fileobj=stream, mode="r|") as archive,
        ):
            yield _archive_members(archive)
    except FileNotFoundError as error:
        message = f"There is no backup {source}."
        raise RefusedError(message) from error
    except (tarfile.TarError, zstandard.ZstdError, EOFError) as error:
        message = f"The backup {source} cannot be read: {error}; it is not restored."
        raise StateError(message) from error


def _folder_members(source: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if not (source / MANIFEST).is_file():
        message = f"{source} is no backup: it has no {MANIFEST}."
        raise RefusedError(message)
    others = sorted(p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file() or p.is_symlink())
    for name in (MANIFEST, *(name for name in others if name != MANIFEST)):
        with (source / name).open("rb") as read:
            yield name, read


def _archive_members(archive: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    for member in archive:
        read = archive.extractfile(member) if member.isreg() else None
        if read is None:
            message = f"The backup holds {member.name!r}, which is no plain file: it is not restored."
            raise StateError(message)
        yield member.name, read


def _read_manifest(read: IO[bytes], source: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(read.read())
        files = [(str(file["file"]), str(file["sha256"])) for file in manifest["files"]]
        int(manifest["last_seq"])
        written_as = str(manifest["format"])
    except (ValueError, KeyError, TypeError) as error:
        message = f"The manifest of the backup {source} cannot be read: it is not restored."
        raise StateError(message) from error
    refuse_newer(f"The backup {source}", written_as, frozenset({FORMAT_VERSION}))
    for name, _ in files:
        _safe(name, source)
    return dict(manifest)


def _safe(name: str, source: Path) -> str:
    """Refuse a path that leaves the home."""
    path = PurePosixPath(name)
    is_inside = not path.is_absolute() and ".." not in path.parts and path.as_posix() == name
    is_known = len(path.parts) > 1 and path.parts[0] in _PARTS
    if not (is_inside and is_known and len(name) <= _MAX_NAME_CHARACTERS):
        message = f"The backup {source} names the path {name!r}, which is no part of a home: it is not restored."
        raise StateError(message)
    return name


def _is_empty(home: Home) -> bool:
    if not home.path.exists():
        return True
    return not any(
        path.is_file() or path.is_symlink()
        for top in home.path.iterdir()
        if top.name not in _HARMLESS
        for path in (top, *(top.rglob("*") if top.is_dir() else ()))
    )


def _set_aside(target: Path) -> Path | None:
    if not target.exists():
        return None
    for number in range(1, 1_000):
        aside = target.with_name(f"{target.name}.before-restore-{number}")
        if not os.path.lexists(aside):
            target.rename(aside)
            return aside
    message = f"Too many homes were set aside beside {target}: remove some."
    raise RefusedError(message)
