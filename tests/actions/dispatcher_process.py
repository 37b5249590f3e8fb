"""A dispatcher as a process of its own, to be killed: ``python -m tests.actions.dispatcher_process FOLDER URL SECOND``.

Belongs here: draining a journal to a server over HTTP until nothing is open. Does not belong here: who kills it.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pipeline.actions.dispatch import dispatch
from pipeline.actions.pace import Patience
from pipeline.ledger.journal import Journal
from pipeline.settings import Settings
from resources.outbox_sender import SystemWaiter, open_senders
from tests.actions.hostile_http import PROFILE, RATE
from tests.actions.remote import NOW, TURN, NoWarehouse


def main(folder: Path, url: str, second: float) -> int:
    """Drain once, as of so many seconds after the first one; 0 where nothing is left open."""
    profile = folder / "profile.yaml"
    profile.write_text(PROFILE, encoding="utf-8")
    journal = Journal(folder)
    journal.mend()
    settings = Settings.model_validate(
        {
            "connections": {"trading_grid": {"kind": "rest", "profile": profile, "base_url": url}},
            "targets": {"trading_grid": {"requests_per_second": RATE, "lists_within": "1s"}},
        }
    )
    turn = replace(TURN, now=NOW + timedelta(seconds=second))
    with open_senders(settings) as senders:
        outcome = dispatch(
            NoWarehouse(),
            journal,
            turn,
            settings,
            senders,
            waiter=SystemWaiter(),
            patience=Patience(total_seconds=3, settle_seconds=0.5),
        )
    assert outcome.dead == 0
    return 0 if outcome.pending + outcome.failed + outcome.unknown == 0 else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
