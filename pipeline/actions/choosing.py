"""Choosing: what is decided about each candidate of a turn, as a function of what is given.

Belongs here: the order of the policies over the candidates. Does not belong here: the policies themselves
(``pipeline.actions.policies``), wording and the journal (``pipeline.actions.drafting``).

The same candidates, the same outbox and the same turn give the same choices: a decision can be replayed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from pipeline.actions.candidates import Candidate
from pipeline.actions.keys import action_key, joined
from pipeline.actions.outbox import Action, Outbox, State
from pipeline.actions.policies import DIGEST, History, Windows, always_needs_approval, way_of
from pipeline.actions.wording import POST_NOTICE, is_worded_too_long_ago
from pipeline.instants import format_instant
from pipeline.notice_settings import Notices

PENDING: Final = "pending"
HELD: Final = "held_for_approval"
DIGESTED: Final = "digested"
DEFERRED: Final = "deferred"
SUPPRESSED: Final = "suppressed"
ESCALATION: Final = "escalation"
QUIET_HOURS: Final = "quiet_hours"
NEXT_DIGEST: Final = "next_digest"
CAP: Final = "cap"
DUPLICATE: Final = "duplicate"
NOT_IN_AUDIENCE: Final = "not_in_audience"
MOST_IN_A_DIGEST: Final = 50


class Choice(msgspec.Struct, gc=False):
    """What is decided about one candidate: ``key`` names its action, if it has one, ``until`` when a deferral ends.

    ``before`` is the action of that key that is worded anew.
    """

    candidate: Candidate
    key: str | None
    decision: str
    reason: str | None = None
    until: str | None = None
    batch: str | None = None
    before: Action | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """Candidates that go as one action: a partner's digest, or what escalates to one owner."""

    key: str
    kind: str
    receiver: str | None
    choices: Sequence[Choice]
    batch: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A turn's choices; ``partners`` would be notified, of ``active_partners``."""

    choices: Sequence[Choice]
    digests: Sequence[Collection]
    escalations: Sequence[Collection]
    partners: int
    active_partners: int
    is_too_large: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a turn's choices depend on, beside its candidates."""

    outbox: Outbox
    turn_id: str
    now: datetime
    notices: Notices
    posted_keys: frozenset[str]
    outsiders: frozenset[str]
    active_partners: int


def make_plan(candidates: Sequence[Candidate], given: Given) -> Plan:
    """Choose what happens to each candidate that is not settled."""
    return _Chooser(given).plan(candidates)


