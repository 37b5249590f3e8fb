"""A pair: everything that is known about one partner and one asset, read from the tables.

Belongs here: what is read, restricted to the pair, and its shapes. Does not belong here: words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from pipeline.errors import StateError
from pipeline.explaining.wording import Zone
from pipeline.sqlmodels.relations import Question

NEEDED: Final = (
    "freshness.positions",
    "freshness.holdings",
    "freshness.held_copies",
    "freshness.obtained",
    "freshness.removals",
    "freshness.version_terms",
    "freshness.version_lives",
    "freshness.entitlements",
    "freshness.grant_partners",
    "freshness.grant_assets",
    "core.partners",
    "core.assets",
    "core.asset_versions",
    "core.grants",
    "core.segments",
    "core.packages",
    "core.partner_groups",
    "core.acknowledgments",
    "freshness.obligations",
    "freshness.acknowledgment_classes",
    "audit.trail",
    "audit.verdicts",
    "audit.findings",
    "marts.notice_log",
    "sync.notice_decisions",
    "ops.data_late",
    "ops.streams",
)
Row = dict[str, Any]
T = TypeVar("T")


class Source(Protocol):
    """One consistent set of tables, whatever they are read from."""

    @property
    def question(self) -> Question:
        """What the tables answer."""

    def has(self, name: str) -> bool:
        """Say whether a table can be read."""

    def table(self, name: str) -> str:
        """Return what stands for a table in a FROM clause."""

    def rows(self, query: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """Ask, and return the rows by column name."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version with its terms where the partner is."""

    version_no: int
    version_label: str | None
    approval_status: str
    approved_at: datetime | None
    effective_local: datetime | None
    effective_policy: str | None
    effective_at: datetime | None
    withdrawn_from: datetime | None
    withdrawal_reason: str | None
    expires_at: datetime | None
    restricted_regions: list[str]
    is_barred: bool
    resolution_flag: str | None


@dataclass(frozen=True, slots=True)
class Life:
    """A stretch in which a version is the one to hold."""

    version_no: int
    effective_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    is_reinstated: bool


@dataclass(frozen=True, slots=True)
class Copy:
    """The copies of one version that are held; None = of unknown version."""

    version_no: int | None
    first_obtained_at: datetime
    last_obtained_at: datetime
    copies: int


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant about the pair, and the stretch in which it counts for it; None = without beginning, without end."""

    grant_id: str
    effect: str
    rights: list[str]
    grantee_type: str
    grantee_id: str
    grantee_name: str | None
    object_type: str
    object_id: str
    object_name: str | None
    counts_from: datetime | None
    counts_until: datetime | None


@dataclass(frozen=True, slots=True)
class Removal:
    """An attestation that copies were removed, by the partner or its parent."""

    ack_id: str
    attested_at: datetime
    revoked_at: datetime | None
    spares_version_no: int | None


@dataclass(frozen=True, slots=True)
class Pair:
    """One partner and one asset, as known."""

    question: Question
    partner: Row
    asset: Row
    position: Row | None
    holding: Row | None
    entitlement: Row | None
    versions: Sequence[Version]
    lives: Sequence[Life]
    copies: Sequence[Copy]
    grants: Sequence[Grant]
    removals: Sequence[Removal]
    trail: Sequence[Row]
    notices: Sequence[Row]
    decisions: Sequence[Row]
    findings: Sequence[Row]
    lateness: Sequence[Row]
    feeds: Sequence[Row]
    obligations: Sequence[Row]
    classes: Sequence[Row]
    later_copies: Sequence[datetime]

    @property
    def zone(self) -> Zone:
        """The partner's zone."""
        return Zone(self.partner["zone"])

    @property
    def as_of(self) -> datetime:
        """The instant that is asked about."""
        return self.question.as_of

    @property
    def target(self) -> Life | None:
        """The life that goes on at the instant, if any."""
        return next((life for life in self.lives if is_running(life, self.as_of)), None)

    @property
    def grace_seconds(self) -> int:
        """The time to change that it has for the target, 0 where there is none."""
        position = self.position or {}
        until, since = position.get("grace_until"), position.get("target_effective_at")
        return int((until - since).total_seconds()) if until is not None and since is not None else 0

    def version(self, version_no: int) -> Version | None:
        """Return a version by its number."""
        return next((version for version in self.versions if version.version_no == version_no), None)


