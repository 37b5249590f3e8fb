"""Whether the partner may download the asset: by which grants, since when, until when.

Belongs here: sentences about grants (docs/domain.md, 8). Does not belong here: versions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from pipeline.explaining.pair import Grant, Pair
from pipeline.explaining.statement import Statement, says
from pipeline.explaining.wording import rights

ENDED_SHOWN = 3


def explain_entitlement(pair: Pair) -> list[Statement]:
    """Say whether it is entitled, and list the grants that say so, or that say otherwise."""
    in_force = [grant for grant in pair.grants if counts(grant, pair.as_of)]
    later = [grant for grant in pair.grants if grant.counts_from is not None and grant.counts_from > pair.as_of]
    ended = [grant for grant in pair.grants if grant.counts_until is not None and grant.counts_until <= pair.as_of]
    shown = [*ended[-ENDED_SHOWN:], *in_force, *later]
    return [_verdict(pair, in_force), *(_grant(pair, grant) for grant in shown)]


def counts(grant: Grant, at: datetime) -> bool:
    """Say whether a grant counts for the pair at an instant."""
    has_begun = grant.counts_from is None or grant.counts_from <= at
    return has_begun and (grant.counts_until is None or grant.counts_until > at)


def may_download(grants: Sequence[Grant], at: datetime) -> bool:
    """Say what the grants in force come to."""
    allowing = any(allows(grant) and counts(grant, at) for grant in grants)
    return allowing and not any(denies(grant) and counts(grant, at) for grant in grants)


def allows(grant: Grant) -> bool:
    """Say whether a grant allows to download."""
    return grant.effect == "allow" and "download" in grant.rights


def denies(grant: Grant) -> bool:
    """Say whether a grant forbids to download."""
    return grant.effect == "deny" and not {"download", "view"}.isdisjoint(grant.rights)


def entitled_since(grants: Sequence[Grant], at: datetime) -> datetime | None:
    """Return since when the grants allow it without a break, None = from the beginning."""
    edges = {edge for grant in grants for edge in (grant.counts_from, grant.counts_until) if edge and edge <= at}
    earlier: datetime | None = None
    for edge in sorted(edges, reverse=True):
        if not may_download(grants, edge):
            return earlier
        earlier = edge
    return None if _from_the_beginning(grants) else earlier


def _from_the_beginning(grants: Sequence[Grant]) -> bool:
    endless = [grant for grant in grants if grant.counts_from is None]
    return any(map(allows, endless)) and not any(map(denies, endless))


def _verdict(pair: Pair, in_force: Sequence[Grant]) -> Statement:
    may = may_download(in_force, pair.as_of)
    is_suspended = pair.partner["status"] == "suspended"
    gone_from = pair.partner["gone_from"]
    if may and not is_suspended:
        since = entitled_since(pair.grants, pair.as_of)
        return says(f"it may download the asset{' since ' + pair.zone.at(since) if since else ''}", at=since)
    if may:
        return says(
            "its grants allow the download, but the partner is suspended", f"partner {pair.partner['partner_id']}"
        )
    if gone_from is not None and gone_from <= pair.as_of:
        how = "left" if pair.partner["status"] == "left" else "was deleted"
        return says(
            f"it may not download the asset: the partner {how} at {pair.zone.at(gone_from)}, which ended its grants",
            f"partner {pair.partner['partner_id']}",
            at=gone_from,
        )
    forbidding = [grant for grant in in_force if denies(grant)]
    if forbidding:
        ids = " and ".join(grant.grant_id for grant in forbidding)
        return says(f"it may not download the asset: {ids} forbids it", *map(_record, forbidding))
    ended = [
        grant for grant in pair.grants if grant.counts_until and grant.counts_until <= pair.as_of and allows(grant)
    ]
    if ended:
        at, last = max((grant.counts_until or pair.as_of, grant.grant_id) for grant in ended)
        text = f"it may not download the asset: its last grant ended at {pair.zone.at(at)}"
        return says(text, f"grant {last}", at=at)
    return says("it may not download the asset: no grant allows it")


def _grant(pair: Pair, grant: Grant) -> Statement:
    verb = "allows" if grant.effect == "allow" else "forbids"
    what = " ".join(_parts(grant))
    return says(
        f"{grant.grant_id} {verb} to {rights(grant.rights, 'or')}: {what}; {_stretch(pair, grant)}", _record(grant)
    )


def _parts(grant: Grant) -> Iterator[str]:
    if grant.grantee_type == "partner":
        yield "given to the partner itself,"
    else:
        yield f"given to the group {_name(grant.grantee_name, grant.grantee_id)},"
    kinds = {"asset": "about this asset", "segment": "about the segment", "package": "about the package"}
    yield kinds.get(grant.object_type, grant.object_type)
    if grant.object_type != "asset":
        yield _name(grant.object_name, grant.object_id)


def _stretch(pair: Pair, grant: Grant) -> str:
    begins, ends, zone = grant.counts_from, grant.counts_until, pair.zone
    if begins is not None and begins > pair.as_of:
        return f"counts from {zone.at(begins)}" + (f" until {zone.at(ends)}" if ends else "")
    since = f"since {zone.at(begins)}" if begins else "from the beginning"
    if ends is None:
        return f"{since}, without end"
    return f"{since}, {'ended at' if ends <= pair.as_of else 'until'} {zone.at(ends)}"


def _name(name: str | None, its_id: str) -> str:
    return f"{name} ({its_id})" if name and name != its_id else its_id


def _record(grant: Grant) -> str:
    return f"grant {grant.grant_id}"