class _Chooser:
    """One turn's policies at work."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._notices = given.notices
        self._windows = Windows(given.notices.send_window, given.now)
        self._history = History(given.outbox.actions.values(), given.notices, given.now)
        self._now_text = format_instant(given.now)

    def plan(self, candidates: Sequence[Candidate]) -> Plan:
        open_ones = [choice for choice in map(self._first_look, candidates) if choice is not None]
        to_owners: defaultdict[str | None, list[Choice]] = defaultdict(list)
        to_partners: defaultdict[str, list[Choice]] = defaultdict(list)
        for choice in open_ones:
            if choice.decision == PENDING and choice.candidate.kind == ESCALATION:
                to_owners[choice.candidate.owner].append(choice)
            elif choice.decision == PENDING and choice.before is None:
                to_partners[choice.candidate.partner_id].append(choice)
        collected: list[tuple[str, list[Choice]]] = []
        for partner_id, own in to_partners.items():
            digest = self._for_partner(partner_id, own)
            if digest:
                collected.append((partner_id, digest))
        partners = self._recipients(open_ones)
        is_too_large = self._is_too_large(len(partners))
        for choice in open_ones:
            self._hold(choice, is_too_large=is_too_large)
        digests = [one for partner_id, own in collected for one in self._digests(partner_id, own, is_too_large)]
        escalations = [self._escalation(owner, own) for owner, own in to_owners.items()]
        return Plan(open_ones, digests, escalations, len(partners), self._given.active_partners, is_too_large)

    def _first_look(self, candidate: Candidate) -> Choice | None:
        """Return what may be done about a candidate, None where it is settled."""
        outbox = self._given.outbox
        key = action_key(candidate.candidate_key, redirect_to=self._notices.redirect_to)
        action = outbox.actions.get(key)
        if _is_settled(action):
            is_to_be_worded_anew = candidate.suppression_reason is None and is_worded_too_long_ago(
                action, self._given.now
            )
            return Choice(candidate, key, PENDING, before=action) if is_to_be_worded_anew else None
        last = outbox.notice_decisions.get(candidate.candidate_key)
        if last is not None and last["decision"] == DIGESTED and _is_settled(outbox.actions.get(last["action_key"])):
            return None
        reason = candidate.suppression_reason or self._own_reason(candidate, key)
        return Choice(candidate, None, SUPPRESSED, reason) if reason else Choice(candidate, key, PENDING)

    def _own_reason(self, candidate: Candidate, key: str) -> str | None:
        if key in self._given.posted_keys:
            return DUPLICATE
        is_outside = candidate.partner_id in self._given.outsiders and candidate.kind != ESCALATION
        return NOT_IN_AUDIENCE if is_outside else None

    def _for_partner(self, partner_id: str, choices: Sequence[Choice]) -> list[Choice]:
        """Apply windows, digests and caps to what one partner may be sent; return what is collected."""
        zone = choices[0].candidate.zone or "UTC"
        closed_until = self._windows.closed_until(zone)
        digest = self._notices.digest
        waiting: list[Choice] = []
        for choice in choices:
            candidate = choice.candidate
            if candidate.is_urgent:
                self._history.add(partner_id, zone, candidate.kind)
            elif closed_until is not None and not self._has_waited(candidate):
                _defer(choice, QUIET_HOURS, closed_until)
            elif digest.every != "off" and candidate.kind in digest.kinds:
                waiting.append(choice)
            else:
                self._if_there_is_room(choice, zone)
        sent = self._history.of(partner_id, zone)
        way = way_of(digest, len(waiting), sent) if waiting else "single"
        if way == "digest" and self._history.has_room(sent):
            self._history.add(partner_id, zone, DIGEST)
            return waiting
        for choice in waiting:
            if way == "later":
                _defer(choice, NEXT_DIGEST, self._history.next_period(zone))
            else:
                self._if_there_is_room(choice, zone)
        return []

    def _has_waited(self, candidate: Candidate) -> bool:
        """Say whether the window opened and closed again since it was deferred: turns are too rare, it goes now."""
        last = self._given.outbox.notice_decisions.get(candidate.candidate_key)
        return (
            last is not None
            and last["decision"] == DEFERRED
            and last["reason"] == QUIET_HOURS
            and (last.get("until") or "") <= self._now_text
        )

    def _if_there_is_room(self, choice: Choice, zone: str) -> None:
        candidate = choice.candidate
        if self._history.has_room(self._history.of(candidate.partner_id, zone)):
            self._history.add(candidate.partner_id, zone, candidate.kind)
        else:
            choice.key, choice.decision, choice.reason = None, SUPPRESSED, CAP

    def _recipients(self, choices: Sequence[Choice]) -> set[str]:
        """Return whom this turn notifies, now or when a window opens, with what it decided before a crash."""
        redirect_to = self._notices.redirect_to
        of_this_turn = [
            action
            for action in self._given.outbox.actions.values()
            if action.run_id == self._given.turn_id and action.operation == POST_NOTICE
        ]
        recipients = {str(action.data["redirect_to"] or action.data["partner_id"]) for action in of_this_turn}
        recipients |= {
            redirect_to or choice.candidate.partner_id
            for choice in choices
            if choice.decision in {PENDING, DEFERRED} and choice.before is None and choice.candidate.kind != ESCALATION
        }
        return recipients

    def _is_too_large(self, partners: int) -> bool:
        above = self._notices.approve_above
        if any(
            action.run_id == self._given.turn_id and action.batch == self._given.turn_id
            for action in self._given.outbox.actions.values()
        ):
            return True
        return above.is_passed_by(partners, self._given.active_partners)

    def _hold(self, choice: Choice, *, is_too_large: bool) -> None:
        """Let a person look first, at the whole of a turn that is too large, or at what always needs a look."""
        candidate = choice.candidate
        if choice.before is not None or candidate.kind == ESCALATION or choice.decision not in {PENDING, DEFERRED}:
            return
        if is_too_large:
            choice.decision, choice.reason, choice.until = HELD, None, None
            choice.key = action_key(candidate.candidate_key, redirect_to=self._notices.redirect_to)
            choice.batch = self._given.turn_id
        elif choice.decision == PENDING and always_needs_approval(
            self._notices.approve_always, candidate.kind, candidate.classification
        ):
            choice.decision = HELD
            choice.batch = f"{self._given.turn_id}-rules"

    def _digests(self, partner_id: str, choices: Sequence[Choice], is_too_large: bool) -> list[Collection]:  # noqa: FBT001 - its caller names it
        """Collect what no person has to see first, or, of a turn that is too large, everything."""
        collected = [choice for choice in choices if is_too_large or choice.decision == PENDING]
        made = []
        for start in range(0, len(collected), MOST_IN_A_DIGEST):
            part = collected[start : start + MOST_IN_A_DIGEST]
            text = joined(DIGEST, partner_id, self._given.turn_id, part[0].candidate.candidate_key)
            key = action_key(text, redirect_to=self._notices.redirect_to)
            for choice in part:
                choice.key, choice.decision, choice.batch = key, DIGESTED, None
            batch = self._given.turn_id if is_too_large else None
            made.append(Collection(key, DIGEST, partner_id, part, batch))
        return made

    def _escalation(self, owner: str | None, choices: Sequence[Choice]) -> Collection:
        key = action_key(joined("owner", ESCALATION, owner or "", self._given.turn_id))
        for choice in choices:
            choice.key, choice.decision = key, DIGESTED
        return Collection(key, ESCALATION, owner, choices)


def _is_settled(action: Action | None) -> bool:
    return action is not None and (action.state is not State.SUPPRESSED or action.is_closed_by_person)


def _defer(choice: Choice, reason: str, until: datetime) -> None:
    choice.key, choice.decision, choice.reason, choice.until = None, DEFERRED, reason, format_instant(until)
