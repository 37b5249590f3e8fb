"""What each acknowledgment is towards each sent obligation that it is about (docs/domain.md, 7), by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.sqlmodels.tales import Tale, Told, asked, computed

NEVER: Final = 90
# What a tale is, what is told, and the classes: (ack_id, partner_id, version_no, kind, class).
Class = tuple[str, str | None, int | None, str | None, str]
Case = tuple[str, Tale, list[Class]]


def told_once(kind: str = "version_change", **version: Any) -> Tale:
    """Version 1, and a notice about it on day 10."""
    return Tale.of().version(1, **version).notice(10, kind)


def change(ack_id: str, named: str, partner_id: str = "p1") -> Class:
    """Return a class towards the version change of version 1."""
    return (ack_id, partner_id, 1, "version_change", named)


def gone(ack_id: str, named: str, kind: str = "withdrawal") -> Class:
    """Return a class towards the removal of version 1."""
    return (ack_id, "p1", 1, kind, named)


CASES: Final[tuple[Case, ...]] = (
    ("in time, late and early", told_once().says("received", 12, ack_id="k"), [change("k", "on_time")]),
    ("at the due instant in time", told_once().says("received", 17, ack_id="k"), [change("k", "on_time")]),
    ("late", told_once().says("read", 18, ack_id="k"), [change("k", "late")]),
    ("early and valid", told_once().says("accepted", 9, ack_id="k"), [change("k", "early_valid")]),
    (
        "the first keeps its class, by the instant and then by its id",
        told_once().says("read", 12, ack_id="k3").says("read", 11, ack_id="k2").says("read", 11, ack_id="k1"),
        [change("k1", "on_time"), change("k2", "repeated"), change("k3", "repeated")],
    ),
    (
        "a revoked one is not the first",
        told_once().says("read", 11, ack_id="k1", revoked_at=12).says("read", 12, ack_id="k2"),
        [change("k1", "revoked"), change("k2", "on_time")],
    ),
    (
        "revoked before all else",
        told_once().says("declined", 11, number=None, ack_id="k", revoked_at=30),
        [change("k", "revoked")],
    ),
    (
        "refusals are responses only",
        told_once().says("declined", 11, ack_id="k1").says("exception", 11, number=7, ack_id="k2"),
        [change("k1", "response_only"), change("k2", "response_only")],
    ),
    (
        "no version named",
        told_once().says("received", 11, number=None, ack_id="k1").says("auto", 11, number=None, ack_id="k2"),
        [change("k1", "unresolved_version"), change("k2", "unresolved_version")],
    ),
    (
        "another version named",
        Tale.of()
        .version(1)
        .version(2, 3)
        .version(3, 4)
        .notice(10, number=2)
        .says("received", 11, ack_id="k1")
        .says("proxy", 11, number=3, ack_id="k3"),
        [("k1", "p1", 2, "version_change", "wrong_version_older"), ("k3", "p1", 2, "version_change", "later_version")],
    ),
    (
        "the same file under another number",
        told_once(checksum_sha256="same")
        .version(2, 3, checksum_sha256="same")
        .says("received", 11, number=2, ack_id="k"),
        [change("k", "on_time")],
    ),
    (
        "no file is the same as an unknown one",
        told_once(checksum_sha256=None).version(2, 3, checksum_sha256=None).says("received", 11, number=2, ack_id="k"),
        [change("k", "later_version")],
    ),
    ("automatic", told_once().says("auto", 11, ack_id="k"), [change("k", "receipt_only")]),
    ("by proxy", told_once().says("proxy", 11, ack_id="k"), [change("k", "proxy")]),
    (
        "of a removal, by who read it",
        told_once("withdrawal", withdrawn_at=9).says("read", 11, ack_id="k"),
        [gone("k", "response_only")],
    ),
    (
        "of a removal, whatever it names",
        told_once("withdrawal", withdrawn_at=9)
        .says("completed", 11, number=None, ack_id="k1")
        .says("completed", 12, number=5, ack_id="k2"),
        [gone("k1", "on_time"), gone("k2", "repeated")],
    ),
    (
        "of a removal, automatic",
        told_once("withdrawal", withdrawn_at=9)
        .says("auto", 11, number=5, ack_id="k1")
        .says("proxy", 11, number=5, ack_id="k2")
        .says("proxy", 11, number=None, ack_id="k3"),
        [gone("k1", "receipt_only"), gone("k2", "proxy"), gone("k3", "unresolved_version")],
    ),
    (
        "of a withdrawal, too early",
        told_once("withdrawal", withdrawn_at=12).says("completed", 11, ack_id="k1").says("completed", 12, ack_id="k2"),
        [gone("k1", "too_early"), gone("k2", "on_time")],
    ),
    (
        "of an expiry that has no date, too early",
        told_once("expiry").says("completed", 9, ack_id="k1").says("completed", 10, ack_id="k2"),
        [gone("k1", "too_early", "expiry"), gone("k2", "on_time", "expiry")],
    ),
    (
        "of a withdrawal, between it and its notice",
        told_once("withdrawal", withdrawn_at=8).says("completed", 9, ack_id="k"),
        [gone("k", "early_valid")],
    ),
    (
        "of a removal, answered again after it was fetched again",
        told_once("withdrawal", withdrawn_at=8)
        .says("completed", 11, ack_id="k1")
        .obtains(12)
        .says("completed", 13, ack_id="k2"),
        [gone("k1", "on_time"), gone("k2", "repeated")],
    ),
    (
        "of two kinds at once",
        told_once("withdrawal", withdrawn_at=8).notice(10).says("completed", 11, ack_id="k"),
        [change("k", "on_time"), gone("k", "on_time")],
    ),
    (
        "about nothing that was sent",
        Tale.of().version(1).says("received", 11, ack_id="k"),
        [("k", None, None, None, "unsolicited")],
    ),
    ("of later is none yet", told_once().says("received", 31, ack_id="k"), []),
    (
        "towards a retracted notice",
        asked(10, retracted_at=11).says("received", 12, ack_id="k"),
        [change("k", "on_time")],
    ),
    (
        "for each child, and for itself",
        Tale.of()
        .partner("p1", parent_partner_id="p0")
        .partner("p2", parent_partner_id="p0")
        .partner("p0")
        .version(1)
        .notice(10)
        .notice(10, partner_id="p0")
        .says("received", 11, ack_id="k", partner_id="p0", covers_children=True),
        [change("k", "on_time", "p0"), change("k", "on_time")],
    ),
    (
        "by a parent that speaks for itself",
        Tale.of()
        .partner("p1", parent_partner_id="p0")
        .partner("p0")
        .version(1)
        .notice(10)
        .says("received", 11, ack_id="k", partner_id="p0"),
        [("k", None, None, None, "unsolicited")],
    ),
)

TALES: Final = {f"t{place:03}": case for place, case in enumerate(CASES)}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    tales = {key: case[1] for key, case in TALES.items()}
    targets = ["freshness.acknowledgment_classes"]
    with computed(tmp_path_factory.mktemp("tales"), tales, targets, go_live=NEVER) as told:
        yield told


@pytest.mark.parametrize("key", TALES, ids=lambda key: TALES[key][0])
def test_an_acknowledgment(told: Told, key: str) -> None:
    rows = told.tables.rows(
        "select ack_id, partner_id, version_no, kind, class from freshness.acknowledgment_classes"
        " where starts_with(ack_id, $prefix) order by all",
        {"prefix": f"{key}-"},
    )
    found = [tuple(value.removeprefix(f"{key}-") if isinstance(value, str) else value for value in row) for row in rows]

    assert found == TALES[key][2]


def test_every_class_was_told(told: Told) -> None:
    classes = {one for (one,) in told.tables.rows("select distinct class from freshness.acknowledgment_classes")}

    assert classes == {
        "revoked",
        "response_only",
        "unresolved_version",
        "wrong_version_older",
        "later_version",
        "receipt_only",
        "proxy",
        "too_early",
        "early_valid",
        "late",
        "on_time",
        "repeated",
        "unsolicited",
    }


def test_the_answer_that_counts_has_the_same_class_in_both_tables(told: Told) -> None:
    differing = told.tables.rows(
        "select obligations.ack_id, obligations.ack_class, classes.class from freshness.obligations"
        " inner join freshness.acknowledgment_classes as classes on classes.ack_id = obligations.ack_id"
        " and classes.partner_id = obligations.partner_id and classes.asset_id = obligations.asset_id"
        " and classes.version_no = obligations.version_no and classes.kind = obligations.kind"
        " where obligations.ack_class <> classes.class"
    )

    assert differing == []
