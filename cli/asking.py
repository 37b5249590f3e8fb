"""Asking: why a partner stands where it stands, and what would be if something were otherwise. Both change nothing.

Belongs here: the two commands, their documents, and how they are shown. Does not belong here: what is told
(``pipeline.explaining``), what is computed (``pipeline.whatif``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias

from cyclopts import App, Parameter

from cli.context import Context
from cli.notices import explain_notice
from cli.prose import Prose
from cli.reading import Limit, origin_line, origin_of
from cli.supposed import NOTHING_ELSE, show_supposed
from cli.words import AsOf, Given
from pipeline.errors import ExitCode
from pipeline.explaining import explanation
from pipeline.explaining.nearest import ASSETS, PARTNERS, is_known, unknown
from pipeline.explaining.pair import NEEDED, Pair, read_pair
from pipeline.explaining.statement import Section
from pipeline.sqlmodels.graph import load_graph
from pipeline.sqlmodels.relations import Connection, Question
from pipeline.whatif.differences import WANTED
from pipeline.whatif.supposing import Focus, stored_or_refuse, suppose
from pipeline.whatif.telling import tell
from pipeline.whatif.wishes import Wishes, read_changes
from resources.reading import Origin, Past, Reader
from resources.warehouse import open_for_reading
from resources.whatif import open_about, turn_id

Texts: TypeAlias = Annotated[tuple[str, ...], Parameter(negative="", show_default=False)]
_DATED: Final = frozenset({"timeline", "outlook"})


def add_to(app: App) -> None:
    """Add the commands."""
    app.command(explain)
    app.command(what_if, name="what-if")


def explain(
    partner: Annotated[str, Parameter(help="A partner; or, without an asset, a notice's key or id.")],
    asset: str | None = None,
    *,
    as_of: AsOf = None,
    known_at: AsOf = None,
    context: Given,
) -> int:
    """Why PARTNER stands where it stands with ASSET: what happened, which rule says so, what comes next.

    Alone, a notice's key or id: why it was sent or not.
    """
    if asset is None:
        return explain_notice(partner, context=context)
    past = Past(as_of=as_of, known_at=known_at, targets=NEEDED)
    check = _refusing_unknown(partner, asset)
    with context.out.progress("reading"), open_about(context.home, asset, past, check) as reader:
        pair = read_pair(reader, partner, asset)
        told = explanation.explain(pair)
        document = {**_origin(reader), **explanation.document(pair, told)}
    context.out.result(document, lambda: _show_explanation(document, pair, told.sections))
    return ExitCode.DONE


def _refusing_unknown(partner: str, asset: str) -> Callable[[Connection], None]:
    def check(connection: Connection) -> None:
        for register, asked in ((PARTNERS, partner), (ASSETS, asset)):
            if not is_known(connection, register, asked):
                raise unknown(connection, register, asked)

    return check


def _show_explanation(document: Mapping[str, Any], pair: Pair, sections: Sequence[Section]) -> None:
    prose = Prose()
    partner, asset = pair.partner, pair.asset
    prose.paragraph(
        f"{partner['name'] or partner['partner_id']} ({partner['partner_id']}, {partner['region']})", "bold"
    )
    prose.paragraph(f"{asset['title'] or asset['asset_id']} ({asset['asset_id']}, {asset['classification']})", "bold")
    prose.paragraph(document["headline"], _style(pair))
    prose.paragraph(f"{origin_line(document)} Local times are those of {pair.zone.name}.", "dim")
    if document["is_future"]:
        prose.paragraph(NOTHING_ELSE, "dim")
    for section in sections:
        prose.heading(section.title)
        if section.name in _DATED and any(one.at for one in section.statements):
            prose.dated(
                (pair.zone.at(one.at) if one.at else "", one.text, str(one.evidence)) for one in section.statements
            )
        else:
            prose.items((one.text, str(one.evidence)) for one in section.statements)


def _style(pair: Pair) -> str:
    position = pair.position
    if position is None:
        return "bold"
    if position["position"] == "stale_in_grace":
        return "bold yellow"
    return "bold red" if position["is_exposed"] else "bold green" if position["position"] == "current" else "bold"


def what_if(  # noqa: PLR0913 - the kinds of change, and the question
    *,
    withdraw: Annotated[Texts, Parameter(help="ASSET (what is live), ASSET:VERSION, or ASSET:VERSION=INSTANT.")] = (),
    bar_region: Annotated[Texts, Parameter(help="A region in which --asset may be used no more.")] = (),
    asset: Annotated[Texts, Parameter(help="The asset that is barred in --bar-region.")] = (),
    version: Annotated[
        tuple[int, ...], Parameter(help="Only this version of --asset is barred.", negative="", show_default=False)
    ] = (),
    move_effective: Annotated[Texts, Parameter(help="ASSET:VERSION=2026-04-01T00:00, by the version's policy.")] = (),
    expire: Annotated[Texts, Parameter(help="ASSET:VERSION=2026-04-01T00:00Z.")] = (),
    remove_grant: Annotated[Texts, Parameter(help="A grant that ends.")] = (),
    as_of: AsOf = None,
    limit: Limit = None,
    context: Given,
) -> int:
    """What would change, who must be told, what breaks, if a version or a grant were otherwise; nothing is written."""
    wishes = Wishes(
        bar_regions=bar_region,
        assets=asset,
        versions=version,
        withdraw=withdraw,
        move_effective=move_effective,
        expire=expire,
        remove_grants=remove_grant,
    )
    with context.out.progress("supposing"):
        document = _supposed(context, wishes, as_of)
    context.out.result(document, lambda: show_supposed(Prose(), document, origin_line(document), limit))
    return ExitCode.DONE


def _supposed(context: Context, wishes: Wishes, as_of: datetime | None) -> dict[str, Any]:
    graph = load_graph()
    with open_for_reading(context.home) as connection:
        stored = stored_or_refuse(connection)
        question = Question(as_of or stored.question.as_of, stored.question.known_at)
        changes = read_changes(connection, wishes, min(question.as_of, stored.question.as_of))
        asset_ids = sorted({asset_id for change in changes for asset_id in change.asset_ids})
        editions = [change.edition for change in changes]
        suppose(connection, graph, WANTED, question, Focus(tuple(asset_ids)), editions)
        reader = Reader(
            connection,
            graph,
            Origin.WAREHOUSE,
            turn_id(stored),
            question,
            is_past=question.as_of < stored.question.as_of,
        )
        return {**_origin(reader), **tell(connection, changes, question)}


def _origin(reader: Reader) -> dict[str, Any]:
    """Say what the answer is about; ``is_future`` = about an instant of which nothing can be known yet."""
    return {**origin_of(reader), "is_future": reader.question.as_of > reader.question.known_at}
