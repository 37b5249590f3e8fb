"""Deciding: from what is due to what will be sent, held, or suppressed, each decision journalled once.

Belongs here: comparing the candidates with the journal, freezing payloads, the volume threshold.
Does not belong here: what is due (``sql/sync/notice_candidates.sql``), wording (``pipeline.notices``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pipeline.actions.alerts import alerts_due
from pipeline.actions.book import Book
from pipeline.actions.candidates import Candidate, count_active_partners, read_candidates, read_posted_keys
from pipeline.actions.keys import action_key
from pipeline.actions.outbox import ACTION_DECIDED, NOTICE_DECIDED, Action, Outbox, State
from pipeline.instants import format_instant, parse_instant
from pipeline.ledger.journal import Draft, Journal, Value
from pipeline.ledger.turns import Turn
from pipeline.notices.facts import NoticeFacts, read_facts
from pipeline.notices.render import evidence_of, render_notice
from pipeline.notices.templates import Templates, load_templates
from pipeline.settings import ApprovalThreshold, Settings
from pipeline.sqlmodels.relations import Connection

TARGET: Final = "trading_grid"
POST_NOTICE: Final = "post_notice"
DEFAULT_RESPONSE_SECONDS: Final = 7 * 86_400
LONGEST_IDS_BYTES: Final = 1_000
DUPLICATE: Final = "duplicate"
IDS_TOO_LONG: Final = "ids_too_long"
UNMATCHED_IDENTITY: Final = "unmatched_identity"


@dataclass(frozen=True, slots=True)
class DecideOutcome:
    """What a turn decided now: ``actions`` (re-worded ones included), of which ``held`` wait in ``batch``."""

    actions: int
    suppressed: int
    held: int
    batch: str | None
    alerts: int
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    """A candidate, the key of its action, and the action of that key that is worded anew, if there is one."""

    candidate: Candidate
    key: str
    worded_before: Action | None


def decide_actions(
    connection: Connection, journal: Journal, turn: Turn, settings: Settings, *, templates: Templates | None = None
) -> DecideOutcome:
    """Decide about every candidate of the turn; doing so again appends nothing.

    Raises:
        ConfigurationError: a notice template is wrong.
        StateError: the journal cannot be read.

    """
    book = Book(journal)
    decider = _Decider(book.outbox, turn, settings.notices.redirect_to, templates or load_templates())
    suppressions, choices = decider.choose(read_candidates(connection), read_posted_keys(connection))
    if choices:
        facts = read_facts(connection)
        suppressions += decider.without_name(choices, facts)
        choices = [choice for choice in choices if has_name(choice, facts)]
        is_held = decider.needs_approval(choices, settings.notices.approve_above, count_active_partners(connection))
        drafts = [decider.drafts(choice, facts[choice.candidate.candidate_key], is_held=is_held) for choice in choices]
        book.write([draft for pair in drafts for draft in pair])
    else:
        is_held = False
    book.write(suppressions)
    alerts = alerts_due(book.outbox, turn)
    book.write(alerts)
    held = sum(1 for choice in choices if is_held and choice.worded_before is None)
    return DecideOutcome(
        actions=len(choices),
        suppressed=len(suppressions),
        held=held,
        batch=turn.id if held else None,
        alerts=len(alerts),
        messages=_messages(book.outbox),
    )


@dataclass(frozen=True, slots=True)
class _Decider:
    """What stays the same over one turn's decisions."""

    outbox: Outbox
    turn: Turn
    redirect_to: str | None
    templates: Templates

    def choose(self, candidates: Sequence[Candidate], posted_keys: frozenset[str]) -> tuple[list[Draft], list[_Choice]]:
        """Part the candidates that are not settled into suppressions that are news, and what is to be sent."""
        suppressions: list[Draft] = []
        choices: list[_Choice] = []
        for candidate in candidates:
            key = action_key(candidate.candidate_key, redirect_to=self.redirect_to)
            action = self.outbox.actions.get(key)
            is_settled = action is not None and (action.state is not State.SUPPRESSED or action.is_closed_by_person)
            if is_settled and not is_worded_too_long_ago(action, self.turn.now):
                continue
            reason = candidate.suppression_reason or self._own_reason(candidate, key, posted_keys)
            if reason is None:
                choices.append(_Choice(candidate, key, action if is_settled else None))
            elif not is_settled:
                evidence: dict[str, Value] = {"position": candidate.position}
                suppressions += self._if_news(candidate, "suppressed", reason, None, evidence)
        return suppressions, choices

    def without_name(self, choices: Sequence[_Choice], facts: Mapping[str, NoticeFacts]) -> list[Draft]:
        """Suppress what is about an asset of which nobody can say what it is called in Trading Grid."""
        evidence: dict[str, Value] = {}
        nameless = [c.candidate for c in choices if c.worded_before is None and not has_name(c, facts)]
        return [
            draft
            for candidate in nameless
            for draft in self._if_news(candidate, "suppressed", UNMATCHED_IDENTITY, None, evidence)
        ]

    def needs_approval(self, choices: Sequence[_Choice], above: ApprovalThreshold, active_partners: int) -> bool:
        """Say whether this turn (what it decided before a crash included) would notify too many partners at once."""
        of_this_turn = [
            action
            for action in self.outbox.actions.values()
            if action.run_id == self.turn.id and action.operation == POST_NOTICE
        ]
        if any(action.batch == self.turn.id for action in of_this_turn):
            return True
        recipients = {str(action.data["redirect_to"] or action.data["partner_id"]) for action in of_this_turn}
        recipients |= {self._recipient(c.candidate) for c in choices if c.worded_before is None}
        return len(recipients) > above.partners or len(recipients) > above.share * active_partners

    def drafts(self, choice: _Choice, facts: NoticeFacts, *, is_held: bool) -> list[Draft]:
        """Return the entries of one action: the decision first, so that no action is without one after a crash."""
        candidate = choice.candidate
        before = choice.worded_before
        needs_approval = is_held and before is None
        respond_within = timedelta(seconds=facts.respond_within_seconds or DEFAULT_RESPONSE_SECONDS)
        due_at = self.turn.now + respond_within
        evidence = evidence_of(facts)
        data: dict[str, Value] = {
            "action_key": choice.key,
            "pattern": candidate.pattern,
            "target_system": TARGET,
            "operation": POST_NOTICE,
            "payload": self._payload(candidate, facts, due_at),
            "reason": candidate.rule,
            "evidence": evidence,
            "partner_id": candidate.partner_id,
            "redirect_to": self.redirect_to,
            "asset_id": candidate.asset_id,
            "version_no": str(candidate.version_no),
            "kind": candidate.kind,
            "step": candidate.step,
            "candidate_key": candidate.candidate_key,
            "due_at": format_instant(due_at),
            "respond_within_seconds": str(int(respond_within.total_seconds())),
            "needs_approval": needs_approval,
            "batch": self.turn.id if needs_approval else before.batch if before else None,
            "owner": facts.owner,
        }
        decision = "held_for_approval" if needs_approval else "pending"
        return [
            *self._if_news(candidate, decision, None, choice.key, evidence),
            self.turn.draft(ACTION_DECIDED, data, source=TARGET, source_id=choice.key, reason=candidate.rule),
        ]

    def _payload(self, candidate: Candidate, facts: NoticeFacts, due_at: datetime) -> dict[str, Value]:
        text = render_notice(self.templates, facts, due_at=due_at, now=self.turn.now)
        is_redirected = self.redirect_to is not None
        return {
            "partner_id": self._recipient(candidate),
            "kind": candidate.kind,
            "asset_id": facts.trading_grid_asset_id,
            "version_no": str(candidate.version_no),
            "due_at": format_instant(due_at),
            "subject": f"[test, meant for {candidate.partner_id}] {text.subject}" if is_redirected else text.subject,
            "body": text.body,
            "language": text.language,
            "details": {**text.details, "meant_for": candidate.partner_id} if is_redirected else text.details,
        }

    def _recipient(self, candidate: Candidate) -> str:
        return self.redirect_to or candidate.partner_id

    def _own_reason(self, candidate: Candidate, key: str, posted_keys: frozenset[str]) -> str | None:
        if key in posted_keys:
            return DUPLICATE
        ids = candidate.partner_id + candidate.asset_id
        return IDS_TOO_LONG if len(ids.encode()) > LONGEST_IDS_BYTES else None

    def _if_news(
        self, candidate: Candidate, decision: str, reason: str | None, key: str | None, evidence: dict[str, Value]
    ) -> list[Draft]:
        last = self.outbox.notice_decisions.get(candidate.candidate_key)
        if last is not None and (last["decision"], last["reason"], last["action_key"]) == (decision, reason, key):
            return []
        data: dict[str, Value] = {
            "candidate_key": candidate.candidate_key,
            "partner_id": candidate.partner_id,
            "asset_id": candidate.asset_id,
            "version_no": str(candidate.version_no),
            "kind": candidate.kind,
            "step": candidate.step,
            "decision": decision,
            "reason": reason,
            "rule": candidate.rule,
            "notice_due_at": format_instant(candidate.notice_due_at),
            "action_key": key,
            "evidence": evidence,
        }
        return [self.turn.draft(NOTICE_DECIDED, data, source=TARGET, source_id=candidate.candidate_key, reason=reason)]


