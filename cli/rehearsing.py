"""The dry run: what a turn would send to whom, and why not to the others.

Belongs here: the document of a rehearsal and how it is shown. Does not belong here: the rehearsal
(``resources.rehearsal``), what is decided (``pipeline.actions``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cli.context import Context
from cli.reading import stamp
from pipeline.actions.book import Book
from pipeline.actions.candidates import read_candidates, read_rechecks
from pipeline.actions.outbox import OPEN_STATES, Action, State
from pipeline.errors import ExitCode
from resources.rehearsal import rehearse
from resources.workspace import Workspace

_NOT_SENT: Final = frozenset({"suppressed", "deferred"})
_SHOWN: Final = 40


def run_dry(context: Context, now: datetime | None) -> int:
    """Rehearse a turn and show it; nothing of it stays."""
    settings = context.settings()
    actor = context.actor()
    with (
        context.out.progress("rehearsing") as step,
        rehearse(settings, context.home, actor=actor, now=now, say=context.out.say, on_step=step) as workspace,
    ):
        document = _document(workspace)
    context.out.result(document, lambda: _show(context, document))
    return ExitCode.NEEDS_A_PERSON if document["would_wait_for_approval"] else ExitCode.DONE


def _document(workspace: Workspace) -> dict[str, Any]:
    outbox = Book(workspace.journal).outbox
    rechecks = read_rechecks(workspace.connection)
    open_ones = [action for action in outbox.in_state(*OPEN_STATES) if action.key not in rechecks]
    would_not = []
    for candidate in read_candidates(workspace.connection):
        last = outbox.notice_decisions.get(candidate.candidate_key)
        if last is not None and last["decision"] in _NOT_SENT:
            would_not.append(
                {
                    "partner_id": candidate.partner_id,
                    "kind": candidate.kind,
                    "asset_id": candidate.asset_id,
                    "version_no": candidate.version_no,
                    "decision": last["decision"],
                    "reason": last["reason"],
                    "rule": candidate.rule,
                    "candidate_key": candidate.candidate_key,
                }
            )
    last_looks = [
        {"action_key": key, "verdict": recheck.verdict, "reason": recheck.reason} for key, recheck in rechecks.items()
    ]
    return {
        "turn": workspace.turn.id,
        "as_of": workspace.turn.now,
        "is_dry_run": True,
        "would_send": [_told(action) for action in open_ones if action.state is not State.HELD_FOR_APPROVAL],
        "would_wait_for_approval": [_told(action) for action in open_ones if action.state is State.HELD_FOR_APPROVAL],
        "would_not_send": would_not,
        "held_back_by_the_last_look": last_looks,
    }


def _told(action: Action) -> dict[str, Any]:
    payload = action.payload
    return {
        "target_system": action.target_system,
        "operation": action.operation,
        "partner_id": action.data["redirect_to"] or action.data["partner_id"],
        "owner": payload.get("owner"),
        "kind": action.data["kind"],
        "asset_id": action.data["asset_id"],
        "version_no": action.data["version_no"],
        "subject": payload.get("subject"),
        "reason": action.data["reason"],
        "state": action.state.value,
        "action_key": action.key,
    }


def _show(context: Context, document: Mapping[str, Any]) -> None:
    out = context.out
    out.line(f"A dry run: {document['turn']} would be as of {stamp(document['as_of'])}; nothing was written or sent.")
    for name, title in (("would_send", "Would be sent"), ("would_wait_for_approval", "Would wait for approval")):
        rows = [
            (
                row["partner_id"] or row["owner"] or row["target_system"],
                row["kind"] or row["operation"],
                row["subject"] or row["asset_id"] or "",
                row["reason"],
            )
            for row in document[name]
        ]
        if rows:
            out.table(f"{title}: {len(rows)}", ("to", "what", "about", "why"), rows[:_SHOWN])
    counts = Counter((row["kind"], row["decision"], row["reason"]) for row in document["would_not_send"])
    if counts:
        rows_of_reasons = [(*key, count) for key, count in counts.most_common()]
        out.table("Would not be sent", ("kind", "decision", "why", "notices"), rows_of_reasons)
    if not any(document[name] for name in ("would_send", "would_wait_for_approval", "would_not_send")):
        out.line("Nothing is due.")
    hidden = sum(max(0, len(document[name]) - _SHOWN) for name in ("would_send", "would_wait_for_approval"))
    if hidden:
        out.line(f"{hidden} more: --json lists them all.")
