"""Deciding: from what is due to what will be sent, held, or suppressed, each decision journalled once.

Belongs here: the steps of a turn's decision, and what is said of it. Does not belong here: what is due
(``sql/sync/notice_candidates.sql``), what is chosen (``pipeline.actions.choosing``), the entries
(``pipeline.actions.drafting``), wording (``pipeline.notices``).
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline.actions.alerts import alerts_due
from pipeline.actions.book import Book
from pipeline.actions.candidates import (
    count_active_partners,
    read_candidates,
    read_outsiders,
    read_posted_keys,
)
from pipeline.actions.choosing import DEFERRED, DIGESTED, HELD, PENDING, SUPPRESSED, Given, Plan, make_plan
from pipeline.actions.desired import decide_desired
from pipeline.actions.drafting import Drafter
from pipeline.actions.outbox import Outbox, State
from pipeline.actions.wording import POST_NOTICE
from pipeline.instants import format_instant
from pipeline.ledger.journal import Draft, Journal
from pipeline.ledger.turns import Turn
from pipeline.notices.facts import read_facts
from pipeline.notices.render import Renderer
from pipeline.notices.templates import DEFAULT_LANGUAGE, Templates, load_templates
from pipeline.settings import Settings
from pipeline.sqlmodels.relations import Connection


@dataclass(frozen=True, slots=True)
class DecideOutcome:
    """What a turn decided now: ``actions`` (re-worded ones included), of which ``held`` wait in ``batch``.

    ``digested`` candidates go with others in one of the actions; ``deferred`` ones are looked at again.
    """

    actions: int
    suppressed: int
    held: int
    batch: str | None
    alerts: int
    messages: tuple[str, ...]
    digested: int = 0
    deferred: int = 0


def decide_actions(
    connection: Connection, journal: Journal, turn: Turn, settings: Settings, *, templates: Templates | None = None
) -> DecideOutcome:
    """Decide about every candidate of the turn; doing so again appends nothing.

    Raises:
        ConfigurationError: a notice template is wrong.
        StateError: the journal cannot be read.

    """
    with _without_collecting():
        return _decide(connection, journal, turn, settings, templates or load_templates(settings.templates_folder))


def _decide(
    connection: Connection, journal: Journal, turn: Turn, settings: Settings, templates: Templates
) -> DecideOutcome:
    book = Book(journal, forgets_texts=True)
    given = read_given(connection, book.outbox, turn, settings)
    plan = make_plan(read_candidates(connection), given)
    is_anything_said = any(choice.decision in {PENDING, HELD, DIGESTED} for choice in plan.choices)
    drafter = Drafter(
        book.outbox,
        turn,
        settings.notices.redirect_to,
        Renderer(templates, turn.now),
        read_facts(connection) if is_anything_said else {},
        format_instant(turn.now),
    )
    counts = _write(book, plan, drafter)
    desired = decide_desired(connection, book, turn, settings, active_partners=given.active_partners)
    alerts = alerts_due(book.outbox, turn)
    book.write(alerts)
    held = counts[HELD] + sum(1 for digest in plan.digests if digest.batch is not None)
    return DecideOutcome(
        actions=counts[PENDING] + counts[HELD] + len(plan.digests) + desired.actions,
        suppressed=counts["suppressions"],
        held=held + desired.held,
        batch=turn.id if plan.is_too_large and held else None,
        alerts=len(alerts) + len(plan.escalations),
        messages=(*_waiting(book.outbox), *_too_large(plan, turn, settings), *desired.messages),
        digested=counts[DIGESTED],
        deferred=counts[DEFERRED],
    )


def read_given(connection: Connection, outbox: Outbox, turn: Turn, settings: Settings) -> Given:
    """Read what the turn's choices depend on, beside its candidates."""
    return Given(
        outbox=outbox,
        turn_id=turn.id,
        now=turn.now,
        notices=settings.notices,
        posted_keys=read_posted_keys(connection),
        outsiders=read_outsiders(connection, settings.notices.audience),
        active_partners=count_active_partners(connection),
    )


def _write(book: Book, plan: Plan, drafter: Drafter) -> Counter[str]:
    """Write a plan's entries, and count its choices."""
    counts: Counter[str] = Counter(choice.decision for choice in plan.choices)
    book.write(_drafts(plan, drafter))
    drafts = [
        draft
        for choice in plan.choices
        if choice.decision in {SUPPRESSED, DEFERRED}
        for draft in drafter.decision(choice)
    ]
    suppressions = sum(1 for draft in drafts if draft.data["decision"] == SUPPRESSED)
    book.write(drafts)
    return counts + Counter(suppressions=suppressions)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Leave the search for cycles: entries make none, and it would walk over all of them again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            # Frozen and thawed, what was made counts as old: nothing walks over all of it at the next allocation.
            gc.freeze()
            gc.unfreeze()
            gc.enable()


def _drafts(plan: Plan, drafter: Drafter) -> Iterator[Draft]:
    """Yield the entries of what is sent or held."""
    for choice in plan.choices:
        if choice.decision in {PENDING, HELD}:
            yield drafter.notice(choice)
    for digest in plan.digests:
        yield from drafter.digest(digest)
    for escalation in plan.escalations:
        yield from drafter.escalation(escalation, DEFAULT_LANGUAGE)


def _too_large(plan: Plan, turn: Turn, settings: Settings) -> tuple[str, ...]:
    """Say that a turn that would notify too many partners sends nothing."""
    if not plan.is_too_large or not plan.choices:
        return ()
    above = settings.notices.approve_above
    message = (
        f"{turn.id} would notify {plan.partners} of {plan.active_partners} active partners, more than"
        f" notices.approve_above lets go by itself ({above.partners} partners, {above.share:.0%} of the network):"
        " nothing of it is sent before a person has looked. A wrong import looks like this."
    )
    return (message,)


def _waiting(outbox: Outbox) -> Iterator[str]:
    for batch, keys in outbox.batches.items():
        held = [outbox.actions[key] for key in keys if outbox.actions[key].state is State.HELD_FOR_APPROVAL]
        if held:
            partners = len({action.data["partner_id"] for action in held})
            what = "notices" if all(action.operation == POST_NOTICE for action in held) else "actions"
            yield (
                f"{len(held)} {what} to {partners} partners wait for approval: "
                f"`vipgrid decide approve {batch} --reason ...` sends them, `reject` drops them."
            )
