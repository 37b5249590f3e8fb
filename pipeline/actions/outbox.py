"""The outbox: every action ever decided and its state, as a fold over the journal.

Belongs here: the entries' kinds, the states, and the fold that the dispatcher trusts (a table may be a turn
old, the journal never is). ``sql/sync/actions.sql`` is the same fold for everybody else; a test holds them equal.
Does not belong here: which entry is written when (``decide``, ``dispatch``, ``decisions``).

    held_for_approval --approve--> pending --> leased --> sent
           |                          ^          +------> unknown --look up--> sent | leased again
           reject                     |          +------> failed --retry_at--> leased again
           v                        retry        +------> dead
       suppressed <--drop, last look---+---------------------'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

from pipeline.instants import parse_instant
from pipeline.ledger.journal import Entry, Journal

ACTION_DECIDED: Final = "action_decided"
ACTION_LEASED: Final = "action_leased"
ACTION_SENT: Final = "action_sent"
ACTION_UNKNOWN: Final = "action_unknown"
ACTION_FAILED: Final = "action_failed"
ACTION_DEAD: Final = "action_dead"
ACTION_SUPPRESSED: Final = "action_suppressed"
NOTICE_DECIDED: Final = "notice_decided"
DECISION: Final = "decision"
RESTORED: Final = "restored"


class State(StrEnum):
    """What has become of an action."""

    HELD_FOR_APPROVAL = "held_for_approval"
    PENDING = "pending"
    LEASED = "leased"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED = "failed"
    DEAD = "dead"
    SUPPRESSED = "suppressed"


OPEN_STATES: Final = frozenset({State.HELD_FOR_APPROVAL, State.PENDING, State.LEASED, State.UNKNOWN, State.FAILED})
_URGENT_KINDS: Final = frozenset({"withdrawal", "expiry"})
# What nobody asks for once it is sent, and what of a decision the next one is compared with.
_TEXTS: Final = frozenset({"payload", "evidence"})
_COMPARED: Final = ("decision", "reason", "action_key", "until")
_DROPPABLE: Final = frozenset({State.PENDING, State.FAILED, State.UNKNOWN, State.DEAD})


class Action(msgspec.Struct, gc=False):
    """One action: ``data`` is what was decided (without its texts once it is sent), the rest its state.

    ``attempts`` counts leases since it was decided or re-opened, ``counted_failures`` those that speak against
    the action itself (a target that is down does not), ``deaths`` how often it died. Before ``absent_from`` its
    not being listed says nothing: the target may take so long to list it.
    """

    key: str
    seq: int
    run_id: str
    data: Mapping[str, Any]
    state: State
    was_ever_leased: bool = False
    attempts: int = 0
    counted_failures: int = 0
    deaths: int = 0
    retry_at: datetime | None = None
    absent_from: datetime | None = None
    last_error: str | None = None
    is_closed_by_person: bool = False

    @property
    def target_system(self) -> str:
        """Where the effect happens: ``trading_grid``, ``vip``, ``owner``."""
        return str(self.data["target_system"])

    @property
    def operation(self) -> str:
        """What is to be done there."""
        return str(self.data["operation"])

    @property
    def payload(self) -> Mapping[str, Any]:
        """What is sent, as it was decided."""
        payload: Mapping[str, Any] = self.data["payload"]
        return payload

    @property
    def is_urgent(self) -> bool:
        """Whether it goes before the rest: removals, and what its pattern calls urgent."""
        return self.data.get("is_urgent") is True or self.data.get("kind") in _URGENT_KINDS

    @property
    def death(self) -> str:
        """What names this death: an owner is told of each once."""
        return f"{self.key}:{self.deaths}"

    @property
    def batch(self) -> str | None:
        """The batch that waits, or waited, for a person."""
        batch: str | None = self.data.get("batch")
        return batch


@dataclass(slots=True)
class Outbox:
    """All actions by key, batches, the last decision about each candidate, and the deaths that owners were told of.

    ``was_restored``: the journal was once put back from a copy, so a target may know what the journal does not.
    """

    actions: dict[str, Action] = field(default_factory=dict)
    batches: dict[str, list[str]] = field(default_factory=dict)
    notice_decisions: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    alerted: set[str] = field(default_factory=set)
    was_restored: bool = False

    def in_state(self, *states: State) -> list[Action]:
        """Return the actions in these states, in the order in which they were decided."""
        return sorted((a for a in self.actions.values() if a.state in states), key=lambda action: action.seq)

    def apply(self, entry: Entry) -> None:
        """Take one entry of the journal into account."""
        _FOLDS[entry.kind](self, entry)


KINDS: Final = frozenset(
    {
        ACTION_DECIDED,
        ACTION_LEASED,
        ACTION_SENT,
        ACTION_UNKNOWN,
        ACTION_FAILED,
        ACTION_DEAD,
        ACTION_SUPPRESSED,
        NOTICE_DECIDED,
        DECISION,
        RESTORED,
    }
)


def read_outbox(journal: Journal) -> Outbox:
    """Fold the whole journal.

    Raises:
        StateError: the journal cannot be read.

    """
    outbox = Outbox()
    for entry in journal.entries(KINDS):
        outbox.apply(entry)
    return outbox


def without_texts(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was decided without what it says to its receiver, and without its evidence."""
    kept = dict(data)
    for name in _TEXTS:
        kept.pop(name, None)
    return kept


