"""Signs of life: one locked file per Dagster run, so that anybody can tell whether its process is still there.

Belongs here: holding the file, and asking. Does not belong here: what is done about a run whose process is
gone (``assets_defs``), the warehouse's lock (``resources.warehouse``).

The system frees a lock when its process ends, however it ends; process numbers come again, locks do not lie.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from pipeline.home import Home

_KEPT_SECONDS: Final = 86_400
_held: Final[dict[str, int]] = {}


def hold_sign(home: Home, run_id: str) -> None:
    """Lock the run's file until ``release_sign``, or until the process ends."""
    folder = _folder(home)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _sweep(folder)
    descriptor = os.open(folder / run_id, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    _held[run_id] = descriptor


def release_sign(run_id: str) -> None:
    """Free the run's file: its end is on record."""
    descriptor = _held.pop(run_id, None)
    if descriptor is not None:
        os.close(descriptor)


def is_alive(home: Home, run_id: str) -> bool | None:
    """Say whether the run's process is there; None where it never gave a sign."""
    try:
        descriptor = os.open(_folder(home) / run_id, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _folder(home: Home) -> Path:
    return home.dagster / "alive"


def _sweep(folder: Path) -> None:
    for path in folder.iterdir():
        if time.time() - path.stat().st_mtime > _KEPT_SECONDS:
            path.unlink(missing_ok=True)
