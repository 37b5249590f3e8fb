"""To whom a notice is due, and when (docs/domain.md, 9): the audience at the due instant, and joiners, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import pytest

from tests.sqlmodels.tales import Tale, Told, computed, day

GO_LIVE: Final = 5
# What a tale is, what is told, and what is due: (partner_id, version_no, kind, when, joiner).
Due = tuple[str, int, str, datetime, bool]
Case = tuple[str, Tale, list[Due]]


def first(at: float = 10, **version: object) -> Tale:
    """An asset whose first version is approved on day 10."""
    return Tale.of().version(1, at, **version)


def second(at: float = 10, **version: object) -> Tale:
    """An asset whose second version is approved on day 10; the first lives since day 1."""
    return Tale.of().version(1).version(2, at, **version)


def publish(at: float = 10, partner_id: str = "p1", *, joiner: bool = False) -> Due:
    return (partner_id, 1, "publish", day(at), joiner)


def change(at: float = 10, partner_id: str = "p1", *, joiner: bool = False) -> Due:
    return (partner_id, 2, "version_change", day(at), joiner)


CASES: Final[tuple[Case, ...]] = (
    ("a first version is due to who is entitled", first().granted(), [publish()]),
    ("to nobody else", first(), []),
    ("not to a suspended partner", first().granted().partner("p1", status="suspended", updated_at=2), []),
    ("a second version is due to who is entitled", second().granted(), [change()]),
    ("and to who holds an older one", second().obtains(9), [change()]),
    ("not to who removed it by then", second().obtains(8).says("completed", 9, number=None), []),
    ("to who removed it later", second().obtains(8).says("completed", 11, number=None), [change()]),
    (
        "to who revoked having removed it by then",
        second().obtains(8).says("completed", 9, number=None, revoked_at=9.5),
        [change()],
    ),
    ("not to who revoked that later", second().obtains(8).says("completed", 9, number=None, revoked_at=11), []),
    ("to who removed all but what is named", second().obtains(8).says("completed", 9), [change()]),
    (
        "to who removed and fetched it again",
        second().obtains(7).says("completed", 8, number=None).obtains(9),
        [change()],
    ),
    ("not to who fetched it later", second().obtains(11), []),
    ("not to who holds the new one already", second().obtains(9, number=2), []),
    ("not to who holds a copy of unknown version", second().obtains(9, number=None), []),
    ("to who left with it", second().obtains(8).partner("p1", status="left", left_at=9, updated_at=9), [change()]),
    ("not where it is barred", second(restricted_regions=["US-CA"]).granted().obtains(9), []),
    (
        "at its effect, where that is later than the approval",
        second(9, effective_local="2025-06-12T00:00:00", effective_policy="instant").granted(),
        [change(12)],
    ),
    (
        "at midnight where the partner is",
        second(9, effective_local="2025-06-12T00:00:00", effective_policy="partner_local").granted(),
        [change(12 + 4 / 24)],
    ),
    ("nothing from before the go-live", second(4.9).granted(), []),
    ("from the go-live on", second(5).granted(), [change(5)]),
    ("to a joiner when it becomes entitled", second().granted(since=15), [change(15, joiner=True)]),
    ("to a joiner after the go-live of what was new before", second(4).granted(since=15), [change(15, joiner=True)]),
    ("not to who had joined before the go-live", second(3).granted(since=4), []),
    ("not again to who comes back", second(4).granted(until=6).granted(since=15), []),
    ("not to who joins after the version's end", second(10, expires_at=12).granted(since=15), []),
    ("not to who joins when it is replaced", first(6).version(2, 10).granted(since=10), [change()]),
    ("not to who is denied", second().granted().granted(effect="deny", rights=["view"]), []),
    (
        "to who is denied until then",
        second().granted().granted(effect="deny", rights=["view"], until=15),
        [change(15, joiner=True)],
    ),
    ("at the due instant to who leaves then", second().granted(until=10.1), [change()]),
    ("not to who left right then", second().granted(until=10), []),
    ("what is due later is not due yet", second(31).granted(), []),
    (
        "a withdrawal is due to who holds the version then",
        first(6, withdrawn_at=12).obtains(7),
        [("p1", 1, "withdrawal", day(12), False)],
    ),
    (
        "a revocation is a withdrawal",
        first(6, approval_status="revoked", withdrawn_at=12).obtains(7),
        [("p1", 1, "withdrawal", day(12), False)],
    ),
    ("a withdrawal is not due to who fetches it after", first(6, withdrawn_at=12).obtains(13), []),
    ("nor to who holds another version", second(6, withdrawn_at=12).obtains(7), []),
    ("nor to who removed it", first(6, withdrawn_at=12).obtains(7).says("completed", 8, number=None), []),
    (
        "an expiry is due to who holds the version then",
        first(6, expires_at=12).obtains(7),
        [("p1", 1, "expiry", day(12), False)],
    ),
    (
        "a withdrawal is due where it is barred too",
        first(6, withdrawn_at=12, restricted_regions=["US"]).obtains(7),
        [("p1", 1, "withdrawal", day(12), False)],
    ),
    (
        "what comes back is announced when it does",
        second(6, withdrawn_at=12)
        .add("assets", {"asset_id": "a1", "on_withdraw": "reinstate_previous", "updated_at": 2})
        .granted(),
        [("p1", 1, "version_change", day(12), False), change(6)],
    ),
    (
        "the first that lives for the partner is its first",
        Tale.of().version(1, restricted_regions=["US"]).version(2, 10).granted(),
        [("p1", 2, "publish", day(10), False)],
    ),
    (
        "each member of a group",
        first()
        .partner("p2")
        .add("partner_groups", {"group_id": "audience", "name": "g", "dimension": "x", "value": "y", "updated_at": 1})
        .add("group_members", {"group_id": "audience", "partner_id": "p1", "joined_at": 1})
        .add("group_members", {"group_id": "audience", "partner_id": "p2", "joined_at": 12})
        .granted("audience", grantee_type="partner_group"),
        [publish(), publish(12, "p2", joiner=True)],
    ),
)

TALES: Final = {f"t{place:03}": case for place, case in enumerate(CASES)}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    tales = {key: case[1] for key, case in TALES.items()}
    with computed(tmp_path_factory.mktemp("tales"), tales, ["freshness.obligations"], go_live=GO_LIVE) as told:
        yield told


@pytest.mark.parametrize("key", TALES, ids=lambda key: TALES[key][0])
def test_it_is_due(told: Told, key: str) -> None:
    columns = "partner_id, version_no, kind, notice_due_at, is_joiner"

    assert told.rows(key, columns, "freshness.audiences") == TALES[key][2]


def test_what_was_due_and_never_posted_is_unsent(told: Told) -> None:
    states = told.tables.rows("select distinct state, sent_at, due_at, next_change_at from freshness.obligations")
    rows = "select count(*) from freshness."

    assert [row[:3] for row in states] == [("unsent", None, None)] * len(states)
    assert told.tables.rows(f"{rows}obligations") == told.tables.rows(f"{rows}audiences")