def has_name(choice: _Choice, facts: Mapping[str, NoticeFacts]) -> bool:
    """Say whether the asset has a name in Trading Grid."""
    own = facts.get(choice.candidate.candidate_key)
    return own is not None and own.trading_grid_asset_id is not None


def is_worded_too_long_ago(action: Action | None, now: datetime) -> bool:
    """Say whether a notice that waited has to be worded anew: half of its time to respond has passed unsent.

    What was ever leased keeps its words: the target may know them under its key.
    """
    if action is None or action.state is not State.PENDING or action.was_ever_leased or action.operation != POST_NOTICE:
        return False
    time_left = parse_instant(action.data["due_at"]) - now
    return time_left < timedelta(seconds=int(action.data["respond_within_seconds"])) / 2


def _messages(outbox: Outbox) -> tuple[str, ...]:
    messages = []
    for batch, keys in outbox.batches.items():
        held = [outbox.actions[key] for key in keys if outbox.actions[key].state is State.HELD_FOR_APPROVAL]
        if held:
            partners = len({action.data["partner_id"] for action in held})
            messages.append(
                f"{len(held)} notices to {partners} partners wait for approval: "
                f"`vipgrid decide approve {batch} --reason ...` sends them, `reject` drops them."
            )
    return tuple(messages)
