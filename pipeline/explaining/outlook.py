"""What comes next: what somebody could do to change the position, and what the clock changes by itself.

Belongs here: both lists. Does not belong here: why the position is what it is (``pipeline.explaining.rules``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pipeline.explaining.pair import Life, Pair
from pipeline.explaining.rules import Standing, standing_of
from pipeline.explaining.statement import Statement, says
from pipeline.explaining.wording import versions

_OPEN_DUTIES: Final = frozenset({"pending", "overdue", "exception_requested", "declined"})
_OBTAINING_HELPS: Final = frozenset({2, 3, 4, 13, 15, 16, 17, 18})
_REMOVING_HELPS: Final = frozenset({4, 5, 6, 7, 8, 11, 12, 13, 16})
_ONLY_A_VERSION_HELPS: Final = frozenset({1, 3, 6, 7, 8, 10})


@dataclass(frozen=True, slots=True)
class Remedy:
    """What the partner could do, and the position that it leads to.

    ``obtain`` is a version; ``attest`` that copies are removed names ``version_no``, which it keeps, or none.
    """

    action: Literal["obtain", "attest"]
    version_no: int | None
    leads_to: str


def remedies(standing: Standing, rule: int) -> list[Remedy]:
    """Return what would change a position that a rule gave, the best first."""
    target, found = standing.target_version_no, []
    if rule in _OBTAINING_HELPS and target is not None and not standing.is_deleted:
        found.append(Remedy("obtain", target, "current"))
    if rule in _REMOVING_HELPS:
        keeps = target if target in standing.held_versions and not standing.is_deleted else None
        found.append(Remedy("attest", keeps, "cleared" if keeps is None else "current"))
    return found


def explain_changes(pair: Pair) -> list[Statement]:
    """Say what would change the position, as things are."""
    if pair.position is None:
        return [says("a grant to download it, or a copy that it obtains, would give it a position")]
    standing, rule = standing_of(pair), pair.position["position_rule"]
    said = [says(_remedy(pair, remedy)) for remedy in remedies(standing, rule)]
    if rule in _ONLY_A_VERSION_HELPS and standing.target_version_no is None and not standing.is_deleted:
        said.append(says("a version that is approved and takes effect here"))
    return [*said, *_old_copies(pair, standing), *_answers(pair)] or [says("nothing needs to change")]


def _remedy(pair: Pair, remedy: Remedy) -> str:
    if remedy.action == "obtain":
        entitled = pair.position is not None and pair.position["entitled"]
        caveat = "" if entitled else ", but it may not download it"
        return f"obtaining version {remedy.version_no}: then it is {_spoken(remedy.leads_to)}{caveat}"
    if remedy.version_no is None:
        return f"attesting that all its copies are removed: then it is {_spoken(remedy.leads_to)}"
    return (
        f"attesting that its other copies are removed, naming version {remedy.version_no} as the one that it keeps:"
        f" then it is {_spoken(remedy.leads_to)}"
    )


def _old_copies(pair: Pair, standing: Standing) -> Iterator[Statement]:
    position = pair.position or {}
    if position.get("residual_old_copy"):
        target = position["target_version_no"]
        older = [number for number in standing.held_versions if number < target]
        yield says(
            f"it still holds {versions(older)} beside the one to hold: attesting that these copies are removed, naming"
            f" version {target} as the one that it keeps, ends that"
        )


def _answers(pair: Pair) -> Iterator[Statement]:
    for duty in pair.obligations:
        if duty["state"] in _OPEN_DUTIES:
            how = (
                "attesting the removal of the copies"
                if duty["kind"] in {"withdrawal", "expiry"}
                else f"an answer that version {duty['version_no']} was received, read or accepted"
            )
            yield says(f"{how} closes what it owes ({_spoken(duty['kind'])}, version {duty['version_no']})")


def explain_outlook(pair: Pair) -> list[Statement]:
    """Say what the clock will change if nothing else happens, in order."""
    coming = [
        *_of_lives(pair),
        *_of_grace(pair),
        *_of_held(pair),
        *_of_entitlement(pair),
        *_of_records(pair),
        *_of_duties(pair),
    ]
    ordered = sorted(coming, key=lambda statement: statement.at or pair.as_of)
    return ordered or [says("nothing changes by the clock alone")]


def _of_lives(pair: Pair) -> Iterator[Statement]:
    asset_id = pair.asset["asset_id"]
    for life in pair.lives:
        record = f"version {asset_id}:{life.version_no}"
        if life.effective_at > pair.as_of:
            again = " again" if life.is_reinstated else ""
            text = f"version {life.version_no} becomes the one to hold{again}"
            yield says(text, record, at=life.effective_at)
        if life.ended_at is not None and life.ended_at > pair.as_of and _leaves_a_gap(life, pair.lives):
            verb = "is withdrawn" if life.end_reason == "withdrawn" else "expires"
            text = f"version {life.version_no} {verb}, and nothing takes its place"
            yield says(text, record, at=life.ended_at)


def _leaves_a_gap(life: Life, lives: Sequence[Life]) -> bool:
    return not any(other.effective_at == life.ended_at for other in lives)


def _of_grace(pair: Pair) -> Iterator[Statement]:
    """Tell when it is overdue; to who is not behind, the end of the time to change means nothing."""
    position = pair.position
    if position is not None and position["position"] == "stale_in_grace":
        text = f"the time to change to version {position['target_version_no']} ends: from then on it is overdue"
        yield says(text, at=position["grace_until"])


def _of_held(pair: Pair) -> Iterator[Statement]:
    """Tell what happens to versions that it holds, unless that is told as the end of a life."""
    ends = {(life.version_no, life.ended_at) for life in pair.lives}
    begins = {(life.version_no, life.effective_at) for life in pair.lives}
    for version in standing_of(pair).held:
        number, record = version.version_no, f"version {pair.asset['asset_id']}:{version.version_no}"
        for at, verb in ((version.withdrawn_from, "is withdrawn"), (version.expires_at, "expires")):
            if at is not None and at > pair.as_of:
                is_told = (number, at) in ends and any(
                    life.ended_at == at and _leaves_a_gap(life, pair.lives) for life in pair.lives
                )
                if not is_told:
                    yield says(f"version {number}, which it holds, {verb}", record, at=at)
        effective_at = version.effective_at
        if effective_at is not None and effective_at > pair.as_of and (number, effective_at) not in begins:
            yield says(
                f"version {number}, which it holds, would take effect, but it does not count here",
                record,
                at=effective_at,
            )


def _of_entitlement(pair: Pair) -> Iterator[Statement]:
    for grant in pair.grants:
        verb = "allow" if grant.effect == "allow" else "forbid"
        record = f"grant {grant.grant_id}"
        if grant.counts_from is not None and grant.counts_from > pair.as_of:
            yield says(f"{grant.grant_id} begins to {verb} it", record, at=grant.counts_from)
        if grant.counts_until is not None and grant.counts_until > pair.as_of:
            yield says(f"{grant.grant_id} ceases to {verb} it", record, at=grant.counts_until)


def _of_records(pair: Pair) -> Iterator[Statement]:
    """Tell what is recorded with an instant that is yet to come."""
    for removal in pair.removals:
        record = f"acknowledgment {removal.ack_id}"
        if removal.attested_at > pair.as_of:
            yield says(
                "an attestation that copies are removed bears this later instant", record, at=removal.attested_at
            )
        elif removal.revoked_at is not None and removal.revoked_at > pair.as_of:
            yield says("an attestation that copies are removed is revoked", record, at=removal.revoked_at)
    for at in pair.later_copies:
        yield says("a copy that is recorded with this later instant counts as obtained", at=at)
    deleted_at = pair.asset["deleted_at"]
    if deleted_at is not None and deleted_at > pair.as_of:
        yield says("the asset is deleted", f"asset {pair.asset['asset_id']}", at=deleted_at)


def _of_duties(pair: Pair) -> Iterator[Statement]:
    for duty in pair.obligations:
        due_at = duty["due_at"]
        if duty["state"] == "pending" and due_at is not None and due_at > pair.as_of:
            kind = _spoken(duty["kind"])
            yield says(
                f"an answer about version {duty['version_no']} ({kind}) is due: from then on it is overdue", at=due_at
            )


def _spoken(name: str) -> str:
    return name.replace("_", " ")
