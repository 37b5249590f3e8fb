"""Wishes: what was asked to be supposed, as text, made into changes of records that exist.

Belongs here: reading ``A:V=2026-04-01T00:00``, defaults, refusing what does not exist and naming what may have been
meant. Does not belong here: what a change is (``pipeline.whatif.changes``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pipeline.errors import RefusedError
from pipeline.explaining.nearest import ASSETS, GRANTS, REGIONS, is_known, unknown
from pipeline.instants import format_instant, parse_instant
from pipeline.sqlmodels.relations import Connection
from pipeline.whatif.changes import Barred, Change, Expiring, GrantEnded, Moved, Withdrawn

_NOTHING_ASKED: Final = (
    "Nothing is supposed: say --withdraw ASSET, --bar-region REGION --asset ASSET,"
    " --move-effective ASSET:VERSION=LOCAL,"
    " --expire ASSET:VERSION=INSTANT or --remove-grant GRANT."
)
_VERSIONS: Final = """
    select version_no, approval_status, approved_at, effective_policy, withdrawn_from, expires_at, restricted_regions
    from core.asset_versions where asset_id = $asset_id order by version_no
"""
_LIVE: Final = """
    select distinct version_no from freshness.version_lives
    where asset_id = $asset_id and effective_at <= $at and (ended_at is null or ended_at > $at)
    order by version_no
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the command line says; ``versions`` are those that ``bar_regions`` is about, none = all."""

    bar_regions: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    versions: tuple[int, ...] = ()
    withdraw: tuple[str, ...] = ()
    move_effective: tuple[str, ...] = ()
    expire: tuple[str, ...] = ()
    remove_grants: tuple[str, ...] = ()


def read_changes(connection: Connection, wishes: Wishes, at: datetime) -> tuple[Change, ...]:
    """Return the changes that are wished for, as of ``at`` where a wish names no instant.

    Raises:
        RefusedError: nothing was asked, or something that does not exist; what may have been meant.

    """
    if bool(wishes.bar_regions) != bool(wishes.assets):
        message = "--bar-region and --asset belong together: which region, and of which asset?"
        raise RefusedError(message)
    if wishes.versions and not wishes.bar_regions:
        message = "--version belongs to --bar-region; elsewhere a version is written as ASSET:VERSION."
        raise RefusedError(message)
    changes: list[Change] = [*_bars(connection, wishes), *_withdrawals(connection, wishes, at)]
    changes += [_moved(connection, text, at) for text in wishes.move_effective]
    changes += [_expiring(connection, text) for text in wishes.expire]
    changes += [_grant_ended(connection, grant_id, at) for grant_id in wishes.remove_grants]
    if not changes:
        raise RefusedError(_NOTHING_ASKED)
    return tuple(changes)


def _bars(connection: Connection, wishes: Wishes) -> Iterator[Change]:
    known = {row[0] for row in connection.sql("select distinct region from core.partners").fetchall()}
    for region in wishes.bar_regions:
        if not any(one == region or one.startswith(f"{region}-") for one in known):
            raise unknown(connection, REGIONS, region)
        for text in wishes.assets:
            asset_id, version_no = _named(connection, text)
            versions = _versions(connection, asset_id)
            chosen = wishes.versions or (tuple(versions) if version_no is None else (version_no,))
            for number in chosen:
                _refuse_unknown_version(asset_id, number, versions)
                barred = versions[number]["restricted_regions"]
                is_barred = any(region == one or region.startswith(f"{one}-") for one in barred)
                note = "it is barred there already" if is_barred else None
                yield Barred(asset_id, number, region, note=note)


def _withdrawals(connection: Connection, wishes: Wishes, at: datetime) -> Iterator[Change]:
    for text in wishes.withdraw:
        name, instant = _split_instant(text)
        asset_id, version_no = _named(connection, name)
        when = at if instant is None else _instant(instant, text)
        versions = _versions(connection, asset_id)
        chosen = _live_versions(connection, asset_id, when) if version_no is None else (version_no,)
        if not chosen:
            message = f"No version of {asset_id} is live at {_stamp(when)}: name one, {_listed(asset_id, versions)}."
            raise RefusedError(message)
        for number in chosen:
            gone = versions[number]["withdrawn_from"]
            note = f"it is withdrawn since {_stamp(gone)} already" if gone is not None and gone <= when else None
            yield Withdrawn(asset_id, number, when, note=note)


def _moved(connection: Connection, text: str, at: datetime) -> Change:
    asset_id, version_no, said = _version_and_time(connection, text, "2026-04-01T00:00")
    try:
        local = datetime.fromisoformat(said)
    except ValueError as error:
        message = f"{said!r} in {text!r} is not a local time: write it as 2026-04-01T00:00."
        raise RefusedError(message) from error
    version = _versions(connection, asset_id)[version_no]
    policy = version["effective_policy"] or "instant"
    if local.tzinfo is not None:
        message = (
            f"{said!r} in {text!r} has an offset: it is a local time, whose zone the version's policy says ({policy})."
        )
        raise RefusedError(message)
    approved_at = version["approved_at"]
    note = None
    if approved_at is None or version["approval_status"] in {"pending", "rejected"}:
        note = f"it is {version['approval_status']}: without an approval it never takes effect"
    elif local < approved_at.replace(tzinfo=None):
        note = f"it was approved at {_stamp(approved_at)}, and never takes effect before"
    elif _has_begun(connection, asset_id, version_no, at):
        note = "it has taken effect already: supposed is that it had not"
    return Moved(asset_id, version_no, local, policy, note=note)


def _expiring(connection: Connection, text: str) -> Change:
    asset_id, version_no, said = _version_and_time(connection, text, "2026-04-01T00:00Z")
    return Expiring(asset_id, version_no, _instant(said, text))


def _grant_ended(connection: Connection, grant_id: str, at: datetime) -> GrantEnded:
    if not is_known(connection, GRANTS, grant_id):
        raise unknown(connection, GRANTS, grant_id)
    rows = connection.sql(
        "select distinct asset_id from freshness.grant_assets where grant_id = $grant_id", params={"grant_id": grant_id}
    ).fetchall()
    ended = connection.sql(
        "select valid_to from core.grants where grant_id = $grant_id and valid_to <= $at",
        params={"grant_id": grant_id, "at": at},
    ).fetchall()
    note = f"it has ended at {_stamp(ended[0][0])} already" if ended else None
    return GrantEnded(grant_id, at, frozenset(row[0] for row in rows), note)


def _named(connection: Connection, text: str) -> tuple[str, int | None]:
    """Read ``ASSET`` or ``ASSET:VERSION``; an asset's id may itself hold a colon."""
    if is_known(connection, ASSETS, text):
        return text, None
    asset_id, colon, number = text.rpartition(":")
    if not colon or not number.isdecimal():
        raise unknown(connection, ASSETS, text)
    if not is_known(connection, ASSETS, asset_id):
        raise unknown(connection, ASSETS, asset_id)
    _refuse_unknown_version(asset_id, int(number), _versions(connection, asset_id))
    return asset_id, int(number)


