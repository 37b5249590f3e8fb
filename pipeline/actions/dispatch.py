"""Dispatching: every open action is carried out once, or it is said why not.

Belongs here: the drain of the outbox and the last look before sending. Does not belong here: one target's
queue (``target``), HTTP (``resources.outbox_sender``).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pipeline.actions.alerts import OWNER, alerts_due, is_alert_outdated
from pipeline.actions.book import Book
from pipeline.actions.candidates import Recheck, read_rechecks
from pipeline.actions.decide import is_worded_too_long_ago
from pipeline.actions.outbox import ACTION_SENT, ACTION_SUPPRESSED, ACTION_UNKNOWN, OPEN_STATES, Action, State
from pipeline.actions.pace import Breaker, Patience, Rate, Waiter
from pipeline.actions.senders import Sender
from pipeline.actions.target import Drain, Tally, TargetDrain
from pipeline.instants import format_instant
from pipeline.ledger.journal import Draft, Journal, Value
from pipeline.ledger.turns import Turn
from pipeline.settings import Settings
from pipeline.sqlmodels.relations import Connection

NO_LONGER_DUE: Final = "no_longer_due"


@dataclass(frozen=True, slots=True)
class DispatchOutcome:
    """``sent``, ``suppressed``, ``dead`` count what this drain did; the others what is left as it ends."""

    sent: int
    suppressed: int
    failed: int
    dead: int
    unknown: int
    waiting_for_approval: int
    pending: int
    requests: int
    messages: tuple[str, ...]


def dispatch(  # noqa: PLR0913 - what a drain needs of its caller
    connection: Connection,
    journal: Journal,
    turn: Turn,
    settings: Settings,
    senders: Mapping[str, Sender],
    *,
    waiter: Waiter,
    patience: Patience | None = None,
    dice: random.Random | None = None,
) -> DispatchOutcome:
    """Drain the outbox: what is due now, and what falls due while waiting a little.

    ``senders`` is by target system (``trading_grid``, ``owner``); what has none stays pending.

    Raises:
        StateError: the journal cannot be read.
        OSError: the journal cannot be written; what was under way is unknown, and looked up by the next drain.

    """
    book = Book(journal)
    drain = Drain(
        book=book,
        turn=turn,
        waiter=waiter,
        patience=patience or Patience(),
        dice=dice or random.Random(turn.id),  # noqa: S311 - jitter
        max_attempts=settings.notices.max_attempts,
        tally=Tally(),
    )
    rechecks = read_rechecks(connection)
    _give_up_abandoned_leases(drain)
    _look_again(drain, rechecks)
    targets = sorted({action.target_system for action in book.outbox.in_state(*OPEN_STATES)} - {OWNER})
    for target in targets:
        _drain_target(drain, target, senders, rechecks, settings)
    book.write(alerts_due(book.outbox, turn))
    _look_again(drain, {})
    _drain_target(drain, OWNER, senders, {}, settings)
    return _outcome(drain, senders)


def _drain_target(
    drain: Drain, target: str, senders: Mapping[str, Sender], rechecks: Mapping[str, Recheck], settings: Settings
) -> None:
    sender = senders.get(target)
    if sender is None:
        return
    patience = drain.patience
    rate = Rate(settings.notices.requests_per_second, drain.waiter)
    breaker = Breaker(patience.breaker_failures, patience.breaker_seconds, drain.waiter.elapsed_seconds)
    TargetDrain(drain, target, sender, rechecks, rate, breaker).run()


def _give_up_abandoned_leases(drain: Drain) -> None:
    """A lease that is found when a drain begins is of a run that ended in between: nobody knows what came of it."""
    retry_at = drain.turn.now + timedelta(seconds=drain.patience.settle_seconds)
    error = "the run ended before the answer was known"
    drain.book.write(
        [
            drain.turn.draft(
                ACTION_UNKNOWN,
                {"action_key": action.key, "error": error, "retry_at": format_instant(retry_at)},
                source=action.target_system,
                source_id=action.key,
            )
            for action in drain.book.outbox.in_state(State.LEASED)
        ]
    )


def _look_again(drain: Drain, rechecks: Mapping[str, Recheck]) -> None:
    """Suppress what is not to be sent any more, and take as sent what the target lists already."""
    drafts: list[Draft] = []
    for action in drain.book.outbox.in_state(*OPEN_STATES):
        recheck = rechecks.get(action.key)
        if recheck is not None and recheck.verdict == "found":
            data: dict[str, Value] = {"action_key": action.key, "remote_id": recheck.remote_id, "how": "found"}
            drafts.append(drain.turn.draft(ACTION_SENT, data, source=action.target_system, source_id=action.key))
            drain.tally.sent += 1
            continue
        reason = _suppression(action, recheck, drain)
        # What may have been sent already is looked up first; only if it is not there, it is suppressed.
        if reason is not None and action.state is not State.UNKNOWN:
            drafts.append(drain.suppression(action, reason))
    drain.book.write(drafts)
    drain.tally.suppressed += sum(1 for draft in drafts if draft.kind == ACTION_SUPPRESSED)


def _suppression(action: Action, recheck: Recheck | None, drain: Drain) -> str | None:
    if action.target_system == OWNER:
        return NO_LONGER_DUE if is_alert_outdated(action, drain.book.outbox) else None
    return recheck.reason if recheck is not None and recheck.verdict == "suppress" else None


def _outcome(drain: Drain, senders: Mapping[str, Sender]) -> DispatchOutcome:
    outbox = drain.book.outbox
    left = Counter(action.state for action in outbox.actions.values())
    return DispatchOutcome(
        sent=drain.tally.sent,
        suppressed=drain.tally.suppressed,
        failed=left[State.FAILED],
        dead=drain.tally.dead,
        unknown=left[State.UNKNOWN] + left[State.LEASED],
        waiting_for_approval=left[State.HELD_FOR_APPROVAL],
        pending=left[State.PENDING],
        requests=drain.tally.requests,
        messages=tuple(_messages(drain, senders)),
    )


def _messages(drain: Drain, senders: Mapping[str, Sender]) -> list[str]:
    waiting = drain.book.outbox.in_state(State.PENDING, State.FAILED, State.UNKNOWN)
    messages = []
    for target, count in sorted(Counter(a.target_system for a in waiting if a.target_system not in senders).items()):
        remedy = (
            "set alerts.url in the configuration"
            if target == OWNER
            else f"a connection of kind 'rest' to {target} that names writes in its profile would carry them out"
        )
        messages.append(f"Pending for {target}, which nothing here can write to: {count}; {remedy}.")
    stale = sum(1 for action in waiting if is_worded_too_long_ago(action, drain.turn.now))
    if stale:
        messages.append(f"Notices that waited long, and that the next turn words anew before they are sent: {stale}.")
    messages += [f"{target} is not answering: {error}" for target, error in sorted(drain.tally.down.items())]
    return messages