def is_running(life: Life, at: datetime) -> bool:
    """Say whether a life goes on at an instant."""
    return life.effective_at <= at and (life.ended_at is None or life.ended_at > at)


def read_pair(source: Source, partner_id: str, asset_id: str) -> Pair:
    """Read everything about a pair of which both exist.

    Raises:
        StateError: a table that is needed is not at hand.

    """
    missing = [name for name in NEEDED if not source.has(name)]
    if missing:
        message = (
            "The warehouse is in use, and what was published last does not hold everything that an explanation rests"
            " on: try again when it is free."
        )
        raise StateError(message)
    read = _Reading(source, {"partner_id": partner_id, "asset_id": asset_id})
    partner = read.one("select * from {core.partners} where partner_id = $partner_id") or {}
    place = {"region": partner["region"], "zone": partner["zone"]}
    asset = read.one("select * from {core.assets} where asset_id = $asset_id") or {}
    return Pair(
        question=source.question,
        partner=partner,
        asset=asset,
        position=read.of_pair("freshness.positions"),
        holding=read.of_pair("freshness.holdings"),
        entitlement=read.of_pair("freshness.entitlements"),
        versions=read.typed(Version, _VERSIONS, place),
        lives=read.typed(Life, _LIVES, place),
        copies=read.typed(Copy, _COPIES),
        grants=read.typed(Grant, _GRANTS),
        removals=read.typed(Removal, _REMOVALS),
        trail=read.rows(_TRAIL, {"as_of": source.question.as_of, "parent_partner_id": partner["parent_partner_id"]}),
        notices=read.rows(_NOTICES),
        decisions=read.rows(_DECISIONS),
        findings=read.rows(_FINDINGS),
        lateness=read.rows("select * from {ops.data_late} order by claim"),
        feeds=read.rows("select stream, connection, watermark from {ops.streams}"),
        obligations=read.rows(_OBLIGATIONS),
        classes=read.rows(_CLASSES),
        later_copies=[row["obtained_at"] for row in read.rows(_LATER, {"as_of": source.question.as_of})],
    )


class _Reading:
    """Questions with ``{schema.table}`` in them, about one pair."""

    def __init__(self, source: Source, pair: Mapping[str, object]) -> None:
        self._source = source
        self._pair = pair

    def rows(self, query: str, more: Mapping[str, object] | None = None) -> list[Row]:
        parameters = {**self._pair, **(more or {})}
        used = {name: value for name, value in parameters.items() if f"${name}" in query}
        for name in NEEDED:
            if f"{{{name}}}" in query:
                query = query.replace(f"{{{name}}}", self._source.table(name))
        return self._source.rows(query, used)

    def one(self, query: str) -> Row | None:
        return next(iter(self.rows(query)), None)

    def of_pair(self, name: str) -> Row | None:
        return self.one(f"select * from {{{name}}} where partner_id = $partner_id and asset_id = $asset_id")  # noqa: S608 - names of ours

    def typed(self, kind: type[T], query: str, more: Mapping[str, object] | None = None) -> list[T]:
        names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
        return [kind(**{name: row[name] for name in names}) for row in self.rows(query, more)]


