"""A drain with channels: the notice first, then its copies; a channel that fails holds back nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.actions.dispatch import DispatchOutcome, dispatch
from pipeline.actions.keys import action_key
from pipeline.actions.outbox import State, read_outbox
from pipeline.actions.pace import Patience
from pipeline.actions.senders import Sender
from pipeline.ledger.journal import Journal
from pipeline.settings import Settings
from pipeline.sqlmodels.relations import Relation
from resources.outbox_sender import open_senders
from tests.actions.remote import TURN, FakeRemote, FakeWaiter, NoWarehouse, decided, new_journal
from tests.channels.test_mail import Mailbox, parsed, serving
from tests.channels.test_webhooks import NEW, receiving

PEOPLE = [("U1", "P1", "a@p1.example"), ("U2", "P2", "b@p2.example")]
MAIL_COPY = action_key("P1|channel|mail|U1")


class Warehouse(NoWarehouse):
    """A connection that knows two contacts, and has nothing against anything."""

    def sql(self, query: str, *, params: object = None) -> Relation:
        return NoWarehouse(PEOPLE) if "core.partner_users" in query else super().sql(query, params=params)


def mail(port: int, **changes: Any) -> dict[str, Any]:
    usual = {"audience": "partners", "host": "127.0.0.1", "port": port, "security": "none"}
    return {"kind": "mail", "sender": "notices@vip.example", "requests_per_second": 1_000} | usual | changes


def drain(journal: Journal, remote: Sender, channels: Mapping[str, Any], **doors: Sender) -> DispatchOutcome:
    settings = Settings.model_validate({"connections": {}, "channels": channels})
    addresses = {user_id: address for user_id, _, address in PEOPLE}
    with open_senders(settings, addresses=addresses) as senders:
        return dispatch(
            Warehouse(),
            journal,
            TURN,
            settings,
            {**senders, "trading_grid": remote, **doors},
            waiter=FakeWaiter(),
            patience=Patience(total_seconds=5),
        )


def state_of(journal: Journal, key: str) -> State:
    return read_outbox(journal).actions[key].state


def test_a_notice_is_posted_and_then_mailed_to_the_partners_people_only(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    box, remote = Mailbox(), FakeRemote()
    with serving(box) as port:
        assert drain(journal, remote, {"mail": mail(port)}).sent == 2
        assert drain(journal, remote, {"mail": mail(port)}).requests == 0

    assert box.recipients == [["a@p1.example"]]
    assert parsed(box.mails[0])["Message-ID"] == f"<{MAIL_COPY}@vip.example>"
    sent = [entry.source_id for entry in journal.entries(frozenset({"action_sent"}))]
    assert sent == [action_key("P1"), MAIL_COPY]


def test_no_address_is_in_the_journal(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    with serving(Mailbox()) as port:
        drain(journal, FakeRemote(), {"mail": mail(port)})

    assert "p1.example" not in journal.path.read_text(encoding="utf-8")


def test_a_copy_does_not_go_before_its_notice_did(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    box, remote = Mailbox(), FakeRemote(plan=lambda _: "busy_429")
    with serving(box) as port:
        drain(journal, remote, {"mail": mail(port)})
        assert (box.mails, state_of(journal, MAIL_COPY)) == ([], State.PENDING)

        remote.plan = lambda _: "refuse_400"
        drain(journal, remote, {"mail": mail(port)})
    assert (box.mails, state_of(journal, MAIL_COPY)) == ([], State.PENDING)


def test_a_channel_that_is_down_holds_back_neither_notices_nor_other_channels(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    with serving(Mailbox()) as gone:
        pass
    with receiving() as receiver:
        url = f"http://127.0.0.1:{receiver.port}/"
        hook = {"kind": "webhook", "audience": "house", "url": url, "secrets": [NEW]}
        outcome = drain(journal, FakeRemote(), {"mail": mail(gone), "hook": hook})

    assert (outcome.sent, outcome.failed) == (2, 1)
    assert state_of(journal, MAIL_COPY) is State.FAILED
    assert [dict(headers)["webhook-id"] for headers, _ in receiver.requests] == [action_key("P1|channel|hook")]
    assert any(message.startswith("channel:mail is not answering") for message in outcome.messages)


def test_an_alert_reaches_the_first_channel_for_owners_and_its_copies_the_others(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    first, second = Mailbox(), Mailbox()
    with serving(first) as one, serving(second) as two:
        channels = {"first": mail(one, audience="owners"), "second": mail(two, audience="owners")}
        outcome = drain(journal, FakeRemote(plan=lambda _: "refuse_400"), channels)
        drain(journal, FakeRemote(), channels)

    assert (outcome.dead, outcome.sent) == (1, 2)
    assert (first.recipients, second.recipients) == ([["olga@example.com"]], [["olga@example.com"]])
    assert parsed(first.mails[0])["Subject"] == "1 actions could not be carried out"


def test_a_channel_that_dies_alerts_once_and_an_alert_that_dies_alerts_nobody(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    owner = FakeRemote(can_look_up=False, plan=lambda _: "refuse_400")
    with serving(Mailbox(to_recipient="550 no such user")) as port:
        for _ in range(3):
            drain(journal, FakeRemote(), {"mail": mail(port)}, owner=owner)

    assert state_of(journal, MAIL_COPY) is State.DEAD
    assert sum(owner.tries.values()) == 1
