"""Alerts to an asset's owner: what needs a person, as actions, so that each goes out once.

Belongs here: which alerts are due (a batch waits for approval; actions died) and their text.
Does not belong here: how they reach the owner (``resources.alerts``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pipeline.actions.keys import action_key, joined
from pipeline.actions.outbox import ACTION_DECIDED, Action, Outbox, State
from pipeline.actions.wording import POST_NOTICE
from pipeline.ledger.journal import Draft, Value
from pipeline.ledger.turns import Turn

OWNER: Final = "owner"
ALERT: Final = "alert"
HELD_BATCH: Final = "held_batch"
DEAD_ACTIONS: Final = "dead_actions"
_DEATHS_PER_ALERT: Final = 200
_SHOWN: Final = 10


def alerts_due(outbox: Outbox, turn: Turn) -> list[Draft]:
    """Return the alerts that no owner was sent yet: of held batches and of deaths, one per owner each."""
    return [*_held_batches(outbox, turn), *_deaths(outbox, turn)]


def is_alert_outdated(alert: Action, outbox: Outbox) -> bool:
    """Say whether nothing of what an alert is about waits for a person any more."""
    if alert.data["reason"] not in {HELD_BATCH, DEAD_ACTIONS}:
        return False
    if alert.data["reason"] == HELD_BATCH:
        keys = outbox.batches.get(alert.data["concerns_batch"], [])
        return not any(outbox.actions[key].state is State.HELD_FOR_APPROVAL for key in keys)
    dead = {action.death for action in outbox.actions.values() if action.state is State.DEAD}
    return dead.isdisjoint(alert.data["about"])


def _held_batches(outbox: Outbox, turn: Turn) -> Iterable[Draft]:
    for batch, keys in outbox.batches.items():
        held = [outbox.actions[key] for key in keys if outbox.actions[key].state is State.HELD_FOR_APPROVAL]
        for owner, own in _by_owner(held).items():
            key = action_key(joined(OWNER, ALERT, HELD_BATCH, batch, owner or ""))
            if key in outbox.actions:
                continue
            partners = {action.data["partner_id"] for action in own} - {None}
            what = "notices" if all(action.operation == POST_NOTICE for action in own) else "actions"
            subject = f"{len(own)} {what} to {len(partners)} partners wait for your approval ({batch})"
            assets = _listed(action.data["asset_id"] for action in own)
            body = (
                f"{batch} holds what waits for a person before it is sent.\n"
                f"Of your assets: {assets or 'none in particular'}.\n\n"
                f"Send them:  vipgrid decide approve {batch} --reason '...'\n"
                f"Drop them:  vipgrid decide reject {batch} --reason '...'\n"
            )
            payload = {"owner": owner, "subject": subject, "body": body}
            yield _draft(turn, key, HELD_BATCH, payload, about=[], batch=batch)


def _deaths(outbox: Outbox, turn: Turn) -> Iterable[Draft]:
    dead = [
        action
        for action in outbox.in_state(State.DEAD)
        if action.operation != ALERT and action.death not in outbox.alerted
    ]
    for owner, own in _by_owner(dead).items():
        for start in range(0, len(own), _DEATHS_PER_ALERT):
            part = own[start : start + _DEATHS_PER_ALERT]
            about = sorted(action.death for action in part)
            key = action_key(joined(OWNER, ALERT, DEAD_ACTIONS, owner or "", *about))
            subject = f"{len(part)} actions could not be carried out"
            lines = "\n".join(f"{action.key}: {action.last_error or 'no answer'}" for action in part[:_SHOWN])
            more = f"\n… and {len(part) - _SHOWN} more: vipgrid status\n" if len(part) > _SHOWN else "\n"
            body = (
                f"They were given up:\n\n{lines}{more}\n"
                "Try again:  vipgrid decide retry KEY --reason '...'   (or --all-dead instead of KEY)\n"
                "Give up:    vipgrid decide drop KEY --reason '...'\n"
            )
            payload = {"owner": owner, "subject": subject, "body": body}
            yield _draft(turn, key, DEAD_ACTIONS, payload, about=about, batch=None)


def _by_owner(actions: Sequence[Action]) -> dict[str | None, list[Action]]:
    by_owner: dict[str | None, list[Action]] = {}
    for action in actions:
        by_owner.setdefault(action.data.get("owner"), []).append(action)
    return by_owner


def _listed(asset_ids: Iterable[str | None]) -> str:
    names = sorted({asset_id for asset_id in asset_ids if asset_id is not None})
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _draft(
    turn: Turn, key: str, reason: str, payload: Mapping[str, Value], *, about: list[str], batch: str | None
) -> Draft:
    data: dict[str, Value] = {
        "action_key": key,
        "pattern": "owner_alert",
        "target_system": OWNER,
        "operation": ALERT,
        "payload": payload,
        "reason": reason,
        "evidence": {},
        "partner_id": None,
        "redirect_to": None,
        "asset_id": None,
        "version_no": None,
        "kind": ALERT,
        "step": None,
        "candidate_key": None,
        "due_at": None,
        "needs_approval": False,
        "batch": None,
        "concerns_batch": batch,
        "about": about,
        "owner": payload["owner"],
    }
    return turn.draft(ACTION_DECIDED, data, source=OWNER, source_id=key, reason=reason)
