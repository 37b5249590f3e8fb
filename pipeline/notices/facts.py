"""What a notice is about: the rows of ``sync.notice_facts``, what many notices share read once.

Belongs here: the rows' shapes and reading them. Does not belong here: formatting (``render``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from pipeline.sqlmodels.relations import Connection, rows_of

Place = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerFacts:
    """The partner that is told; ``zone`` is an IANA name."""

    partner_id: str
    partner_name: str | None
    locale: str | None
    region: str | None
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFacts:
    """A version of an asset in a place (region and zone); instants are UTC.

    ``trading_grid_asset_id`` is the asset's id there.
    """

    asset_id: str
    version_no: int | None
    region: str | None
    zone: str
    trading_grid_asset_id: str | None
    asset_title: str
    sku: str | None
    brand: str | None
    classification: str
    owner: str | None
    version_label: str | None
    file_name: str | None
    format: str | None
    change_class: str | None
    is_same_file: bool
    change_summary: str | None
    replacement_instructions: str | None
    usage_guidance: str | None
    restricted_regions: list[str] | None
    withdrawal_reason: str | None
    effective_at: datetime | None
    withdrawn_from: datetime | None
    expires_at: datetime | None


class NoticeFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The facts of one notice; ``copy_*`` is the held copy that it rests on, instants in texts are the journal's.

    ``asset`` is None where the notice is about none. ``said`` is what its pattern adds, by name.
    """

    candidate_key: str
    kind: str
    rule: str
    partner: PartnerFacts
    asset: AssetFacts | None
    said: Mapping[str, str]
    position: str | None
    position_rule: int | None
    is_entitled: bool
    held_versions: str | None
    target_version_no: int | None
    target_version_label: str | None
    copy_version_no: int | None
    copy_obtained_at: str | None
    respond_within_seconds: int | None


_PARTNER_NAMES: Final = tuple(field.name for field in fields(PartnerFacts))
_ASSET_NAMES: Final = tuple(field.name for field in fields(AssetFacts))
_OWN: Final = """
    select candidate_key, kind, rule, partner_id, asset_id, version_no, cast(said as varchar) as said,
        position, position_rule, coalesce(is_entitled, false) as is_entitled,
        array_to_string(list_sort(held_versions), ', ') as held_versions, target_version_no, target_version_label,
        copy_version_no, instant_text(copy_obtained_at) as copy_obtained_at, respond_within_seconds
    from sync.notice_facts
"""


def read_facts(connection: Connection) -> dict[str, NoticeFacts]:
    """Return the facts of all candidates that nothing speaks against, by ``candidate_key``."""
    partners = {row[0]: PartnerFacts(**_named(_PARTNER_NAMES, row)) for row in _distinct(connection, _PARTNER_NAMES)}
    assets = {row[:4]: AssetFacts(**_named(_ASSET_NAMES, row)) for row in _distinct(connection, _ASSET_NAMES)}
    decode = msgspec.json.Decoder(dict[str, str | bool | None]).decode
    empty: dict[str, str] = {}
    found: dict[str, NoticeFacts] = {}
    for row in rows_of(connection.sql(_OWN)):
        key, kind, rule, partner_id, asset_id, version_no, said, *own = row
        partner = partners[partner_id]
        found[key] = NoticeFacts(
            candidate_key=key,
            kind=kind,
            rule=rule,
            partner=partner,
            asset=None if asset_id is None else assets[asset_id, version_no, partner.region, partner.zone],
            said=empty if said in (None, "{}") else _texts(decode(said)),
            position=own[0],
            position_rule=own[1],
            is_entitled=own[2],
            held_versions=own[3],
            target_version_no=own[4],
            target_version_label=own[5],
            copy_version_no=own[6],
            copy_obtained_at=own[7],
            respond_within_seconds=own[8],
        )
    return found


def _distinct(connection: Connection, names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    where = " where asset_id is not null" if "asset_id" in names else ""
    return connection.sql(f"select distinct {', '.join(names)} from sync.notice_facts{where}").fetchall()  # noqa: S608 - names of ours


def _named(names: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, Any]:
    return {name: _in_utc(value) for name, value in zip(names, row, strict=True)}


def _in_utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _texts(said: Mapping[str, str | bool | None]) -> dict[str, str]:
    """Return what is said; nothing, and what is not so, is left out."""
    return {name: "yes" if value is True else value for name, value in said.items() if value}
