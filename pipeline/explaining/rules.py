"""The eighteen rules of a position in words: what each says, why one matches, why those before it do not.

Belongs here: docs/domain.md, section 6, as conditions that can say in words whether they hold. Does not belong here:
deciding the position (``sql/freshness/positions.sql`` does; a test holds the two against each other).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pipeline.explaining.pair import Pair, Version
from pipeline.explaining.wording import Zone, span, versions

SECTION: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the rules look at."""

    zone: Zone
    as_of: datetime
    first_obtained_at: datetime | None
    holds_anything: bool
    held: Sequence[Version]
    holds_unknown: bool
    last_version_no: int | None
    last_obtained_at: datetime | None
    deleted_at: datetime | None
    target_version_no: int | None
    target_effective_at: datetime | None
    grace_seconds: int
    grace_until: datetime | None

    @property
    def held_versions(self) -> list[int]:
        """The numbers of the versions that it holds."""
        return [version.version_no for version in self.held]

    @property
    def is_deleted(self) -> bool:
        """Whether the asset was deleted by then."""
        return _is_past(self.deleted_at, self.as_of)

    def withdrawn(self) -> list[Version]:
        """What it holds that was withdrawn by then."""
        return [version for version in self.held if _is_past(version.withdrawn_from, self.as_of)]

    def expired(self) -> list[Version]:
        """What it holds that had expired by then."""
        return [version for version in self.held if _is_past(version.expires_at, self.as_of)]

    def barred(self) -> list[Version]:
        """What it holds that is barred where it is."""
        return [version for version in self.held if version.is_barred]

    def unapproved(self) -> list[Version]:
        """What it holds that is pending or was rejected."""
        return [version for version in self.held if version.approval_status in {"pending", "rejected"}]

    def not_yet_effective(self) -> list[Version]:
        """What it holds that takes effect later."""
        return [
            version
            for version in self.held
            if version.approval_status in {"approved", "revoked"}
            and not version.is_barred
            and version.effective_at is not None
            and version.effective_at > self.as_of
            and not _is_past(version.withdrawn_from, self.as_of)
            and not _is_past(version.expires_at, self.as_of)
        ]

    def newer(self, held: Sequence[Version]) -> list[Version]:
        """Those of a version number above the target's."""
        target = self.target_version_no
        return [version for version in held if target is not None and version.version_no > target]


def standing_of(pair: Pair) -> Standing:
    """Take from a pair what the rules look at."""
    held = [pair.version(copy.version_no) for copy in pair.copies if copy.version_no is not None]
    holding, position = pair.holding or {}, pair.position or {}
    return Standing(
        zone=pair.zone,
        as_of=pair.as_of,
        first_obtained_at=holding.get("first_obtained_at"),
        holds_anything=bool(pair.copies),
        held=[version for version in held if version is not None],
        holds_unknown=any(copy.version_no is None for copy in pair.copies),
        last_version_no=holding.get("last_version_no"),
        last_obtained_at=holding.get("last_obtained_at"),
        deleted_at=pair.asset["deleted_at"],
        target_version_no=pair.target.version_no if pair.target else None,
        target_effective_at=pair.target.effective_at if pair.target else None,
        grace_seconds=pair.grace_seconds,
        grace_until=position.get("grace_until"),
    )


