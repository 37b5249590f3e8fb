"""Supposed changes: what each would make of a record, and how it is told.

Belongs here: the kinds of change as values. Does not belong here: reading them from a command line
(``pipeline.whatif.wishes``), computing what follows (``pipeline.whatif.supposing``).

A change is one more edition of a record, as if its system had sent it: the models see nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from pipeline.instants import format_instant

VERSIONS: Final = "core.asset_versions_history"
GRANTS: Final = "core.grants_history"


@dataclass(frozen=True, slots=True)
class Edition:
    """One more edition of the record with this key: ``replaced`` are expressions over its latest edition."""

    relation: str
    key: Mapping[str, object]
    replaced: Mapping[str, str]
    parameters: Mapping[str, object]


class Change(Protocol):
    """One supposed change."""

    @property
    def asset_ids(self) -> frozenset[str]:
        """The assets that it is about."""

    @property
    def sentence(self) -> str:
        """What is supposed, in words."""

    @property
    def edition(self) -> Edition:
        """What the record would be."""

    def document(self) -> dict[str, object]:
        """The same for programs."""


@dataclass(frozen=True, slots=True)
class VersionChange:
    """A change of one version; the kinds below say which."""

    asset_id: str
    version_no: int
    note: str | None = field(default=None, kw_only=True)

    @property
    def asset_ids(self) -> frozenset[str]:
        """The one asset."""
        return frozenset({self.asset_id})

    @property
    def name(self) -> str:
        """The version in words."""
        return f"version {self.version_no} of {self.asset_id}"

    def _edition(self, replaced: Mapping[str, str], parameters: Mapping[str, object]) -> Edition:
        return Edition(VERSIONS, {"asset_id": self.asset_id, "version_no": self.version_no}, replaced, parameters)

    def _document(self, kind: str, **more: object) -> dict[str, object]:
        said: dict[str, object] = {"kind": kind, "asset_id": self.asset_id, "version_no": self.version_no}
        return {**said, **more, "note": self.note}


@dataclass(frozen=True, slots=True)
class Barred(VersionChange):
    """A region is added to those where the version must not be used."""

    region: str

    @property
    def sentence(self) -> str:
        """What is supposed, in words."""
        return f"{self.name} is barred in {self.region}"

    @property
    def edition(self) -> Edition:
        """The version with one more restricted region."""
        added = "list_distinct(list_append(coalesce(restricted_regions, []), $region))"
        return self._edition({"restricted_regions": added}, {"region": self.region})

    def document(self) -> dict[str, object]:
        """The same for programs."""
        return self._document("bar", region=self.region)


@dataclass(frozen=True, slots=True)
class Withdrawn(VersionChange):
    """The version is withdrawn at an instant."""

    at: datetime

    @property
    def sentence(self) -> str:
        """What is supposed, in words."""
        return f"{self.name} is withdrawn at {_stamp(self.at)}"

    @property
    def edition(self) -> Edition:
        """The version with the withdrawal."""
        return self._edition({"withdrawn_at": "$at::timestamptz"}, {"at": self.at})

    def document(self) -> dict[str, object]:
        """The same for programs."""
        return self._document("withdraw", at=self.at)


@dataclass(frozen=True, slots=True)
class Moved(VersionChange):
    """The version takes effect at another local time, by the policy that it has."""

    effective_local: datetime
    policy: str

    @property
    def sentence(self) -> str:
        """What is supposed, in words."""
        clock = {"publisher_local": "the publisher's time", "partner_local": "each partner's own time"}
        local = self.effective_local.isoformat(sep=" ", timespec="minutes")
        return f"{self.name} takes effect at {local}, {clock.get(self.policy, 'UTC')}"

    @property
    def edition(self) -> Edition:
        """The version with the other effective date."""
        return self._edition(
            {"effective_local": "$effective_local::timestamp"}, {"effective_local": self.effective_local}
        )

    def document(self) -> dict[str, object]:
        """The same for programs."""
        return self._document("move_effective", effective_local=self.effective_local.isoformat(), policy=self.policy)


@dataclass(frozen=True, slots=True)
class Expiring(VersionChange):
    """The version expires at an instant."""

    at: datetime

    @property
    def sentence(self) -> str:
        """What is supposed, in words."""
        return f"{self.name} expires at {_stamp(self.at)}"

    @property
    def edition(self) -> Edition:
        """The version with the expiry."""
        return self._edition({"expires_at": "$at::timestamptz"}, {"at": self.at})

    def document(self) -> dict[str, object]:
        """The same for programs."""
        return self._document("expire", at=self.at)


@dataclass(frozen=True, slots=True)
class GrantEnded:
    """A grant ends at an instant; ``reached`` are the assets that it is about."""

    grant_id: str
    at: datetime
    reached: frozenset[str]
    note: str | None = None

    @property
    def asset_ids(self) -> frozenset[str]:
        """The assets that the grant is about."""
        return self.reached

    @property
    def sentence(self) -> str:
        """What is supposed, in words."""
        assets = "1 asset" if len(self.reached) == 1 else f"{len(self.reached)} assets"
        return f"the grant {self.grant_id}, about {assets}, ends at {_stamp(self.at)}"

    @property
    def edition(self) -> Edition:
        """The grant with the end."""
        ended = "least(coalesce(valid_to, 'infinity'::timestamptz), $at::timestamptz)"
        return Edition(GRANTS, {"grant_id": self.grant_id}, {"valid_to": ended}, {"at": self.at})

    def document(self) -> dict[str, object]:
        """The same for programs."""
        reached = sorted(self.reached)
        return {"kind": "remove_grant", "grant_id": self.grant_id, "at": self.at, "assets": reached, "note": self.note}


def _stamp(instant: datetime) -> str:
    return format_instant(instant)[:16].replace("T", " ") + "Z"
