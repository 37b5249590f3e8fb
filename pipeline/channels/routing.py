"""Which channels get a copy of what: a notice's copies follow the notice, an alert's copies go with it.

Belongs here: the choice by audience, kind, partner and urgency, the copies' keys and payloads, and when a copy may
go. Does not belong here: how a channel is written to (``resources``), when and how often (``pipeline.actions``).

A copy is an action of its own, with a key of its own, so a channel that is down holds back nothing else. A partner's
address is in no payload: the journal keeps the contact's id, and the sender knows where that contact reads mail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.actions.alerts import ALERT, OWNER
from pipeline.actions.candidates import Recheck
from pipeline.actions.keys import action_key, joined
from pipeline.actions.outbox import ACTION_DECIDED, OPEN_STATES, Action, Outbox, State
from pipeline.actions.wording import POST_NOTICE
from pipeline.channel_settings import Channel, MailChannel
from pipeline.instants import format_instant
from pipeline.ledger.journal import Draft, Value
from pipeline.ledger.turns import Turn
from pipeline.settings import Settings
from pipeline.sqlmodels.relations import Connection

CHANNEL_PREFIX: Final = "channel:"
COPY_NOTICE: Final = "copy_notice"
NOTICE_NOT_SENT: Final = "notice_not_sent"
_COPIED: Final = (State.PENDING, State.LEASED, State.UNKNOWN, State.FAILED)
_SAID: Final = ("subject", "body", "language", "partner_id", "asset_id", "version_no", "due_at", "details", "owner")

Contacts = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy to be made: to which channel, to whom there (a contact's id, where it has one), and what it says."""

    channel: str
    contact: str | None
    payload: Mapping[str, Value]

    def deduplication_key(self, original: str) -> str:
        """Return the text that its key is made of: that of what it copies, the channel, and the contact."""
        contact = () if self.contact is None else (self.contact,)
        return f"{original}|{joined('channel', self.channel, *contact)}"


def channel_actions(
    channels: Mapping[str, Channel],
    payload: Mapping[str, Value],
    contacts: Sequence[str],
    *,
    kind: str,
    is_urgent: bool,
) -> list[Copy]:
    """Return the copies of one notice (``payload`` is what is posted) or, of kind ``alert``, of one alert.

    ``contacts`` are the ids of the partner's people who can be written to.
    """
    said = {name: payload[name] for name in _SAID if name in payload} | {"kind": kind}
    copies = []
    for name, channel in channels.items():
        if not _takes(channel, payload, kind=kind, is_urgent=is_urgent):
            continue
        if isinstance(channel, MailChannel) and channel.audience == "partners":
            copies += [Copy(name, contact, {**said, "contact": contact}) for contact in contacts]
        else:
            copies.append(Copy(name, None, said))
    return copies


def copies_due(outbox: Outbox, turn: Turn, settings: Settings, contacts: Contacts) -> list[Draft]:
    """Return the copies of what is about to be sent that are not decided yet, or not as it is worded now."""
    if not settings.channels:
        return []
    return [
        draft
        for action in outbox.in_state(*_COPIED)
        if action.operation in {POST_NOTICE, ALERT} and not action.target_system.startswith(CHANNEL_PREFIX)
        for draft in _copies_of(action, outbox, turn, settings, contacts)
    ]


def copies_that_follow(outbox: Outbox) -> dict[str, Recheck]:
    """Return the last look at the copies whose original is not there: they wait for it, or go the way that it went."""
    looks = {}
    for copy in outbox.in_state(*OPEN_STATES):
        original = outbox.actions.get(str(copy.data.get("follows")))
        if original is None or original.state is State.SENT:
            continue
        if original.state is State.SUPPRESSED:
            looks[copy.key] = Recheck("suppress", NOTICE_NOT_SENT, None)
        elif original.target_system != OWNER:
            looks[copy.key] = Recheck("wait", NOTICE_NOT_SENT, None)
    return looks


