"""When a notice is due, and to whom (docs/domain.md 9).

Here belong: the due instants of the four kinds, audiences, joiners, the go-live.
Not here: what was posted (sent.py).
"""

from collections.abc import Iterator
from datetime import datetime

from tests.reference.grants import entitlement_changes, is_entitled
from tests.reference.holdings import Copy, copies, held_at
from tests.reference.policy import Policy
from tests.reference.records import Knowledge, Record
from tests.reference.sent import ObligationKey
from tests.reference.versions import Life, Place, Version, lives_of, versions_of

Window = tuple[datetime, datetime | None]


def announcements(known: Knowledge, as_of: datetime, policy: Policy) -> dict[ObligationKey, datetime]:
    """Every notice due by the instant to a partner and about an asset that we know, with its due instant."""
    everything, changes = copies(known), sorted(entitlement_changes(known))
    found: dict[ObligationKey, datetime] = {}
    for partner in known.current("partners"):
        for asset in known.current("assets"):
            holder = (str(partner["partner_id"]), str(asset["asset_id"]))
            obtained = [copy for copy in everything if (copy.partner_id, copy.asset_id) == holder]
            due = [
                *_of_removals(known, holder, obtained),
                *_of_versions(known, (partner, asset), obtained, changes, policy),
            ]
            found |= {
                (*holder, number, kind): due_at
                for number, kind, due_at in due
                if due_at <= as_of and policy.announces(due_at)
            }
    return found


def _held(known: Knowledge, obtained: list[Copy], at: datetime) -> list[Copy]:
    return held_at(known, [copy for copy in obtained if copy.obtained_at <= at], at)


def _of_removals(
    known: Knowledge, holder: tuple[str, str], obtained: list[Copy]
) -> Iterator[tuple[int, str, datetime]]:
    """Withdrawal and expiry: at that instant, to whoever holds the version then."""
    for version in versions_of(known, holder[1]).values():
        for kind, at in (("withdrawal", version.withdrawn_at), ("expiry", version.expires_at)):
            if at is not None and any(copy.version_no == version.version_no for copy in _held(known, obtained, at)):
                yield version.version_no, kind, at


def _of_versions(
    known: Knowledge,
    pair: tuple[Record, Record],
    obtained: list[Copy],
    changes: list[datetime],
    policy: Policy,
) -> Iterator[tuple[int, str, datetime]]:
    """Publish for the first life of all at its place, version_change for each after it, reinstated ones too."""
    partner, asset = pair
    holder = (str(partner["partner_id"]), str(asset["asset_id"]))
    versions = versions_of(known, holder[1])
    for place, life in enumerate(lives_of(known, holder[1], Place(str(partner["region"]), str(partner["timezone"])))):
        kind = "version_change" if place else "publish"
        due_at = announced_at(versions[life.version_no], life, policy)
        is_holder = kind == "version_change" and any(
            copy.version_no is not None and copy.version_no < life.version_no for copy in _held(known, obtained, due_at)
        )
        window = (due_at, life.ended_at)
        joined_at = due_at if is_holder else _first_entitled_at(known, holder, window, changes)
        if joined_at is not None:
            yield life.version_no, kind, joined_at


def announced_at(version: Version, life: Life, policy: Policy) -> datetime:
    """The later of the approval and `effective_at` - `announce_before`; nobody announces a return before it happens."""
    if life.is_reinstated:
        return life.effective_at
    if version.approved_at is None:
        message = f"{version} lives without an approval"
        raise AssertionError(message)
    return max(version.approved_at, life.effective_at - policy.announce_before)


def _first_entitled_at(
    known: Knowledge, holder: tuple[str, str], window: Window, changes: list[datetime]
) -> datetime | None:
    """Return the due instant, or when it joins later, while the version lives."""
    start, end = window
    for at in (start, *(change for change in changes if start < change)):
        if (end is None or at < end) and is_entitled(known, *holder, at):
            return at
    return None
