"""Which channels get a copy, under which key, and that a copy follows what it copies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.actions.keys import action_key
from pipeline.actions.outbox import Outbox, State, read_outbox
from pipeline.channels.routing import (
    Contacts,
    channel_actions,
    copies_due,
    copies_that_follow,
    read_addresses,
    read_contacts,
)
from pipeline.home import Home
from pipeline.ledger.journal import Journal
from pipeline.settings import Settings
from resources.warehouse import open_in_memory
from tests.actions.remote import TURN, decided, new_journal

SECRET = "whsec_" + "A" * 32
MAIL = {
    "kind": "mail",
    "audience": "partners",
    "host": "localhost",
    "security": "none",
    "sender": "notices@vip.example",
}
SLACK = {"kind": "apprise", "audience": "house", "url": "json://127.0.0.1:1/"}
HOOK = {
    "kind": "webhook",
    "audience": "partners",
    "url": "https://p1.example/hook",
    "secrets": [SECRET],
    "partners": ["P1"],
}
OWNERS = {"kind": "apprise", "audience": "owners", "url": "json://127.0.0.1:1/{owner}"}
CONTACTS = {"P1": ["U1", "U2"], "P2": ["U3"]}
PAYLOAD = {"partner_id": "P1", "subject": "s", "body": "b", "kind": "version_change"}


def settings(**channels: Mapping[str, Any]) -> Settings:
    return Settings.model_validate({"connections": {}, "channels": channels})


def routed(given: Settings, **changes: Any) -> list[tuple[str, str | None]]:
    said: dict[str, Any] = {"kind": "version_change", "is_urgent": False} | changes
    copies = channel_actions(given.channels, said.pop("payload", PAYLOAD), ["U1", "U2"], **said)
    return [(copy.channel, copy.contact) for copy in copies]


def test_each_contact_of_the_partner_gets_a_mail_and_a_feed_gets_one_copy() -> None:
    assert routed(settings(mail=MAIL, slack=SLACK, hook=HOOK, owners=OWNERS)) == [
        ("mail", "U1"),
        ("mail", "U2"),
        ("slack", None),
        ("hook", None),
    ]


@pytest.mark.parametrize(
    ("channel", "changes", "is_taken"),
    [
        ({"kinds": ["withdrawal"]}, {}, False),
        ({"kinds": ["withdrawal"]}, {"kind": "withdrawal"}, True),
        ({"partners": ["P2"]}, {}, False),
        ({"partners": ["P2"]}, {"payload": PAYLOAD | {"partner_id": "P2"}}, True),
        ({"urgency": "urgent"}, {}, False),
        ({"urgency": "urgent"}, {"is_urgent": True}, True),
        ({}, {"kind": "alert"}, False),
    ],
)
def test_a_channel_takes_only_what_it_is_for(
    channel: dict[str, Any], changes: dict[str, Any], *, is_taken: bool
) -> None:
    assert bool(routed(settings(slack=SLACK | channel), **changes)) == is_taken


def test_alerts_go_to_owners_only() -> None:
    both = settings(slack=SLACK, owners=OWNERS)

    assert routed(both, kind="alert", is_urgent=True) == [("owners", None)]


def test_a_copys_key_names_what_it_copies_the_channel_and_the_contact() -> None:
    (first, second) = channel_actions(
        settings(mail=MAIL).channels, PAYLOAD, ["U1", "U|2"], kind="expiry", is_urgent=True
    )

    assert first.deduplication_key("P1|A1|2|expiry|initial") == "P1|A1|2|expiry|initial|channel|mail|U1"
    assert second.deduplication_key("k") == "k|channel|mail|U\\|2"


def test_a_copy_bears_no_address_and_nothing_that_the_notice_does_not_say() -> None:
    payload = PAYLOAD | {"meant_for_us": "x", "due_at": "2026-03-17T08:00:00.000000Z"}
    (copy,) = channel_actions(settings(slack=SLACK).channels, payload, ["U1"], kind="version_change", is_urgent=False)

    assert set(copy.payload) == {"partner_id", "subject", "body", "due_at", "kind"}


def due(journal: Journal, given: Settings, contacts: Contacts = CONTACTS) -> Outbox:
    journal.append(copies_due(read_outbox(journal), TURN, given, contacts))
    return read_outbox(journal)


def test_copies_are_decided_once(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    given = settings(mail=MAIL, slack=SLACK)

    outbox = due(journal, given)
    assert sorted(action.target_system for action in outbox.actions.values()) == [
        "channel:mail",
        "channel:mail",
        "channel:slack",
        "trading_grid",
    ]
    assert outbox.actions[action_key("P1|channel|slack")].payload["original"] == action_key("P1")
    assert copies_due(outbox, TURN, given, CONTACTS) == []


def test_what_waits_for_a_person_has_no_copies_before_it_is_approved(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1", needs_approval=True, batch="T000001"))

    assert len(due(journal, settings(slack=SLACK)).actions) == 1


def test_a_copy_waits_for_its_notice_goes_after_it_and_is_given_up_with_it(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    outbox = due(journal, settings(slack=SLACK))
    copy = action_key("P1|channel|slack")
    assert copies_that_follow(outbox)[copy].verdict == "wait"

    original = outbox.actions[action_key("P1")]
    original.state = State.DEAD
    assert copies_that_follow(outbox)[copy].verdict == "wait"
    original.state = State.SUPPRESSED
    assert copies_that_follow(outbox)[copy].verdict == "suppress"
    original.state = State.SENT
    assert copies_that_follow(outbox) == {}


def test_a_notice_that_is_worded_anew_has_its_copies_worded_anew(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    due(journal, settings(slack=SLACK))
    journal.append([decided("P1", payload={"partner_id": "P1", "subject": "new", "body": "b"})])

    copy = due(journal, settings(slack=SLACK)).actions[action_key("P1|channel|slack")]
    assert copy.payload["subject"] == "new"


def test_a_redirected_notice_has_the_contacts_of_the_test_partner(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1", payload={"partner_id": "P2", "subject": "s", "body": "b"}))

    copies = [action for action in due(journal, settings(mail=MAIL)).actions.values() if action.payload.get("contact")]
    assert [copy.payload["contact"] for copy in copies] == ["U3"]


def test_the_copy_of_a_redirected_notice_is_another_effect_than_that_of_the_real_one(tmp_path: Path) -> None:
    real = new_journal(tmp_path / "real", decided("P1"))
    redirected = new_journal(tmp_path / "redirected", decided("P1", redirect_to="P-TEST"))

    keys = [due(journal, settings(slack=SLACK)).actions.keys() for journal in (real, redirected)]
    assert keys[0] & keys[1] == {action_key("P1")}


def test_where_no_address_is_named_for_alerts_the_first_channel_for_owners_takes_them(tmp_path: Path) -> None:
    alert = decided("A", target_system="owner", operation="alert", payload={"owner": "o", "subject": "s", "body": "b"})
    given = settings(owners=OWNERS, more=OWNERS)
    outbox = due(new_journal(tmp_path, alert), given)

    assert sorted(action.target_system for action in outbox.actions.values()) == ["channel:more", "owner"]
    # An alert's copy needs no alert that was sent: it is as good as the alert itself.
    assert copies_that_follow(outbox) == {}


def test_contacts_are_the_partners_active_people_with_an_address(tmp_path: Path) -> None:
    with open_in_memory(Home(tmp_path)) as connection:
        connection.execute("create schema core")
        connection.execute(
            "create table core.partner_users as select * from (values"
            " ('U2', 'P1', 'b@p1.example', null), ('U1', 'P1', 'a@p1.example', 'active'), ('U3', 'P1', null, 'active'),"
            " ('U4', 'P1', 'd@p1.example', 'left'), ('U5', null, 'e@x.example', 'active'), ('U6', 'P2', '', 'active')"
            ") as rows (user_id, partner_id, email, status)"
        )
        assert read_contacts(connection) == {"P1": ["U1", "U2"]}
        assert read_addresses(connection) == {"U1": "a@p1.example", "U2": "b@p1.example"}
