"""Which records can say anything about one partner: so that a question about it reads these, and no others.

Belongs here: from the history tables of streams that grow with the network, the records that the models named here may
make rows about one partner of, each with all its editions. Does not belong here: which models are computed, and when a
history may be narrowed at all (``pipeline.sqlmodels.asking``), rules (``sql/``).

What is left out could not change an answer about the partner; what is left in may well be about others. A record counts
by any edition of it, by every id that ever stood for the partner, and by the records that it names: an event by its
delivery or its user, a correction by what it replaces, a parent's acknowledgment, a notice that an acknowledgment names
(docs/domain.md, 3, 6 and 8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from pipeline.sqlmodels.relations import Connection, text_literal

# What each of these makes of records that do not concern a partner is nothing about it: all that it reads may be left
# out but what is found here, and the place in which the partner is.
OF_ONE_PARTNER: Final = frozenset(
    {
        "core.access_events",
        "core.acknowledgments",
        "core.corrections",
        "core.deliveries",
        "core.grants",
        "core.group_members",
        "core.notices",
        "freshness.access_rights",
        "freshness.answers",
        "freshness.delivered",
        "freshness.every_life",
        "freshness.grant_assets",
        "freshness.grant_partners",
        "freshness.places",
        "freshness.positions",
        "freshness.removals",
        "freshness.version_instants",
        "freshness.version_lives",
        "freshness.version_terms",
    }
)
# The streams of which records are left out, and what their records are called by.
KEYS: Final = {
    "access_events": "event_id",
    "acknowledgments": "ack_id",
    "deliveries": "delivery_id",
    "grants": "grant_id",
    "group_members": "partner_id",
    "notices": "notice_id",
}
_SCHEMA: Final = "concerning"


@dataclass(frozen=True, slots=True)
class Concerning:
    """Finds the records of one partner in a catalog of its own; ``seen`` gives a history's rows as known then.

    What it gives stands in FROM.
    """

    connection: Connection
    scope: str
    partner_id: str
    seen: Callable[[str], str]

    def lay(self, streams: Iterable[str]) -> dict[str, str]:
        """Make tables of all records of these streams that may concern the partner; return them by stream."""
        wanted = set(streams)
        self.connection.execute(f"create schema {self.scope}.{_SCHEMA}")
        self._make(
            "ids",
            f"select {self._partner} as id union select vip_id from {self.seen('core.xref_history')}"
            f" where entity = 'partner' and trading_grid_id = {self._partner}",
        )
        laid: set[str] = set()
        for together, lay in (
            (("group_members", "grants"), self._lay_grants),
            (("deliveries", "access_events"), self._lay_events),
            (("acknowledgments", "notices"), self._lay_answers),
        ):
            if wanted.intersection(together):
                lay()
                laid.update(together)
        return {stream: self._at(stream) for stream in laid}

    def _lay_grants(self) -> None:
        """Grants to the partner, or to a group that it ever was in."""
        members = self.seen(_history("group_members"))
        self._make("group_members", f"select * from {members} where partner_id = {self._partner}")
        grantees = f"select id from {self._at('ids')} union select group_id from {self._at('group_members')}"
        self._find("grants", f"grantee_id in ({grantees})")

    def _lay_events(self) -> None:
        """Events by partner, delivery or user, what corrects them, and the deliveries that any of these names."""
        users = f"select user_id from {self.seen('core.partner_users_history')} where partner_id = {self._partner}"
        self._make(
            "users",
            f"{users} union select vip_id from {self.seen('core.xref_history')}"
            f" where entity = 'user' and trading_grid_id in ({users})",
        )
        by_id = f"partner_id in (select id from {self._at('ids')})"
        self._find("deliveries", by_id)
        of_nobody = (
            f"partner_id is null and (delivery_id in (select delivery_id from {self._at('deliveries')})"
            f" or user_id in (select user_id from {self._at('users')}))"
        )
        self._find("access_events", by_id, of_nobody)
        found = f"select event_id from {self._at('access_events')}"
        self._add("access_events", f"supersedes_event_id is not null and supersedes_event_id in ({found})")
        self._add("deliveries", f"delivery_id in (select delivery_id from {self._at('access_events')})")

    def _lay_answers(self) -> None:
        """Acknowledgments by the partner or one that ever was its parent, its notices, and those that these name."""
        parents = (
            f"select parent_partner_id from {self.seen('core.partners_history')}"
            f" where partner_id = {self._partner} and parent_partner_id is not null"
        )
        self._find("acknowledgments", f"partner_id = {self._partner}", f"partner_id in ({parents})")
        named = f"select notice_id from {self._at('acknowledgments')}"
        self._find("notices", f"partner_id = {self._partner}", f"notice_id in ({named})")

    @property
    def _partner(self) -> str:
        return text_literal(self.partner_id)

    def _find(self, stream: str, *conditions: str) -> None:
        """Make the table of the records of which any edition meets one of the conditions, with all their editions."""
        self._make(stream, f"select * from {self.seen(_history(stream))} where false")
        for condition in conditions:
            self._add(stream, condition)

    def _add(self, stream: str, condition: str) -> None:
        """Add the records of which any edition meets the condition, and that are not there yet.

        Hardly a record of a large stream has a second edition, so that looking for these alone reads next to nothing.
        """
        key, table, rows = KEYS[stream], self._at(stream), self.seen(_history(stream))
        new, unopened = self._at("new"), self._at("unopened")
        self._make("new", f"select * from {rows} where ({condition}) and {key} not in (select {key} from {table})")
        # Mostly there is none, or it has only the edition that was found: the keys of a large stream are not looked at.
        if self._is_empty(new):
            return
        self.connection.execute(
            f"insert into {table} select * from {new} where edition = 1"
            f" union all select * from {rows} where edition > 1 and {key} in (select {key} from {new})"
        )
        self._make("unopened", f"select {key} from {new} group by {key} having min(edition) > 1")
        if not self._is_empty(unopened):
            first = f"select * from {rows} where edition = 1 and {key} in (select {key} from {unopened})"
            self.connection.execute(f"insert into {table} {first}")

    def _is_empty(self, table: str) -> bool:
        return not self.connection.execute(f"select 1 from {table} limit 1").fetchall()

    def _make(self, name: str, select: str) -> None:
        self.connection.execute(f"create or replace table {self._at(name)} as {select}")

    def _at(self, name: str) -> str:
        return f"{self.scope}.{_SCHEMA}.{name}"


def _history(stream: str) -> str:
    return f"core.{stream}_history"
