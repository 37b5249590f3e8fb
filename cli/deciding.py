"""Deciding: what a person decides, with a reason, journalled.

Belongs here: the command line's way of naming a subject. Does not belong here: what a decision is
(``pipeline.actions.decisions``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter

from cli.words import AsOf, Given
from pipeline.actions.decisions import Subject, decide_dead, record_decision
from pipeline.errors import ExitCode, RefusedError
from pipeline.ledger.turns import read_turns
from resources.workspace import Workspace

Kind = Literal["exempt", "approve", "reject", "snooze", "retry", "drop", "release", "review"]


def add_to(app: App) -> None:
    """Add the command."""
    app.command(decide)


def decide(  # noqa: PLR0913 - a decision's parts
    kind: Kind,
    subject: Annotated[
        str | None, Parameter(help="A key: of an action, a batch, a notice, a finding, a record.")
    ] = None,
    *,
    reason: Annotated[str, Parameter(help="Why; it is kept for ever.")],
    partner: Annotated[str | None, Parameter(help="Instead of a key: whom it is about.")] = None,
    asset: str | None = None,
    version_no: int | None = None,
    valid_from: AsOf = None,
    valid_to: AsOf = None,
    all_dead: Annotated[bool, Parameter(negative="", help="Instead of a key: every dead action.")] = False,
    target: Annotated[str | None, Parameter(help="With --all-dead: of this target only (trading_grid, vip …).")] = None,
    context: Given,
) -> int:
    """Record a decision about SUBJECT, about a partner's asset or version, or about all that is dead."""
    if (target is not None and not all_dead) or (all_dead and (subject or partner or asset)):
        raise RefusedError(
            "--all-dead stands alone, or with --target: leave out the subject, and name a target with it."
        )
    about = Subject(key=subject, partner_id=partner, asset_id=asset, version_no=version_no)
    settings = context.settings()
    actor = context.actor()
    with (
        context.out.progress("recording"),
        Workspace.open(settings, context.home, what="decide", actor=actor, say=context.out.say) as workspace,
    ):
        turn = workspace.turn
        if all_dead:
            recorded = decide_dead(workspace.journal, turn, kind, target=target, actor=actor, reason=reason)
        else:
            recorded = record_decision(
                workspace.journal,
                turn,
                kind,
                about,
                actor=actor,
                reason=reason,
                valid_from=valid_from,
                valid_to=valid_to,
                connection=workspace.connection,
            )
        workspace.refresh_folds()
        if read_turns(workspace.journal).unfinished is None:
            workspace.publish()
    named = (
        "all that is dead"
        if all_dead
        else subject or " ".join(str(part) for part in (partner, asset, version_no) if part is not None)
    )
    document = {
        "decision_id": recorded.decision_id,
        "kind": kind,
        "subject": named,
        "actor": actor,
        "reason": reason,
        "is_new": recorded.is_new,
        "actions_changed": recorded.actions,
    }
    told = "Recorded" if recorded.is_new else "Recorded before"
    text = f"{told}: {actor} decided to {kind} {named} ({reason}); {recorded.actions} actions changed."
    context.out.sentences(document, [text])
    return ExitCode.DONE
