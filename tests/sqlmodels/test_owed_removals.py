"""What a notice of withdrawal or expiry asks of a partner, and answers without bytes (docs/domain.md, 7), by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.sqlmodels.tales import Tale, Told, asked, computed, day

NEVER: Final = 90
# What a tale is, what is told, the state of p1's obligation about version 1, and what else its row says.
Case = tuple[str, Tale, str, dict[str, Any]]


def removal(**version: Any) -> Tale:
    """Version 1, obtained on day 2 and withdrawn on day 10."""
    return Tale.of().version(1, **({"withdrawn_at": 10} | version)).obtains(2)


REMOVALS: Final[tuple[Case, ...]] = (
    (
        "is answered by an attested removal",
        removal().notice(11, "withdrawal").says("completed", 12),
        "acknowledged",
        {"due_at": day(13)},
    ),
    (
        "is answered whatever version that names",
        removal().notice(11, "withdrawal").says("completed", 14, number=7),
        "acknowledged_late",
        {},
    ),
    (
        "is answered by one that names none",
        removal().notice(11, "withdrawal").says("completed", 12, number=None),
        "acknowledged",
        {},
    ),
    ("is not answered by having read it", removal().notice(11, "withdrawal").says("read", 12), "overdue", {}),
    ("is not answered before the withdrawal", removal().notice(8, "withdrawal").says("completed", 9), "overdue", {}),
    (
        "is answered between the withdrawal and the notice",
        removal().notice(12, "withdrawal").says("completed", 11),
        "acknowledged",
        {"ack_class": "early_valid"},
    ),
    (
        "is not answered before the notice where nothing expires",
        removal().notice(11, "expiry").says("completed", 10.5),
        "overdue",
        {},
    ),
    (
        "is open again once the file was fetched again",
        removal().notice(11, "withdrawal").says("completed", 12).obtains(13),
        "overdue",
        {"responded_at": None, "valid_answers": 1},
    ),
    (
        "is answered again by a further removal",
        removal().notice(11, "withdrawal").says("completed", 12).obtains(13).says("completed", 14),
        "acknowledged_late",
        {"responded_at": day(14), "ack_class": "repeated"},
    ),
    (
        "is not opened by another version",
        removal().version(2, 12).notice(11, "withdrawal").says("completed", 12).obtains(13, number=2),
        "acknowledged",
        {},
    ),
    (
        "is owed for a barred version too",
        removal(restricted_regions=["US"]).notice(29, "withdrawal"),
        "pending",
        {"due_at": day(31)},
    ),
    (
        "is not closed by an answer to a later version",
        removal().version(2, 9).notice(11, "withdrawal").says("received", 12, number=2),
        "overdue",
        {},
    ),
    (
        "never lacks bytes",
        Tale.of().version(1, withdrawn_at=10).notice(11, "withdrawal").says("completed", 12),
        "acknowledged",
        {"acked_without_bytes": False},
    ),
)

SEVERAL: Final = (
    Tale.of()
    .version(1)
    .version(2, 5)
    .version(3, 20)
    .notice(2)
    .says("received", 3)
    .notice(6, number=2)
    .notice(25, number=3)
    .notice(28, "withdrawal")
)

FLAGS: Final[tuple[Case, ...]] = (
    (
        "answered without ever having obtained it",
        asked(10).says("received", 11),
        "acknowledged",
        {"acked_without_bytes": True},
    ),
    (
        "answered before obtaining it",
        asked(10).says("received", 11).obtains(12),
        "acknowledged",
        {"acked_without_bytes": True},
    ),
    (
        "answered after obtaining it",
        Tale.of().version(1).obtains(9).notice(10).says("received", 11),
        "acknowledged",
        {"acked_without_bytes": False},
    ),
    (
        "answered before and again after obtaining it",
        asked(10).says("received", 11).obtains(12).says("read", 13),
        "acknowledged",
        {"acked_without_bytes": False, "responded_at": day(11)},
    ),
    ("not answered at all", asked(10), "overdue", {"acked_without_bytes": False}),
)

TALES: Final = {f"t{place:03}": case for place, case in enumerate((*REMOVALS, *FLAGS))}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    tales = {key: case[1] for key, case in TALES.items()} | {"several": SEVERAL}
    with computed(tmp_path_factory.mktemp("tales"), tales, ["marts.acknowledgment_status"], go_live=NEVER) as told:
        yield told


@pytest.mark.parametrize("key", TALES, ids=lambda key: TALES[key][0])
def test_it_stands(told: Told, key: str) -> None:
    _, _, state, says = TALES[key]
    columns = ["state", *says]
    row = told.row(key, ", ".join(columns), "freshness.obligations", "version_no = 1 and ends_with(asset_id, 'a1')")

    assert dict(zip(columns, row, strict=True)) == {"state": state, **says}


def test_the_status_of_a_partner_counts_what_it_owes_by_kind(told: Told) -> None:
    columns = "kind, obligations, acknowledged, overdue, pending, overdue_since, next_due_at, last_responded_at"

    assert told.rows("several", columns, "marts.acknowledgment_status") == [
        ("version_change", 3, 1, 1, 1, day(13), day(32), day(3)),
        ("withdrawal", 1, 0, 0, 1, None, day(30), None),
    ]