@dataclass(frozen=True, slots=True)
class Condition:
    """One part of a rule, with its sentence where it holds and where it does not."""

    holds: Callable[[Standing], bool]
    yes: Callable[[Standing], str]
    no: Callable[[Standing], str]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its number, the position that it gives, what it says, its conditions."""

    number: int
    position: str
    says: str
    conditions: tuple[Condition, ...]

    def failing(self, standing: Standing) -> Condition | None:
        """Return the first condition that does not hold, or None where the rule matches."""
        return next((condition for condition in self.conditions if not condition.holds(standing)), None)


def because(standing: Standing, rule: Rule) -> list[str]:
    """Say why a rule matches, condition by condition."""
    return [condition.yes(standing) for condition in rule.conditions]


def why_not_before(standing: Standing, rule: Rule) -> list[tuple[tuple[int, ...], str]]:
    """Say why the rules before this one do not match: numbers with one reason in common, and that reason."""
    reasons: list[tuple[list[int], str]] = []
    for earlier in RULES[: rule.number - 1]:
        failing = earlier.failing(standing)
        if failing is None:
            continue
        reason = failing.no(standing)
        if reasons and reasons[-1][1] == reason:
            reasons[-1][0].append(earlier.number)
        else:
            reasons.append(([earlier.number], reason))
    return [(tuple(numbers), reason) for numbers, reason in reasons]


def _is_past(instant: datetime | None, at: datetime) -> bool:
    return instant is not None and instant <= at


def _held(standing: Standing) -> str:
    known = versions(standing.held_versions) if standing.held else ""
    unknown = "a copy of unknown version" if standing.holds_unknown else ""
    return " and ".join(part for part in (known, unknown) if part) or "nothing"


def _target(standing: Standing) -> str:
    return f"version {standing.target_version_no} is the one to hold"


def _first_copy(standing: Standing) -> str:
    first = standing.first_obtained_at
    return f"it obtained a copy, first at {standing.zone.at(first)}" if first else "it obtained a copy"


def _named(held: Sequence[Version]) -> str:
    return versions([version.version_no for version in held])


def _since(standing: Standing, held: Sequence[Version], field: str) -> str:
    return ", ".join(f"version {one.version_no} since {standing.zone.at(getattr(one, field))}" for one in held)


def _some(choose: Callable[[Standing], Sequence[Version]], yes: Callable[[Standing], str], no: str) -> Condition:
    return Condition(lambda standing: bool(choose(standing)), yes, lambda _: no)


_NOTHING_OBTAINED: Final = Condition(
    lambda one: one.first_obtained_at is None, lambda _: "it never obtained a copy", _first_copy
)
_NO_TARGET: Final = Condition(
    lambda one: one.target_version_no is None, lambda _: "there is no version to hold", _target
)
_HOLDS_NOTHING: Final = Condition(
    lambda one: not one.holds_anything,
    lambda _: "all that it had obtained was attested as removed",
    lambda one: f"it still holds {_held(one)}",
)
_ONLY_UNKNOWN: Final = Condition(
    lambda one: not one.held,
    lambda _: "of no copy that it holds is the version known",
    lambda one: f"it is known that it holds {_named(one.held)}",
)
_DELETED: Final = Condition(
    lambda one: one.is_deleted,
    lambda one: f"the asset was deleted at {one.zone.at(one.deleted_at)}" if one.deleted_at else "",
    lambda _: "the asset is not deleted",
)
_WITHDRAWN: Final = _some(
    Standing.withdrawn,
    lambda one: f"it holds what is withdrawn: {_since(one, one.withdrawn(), 'withdrawn_from')}",
    "nothing that it holds is withdrawn",
)
_EXPIRED: Final = _some(
    Standing.expired,
    lambda one: f"it holds what has expired: {_since(one, one.expired(), 'expires_at')}",
    "nothing that it holds has expired",
)
_UNAPPROVED: Final = _some(
    Standing.unapproved,
    lambda one: f"it holds {_named(one.unapproved())}, which is not approved",
    "nothing that it holds lacks approval",
)
_NOT_YET: Final = _some(
    Standing.not_yet_effective,
    lambda one: f"it holds what takes effect later: {_since(one, one.not_yet_effective(), 'effective_at')}".replace(
        " since ", " at "
    ),
    "nothing that it holds is yet to take effect",
)
_NEWER_WITHDRAWN: Final = _some(
    lambda one: one.newer(one.withdrawn()),
    lambda one: f"it holds {_named(one.newer(one.withdrawn()))}, newer and withdrawn",
    "it holds nothing newer that is withdrawn",
)
_NEWER_BARRED: Final = _some(
    lambda one: one.newer(one.barred()),
    lambda one: f"it holds {_named(one.newer(one.barred()))}, newer and barred in its region",
    "it holds nothing newer that is barred in its region",
)
_NEWER_UNAPPROVED: Final = _some(
    lambda one: one.newer(one.unapproved()),
    lambda one: f"it holds {_named(one.newer(one.unapproved()))}, newer and not approved",
    "it holds nothing newer that lacks approval",
)
_HOLDS_TARGET: Final = Condition(
    lambda one: one.target_version_no in one.held_versions,
    lambda one: f"it holds version {one.target_version_no}, the one to hold",
    lambda one: f"it does not hold version {one.target_version_no}, but {_held(one)}",
)
_LAST_AFTER_EFFECT: Final = Condition(
    lambda one: bool(
        one.last_obtained_at and one.target_effective_at and one.last_obtained_at >= one.target_effective_at
    ),
    lambda one: f"it obtained a copy after version {one.target_version_no} took effect",
    lambda one: f"it obtained nothing since version {one.target_version_no} took effect",
)
_LAST_IS_OLDER: Final = Condition(
    lambda one: bool(
        one.last_version_no is not None
        and one.target_version_no is not None
        and one.last_version_no < one.target_version_no
    ),
    lambda one: f"that last copy is of version {one.last_version_no}, an older one",
    lambda one: (
        f"its last copy is of version {one.last_version_no}, not of an older one"
        if one.last_version_no is not None
        else "the version of its last copy is not known"
    ),
)
_OTHER_THAN_TARGET: Final = Condition(
    lambda one: one.target_version_no not in one.held_versions,
    lambda one: f"it holds {_held(one)}, and version {one.target_version_no} is the one to hold",
    lambda one: f"it holds version {one.target_version_no}, the one to hold",
)


def _grace(one: Standing) -> str:
    if one.grace_until is None:
        return "there is no version to change to"
    if not one.grace_seconds:
        return f"there is no time to change with this class of asset: it took effect at {one.zone.at(one.grace_until)}"
    runs = "runs until" if one.grace_until > one.as_of else "ended at"
    return f"its time to change ({span(one.grace_seconds)}) {runs} {one.zone.at(one.grace_until)}"


_IN_GRACE: Final = Condition(lambda one: bool(one.grace_until and one.grace_until > one.as_of), _grace, _grace)
_PAST_GRACE: Final = Condition(lambda one: bool(one.grace_until and one.grace_until <= one.as_of), _grace, _grace)

RULES: Final = (
    Rule(
        1, "nothing_to_hold", "nothing was ever obtained, and there is nothing to hold", (_NOTHING_OBTAINED, _NO_TARGET)
    ),
    Rule(2, "never_held", "nothing was ever obtained", (_NOTHING_OBTAINED,)),
    Rule(3, "cleared", "it obtained copies once, and attested that all of them are removed", (_HOLDS_NOTHING,)),
    Rule(4, "unknown_version", "it holds copies, but of none is the version known", (_ONLY_UNKNOWN,)),
    Rule(5, "orphaned", "the asset was deleted; the holding stays on record", (_DELETED,)),
    Rule(6, "withdrawn_held", "there is nothing to hold, and it holds a withdrawn version", (_NO_TARGET, _WITHDRAWN)),
    Rule(7, "expired_held", "there is nothing to hold, and it holds an expired version", (_NO_TARGET, _EXPIRED)),
    Rule(
        8, "unapproved_held", "there is nothing to hold, and it holds an unapproved version", (_NO_TARGET, _UNAPPROVED)
    ),
    Rule(
        9,
        "ahead",
        "there is nothing to hold yet, and it holds a version that takes effect later",
        (_NO_TARGET, _NOT_YET),
    ),
    Rule(10, "no_target", "there is nothing to hold, and nothing is wrong with what it holds", (_NO_TARGET,)),
    Rule(11, "withdrawn_held", "it holds a withdrawn version newer than the one to hold", (_NEWER_WITHDRAWN,)),
    Rule(12, "barred_held", "it holds a version newer than the one to hold that is barred for it", (_NEWER_BARRED,)),
    Rule(
        13,
        "regressed",
        "it holds the version to hold, but went back to an older one after that took effect",
        (_HOLDS_TARGET, _LAST_AFTER_EFFECT, _LAST_IS_OLDER),
    ),
    Rule(14, "current", "it holds the version to hold", (_HOLDS_TARGET,)),
    Rule(15, "ahead", "it holds a version that takes effect later", (_NOT_YET,)),
    Rule(16, "unapproved_held", "it holds an unapproved version newer than the one to hold", (_NEWER_UNAPPROVED,)),
    Rule(
        17,
        "stale_in_grace",
        "what it holds is not the version to hold, and its time to change still runs",
        (_OTHER_THAN_TARGET, _IN_GRACE),
    ),
    Rule(
        18,
        "stale_overdue",
        "what it holds is not the version to hold, and its time to change has run out",
        (_OTHER_THAN_TARGET, _PAST_GRACE),
    ),
)
