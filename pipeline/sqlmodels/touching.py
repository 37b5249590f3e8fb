"""Which keys of a model have to be computed again, and what it then reads: SQL texts, nothing is run here.

Belongs here: from the changes of inputs to touched keys, and from touched keys to views over the inputs. Does not
belong here: running them (``pipeline.sqlmodels.increments``).

A touched key is *new* where a spine of the model says so: it had no row there before, so the model has none for it, and
all of the spine's rows for it are among the changes. New keys need no search in large tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.sqlmodels.header import Link
from pipeline.sqlmodels.model import Model


@dataclass(frozen=True, slots=True)
class Tables:
    """What the texts need to know of the warehouse: its catalog's name, the columns of a relation, the touched keys."""

    catalog: str
    columns: Callable[[str], tuple[str, ...]]
    touched: str

    def full(self, relation: str) -> str:
        """Return a relation's whole name."""
        return f"{self.catalog}.{relation}"


def binding(model: Model, relation: str, columns: Sequence[str]) -> dict[str, str]:
    """Return, for each of the model's keys that the relation bears, what it is called there (or its quoted text).

    A relation that touches by way of another bears none, whatever its columns are called: its rows are joined to rows
    of other keys.
    """
    for link in model.refresh.keyed_in:
        if link.relation == relation:
            return dict(link.columns)
    if any(link.relation == relation for link in model.refresh.touched_by):
        return {}
    return {key: key for key in model.refresh.keys if key in columns}


def reached_keys(model: Model, relation: str, rows: str, tables: Tables, *, is_new: str) -> list[str] | None:
    """Return SELECTs of the keys that rows of an input touch, or None where they touch everything.

    ``rows`` is what stands in FROM: changed rows of the relation, or rows whose instant has come.
    """
    keys = model.refresh.keys
    links = [link for link in model.refresh.touched_by if link.relation == relation]
    if links:
        return [_through(model, link, rows, tables) for link in links]
    bound = binding(model, relation, tables.columns(relation))
    if all(key in bound for key in keys):
        said = _said(keys, bound, "r")
        flag = is_new if relation in model.refresh.spine else "false"
        return [f"select distinct {said}, {flag} as is_new from {rows} r"]
    if not bound:
        return None
    return [
        _with_some_keys(model, bearer, bound, rows, tables) for bearer in _bearers(model, tables) if bearer != relation
    ]


def due_keys(model: Model, tables: Tables, until: str) -> str:
    """Return a SELECT of the keys whose ``next_change_at`` has come."""
    keys = ", ".join(model.refresh.keys)
    return f"select distinct {keys}, false as is_new from {tables.full(model.name)} where next_change_at <= {until}"


def within(model: Model, tables: Tables, changes: Mapping[str, str]) -> str:
    """Return the joins that leave only touched keys (``t``) for which there can be rows, or could be before.

    ``changes`` has, by the names of inputs of which rows changed, the relation of these.
    """
    return "".join(
        _only_with(
            link, [tables.full(link.relation), *(rows for name, rows in changes.items() if name == link.relation)]
        )
        for link in model.refresh.only_with
    )


def _only_with(link: Link, sources: Iterable[str]) -> str:
    said = ", ".join(f"{place} as {key}" for key, place in link.columns)
    where = f" where {link.where}" if link.where else ""
    rows = " union all ".join(f"select {said} from {source}{where}" for source in sources)
    name = f"with_{link.relation.replace('.', '_')}"
    return f" semi join ({rows}) {name} on {same('t', name, (key for key, _ in link.columns))}"


