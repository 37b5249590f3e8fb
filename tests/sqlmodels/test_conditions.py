"""What is wrong or contradictory (docs/domain.md, 8): each rule once where it holds and once where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline.findings import journal_findings
from tests.sqlmodels.tales import NOW, Tale, Told, computed, day, receive
from tests.tables import open_tables

NEVER: Final = 90
TARGETS: Final = ("audit.conditions", "audit.deliveries_acknowledged")
# What a tale is, what is told, and the findings about it.
Case = tuple[str, Tale, list[str]]


def live() -> Tale:
    """Version 1, which the partner may download."""
    return Tale.of().version(1).granted()


def returning() -> Tale:
    """Version 2 takes the place of version 1 on day 5, and gives it back on day 8."""
    return Tale.of(on_withdraw="reinstate_previous").version(1).granted().version(2, 5, withdrawn_at=8)


def request(status: str) -> Tale:
    return live().add(
        "requests", {"request_id": "q", "partner_id": "p1", "asset_id": "a1", "status": status, "updated_at": 9}
    )


def issue(status: str, category: str = "corrupt") -> Tale:
    record = {"issue_id": "i", "partner_id": "p1", "asset_id": "a1", "version_no": 1, "category": category}
    return live().obtains(4).add("issues", {**record, "severity": "high", "status": status, "updated_at": 9})


def campaign(status: str) -> Tale:
    return (
        live()
        .notice(4)
        .add(
            "campaigns",
            {
                "campaign_id": "c",
                "name": "c",
                "launch_local": "2025-07-10T00:00:00",
                "launch_policy": "instant",
                "status": status,
                "required_rung": 4,
                "updated_at": 1,
            },
        )
        .add("campaign_partners", {"campaign_id": "c", "partner_id": "p1", "required": True})
        .add("packages", {"package_id": "b", "campaign_id": "c", "name": "b", "updated_at": 1})
        .add("package_items", {"package_id": "b", "asset_id": "a1", "required": True, "sequence": 1})
    )


CASES: Final[tuple[Case, ...]] = (
    ("nothing is wrong", live().notice(4).obtains(5).says("received", 6), []),
    (
        "acknowledged without bytes",
        live().notice(4).says("received", 6, ack_id="k"),
        ["acknowledged_without_bytes:acknowledgment:k"],
    ),
    (
        "found at the first of them",
        live().notice(4).says("completed", 5).says("read", 7, ack_id="k2").says("read", 6, ack_id="k1"),
        ["acknowledged_without_bytes:acknowledgment:k1"],
    ),
    ("not by a proxy, nor by who revoked it", live().notice(4).says("proxy", 6).says("read", 6, revoked_at=7), []),
    (
        "not for a child that its parent spoke for",
        live()
        .partner("p1", parent_partner_id="p0", updated_at=2)
        .partner("p0")
        .notice(4)
        .obtains(5, partner_id="p0")
        .granted("p0")
        .says("read", 6, partner_id="p0", covers_children=True),
        [],
    ),
    (
        "acknowledged but never sent",
        live().says("read", 6, ack_id="k"),
        ["acknowledged_never_sent:acknowledgment:k", "acknowledged_without_bytes:acknowledgment:k"],
    ),
    ("bytes without a grant", Tale.of().version(1).obtains(5).obtains(6), ["bytes_without_grant:copy:p1|a1|1"]),
    (
        "bytes in spite of a deny",
        live().granted(effect="deny", rights=["view"]).obtains(5),
        ["bytes_without_grant:copy:p1|a1|1"],
    ),
    (
        "bytes of an unknown version without a grant",
        Tale.of().version(1).obtains(5, number=None),
        ["bytes_without_grant:copy:p1|a1|unknown"],
    ),
    (
        "a look and a denied attempt are no bytes",
        Tale.of().version(1).obtains(5, event_type="opened").obtains(5, event_type="denied"),
        [],
    ),
    ("a request closed without a delivery", request("closed"), ["request_closed_without_delivery:request:q"]),
    ("a request closed with one", request("closed").delivered(5, request_id="q"), []),
    (
        "a request delivered with one that only queued",
        request("delivered").delivered(5, request_id="q", status="queued"),
        ["request_closed_without_delivery:request:q"],
    ),
    ("a request that is open", request("in_progress"), []),
    (
        "told by a notice that arrived retracted",
        live().notice(4, retracted_at=9).says("read", 6, ack_id="k"),
        ["acknowledged_without_bytes:acknowledgment:k"],
    ),
    (
        "delivered in another version than was first said",
        live().version(2, 2).delivered(5, delivery_id="d").delivered(5, number=2, delivery_id="d", updated_at=7),
        [],
    ),
    (
        "looked at later than was first said",
        live().obtains(5, event_type="opened", event_id="e").obtains(7, event_type="opened", event_id="e"),
        [],
    ),
    ("a request denied by hand", request("denied"), ["request_denied_although_possible:request:q"]),
    ("a request denied for want of a right", request("denied").granted(effect="deny", rights=["view"]), []),
    ("an issue resolved while the faulty version is held", issue("confirmed"), ["issue_resolved_but_held:issue:i"]),
    ("an issue resolved after it was removed", issue("confirmed").says("completed", 6, number=None), []),
    ("an issue that is open", issue("in_review"), []),
    ("an issue about something missing", issue("confirmed", "missing"), []),
    (
        "delivered when already superseded",
        live().version(2, 5).delivered(6, delivery_id="d"),
        ["delivered_superseded:delivery:d"],
    ),
    ("delivered before it was superseded", live().version(2, 5).delivered(4), []),
    (
        "delivered while superseded by one that was withdrawn later",
        returning().delivered(6, delivery_id="d"),
        ["delivered_superseded:delivery:d"],
    ),
    ("delivered when it had become the target again", returning().delivered(9), []),
    ("delivered where the new one is barred", live().version(2, 5, restricted_regions=["US"]).delivered(6), []),
    (
        "a content change with an equal checksum",
        live().version(4, 5, checksum_sha256="sum1", change_class="content"),
        ["content_change_equal_checksum:asset_version:a1|4"],
    ),
    (
        "a metadata change with an equal checksum",
        live().version(2, 5, checksum_sha256="sum1", change_class="metadata"),
        [],
    ),
    (
        "a version number with another checksum",
        live().version(1, checksum_sha256="other", updated_at=2),
        ["version_number_reused:asset_version:a1|1"],
    ),
    (
        "a notice due before it was posted",
        live().obtains(3).notice(5, notice_id="n", due_at=4),
        ["notice_due_before_posted:notice:n"],
    ),
    ("a notice without a version", live().notice(5, number=None, notice_id="n"), ["notice_without_subject:notice:n"]),
    ("a notice without a version that asks nothing", live().notice(5, "access_rules", number=None), []),
    (
        "an event that names nobody",
        live().obtains(5, event_id="e", partner_id="stranger"),
        ["unmatched_identity:access_event:e"],
    ),
    (
        "a delivery to nobody",
        live().delivered(5, delivery_id="d", partner_id="stranger"),
        ["unmatched_identity:delivery:d"],
    ),
    (
        "an acknowledgment by nobody",
        live().says("auto", 5, ack_id="k", partner_id="stranger"),
        ["unmatched_identity:acknowledgment:k"],
    ),
    ("a campaign ready while an item is not confirmed", campaign("ready"), ["campaign_ready_unconfirmed:campaign:c"]),
    ("a campaign ready once all is confirmed", campaign("ready").obtains(5), []),
    ("a campaign that is planned", campaign("planning"), []),
    ("a zone that does not exist", live().partner("p9", timezone="Mars/Olympus"), ["unknown_zone:partner:p9"]),
)

TALES: Final = {f"t{place:03}": case for place, case in enumerate(CASES)}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    tales = {key: case[1] for key, case in TALES.items()}
    with computed(tmp_path_factory.mktemp("tales"), tales, TARGETS, go_live=NEVER) as told:
        yield told


@pytest.mark.parametrize("key", TALES, ids=lambda key: TALES[key][0])
def test_it_is_found(told: Told, key: str) -> None:
    found = told.tables.rows(
        "select finding_id from audit.conditions where contains(finding_id, $prefix) order by all",
        {"prefix": f"{key}-"},
    )

    assert [finding_id.replace(f"{key}-", "") for (finding_id,) in found] == TALES[key][2]


def test_every_finding_about_a_record_names_the_rows_of_the_trail(told: Told) -> None:
    without = told.tables.rows(
        "select finding_id from audit.conditions where len(evidence) = 0"
        " and subject_type in ('access_event', 'delivery', 'acknowledgment', 'notice', 'copy')"
    )
    wrong = told.tables.rows(
        "select finding_id from audit.conditions, unnest(evidence) as proof(seq) inner join audit.trail using (seq)"
        " where conditions.subject_id <> trail.subject_id and conditions.subject_type <> 'copy'"
    )

    assert (without, wrong) == ([], [])


def test_a_finding_about_copies_names_each_fetch(told: Told) -> None:
    fetched = told.tables.rows(
        "select len(evidence) from audit.conditions where starts_with(finding_id, 'bytes_without_grant') order by all"
    )

    assert fetched == [(1,), (1,), (2,)]


def in_the_audit_join(told: Told, name: str, columns: str) -> tuple[Any, ...]:
    key = next(key for key, case in TALES.items() if case[0] == name)
    return told.row(key, columns, "audit.deliveries_acknowledged")


def test_the_audit_join_shows_obligation_and_answer(told: Told) -> None:
    columns = "obligation_state, ack_class, contradictions"

    assert in_the_audit_join(told, "nothing is wrong", columns) == ("acknowledged", "on_time", [])
    assert in_the_audit_join(told, "acknowledged but never sent", columns) == (
        None,
        "unsolicited",
        ["acknowledged_never_sent", "acknowledged_without_bytes"],
    )
    assert in_the_audit_join(told, "bytes in spite of a deny", columns) == (None, None, ["bytes_without_grant"])


def test_the_audit_join_shows_what_is_known_now_of_deliveries_looks_and_notices(told: Told) -> None:
    delivered = "delivered in another version than was first said"
    key = next(key for key, case in TALES.items() if case[0] == delivered)
    of_delivery = told.rows(key, "version_no, first_delivered_at, last_delivered_at", "audit.deliveries_acknowledged")
    assert of_delivery == [(1, None, None), (2, day(5), day(5))]
    assert in_the_audit_join(told, "looked at later than was first said", "first_opened_at") == (day(7),)
    assert in_the_audit_join(told, "told by a notice that arrived retracted", "first_notified_at") == (day(4),)


def test_a_finding_is_closed_when_its_cause_is_gone_and_opened_again_when_it_is_back(tmp_path: Path) -> None:
    tale = live().notice(4).says("received", 6, ack_id="k")
    removed = Tale().obtains(5, event_id="e")
    corrected = Tale().obtains(5, number=2, event_id="e", recorded_at=8)
    with open_tables(tmp_path) as tables:
        states = []
        for days, told_now in enumerate((tale, removed, corrected)):
            turn = receive(tables, {"t": told_now}, NOW + timedelta(days=days))
            tables.compute(turn, turn.now, ["audit.conditions"])
            outcome = journal_findings(tables.connection, tables.journal, turn)
            again = journal_findings(tables.connection, tables.journal, turn)
            tables.compute(turn, turn.now, ["audit.findings"])
            found = "select status, times_opened, first_seen_at from audit.findings where rule = $rule"
            rows = tables.rows(found, {"rule": "acknowledged_without_bytes"})
            states.append((rows, outcome.opened, outcome.closed, again.opened + again.closed))

    assert states == [
        ([("open", 1, NOW)], 1, 0, 0),
        ([("closed", 1, NOW)], 0, 1, 0),
        ([("open", 2, NOW)], 1, 0, 0),
    ]
