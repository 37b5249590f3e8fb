"""A person's decisions: recorded with who and why, refused where they make no sense.

Belongs here: the kinds, what each may be about, the entry. Does not belong here: what a decision changes (folds:
``pipeline.actions.outbox``, ``sql/core/decisions.sql``).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pipeline.actions.keys import joined
from pipeline.actions.outbox import DECISION, Action, Outbox, State, read_outbox
from pipeline.errors import RefusedError
from pipeline.instants import format_instant
from pipeline.ledger.journal import PERSON_ROLE, Draft, Journal, Value
from pipeline.ledger.turns import Turn
from pipeline.sqlmodels.relations import Connection

KINDS: Final = ("exempt", "approve", "reject", "snooze", "retry", "drop", "release", "review")
_NAMESPACE: Final = uuid.UUID("0d6f3a1e-4b52-5c63-8f0b-7a9e21c4d5f6")
_ABOUT_PAIRS: Final = frozenset({"exempt", "snooze"})
_ABOUT_DEATHS: Final = frozenset({"retry", "drop"})
_APPLIES_TO: Final[Mapping[str, frozenset[State]]] = {
    "approve": frozenset({State.HELD_FOR_APPROVAL}),
    "reject": frozenset({State.HELD_FOR_APPROVAL}),
    "retry": frozenset({State.DEAD}),
    "drop": frozenset({State.PENDING, State.FAILED, State.UNKNOWN, State.DEAD}),
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision that is in the journal; ``actions`` = how many it changed, ``is_new`` False where it was there."""

    decision_id: str
    actions: int
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is decided about: a key (of an action, a batch, a candidate, a record), or a partner's asset or version."""

    key: str | None = None
    partner_id: str | None = None
    asset_id: str | None = None
    version_no: int | None = None


def record_decision(  # noqa: PLR0913 - who, what, about what, why, from when to when
    journal: Journal,
    turn: Turn,
    kind: str,
    subject: Subject,
    *,
    actor: str,
    reason: str,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
    connection: Connection | None = None,
) -> Recorded:
    """Record one decision; the very same one at the same instant is recorded once.

    ``turn`` gives the clocks: the last turn, or one made for now. ``connection`` is needed where the decision is about
    a partner, asset or version: it has to exist.

    Raises:
        RefusedError: an unknown kind, no actor, no reason, an empty span, a subject that does not exist, or a
            decision that would change nothing.
        StateError: the journal cannot be read.

    """
    _check_form(kind, subject, actor, reason, (valid_from, valid_to))
    starts_at = valid_from or turn.now
    decision_id = _identity(kind, subject, actor, reason, starts_at, valid_to)
    outbox = read_outbox(journal)
    if any(entry.source_id == decision_id for entry in journal.entries(frozenset({DECISION}))):
        return Recorded(decision_id, 0, is_new=False)
    actions = _actions_of(kind, subject, outbox) if kind in _APPLIES_TO else 0
    if kind in _ABOUT_PAIRS:
        _check_pair(kind, subject, outbox, connection)
    span = (starts_at, valid_to)
    journal.append([_draft(turn, decision_id, kind, subject, actor=actor, reason=reason, span=span)])
    return Recorded(decision_id, actions, is_new=True)


def decide_dead(journal: Journal, turn: Turn, kind: str, *, target: str | None, actor: str, reason: str) -> Recorded:
    """Retry or drop every dead action, or every one of a target: one decision each, so that each says who and why.

    Raises:
        RefusedError: another kind, no actor, no reason, or nothing is dead there.
        StateError: the journal cannot be read.

    """
    if kind not in _ABOUT_DEATHS:
        message = f"All that is dead can be decided to {' or to '.join(sorted(_ABOUT_DEATHS))}, not to {kind}."
        raise RefusedError(message)
    dead = [a for a in read_outbox(journal).in_state(State.DEAD) if target is None or a.target_system == target]
    if not dead:
        where = "" if target is None else f" of target {target!r}"
        message = f"No action{where} is dead, so there is nothing to {kind}; `vipgrid status` lists what waits."
        raise RefusedError(message)
    drafts = []
    for action in dead:
        subject = Subject(key=action.key)
        _check_form(kind, subject, actor, reason, (None, None))
        # An action dies more than once: each death is decided about anew, even at the same instant.
        decision_id = _identity(kind, Subject(key=action.death), actor, reason, turn.now, None)
        drafts.append(_draft(turn, decision_id, kind, subject, actor=actor, reason=reason, span=(turn.now, None)))
    journal.append(drafts)
    return Recorded(str(drafts[0].source_id), len(drafts), is_new=True)