def scoped_view(  # noqa: PLR0913 - what an input is, and what is known of the keys
    model: Model,
    relation: str,
    source: str,
    tables: Tables,
    *,
    changes: str | None,
    has_old: bool,
    are_few: bool = False,
) -> str:
    """Return what an input's name stands for while touched keys are computed: its rows that bear one of these.

    Where the keys are few their rows are found before anything else is done: an optimizer that takes the keys for many
    may join all rows of an input first.
    """
    bound = binding(model, relation, tables.columns(relation))
    if not bound:
        return f"select * from {source}"
    found = _found_first if are_few else str
    if changes is None or not is_read_from_changes(model, relation, changes, bound):
        return found(_with_touched(bound, source, tables.touched))
    fresh = found(_with_touched(bound, changes, tables.touched, "and k.is_new"))
    if not has_old:
        return fresh
    old = found(_with_touched(bound, source, tables.touched, "and not k.is_new"))
    return f"{old} union all by name {fresh}"


def is_read_from_changes(model: Model, relation: str, changes: str | None, bound: dict[str, str]) -> bool:
    """Say whether an input's rows of new keys are read among its changes: there all of them are."""
    whole = all(key in bound for key in model.refresh.keys)
    return changes is not None and whole and relation in model.refresh.spine | model.refresh.follows


def same(left: str, right: str, names: Iterable[str]) -> str:
    """Return the condition that two rows have the same values under these names, nulls being the same."""
    return " and ".join(f"{left}.{name} is not distinct from {right}.{name}" for name in names)


def _with_touched(bound: dict[str, str], source: str, touched: str, more: str = "") -> str:
    conditions = " and ".join(
        f"k.{key} = {place}" if _is_text(place) else f"t.{place} is not distinct from k.{key}"
        for key, place in bound.items()
    )
    return f"select t.* from {source} t semi join {touched} k on {conditions} {more}".rstrip()


def _found_first(select: str) -> str:
    return f"select * from (with found as materialized ({select}) select * from found)"


def _through(model: Model, link: Link, rows: str, tables: Tables) -> str:
    bearer = link.through or link.relation
    bound = (
        binding(model, bearer, tables.columns(bearer)) if bearer != model.name else {k: k for k in model.refresh.keys}
    )
    said = _said(model.refresh.keys, bound, "t")
    wanted = ", ".join(f"{place} as {name}" for name, place in link.columns)
    conditions = " and ".join(f"t.{name} = r.{name}" for name, _ in link.columns)
    return (
        f"select distinct {said}, false as is_new from {tables.full(bearer)} t"
        f" semi join (select distinct {wanted} from {rows}) r on {conditions}"
    )


def _with_some_keys(model: Model, bearer: str, bound: dict[str, str], rows: str, tables: Tables) -> str:
    """All keys of a bearer (the model itself, or an input that bears all keys) with the keys that the rows bear."""
    places = (
        {key: key for key in model.refresh.keys}
        if bearer == model.name
        else binding(model, bearer, tables.columns(bearer))
    )
    said = _said(model.refresh.keys, places, "t")
    wanted = ", ".join(f"{place} as {key}" for key, place in bound.items())
    conditions = " and ".join(
        f"r.{key} = {places[key]}" if _is_text(places[key]) else f"t.{places[key]} is not distinct from r.{key}"
        for key in bound
    )
    return (
        f"select distinct {said}, false as is_new from {tables.full(bearer)} t"
        f" semi join (select distinct {wanted} from {rows}) r on {conditions}"
    )


def _bearers(model: Model, tables: Tables) -> list[str]:
    keys = model.refresh.keys
    candidates = model.refresh.spine or model.inputs
    own = [
        relation
        for relation in candidates
        if all(key in binding(model, relation, tables.columns(relation)) for key in keys)
    ]
    return [model.name, *own]


def _said(keys: Sequence[str], places: dict[str, str], alias: str) -> str:
    return ", ".join(
        f"{places[key]} as {key}" if _is_text(places[key]) else f"{alias}.{places[key]} as {key}" for key in keys
    )


def has_texts(bound: dict[str, str]) -> bool:
    """Say whether one of the keys is a text that stands for the relation itself."""
    return any(_is_text(place) for place in bound.values())


def _is_text(place: str) -> bool:
    return place.startswith("'")
