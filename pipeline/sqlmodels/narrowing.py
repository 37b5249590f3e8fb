"""A question about one partner or asset, answered from its rows alone.

Belongs here: by which of the asked keys each computed model may be narrowed, and laying its inputs so. Does not belong
here: which models are computed (``pipeline.sqlmodels.asking``), which records may concern a partner
(``pipeline.sqlmodels.concerning``).

A model is narrowed by a key that it has, if all computed models that read it are, and read of it what bears the key. So
is a history, for a partner, if all that read it are known to make of other partners' records nothing about this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.sqlmodels.concerning import KEYS, OF_ONE_PARTNER, Concerning
from pipeline.sqlmodels.graph import Graph
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.relations import Connection
from pipeline.sqlmodels.touching import binding

PARTNER: Final = "partner_id"
PLACES: Final = "freshness.places"
HISTORY: Final = "_history"


@dataclass
class Narrowing:
    """How one question is narrowed, in the catalog ``scope`` over the ``warehouse``, whose ``columns`` are given.

    ``only`` says to what; ``computed`` is in order.
    """

    connection: Connection
    warehouse: str
    scope: str
    graph: Graph
    only: Mapping[str, str]
    columns: Mapping[str, Sequence[str]]
    computed: Sequence[str]
    wanted: frozenset[str]
    _found: dict[str, str] = field(default_factory=dict)
    _laid: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find out what may be narrowed."""
        self._keys = {name: self._own_keys(name) for name in self.computed}
        for name in reversed(self.computed):
            for source in self.graph.models[name].inputs:
                if source in self._keys:
                    self._keys[source] &= self._passed_on(name, source)

    def lay_histories(self, filtered: Callable[[str], str]) -> None:
        """Let histories that are read for one partner alone bear only what may concern it.

        ``filtered`` gives the WHERE clause of what of a history was known.
        """
        is_read_whole = {
            source
            for name, keys in self._keys.items()
            if PARTNER not in keys
            for source in self.graph.models[name].inputs
        }
        relations = self._read_of_one_partner() - is_read_whole
        if not relations:
            return

        def seen(name: str) -> str:
            return f"(select * from {self.warehouse}.{name}{filtered(name)})"

        streams = {_stream(name) for name in relations}
        self._found = Concerning(self.connection, self.scope, self.only[PARTNER], seen).lay(streams)
        for name in sorted(relations):
            if name.endswith(HISTORY):
                rows = self._found[_stream(name)]
                self.connection.execute(f"create or replace view {self.scope}.{name} as select * from {rows}")

    def lay(self, model: Model, stored: Iterable[str]) -> None:
        """Let stored inputs of a model bear only what is asked about."""
        for source in stored:
            self._lay(source, self._condition(model, source))

    def limit(self, model: Model) -> str:
        """Return what a computed model's rows have to meet: that they are about what is asked; '' = nothing."""
        if model.name == PLACES and PARTNER in self._keys[PLACES]:
            own_places = f"select region, zone from core.partners where {self._equal({PARTNER: PARTNER})}"
            return f"(region, zone) in ({own_places})"
        own = self._keys[model.name] & set(model.refresh.keys)
        return self._equal({key: key for key in own})

    def lift(self) -> None:
        """Let all stored relations bear all of their rows again."""
        for source in list(self._laid):
            self._lay(source, "")

    def _own_keys(self, name: str) -> frozenset[str]:
        keys = set(self.graph.models[name].refresh.keys)
        if name in OF_ONE_PARTNER:
            keys.add(PARTNER)
        # Rows without the key would be wanted whole.
        is_whole = name in self.wanted and PARTNER not in self.graph.models[name].refresh.keys
        return frozenset(keys & self.only.keys()) - ({PARTNER} if is_whole else set())

    def _read_of_one_partner(self) -> set[str]:
        """Return the streams' relations that models read which are narrowed to a partner, but do not bear its key."""
        return {
            source
            for name, keys in self._keys.items()
            for source in self.graph.models[name].inputs
            if name in OF_ONE_PARTNER and PARTNER in keys and source not in self._keys and _stream(source) in KEYS
            if PARTNER not in binding(self.graph.models[name], source, self.columns.get(source, ()))
            or source.endswith(HISTORY)
        }

    def _passed_on(self, name: str, source: str) -> frozenset[str]:
        """Return by which keys what a model reads of another may be narrowed."""
        bound = binding(self.graph.models[name], source, self.columns.get(source, ()))
        return frozenset(key for key in self._keys[name] if key in bound or (key == PARTNER and name in OF_ONE_PARTNER))

    def _condition(self, model: Model, source: str) -> str:
        keys = self._keys[model.name]
        bound = binding(model, source, self.columns.get(source, ()))
        stream = _stream(source)
        if PARTNER in keys and PARTNER not in bound and model.name in OF_ONE_PARTNER and stream in self._found:
            key = KEYS[stream]
            return f"{key} in (select {key} from {self._found[stream]})"
        return self._equal({key: bound[key] for key in sorted(keys) if key in bound})

    def _equal(self, places: Mapping[str, str]) -> str:
        quoted = {key: self.only[key].replace("'", "''") for key in places}
        return " and ".join(f"{place} = '{quoted[key]}'" for key, place in sorted(places.items()))

    def _lay(self, source: str, condition: str) -> None:
        if self._laid.get(source, "") != condition:
            where = f" where {condition}" if condition else ""
            self.connection.execute(
                f"create or replace view {self.scope}.{source} as select * from {self.warehouse}.{source}{where}"
            )
            self._laid[source] = condition


def _stream(relation: str) -> str:
    return relation.removeprefix("core.").removesuffix(HISTORY)
