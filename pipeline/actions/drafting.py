"""Drafting: the journal's entries of a turn's choices, texts frozen.

Belongs here: what an entry holds, payloads. Does not belong here: what is chosen (``pipeline.actions.choosing``),
wording (``pipeline.notices``).

The action of one candidate is the decision about it. The decisions about the candidates of a digest come before its
action: a crash in between leaves no action without them, and what was decided without its action is decided again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec

from pipeline.actions.candidates import Candidate
from pipeline.actions.choosing import ESCALATION, Choice, Collection
from pipeline.actions.outbox import ACTION_DECIDED, NOTICE_DECIDED, Outbox
from pipeline.actions.policies import DIGEST
from pipeline.actions.wording import POST_NOTICE
from pipeline.instants import format_instant, parse_instant
from pipeline.ledger.journal import Draft, Value
from pipeline.ledger.turns import Turn
from pipeline.notices.facts import NoticeFacts
from pipeline.notices.render import Renderer, owes_answer

TARGET: Final = "trading_grid"
OWNER: Final = "owner"
ALERT: Final = "alert"
OVERDUE: Final = "overdue"
COLLECTED: Final = "several_at_once"
DEFAULT_RESPONSE_SECONDS: Final = 7 * 86_400
_NO_EVIDENCE: Final[list[Value]] = []


@dataclass(frozen=True, slots=True)
class Drafter:
    """What stays the same over one turn's entries."""

    outbox: Outbox
    turn: Turn
    redirect_to: str | None
    renderer: Renderer
    facts: Mapping[str, NoticeFacts]
    now_text: str
    _due: dict[int, tuple[datetime, str]] = field(default_factory=dict)

    def decision(self, choice: Choice) -> list[Draft]:
        """Return the entry of a decision that has no action of its own, if it is news."""
        candidate = choice.candidate
        last = self.outbox.notice_decisions.get(candidate.candidate_key)
        if last is not None and (last["decision"], last["reason"], last["action_key"], last.get("until")) == (
            choice.decision,
            choice.reason,
            choice.key,
            choice.until,
        ):
            return []
        data: dict[str, Value] = {
            "candidate_key": candidate.candidate_key,
            "partner_id": candidate.partner_id,
            "asset_id": candidate.asset_id,
            "version_no": _text(candidate.version_no),
            "kind": candidate.kind,
            "step": candidate.step,
            "pattern": candidate.pattern,
            "decision": choice.decision,
            "reason": choice.reason,
            "until": choice.until,
            "rule": candidate.rule,
            "notice_due_at": candidate.notice_due_at,
            "action_key": choice.key,
            "evidence": {"position": candidate.position, "records": _records(candidate)},
        }
        return [
            self.turn.draft(
                NOTICE_DECIDED, data, source=TARGET, source_id=candidate.candidate_key, reason=choice.reason
            )
        ]

    def notice(self, choice: Choice) -> Draft:
        """Return the entry of one notice: its action, and with it the decision about its candidate."""
        candidate = choice.candidate
        facts = self.facts[candidate.candidate_key]
        due_at, due_text, respond_within = self._answer_due(facts)
        before = choice.before
        text = self.renderer.notice(facts, due_at)
        details = text.details
        payload: dict[str, Value] = {
            "partner_id": self.redirect_to or candidate.partner_id,
            "kind": candidate.kind,
            "asset_id": facts.asset.trading_grid_asset_id if facts.asset else None,
            "version_no": _text(candidate.version_no),
            "due_at": due_text,
            "subject": text.subject,
            "body": text.body,
            "language": text.language,
            "details": details,
        }
        if "package_id" in facts.said:
            payload["package_id"] = facts.said["package_id"]
        if self.redirect_to is not None:
            payload["subject"] = f"[test, meant for {candidate.partner_id}] {text.subject}"
            details["meant_for"] = candidate.partner_id
        data: dict[str, Value] = {
            "action_key": choice.key or "",
            "pattern": candidate.pattern,
            "target_system": TARGET,
            "operation": POST_NOTICE,
            "payload": payload,
            "reason": candidate.rule,
            "evidence": {**text.evidence, "records": _records(candidate)},
            "partner_id": candidate.partner_id,
            "redirect_to": self.redirect_to,
            "asset_id": candidate.asset_id,
            "version_no": payload["version_no"],
            "kind": candidate.kind,
            "step": candidate.step,
            "candidate_key": candidate.candidate_key,
            "due_at": due_text,
            "respond_within_seconds": respond_within,
            "is_urgent": candidate.is_urgent,
            "decided_at": self.now_text,
            "needs_approval": choice.batch is not None,
            "batch": choice.batch if before is None else before.batch,
            "owner": candidate.owner,
            # What is worded anew keeps its decision.
            "decision": choice.decision if before is None else None,
            "notice_due_at": candidate.notice_due_at,
        }
        return self._entry(TARGET, data)

    def digest(self, collection: Collection) -> Iterator[Draft]:
        """Yield the entries of one partner's digest: each candidate's decision, then the one notice."""
        keys = [choice.candidate.candidate_key for choice in collection.choices]
        own = [self.facts[key] for key in keys]
        partner = own[0].partner
        due = [self._answer_due(facts) for facts in own]
        subjects = [self.renderer.subject(facts, due_at) for facts, (due_at, _, _) in zip(own, due, strict=True)]
        text = self.renderer.digest(partner, subjects)
        items: list[Value] = [
            {
                "kind": facts.kind,
                "asset_id": facts.asset.trading_grid_asset_id if facts.asset else None,
                "version_no": _text(facts.asset.version_no) if facts.asset else None,
                "due_at": due_text,
                "subject": subject,
            }
            for facts, subject, (_, due_text, _) in zip(own, subjects, due, strict=True)
        ]
        details: dict[str, Value] = {"items": items}
        is_redirected = self.redirect_to is not None
        payload: dict[str, Value] = {
            "partner_id": self.redirect_to or partner.partner_id,
            "kind": DIGEST,
            "asset_id": None,
            "version_no": None,
            "due_at": None,
            "subject": f"[test, meant for {partner.partner_id}] {text.subject}" if is_redirected else text.subject,
            "body": text.body,
            "language": text.language,
            "details": {**details, "meant_for": partner.partner_id} if is_redirected else details,
        }
        for choice in collection.choices:
            yield from self.decision(choice)
        data = self._action(
            key=collection.key,
            partner_id=partner.partner_id,
            kind=DIGEST,
            payload=payload,
            reason=COLLECTED,
            batch=collection.batch,
            needs_approval=collection.batch is not None,
        )
        yield self._entry(TARGET, data | {"candidate_keys": keys})

    def escalation(self, collection: Collection, language: str) -> Iterator[Draft]:
        """Yield the entries of what escalates to one owner: each candidate's decision, then the one alert."""
        lines, partners = [], set()
        for choice in collection.choices:
            candidate = choice.candidate
            facts = self.facts[candidate.candidate_key]
            partners.add(candidate.partner_id)
            lines.append(self._overdue_line(facts, language))
            yield from self.decision(choice)
        subject, body = self.renderer.escalation(lines, len(partners), language)
        data = self._action(
            key=collection.key,
            partner_id=None,
            kind=ESCALATION,
            payload={"owner": collection.receiver, "subject": subject, "body": body},
            reason=OVERDUE,
            batch=None,
            needs_approval=False,
        ) | {
            "pattern": "owner_alert",
            "target_system": OWNER,
            "operation": ALERT,
            "redirect_to": None,
            "owner": collection.receiver,
            "about": [],
            "concerns_batch": None,
            "candidate_keys": [choice.candidate.candidate_key for choice in collection.choices],
        }
        yield self._entry(OWNER, data)

    def _overdue_line(self, facts: NoticeFacts, language: str) -> str:
        name = facts.partner.partner_name or facts.partner.partner_id
        title = f"{facts.asset.asset_title} ({facts.asset.asset_id}), {facts.asset.version_no}" if facts.asset else ""
        due = self.renderer.when(parse_instant(facts.said["due_at"]), facts.partner.zone, language)
        return f"{name} ({facts.partner.partner_id}): {title}; {facts.said['about_kind']}, {due}"

    def _answer_due(self, facts: NoticeFacts) -> tuple[datetime | None, str | None, str | None]:
        """Return by when an answer is owed, the same as text, and the seconds that were given for it."""
        if owes_answer(facts.kind):
            seconds = facts.respond_within_seconds or DEFAULT_RESPONSE_SECONDS
            if seconds not in self._due:
                due_at = self.turn.now + timedelta(seconds=seconds)
                self._due[seconds] = (due_at, format_instant(due_at))
            return *self._due[seconds], str(seconds)
        said = facts.said.get("answer_by_at") or facts.said.get("due_at")
        if said is None:
            return None, None, None
        due_at = parse_instant(said)
        # Trading Grid takes a date that has passed for a mistake (docs/domain.md, 7).
        return due_at, format_instant(due_at) if due_at > self.turn.now else None, None

    def _action(  # noqa: PLR0913 - an action's parts
        self,
        *,
        key: str,
        partner_id: str | None,
        kind: str,
        payload: Mapping[str, Value],
        reason: str,
        batch: str | None,
        needs_approval: bool,
    ) -> dict[str, Value]:
        return {
            "action_key": key,
            "pattern": "P4",
            "target_system": TARGET,
            "operation": POST_NOTICE,
            "payload": payload,
            "reason": reason,
            "evidence": {},
            "partner_id": partner_id,
            "redirect_to": self.redirect_to,
            "asset_id": None,
            "version_no": None,
            "kind": kind,
            "step": None,
            "candidate_key": None,
            "due_at": None,
            "respond_within_seconds": None,
            "is_urgent": False,
            "decided_at": self.now_text,
            "needs_approval": needs_approval,
            "batch": batch,
            "owner": None,
        }

    def _entry(self, target: str, data: dict[str, Value]) -> Draft:
        return self.turn.draft(
            ACTION_DECIDED, data, source=target, source_id=str(data["action_key"]), reason=str(data["reason"])
        )


def _records(candidate: Candidate) -> Sequence[Value]:
    if candidate.evidence is None:
        return _NO_EVIDENCE
    found: list[Value] = msgspec.json.decode(candidate.evidence)
    return found


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