def decision_of(entry: Entry) -> Mapping[str, Any] | None:
    """Return what an entry decides about one candidate notice: ``decision``, ``reason``, ``action_key``, ``until``.

    What is sent, or held for a person, by itself is decided by its action's entry; everything else has one of its own.
    """
    data = entry.data
    if entry.kind == NOTICE_DECIDED:
        return {name: data.get(name) for name in _COMPARED}
    if data.get("decision") is None:
        return None
    return {"decision": data["decision"], "reason": None, "action_key": entry.source_id, "until": None}


def _decided(outbox: Outbox, entry: Entry) -> None:
    key = str(entry.source_id)
    before = outbox.actions.get(key)
    batch = entry.data.get("batch")
    if batch is not None and (before is None or before.batch != batch):
        outbox.batches.setdefault(batch, []).append(key)
    outbox.alerted.update(entry.data.get("about") or ())
    decided = decision_of(entry)
    if decided is not None:
        outbox.notice_decisions[str(entry.data["candidate_key"])] = decided
    outbox.actions[key] = Action(
        key=key,
        seq=entry.seq,
        run_id=entry.run_id,
        data=entry.data,
        state=State.HELD_FOR_APPROVAL if entry.data["needs_approval"] else State.PENDING,
        was_ever_leased=before is not None and before.was_ever_leased,
        deaths=0 if before is None else before.deaths,
    )


def _leased(outbox: Outbox, entry: Entry) -> None:
    action = outbox.actions[str(entry.source_id)]
    action.state = State.LEASED
    action.attempts += 1
    action.was_ever_leased = True


def _sent(outbox: Outbox, entry: Entry) -> None:
    action = outbox.actions[str(entry.source_id)]
    action.state = State.SENT
    action.data = without_texts(action.data)


def _unknown(outbox: Outbox, entry: Entry) -> None:
    action = outbox.actions[str(entry.source_id)]
    action.state = State.UNKNOWN
    action.counted_failures += 1 if entry.data.get("counts", True) else 0
    _remember_error(action, entry)


def _failed(outbox: Outbox, entry: Entry) -> None:
    action = outbox.actions[str(entry.source_id)]
    action.state = State.FAILED
    action.counted_failures += 1 if entry.data.get("counts", True) else 0
    _remember_error(action, entry)


def _dead(outbox: Outbox, entry: Entry) -> None:
    action = outbox.actions[str(entry.source_id)]
    action.state = State.DEAD
    action.deaths += 1
    _remember_error(action, entry)


def _suppressed(outbox: Outbox, entry: Entry) -> None:
    outbox.actions[str(entry.source_id)].state = State.SUPPRESSED


def _notice_decided(outbox: Outbox, entry: Entry) -> None:
    decided = decision_of(entry)
    if decided is not None:
        outbox.notice_decisions[str(entry.source_id)] = decided


def _restored(outbox: Outbox, entry: Entry) -> None:
    del entry
    outbox.was_restored = True


def _remember_error(action: Action, entry: Entry) -> None:
    retry_at = entry.data.get("retry_at")
    absent_from = entry.data.get("absent_from")
    action.retry_at = None if retry_at is None else parse_instant(retry_at)
    action.absent_from = None if absent_from is None else parse_instant(absent_from)
    action.last_error = entry.data.get("error") or action.last_error


def _person_decided(outbox: Outbox, entry: Entry) -> None:
    change = _PERSONS.get(entry.data["kind"])
    subject = entry.data.get("subject")
    if change is None or subject is None:
        return
    for key in outbox.batches.get(subject, [subject]):
        action = outbox.actions.get(key)
        if action is not None:
            change(action)


def _approve(action: Action) -> None:
    if action.state is State.HELD_FOR_APPROVAL:
        action.state = State.PENDING


def _reject(action: Action) -> None:
    if action.state is State.HELD_FOR_APPROVAL:
        action.state = State.SUPPRESSED
        action.is_closed_by_person = True


def _retry(action: Action) -> None:
    if action.state is State.DEAD:
        action.state = State.PENDING
        action.attempts = action.counted_failures = 0
        action.retry_at = None


def _drop(action: Action) -> None:
    if action.state in _DROPPABLE:
        action.state = State.SUPPRESSED
        action.is_closed_by_person = True


_PERSONS: Final[Mapping[str, Callable[[Action], None]]] = {
    "approve": _approve,
    "reject": _reject,
    "retry": _retry,
    "drop": _drop,
}
_FOLDS: Final[Mapping[str, Callable[[Outbox, Entry], None]]] = {
    ACTION_DECIDED: _decided,
    ACTION_LEASED: _leased,
    ACTION_SENT: _sent,
    ACTION_UNKNOWN: _unknown,
    ACTION_FAILED: _failed,
    ACTION_DEAD: _dead,
    ACTION_SUPPRESSED: _suppressed,
    NOTICE_DECIDED: _notice_decided,
    DECISION: _person_decided,
    RESTORED: _restored,
}