def read_contacts(connection: Connection) -> dict[str, list[str]]:
    """Return the ids of each partner's people who are active and have an address."""
    contacts: dict[str, list[str]] = {}
    for user_id, partner_id, _ in _contact_rows(connection):
        contacts.setdefault(partner_id, []).append(user_id)
    return contacts


def read_addresses(connection: Connection) -> dict[str, str]:
    """Return the address of each contact, by its id."""
    return {user_id: email for user_id, _, email in _contact_rows(connection)}


def _contact_rows(connection: Connection) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = connection.sql(
        "select user_id, partner_id, email from core.partner_users"
        " where partner_id is not null and coalesce(email, '') <> '' and coalesce(status, 'active') = 'active'"
        " order by user_id"
    ).fetchall()
    return rows


def _takes(channel: Channel, payload: Mapping[str, Value], *, kind: str, is_urgent: bool) -> bool:
    if (channel.audience == "owners") != (kind == ALERT):
        return False
    if channel.kinds and kind != ALERT and kind not in channel.kinds:
        return False
    if channel.partners and payload.get("partner_id") not in channel.partners:
        return False
    return is_urgent or channel.urgency == "all"


def _copies_of(action: Action, outbox: Outbox, turn: Turn, settings: Settings, contacts: Contacts) -> Iterator[Draft]:
    is_alert = action.operation == ALERT
    kind = ALERT if is_alert else str(action.data["kind"])
    own_door = owners_channel(settings) if is_alert else None
    channels = {name: channel for name, channel in settings.channels.items() if name != own_door}
    people = contacts.get(str(action.payload.get("partner_id")), ())
    urgent = is_alert or action.is_urgent
    for copy in channel_actions(channels, action.payload, people, kind=kind, is_urgent=urgent):
        original = str(action.data.get("candidate_key") or action.key)
        key = action_key(copy.deduplication_key(original), redirect_to=action.data.get("redirect_to"))
        before = outbox.actions.get(key)
        payload = {**copy.payload, "decided_at": format_instant(turn.now), "original": action.key}
        if before is None or _is_to_be_decided_again(before, copy):
            yield _draft(turn, action, copy, key, payload)


def owners_channel(settings: Settings) -> str | None:
    """Return the channel that takes alerts itself, where ``alerts.url`` names no other: the first one for owners."""
    if settings.alerts.url is not None:
        return None
    return next((name for name, channel in settings.channels.items() if channel.audience == "owners"), None)


def _is_to_be_decided_again(before: Action, copy: Copy) -> bool:
    """Say whether a copy was given up with its notice, which goes out now, or has its old words."""
    if before.state is State.SUPPRESSED:
        return not before.is_closed_by_person
    is_untouched = before.state is State.PENDING and not before.was_ever_leased
    return is_untouched and any(before.payload.get(name) != value for name, value in copy.payload.items())


def _draft(turn: Turn, original: Action, copy: Copy, key: str, payload: Mapping[str, Value]) -> Draft:
    target = CHANNEL_PREFIX + copy.channel
    is_alert = original.operation == ALERT
    data: dict[str, Value] = {
        "action_key": key,
        "pattern": original.data["pattern"],
        "target_system": target,
        "operation": ALERT if is_alert else COPY_NOTICE,
        "payload": payload,
        "reason": original.data["reason"],
        "evidence": {},
        "partner_id": original.data["partner_id"],
        "redirect_to": original.data.get("redirect_to"),
        "asset_id": original.data["asset_id"],
        "version_no": original.data["version_no"],
        "kind": None,
        "copied_kind": original.data["kind"],
        "step": None,
        "candidate_key": None,
        "due_at": None,
        "is_urgent": original.is_urgent,
        "needs_approval": False,
        "batch": None,
        "owner": original.data.get("owner"),
        "follows": original.key,
    }
    return turn.draft(ACTION_DECIDED, data, source=target, source_id=key, reason=str(original.data["reason"]))
