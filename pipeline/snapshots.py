"""Published snapshots that are read: held while they are, removed when they are old and nobody holds them.

Belongs here: the reader's hold and the cleaning. Does not belong here: writing a snapshot (``pipeline.publish``).

A reader holds a shared lock on the snapshot's manifest; the system frees it however the reader ends. Cleaning takes the
lock for itself, or leaves the snapshot to the next cleaning. Other programs can hold one in the same way
(``flock --shared``, docs/keeping.md).
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

MANIFEST: Final = "manifest.json"
SNAPSHOTS_KEPT: Final = 3
_MOST_TRIES: Final = 100


@contextmanager
def held_snapshot(link: Path) -> Iterator[tuple[Path, dict[str, Any]] | None]:
    """Hold the snapshot that a link points to, and give its folder and manifest; None where there is none."""
    held = _hold(link)
    if held is None:
        yield None
        return
    folder, descriptor = held
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        yield folder, manifest
    finally:
        os.close(descriptor)


def clean(snapshots: Path, kind: str, *, keep: Path) -> None:
    """Remove the snapshots of a kind but the last few, and those that somebody reads."""
    own = sorted((f for f in snapshots.glob(f"{kind}-*") if f != keep), key=lambda f: f.stat().st_mtime_ns)
    for folder in own[: -(SNAPSHOTS_KEPT - 1)]:
        _remove(folder)


def _hold(link: Path) -> tuple[Path, int] | None:
    """Return a snapshot's folder and its locked manifest; one that is removed at this moment is not taken."""
    for _ in range(_MOST_TRIES):
        folder = link.resolve()
        try:
            descriptor = os.open(folder / MANIFEST, os.O_RDONLY)
        except FileNotFoundError:
            if not link.exists():
                return None
            continue
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if os.fstat(descriptor).st_nlink > 0:
            return folder, descriptor
        os.close(descriptor)
    return None


def _remove(folder: Path) -> None:
    manifest = folder / MANIFEST
    try:
        descriptor = os.open(manifest, os.O_RDONLY)
    except FileNotFoundError:
        # Never finished, or half removed: nobody can hold it.
        shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        manifest.unlink()
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)