def _draft(  # noqa: PLR0913 - a decision's parts
    turn: Turn,
    decision_id: str,
    kind: str,
    subject: Subject,
    *,
    actor: str,
    reason: str,
    span: tuple[datetime, datetime | None],
) -> Draft:
    valid_from, valid_to = span
    data: dict[str, Value] = {
        "decision_id": decision_id,
        "kind": kind,
        "subject": subject.key,
        "partner_id": subject.partner_id,
        "asset_id": subject.asset_id,
        "version_no": None if subject.version_no is None else str(subject.version_no),
        "valid_from": format_instant(valid_from),
        "valid_to": None if valid_to is None else format_instant(valid_to),
    }
    return Draft(
        kind=DECISION,
        known_at=turn.known_at,
        actor=actor.strip(),
        role=PERSON_ROLE,
        run_id=turn.id,
        data=data,
        source="decisions",
        source_id=decision_id,
        occurred_at=turn.now,
        reason=reason.strip(),
    )


def _check_form(
    kind: str, subject: Subject, actor: str, reason: str, span: tuple[datetime | None, datetime | None]
) -> None:
    if kind not in KINDS:
        message = f"There is no decision {kind!r}; there are {', '.join(KINDS)}."
        raise RefusedError(message)
    if not actor.strip():
        message = f"Who decides to {kind}? Name the person with --actor."
        raise RefusedError(message)
    if not reason.strip():
        message = f"A decision to {kind} needs a reason: say it with --reason."
        raise RefusedError(message)
    if not subject.key and not subject.partner_id:
        message = f"A decision to {kind} needs a subject: a key, or a partner."
        raise RefusedError(message)
    if kind not in _ABOUT_PAIRS and not subject.key:
        message = f"A decision to {kind} is about a key, not about a partner."
        raise RefusedError(message)
    valid_from, valid_to = span
    if valid_from is not None and valid_to is not None and valid_to <= valid_from:
        message = f"A decision to {kind} cannot end at {valid_to.isoformat()}, before it begins."
        raise RefusedError(message)


def _actions_of(kind: str, subject: Subject, outbox: Outbox) -> int:
    key = subject.key or ""
    actions = [outbox.actions[one] for one in outbox.batches.get(key, [key]) if one in outbox.actions]
    if not actions:
        message = f"There is no action and no batch {key!r} to {kind}; `vipgrid status` lists them."
        raise RefusedError(message)
    fitting = [action for action in actions if action.state in _APPLIES_TO[kind]]
    if not fitting:
        wanted = " or ".join(sorted(_APPLIES_TO[kind]))
        message = f"Nothing of {key!r} can be decided to {kind}: it is {_states(actions)}, not {wanted}."
        raise RefusedError(message)
    return len(fitting)


def _states(actions: list[Action]) -> str:
    return ", ".join(sorted({action.state.value for action in actions}))


def _check_pair(kind: str, subject: Subject, outbox: Outbox, connection: Connection | None) -> None:
    if subject.key is not None:
        if kind == "snooze" and subject.key in outbox.notice_decisions:
            return
        message = f"There is no notice {subject.key!r} to {kind}; name a partner, or a candidate's key for a snooze."
        raise RefusedError(message)
    if connection is None:
        message = f"A decision to {kind} needs the warehouse, to know its subject: run `vipgrid sync` first."
        raise RefusedError(message)
    for table, wanted in _rows_named(subject):
        if not _exists(connection, table, wanted):
            named = ", ".join(f"{column} {value!r}" for column, value in wanted.items())
            message = f"There is no {named} in {table} to {kind}; `vipgrid status` says what was synced."
            raise RefusedError(message)


def _rows_named(subject: Subject) -> list[tuple[str, dict[str, str | int]]]:
    rows: list[tuple[str, dict[str, str | int]]] = [("core.partners", {"partner_id": subject.partner_id or ""})]
    if subject.asset_id is not None:
        rows.append(("core.assets", {"asset_id": subject.asset_id}))
        if subject.version_no is not None:
            rows.append(("core.asset_versions", {"asset_id": subject.asset_id, "version_no": subject.version_no}))
    return rows


def _exists(connection: Connection, table: str, wanted: Mapping[str, str | int]) -> bool:
    conditions = " and ".join(f"{column} = ${column}" for column in wanted)
    rows = connection.sql(f"select 1 from {table} where {conditions} limit 1", params=dict(wanted)).fetchall()  # noqa: S608 - names of ours
    return bool(rows)


def _identity(
    kind: str, subject: Subject, actor: str, reason: str, valid_from: datetime, valid_to: datetime | None
) -> str:
    version = "" if subject.version_no is None else str(subject.version_no)
    until = "" if valid_to is None else format_instant(valid_to)
    parts = (subject.key or "", subject.partner_id or "", subject.asset_id or "", version)
    return str(
        uuid.uuid5(_NAMESPACE, joined(kind, *parts, actor.strip(), reason.strip(), format_instant(valid_from), until))
    )
