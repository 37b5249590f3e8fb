"""Which version is the one to hold, since when, and why each other one is not.

Belongs here: sentences about versions and their lives (docs/domain.md, 4). Does not belong here: what the partner has.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pipeline.explaining.pair import Life, Pair, Version
from pipeline.explaining.statement import Statement, says
from pipeline.explaining.wording import listed, policy

OLDER_SHOWN = 5


def explain_target(pair: Pair) -> list[Statement]:
    """Say which version is the one to hold, and why the others are not."""
    target = pair.target
    first = _target(pair, target) if target else [_no_target(pair)]
    others = [version for version in pair.versions if target is None or version.version_no != target.version_no]
    newest_first = sorted(others, key=lambda version: -version.version_no)
    shown = newest_first[: max(OLDER_SHOWN, sum(1 for one in others if target and one.version_no > target.version_no))]
    left = len(newest_first) - len(shown)
    more = [says(f"{left} older versions are not listed here")] if left > 1 else []
    return [*first, *(_other(pair, version) for version in shown), *more]


def _target(pair: Pair, target: Life) -> Iterator[Statement]:
    version = pair.version(target.version_no)
    label = f" ({version.version_label})" if version and version.version_label else ""
    yield says(
        f"version {target.version_no}{label} is the one to hold, since {pair.zone.at(target.effective_at)}",
        _record(pair, target.version_no),
        at=target.effective_at,
    )
    if target.is_reinstated:
        gone = _ended_by(pair, target.effective_at)
        because = f"version {gone.version_no} was withdrawn then, and " if gone else ""
        yield says(f"it came back: {because}the asset says that a withdrawal reinstates the one before")
    elif version:
        yield says(_how_it_took_effect(pair, version))
        replaced = [life for life in pair.lives if life.ended_at == target.effective_at]
        if replaced:
            yield says(f"it took the place of version {replaced[-1].version_no}")
    deleted_at = pair.asset["deleted_at"]
    if deleted_at is not None and deleted_at <= pair.as_of:
        yield says(f"the asset was deleted at {pair.zone.at(deleted_at)}, so nobody has to hold it any more")
    elif target.ended_at is not None:
        how = "expires" if target.end_reason == "expired" else f"is {_end(target)}"
        yield says(f"it will be that until {pair.zone.at(target.ended_at)}, when it {how}", at=target.ended_at)


def _how_it_took_effect(pair: Pair, version: Version) -> str:
    approved = f"it was approved at {pair.zone.at(version.approved_at)}" if version.approved_at else "it was approved"
    if version.effective_local is None:
        return f"{approved}, and took effect with that, for no later time is declared"
    declared = version.effective_local.strftime("%Y-%m-%d %H:%M")
    text = f"{approved}; it is declared to take effect at {declared}, {policy(version.effective_policy)}"
    if version.approved_at and version.effective_at == version.approved_at:
        text += ", but not before its approval"
    if version.resolution_flag == "skipped":
        text += " (a clock change skips that local time: it counts with the offset before the change)"
    elif version.resolution_flag == "repeated":
        text += " (a clock change repeats that local time: the first of the two counts)"
    return text


def _no_target(pair: Pair) -> Statement:
    ended = [life for life in pair.lives if life.ended_at is not None and life.ended_at <= pair.as_of]
    if not ended:
        return says("there is no version to hold: none has taken effect here")
    last = ended[-1]
    at = pair.zone.at(last.ended_at or pair.as_of)
    how = f"expired at {at}" if last.end_reason == "expired" else f"was {_end(last)} at {at}"
    text = f"there is no version to hold since version {last.version_no} {how}"
    return says(text, _record(pair, last.version_no), at=last.ended_at)


def _other(pair: Pair, version: Version) -> Statement:
    return says(f"version {version.version_no} is not: {why_not(pair, version)}", _record(pair, version.version_no))


def why_not(pair: Pair, version: Version) -> str:
    """Say why a version is not the one to hold."""
    return _never(pair, version) or _no_more(pair, version) or _not_now(pair, version)


def _never(pair: Pair, version: Version) -> str | None:
    if version.approval_status in {"pending", "rejected"}:
        return "its approval is pending" if version.approval_status == "pending" else "its approval was rejected"
    if version.is_barred:
        return f"it is barred in {listed(version.restricted_regions)}, and the partner is in {pair.partner['region']}"
    return None


def _no_more(pair: Pair, version: Version) -> str | None:
    if version.withdrawn_from is not None and version.withdrawn_from <= pair.as_of:
        how = "its approval was revoked" if version.approval_status == "revoked" else "it was withdrawn"
        why = f" ({version.withdrawal_reason})" if version.withdrawal_reason else ""
        return f"{how} at {pair.zone.at(version.withdrawn_from)}{why}"
    if version.expires_at is not None and version.expires_at <= pair.as_of:
        return f"it expired at {pair.zone.at(version.expires_at)}"
    return None


def _not_now(pair: Pair, version: Version) -> str:
    if version.effective_at is None:
        return "when it was approved is not said, so it never takes effect"
    if version.effective_at > pair.as_of:
        return f"it takes effect at {pair.zone.at(version.effective_at)}"
    ends = [life.ended_at for life in pair.lives if life.version_no == version.version_no and life.ended_at is not None]
    if ends:
        return f"a newer one took its place at {pair.zone.at(ends[-1])}"
    return "one that took effect at the same instant took its place"


def _ended_by(pair: Pair, at: datetime) -> Life | None:
    return next((life for life in pair.lives if life.ended_at == at and life.end_reason == "withdrawn"), None)


def _end(life: Life) -> str:
    return {"withdrawn": "withdrawn", "expired": "expired"}.get(life.end_reason or "", "superseded")


def _record(pair: Pair, version_no: int) -> str:
    return f"version {pair.asset['asset_id']}:{version_no}"