_VERSIONS: Final = """
    select versions.version_no, versions.version_label, versions.approval_status, versions.approved_at,
        versions.effective_local, versions.effective_policy, versions.restricted_regions, versions.withdrawal_reason,
        terms.effective_at, terms.withdrawn_from, terms.expires_at, terms.is_barred, terms.resolution_flag
    from {core.asset_versions} as versions
    inner join {freshness.version_terms} as terms
        on terms.asset_id = versions.asset_id and terms.version_no = versions.version_no
    where terms.region = $region and terms.zone = $zone and terms.asset_id = $asset_id
        and versions.asset_id = $asset_id
    order by versions.version_no
"""
_LIVES: Final = """
    select * from {freshness.version_lives}
    where region = $region and zone = $zone and asset_id = $asset_id order by effective_at, version_no
"""
_COPIES: Final = """
    select * from {freshness.held_copies}
    where partner_id = $partner_id and asset_id = $asset_id order by version_no nulls first
"""
_GRANTS: Final = """
    select grants.grant_id, grants.effect, coalesce(grants.rights, []) as rights, grants.grantee_type,
        grants.grantee_id, partner_groups.name as grantee_name, grants.object_type, grants.object_id,
        coalesce(segments.name, packages.name) as object_name,
        nullif(greatest(given.given_from, reaching.reaches_from), '-infinity'::timestamptz) as counts_from,
        nullif(least(given.given_until, reaching.reaches_until), 'infinity'::timestamptz) as counts_until
    from {freshness.grant_partners} as given
    inner join {freshness.grant_assets} as reaching on reaching.grant_id = given.grant_id
    inner join {core.grants} as grants on grants.grant_id = given.grant_id
    left join {core.partner_groups} as partner_groups
        on grants.grantee_type = 'partner_group' and partner_groups.group_id = grants.grantee_id
    left join {core.segments} as segments
        on grants.object_type = 'segment' and segments.segment_id = grants.object_id
    left join {core.packages} as packages
        on grants.object_type = 'package' and packages.package_id = grants.object_id
    where given.partner_id = $partner_id and reaching.asset_id = $asset_id
        and greatest(given.given_from, reaching.reaches_from) < least(given.given_until, reaching.reaches_until)
    order by counts_from nulls first, grants.grant_id
"""
_REMOVALS: Final = """
    select * from {freshness.removals}
    where partner_id = $partner_id and asset_id = $asset_id order by attested_at, ack_id
"""
_LATER: Final = """
    select distinct obtained_at from {freshness.obtained}
    where partner_id = $partner_id and asset_id = $asset_id and obtained_at > $as_of order by obtained_at
"""
_TRAIL: Final = """
    select trail.*, acknowledgments.covers_children, acknowledgments.rationale, acknowledgments.kind as ack_kind
    from {audit.trail} as trail
    left join {core.acknowledgments} as acknowledgments
        on trail.subject_type = 'acknowledgment' and acknowledgments.ack_id = trail.subject_id
    where trail.asset_id = $asset_id and trail.occurred_at <= $as_of
        and (
            trail.partner_id = $partner_id
            or (trail.partner_id = $parent_partner_id and acknowledgments.covers_children)
        )
    order by trail.occurred_at, trail.seq
"""
_NOTICES: Final = """
    select * from {marts.notice_log}
    where partner_id = $partner_id and asset_id = $asset_id order by coalesce(sent_at, decided_at), notice_key
"""
_DECISIONS: Final = """
    select * from {sync.notice_decisions}
    where partner_id = $partner_id and asset_id = $asset_id order by decided_at, candidate_key
"""
_FINDINGS: Final = """
    select * from {audit.findings}
    where partner_id = $partner_id and asset_id = $asset_id and status = 'open' order by first_seen_at, finding_id
"""
_OBLIGATIONS: Final = """
    select * from {freshness.obligations}
    where partner_id = $partner_id and asset_id = $asset_id order by sent_at nulls last, version_no, kind
"""
_CLASSES: Final = """
    select classes.*
    from {freshness.acknowledgment_classes} as classes
    inner join {core.acknowledgments} as acknowledgments on acknowledgments.ack_id = classes.ack_id
    where acknowledgments.asset_id = $asset_id
        and (
            (classes.partner_id = $partner_id and classes.asset_id = $asset_id)
            or (classes.partner_id is null and classes.said_by_partner_id = $partner_id)
        )
    order by classes.occurred_at, classes.ack_id, classes.version_no, classes.kind
"""
