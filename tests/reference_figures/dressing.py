"""Random networks with what figures are divided by: brands, tiers, programs.

Here belongs: dressing records that are there. Not here: new records (tests/reference/networks.py).
"""

from dataclasses import replace
from zlib import crc32

from tests.reference.networks import Network
from tests.reference.records import Record

BRANDS = (None, "Aurora", "Borealis")
TIERS = (None, "gold", "silver")
PROGRAMS = ("Ambassadors", "Launch partners")


def _pick(options: tuple[str | None, ...], identity: object) -> str | None:
    return options[crc32(str(identity).encode()) % len(options)]


def _dressed(stream: str, record: Record) -> Record:
    if stream == "assets":
        return {**record, "brand": _pick(BRANDS, record.get("asset_id"))}
    if stream == "partners":
        return {**record, "tier": _pick(TIERS, record.get("partner_id"))}
    if stream == "partner_groups":
        return {**record, "dimension": "partner_program", "value": _pick(PROGRAMS, record.get("group_id"))}
    return record


def dressed(network: Network) -> Network:
    """Return the same network with brands, tiers and programs."""
    batches = [
        replace(
            batch,
            streams={
                stream: [_dressed(stream, record) for record in records] for stream, records in batch.streams.items()
            },
        )
        for batch in network.batches
    ]
    return replace(network, batches=batches)