def _version_and_time(connection: Connection, text: str, example: str) -> tuple[str, int, str]:
    name, said = _split_instant(text)
    asset_id, version_no = _named(connection, name)
    if version_no is None or said is None:
        message = f"{text!r} does not say which version, and when: write it as {asset_id}:1={example}."
        raise RefusedError(message)
    return asset_id, version_no, said


def _split_instant(text: str) -> tuple[str, str | None]:
    name, equals, said = text.rpartition("=")
    return (name, said) if equals else (text, None)


def _instant(said: str, text: str) -> datetime:
    try:
        return parse_instant(said)
    except ValueError as error:
        message = f"{text!r} does not end in an instant: {error}."
        raise RefusedError(message) from error


def _versions(connection: Connection, asset_id: str) -> dict[int, dict[str, Any]]:
    relation = connection.sql(_VERSIONS, params={"asset_id": asset_id})
    rows = (dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall())
    return {row["version_no"]: row for row in rows}


def _live_versions(connection: Connection, asset_id: str, at: datetime) -> tuple[int, ...]:
    return tuple(row[0] for row in connection.sql(_LIVE, params={"asset_id": asset_id, "at": at}).fetchall())


def _has_begun(connection: Connection, asset_id: str, version_no: int, at: datetime) -> bool:
    query = (
        "select 1 from freshness.version_lives"
        " where asset_id = $asset_id and version_no = $version_no and effective_at <= $at limit 1"
    )
    parameters = {"asset_id": asset_id, "version_no": version_no, "at": at}
    return bool(connection.sql(query, params=parameters).fetchall())


def _refuse_unknown_version(asset_id: str, version_no: int, versions: dict[int, dict[str, Any]]) -> None:
    if version_no not in versions:
        message = f"{asset_id} has no version {version_no}: {_listed(asset_id, versions)}."
        raise RefusedError(message)


def _listed(asset_id: str, versions: dict[int, dict[str, Any]]) -> str:
    return "it has " + ", ".join(f"{asset_id}:{number}" for number in versions) if versions else "it has none"


def _stamp(instant: datetime) -> str:
    return format_instant(instant)[:16].replace("T", " ") + "Z"
