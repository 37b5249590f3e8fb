"""What a sent notice asks of a partner and how that stands (docs/domain.md, 7): every state, every ground, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.sqlmodels.tales import NOW, Tale, Told, asked, computed, day

NEVER: Final = 90
OTHER_ASSET: Final = {"asset_id": "a2", "updated_at": 1}
# What a tale is, what is told, the state of p1's obligation about version 1, and what else its row says.
Case = tuple[str, Tale, str, dict[str, Any]]


def changed(classification: str = "standard") -> Tale:
    """Two versions: the first replaced by the second on day 5."""
    return Tale.of(classification).version(1).version(2, 5)


def left(at: float) -> Tale:
    """A partner that leaves."""
    return Tale.of().partner("p1", status="left", left_at=at, updated_at=2)


CHANGES: Final[tuple[Case, ...]] = (
    ("is pending until it is due", asked(25), "pending", {"due_at": day(32), "sent_at": day(25)}),
    ("is pending at the due instant itself", asked(23), "pending", {"due_at": day(30)}),
    ("is overdue after it", asked(22.9), "overdue", {"responded_at": None, "ack_id": None}),
    ("leaves a day for safety sheets", Tale.of("safety").version(1).notice(20), "overdue", {"due_at": day(21)}),
    (
        "leaves two days for what is regulated",
        Tale.of("regulated").version(1).notice(29),
        "pending",
        {"due_at": day(31)},
    ),
    (
        "leaves the standard time for a class of its own",
        Tale.of("secret").version(1).notice(25),
        "pending",
        {"due_at": day(32)},
    ),
    ("is due when the notice says", asked(10, due_at=29), "overdue", {"due_at": day(29)}),
    ("ignores a due date before the posting", asked(25, due_at=24), "pending", {"due_at": day(32)}),
    (
        "is acknowledged at the due instant",
        asked(10).says("received", 17),
        "acknowledged",
        {"responded_at": day(17), "ack_class": "on_time"},
    ),
    ("is acknowledged late after it", asked(10).says("read", 17.1), "acknowledged_late", {"ack_class": "late"}),
    (
        "is acknowledged by an answer before it was sent",
        asked(10).says("accepted", 9),
        "acknowledged",
        {"ack_class": "early_valid"},
    ),
    ("is acknowledged by an attested removal of old copies", asked(10).says("completed", 12), "acknowledged", {}),
    (
        "is not answered by an automatic receipt or a proxy",
        asked(10).says("auto", 11).says("proxy", 12),
        "overdue",
        {"valid_answers": 0},
    ),
    (
        "is not answered about an older version",
        changed().notice(10, number=2).notice(10).says("received", 11, number=2).says("received", 9),
        "acknowledged",
        {"responded_at": day(9)},
    ),
    ("is not answered by a revoked answer", asked(10).says("received", 11, revoked_at=12), "overdue", {}),
    (
        "stands answered until the answer is revoked",
        asked(10).says("received", 11, revoked_at=31),
        "acknowledged",
        {"next_change_at": day(31)},
    ),
    (
        "takes the version of the notice that the answer names",
        asked(10, notice_id="n").says("received", 11, number=None, notice_id="n"),
        "acknowledged",
        {},
    ),
    (
        "takes no version of a notice about another asset",
        Tale.of()
        .version(1)
        .add("assets", OTHER_ASSET)
        .notice(10)
        .notice(10, notice_id="n", asset_id="a2")
        .says("received", 11, number=None, notice_id="n"),
        "overdue",
        {},
    ),
    (
        "takes the asset of the notice too",
        asked(10, notice_id="n").says("received", 11, notice_id="n", asset_id=None),
        "acknowledged",
        {},
    ),
    (
        "is answered about a version of the same file",
        Tale.of()
        .version(1, checksum_sha256="same")
        .version(2, 5, checksum_sha256="same", change_class="content")
        .notice(10)
        .says("received", 11, number=2),
        "acknowledged",
        {},
    ),
    (
        "is answered by a parent that covers its children",
        Tale.of()
        .partner("p1", parent_partner_id="p0", updated_at=2)
        .version(1)
        .notice(10)
        .says("received", 11, partner_id="p0", covers_children=True),
        "acknowledged",
        {},
    ),
    (
        "is not answered by a parent that speaks for itself",
        Tale.of()
        .partner("p1", parent_partner_id="p0", updated_at=2)
        .version(1)
        .notice(10)
        .says("received", 11, partner_id="p0"),
        "overdue",
        {},
    ),
    (
        "is not answered by a grandparent",
        Tale.of()
        .partner("p1", parent_partner_id="p0", updated_at=2)
        .partner("p0", parent_partner_id="q")
        .version(1)
        .notice(10)
        .says("received", 11, partner_id="q", covers_children=True),
        "overdue",
        {},
    ),
    (
        "is one for several groups, due at the earliest",
        asked(20, due_at=40).notice(25, due_at=28),
        "overdue",
        {"notices": 2, "sent_at": day(20), "due_at": day(28)},
    ),
    (
        "leaves out a retracted notice",
        asked(10, retracted_at=12).notice(25),
        "pending",
        {"notices": 1, "sent_at": day(25), "due_at": day(32)},
    ),
    (
        "leaves out a notice of later",
        asked(25).notice(31, due_at=31),
        "pending",
        {"notices": 1, "next_change_at": day(31)},
    ),
    (
        "is void once all its notices are retracted",
        asked(10, retracted_at=12).notice(11, retracted_at=13),
        "void",
        {"void_reason": "retracted", "void_from": day(13), "notices": 2, "sent_at": day(10)},
    ),
    ("stands until the retraction", asked(25, retracted_at=31), "pending", {"next_change_at": day(31)}),
    ("keeps an answer from before the retraction", asked(10, retracted_at=12).says("received", 11), "acknowledged", {}),
    ("keeps no answer from after the retraction", asked(10, retracted_at=12).says("received", 13), "void", {}),
    (
        "is void for a partner that left",
        left(12).version(1).notice(10),
        "void",
        {"void_reason": "partner_left", "void_from": day(12)},
    ),
    (
        "is void for a deleted partner",
        Tale.of().partner("p1", deleted_at=12, updated_at=2).version(1).notice(10),
        "void",
        {"void_reason": "partner_left"},
    ),
    (
        "keeps the answer of a partner that left then",
        left(12).version(1).notice(10).says("received", 11),
        "acknowledged",
        {},
    ),
    ("is owed until the partner leaves", left(31).version(1).notice(25), "pending", {"next_change_at": day(31)}),
    (
        "is void for a deleted asset",
        Tale.of(deleted_at=12).version(1).notice(10),
        "void",
        {"void_reason": "asset_deleted"},
    ),
    (
        "is void from the start where the version is barred",
        Tale.of().version(1, restricted_regions=["US"]).notice(10).says("received", 11),
        "void",
        {"void_reason": "barred", "responded_at": day(11)},
    ),
    (
        "is closed by an answer to a later version",
        changed().notice(4).says("received", 8, number=2),
        "closed_by_later",
        {"closed_by_version_no": 2, "ack_id": None},
    ),
    (
        "is not closed by a later version that did not live yet",
        changed().notice(2).says("received", 4, number=2),
        "overdue",
        {},
    ),
    (
        "is not closed by what was said before it was sent",
        changed().notice(9).says("received", 8, number=2),
        "overdue",
        {},
    ),
    ("is exempt while a decision covers the instant", asked(10).exempts(20), "exempt", {}),
    (
        "is exempt for one version of one asset",
        changed().notice(10).exempts(20, asset_id="a1", version_no=1),
        "exempt",
        {},
    ),
    (
        "is not exempt by a decision about another version",
        changed().notice(10).exempts(20, asset_id="a1", version_no=2),
        "overdue",
        {},
    ),
    ("is not exempt once the decision has ended", asked(10).exempts(20, 30), "overdue", {}),
    (
        "says when an exemption begins and ends",
        asked(10).exempts(20, 33).exempts(32),
        "exempt",
        {"next_change_at": day(32)},
    ),
    (
        "waits on a requested exception",
        asked(10).says("declined", 11, ack_id="no").says("exception", 12, number=None, ack_id="wish"),
        "exception_requested",
        {"ack_id": "wish", "ack_class": "response_only"},
    ),
    (
        "is declined",
        asked(10).says("declined", 11, number=None, ack_id="no"),
        "declined",
        {"ack_id": "no", "responded_at": day(11)},
    ),
    ("is not declined by what was said before it was sent", asked(10).says("declined", 9, number=None), "overdue", {}),
    (
        "is not declined by what names another version",
        changed().notice(10).says("declined", 11, number=2),
        "overdue",
        {},
    ),
    (
        "is answered although it was declined first",
        asked(10).says("declined", 11).says("received", 12),
        "acknowledged",
        {},
    ),
)

TALES: Final = {f"t{place:03}": case for place, case in enumerate(CHANGES)}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    tales = {key: case[1] for key, case in TALES.items()}
    with computed(tmp_path_factory.mktemp("tales"), tales, ["freshness.obligations"], go_live=NEVER) as told:
        yield told


@pytest.mark.parametrize("key", TALES, ids=lambda key: TALES[key][0])
def test_an_obligation(told: Told, key: str) -> None:
    _, _, state, says = TALES[key]
    columns = ["state", *says]
    row = told.row(key, ", ".join(columns), "freshness.obligations", "version_no = 1 and ends_with(asset_id, 'a1')")

    assert dict(zip(columns, row, strict=True)) == {"state": state, **says}


def test_an_obligation_that_waits_changes_just_after_it_was_due(told: Told) -> None:
    changes = told.tables.rows("select due_at, next_change_at from freshness.obligations where state = 'pending'")
    plain = [(due_at, at) for due_at, at in changes if at > due_at]

    assert plain
    assert all(at - due_at == timedelta(microseconds=1) for due_at, at in plain)


def test_every_state_of_a_sent_obligation_was_told(told: Told) -> None:
    states = {state for (state,) in told.tables.rows("select distinct state from freshness.obligations")}

    assert states == {
        "acknowledged",
        "acknowledged_late",
        "void",
        "closed_by_later",
        "exempt",
        "exception_requested",
        "declined",
        "overdue",
        "pending",
    }


def test_next_change_lies_ahead(told: Told) -> None:
    passed = "select count(*) from freshness.obligations where next_change_at <= $now"

    assert told.tables.rows(passed, {"now": NOW}) == [(0,)]
