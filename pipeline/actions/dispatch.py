"""Dispatching: every open action is carried out once, or it is said why not.

Belongs here: the drain of the outbox and the last look before sending. Does not belong here: one target's
queue (``target``), HTTP (``resources.outbox_sender``).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from pipeline.actions.alerts import OWNER, alerts_due, is_alert_outdated
from pipeline.actions.book import Book
from pipeline.actions.candidates import Recheck, read_rechecks
from pipeline.actions.outbox import ACTION_SENT, ACTION_SUPPRESSED, ACTION_UNKNOWN, OPEN_STATES, Action, State
from pipeline.actions.pace import Limits, Patience, Waiter
from pipeline.actions.senders import Sender
from pipeline.actions.target import Drain, Due, Tally, TargetDrain
from pipeline.actions.wording import is_worded_too_long_ago
from pipeline.channel_settings import Target
from pipeline.channels.routing import CHANNEL_PREFIX, copies_due, copies_that_follow, read_contacts
from pipeline.ledger.journal import Draft, Journal, Value
from pipeline.ledger.turns import Turn
from pipeline.settings import Settings
from pipeline.sqlmodels.relations import Connection
from pipeline.streams import System

NO_LONGER_DUE: Final = "no_longer_due"
_SHORTEST_WAIT_SECONDS: Final = 0.001


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
    patience = patience or Patience()
    rechecks = read_rechecks(connection)
    with ThreadPoolExecutor(patience.threads, thread_name_prefix="dispatch") as threads:
        drain = Drain(
            book=book,
            turn=turn,
            waiter=waiter,
            patience=patience,
            dice=dice or random.Random(turn.id),  # noqa: S311 - jitter
            tally=Tally(),
            threads=threads,
        )
        _give_up_abandoned_leases(drain, settings)
        contacts = read_contacts(connection) if settings.channels else {}
        book.write(copies_due(book.outbox, turn, settings, contacts))
        _look_again(drain, rechecks, senders)
        systems = {action.target_system for action in book.outbox.in_state(*OPEN_STATES)} & set(System)
        _drain_targets(drain, sorted(systems), senders, rechecks, settings)
        book.write(alerts_due(book.outbox, turn))
        book.write(copies_due(book.outbox, turn, settings, contacts))
        after = {**rechecks, **copies_that_follow(book.outbox)}
        _look_again(drain, after, senders)
        others = {action.target_system for action in book.outbox.in_state(*OPEN_STATES)} - set(System)
        _drain_targets(drain, sorted(others), senders, after, settings)
        return _outcome(drain, senders)


def _drain_targets(
    drain: Drain,
    targets: Sequence[str],
    senders: Mapping[str, Sender],
    rechecks: Mapping[str, Recheck],
    settings: Settings,
) -> None:
    """Drain the targets that have a door side by side: a slow one, or one that is down, holds back no other."""
    drains = [
        TargetDrain(drain, target, senders[target], rechecks, limits_of(settings, target))
        for target in targets
        if target in senders
    ]
    ends_at = drain.waiter.elapsed_seconds() + drain.patience.longest_seconds
    idle_seconds = 0.0
    while drain.waiter.elapsed_seconds() < ends_at:
        if any([one.step() for one in drains]):  # noqa: C419 - each of them takes its step
            continue
        dues = [due for one in drains if (due := one.falls_due()) is not None]
        patience_left = drain.patience.total_seconds - idle_seconds
        now = drain.waiter.elapsed_seconds()
        dues = [due for due in dues if not due.is_idle or due.second - now <= patience_left]
        if not dues:
            return
        due = min(dues, key=_second)
        seconds = max(due.second - now, _SHORTEST_WAIT_SECONDS)
        idle_seconds += seconds if due.is_idle else 0.0
        drain.waiter.wait(seconds)
    drain.tally.left_over += sum(one.left_over for one in drains)


def _second(due: Due) -> float:
    return due.second


def limits_of(settings: Settings, target: str) -> Limits:
    """Return what a target bears: as ``targets`` says, else its channel, else ``notices``."""
    own = settings.targets.get(target, Target())
    channel = settings.channels.get(target.removeprefix(CHANNEL_PREFIX)) if target.startswith(CHANNEL_PREFIX) else None
    usual = settings.notices.requests_per_second if channel is None else channel.requests_per_second
    return Limits(
        requests_per_second=own.requests_per_second or usual,
        lists_within_seconds=own.lists_within.total_seconds(),
        max_attempts=own.max_attempts or settings.notices.max_attempts,
    )


def _give_up_abandoned_leases(drain: Drain, settings: Settings) -> None:
    """A lease that is found when a drain begins is of a run that ended in between: nobody knows what came of it."""
    settle_seconds = drain.patience.settle_seconds
    retry_at = drain.instant_after(settle_seconds)
    error = "the run ended before the answer was known"

    def absent_from(action: Action) -> str:
        lists_within = limits_of(settings, action.target_system).lists_within_seconds
        return drain.instant_after(max(settle_seconds, lists_within))

    drain.book.write(
        [
            drain.turn.draft(
                ACTION_UNKNOWN,
                {
                    "action_key": action.key,
                    "error": error,
                    "retry_at": retry_at,
                    "absent_from": absent_from(action),
                },
                source=action.target_system,
                source_id=action.key,
            )
            for action in drain.book.outbox.in_state(State.LEASED)
        ]
    )


def _look_again(drain: Drain, rechecks: Mapping[str, Recheck], senders: Mapping[str, Sender]) -> None:
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
        # What may have been sent already is looked up first; only if it is not there, it is suppressed. What cannot be
        # looked up was settled by the tables: they are of after the attempt.
        sender = senders.get(action.target_system)
        is_to_be_looked_up = action.state is State.UNKNOWN and (
            sender is None or sender.list_of(action.operation) is not None
        )
        if reason is not None and not is_to_be_looked_up:
            drafts.append(drain.suppression(action, reason))
    drain.book.write(drafts)
    drain.tally.suppressed += sum(1 for draft in drafts if draft.kind == ACTION_SUPPRESSED)


def _suppression(action: Action, recheck: Recheck | None, drain: Drain) -> str | None:
    if recheck is not None and recheck.verdict == "suppress":
        return recheck.reason
    is_alert = action.target_system == OWNER
    return NO_LONGER_DUE if is_alert and is_alert_outdated(action, drain.book.outbox) else None


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


def _remedy(target: str) -> str:
    if target == OWNER:
        return "set alerts.url in the configuration, or a channel for owners"
    if target.startswith(CHANNEL_PREFIX):
        return f"the configuration has no channel {target.removeprefix(CHANNEL_PREFIX)!r} any more"
    return f"a connection of kind 'rest' to {target} that names writes in its profile would carry them out"


def _messages(drain: Drain, senders: Mapping[str, Sender]) -> list[str]:
    waiting = drain.book.outbox.in_state(State.PENDING, State.FAILED, State.UNKNOWN)
    messages = []
    for target, count in sorted(Counter(a.target_system for a in waiting if a.target_system not in senders).items()):
        messages.append(f"Pending for {target}, which nothing here can write to: {count}; {_remedy(target)}.")
    stale = sum(1 for action in waiting if is_worded_too_long_ago(action, drain.turn.now))
    if stale:
        messages.append(f"Notices that waited long, and that the next turn words anew before they are sent: {stale}.")
    if drain.tally.left_over:
        left_over = drain.tally.left_over
        messages.append(
            f"Left over, because this drain took its longest: {left_over}; the next drain goes on with them."
        )
    messages += [f"{target} is not answering: {error}" for target, error in sorted(drain.tally.down.items())]
    return messages
