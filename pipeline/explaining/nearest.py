"""Ids that somebody may have meant: the nearest ones by spelling, or by name.

Belongs here: finding them, and the sentence that says so. Does not belong here: who asks for what.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.errors import RefusedError
from pipeline.sqlmodels.relations import Connection

SUGGESTED: Final = 3
_LEAST_SIMILARITY: Final = 0.45
_SUGGESTIONS: Final = """
    with named as (select {id} as id, {name} as name from {relation} where {condition}),
    scored as (
        select
            id,
            name,
            greatest(
                1 - levenshtein(lower(id), lower($asked)) / greatest(length(id), length($asked), 1),
                case when contains(lower(name), lower($asked)) then 0.95 else 0 end,
                0.9 * jaro_winkler_similarity(lower(coalesce(name, '')), lower($asked))
            ) as similarity
        from named
        where id is not null
    )
    select id, any_value(name), max(similarity) as similarity from scored
    group by id having max(similarity) >= $least
    order by similarity desc, id limit $most
"""


@dataclass(frozen=True, slots=True)
class Register:
    """A relation whose ids people name: ``noun`` is what one of them is called."""

    noun: str
    relation: str
    id: str
    name: str
    condition: str = "true"


PARTNERS: Final = Register("partner", "core.partners", "partner_id", "name")
ASSETS: Final = Register("asset", "core.assets", "asset_id", "title")
GRANTS: Final = Register("grant", "core.grants", "grant_id", "grantee_id || ' on ' || object_id")
REGIONS: Final = Register(
    "region",
    "(select distinct region from core.partners union select distinct split_part(region, '-', 1) from core.partners)",
    "region",
    "null::varchar",
    "region <> ''",
)


def suggestions(connection: Connection, register: Register, asked: str) -> tuple[tuple[str, str | None], ...]:
    """Return the nearest ids with their names, the nearest first."""
    query = _SUGGESTIONS.format(
        id=register.id, name=register.name, relation=register.relation, condition=register.condition
    )
    rows = connection.sql(query, params={"asked": asked, "least": _LEAST_SIMILARITY, "most": SUGGESTED}).fetchall()
    return tuple((row[0], row[1]) for row in rows)


def is_known(connection: Connection, register: Register, asked: str) -> bool:
    """Say whether exactly this id exists."""
    query = f"select 1 from {register.relation} where {register.id} = $asked limit 1"  # noqa: S608 - names of ours
    return bool(connection.sql(query, params={"asked": asked}).fetchall())


def unknown(connection: Connection, register: Register, asked: str) -> RefusedError:
    """Return the refusal of an id that does not exist, with the ids that may have been meant."""
    found = suggestions(connection, register, asked)
    named = ", ".join(f"{one} ({name})" if name and name != one else one for one, name in found)
    hint = f"did you mean {named}?" if found else f"nothing is spelled like it; ids of {register.noun}s are exact."
    return RefusedError(f"No {register.noun} {asked!r} is known: {hint}")
