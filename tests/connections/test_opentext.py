"""The profile ``opentext_trading_grid`` against a Trading Grid that behaves as its documents say, traps included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigurationError
from resources.connecting import trying
from tests.connections.lens import COMPANY, Grid, transaction
from tests.connections.making import SECRET, Server, Tenant
from tests.rest.conftest import fast_retries

__all__ = ["fast_retries"]

PROFILE = Path(__file__).parents[2] / "connections" / "trading_grid" / "opentext_trading_grid.yaml"
STREAMS = ("partners", "partner_users", "partner_groups", "xref", "deliveries", "acknowledgments")
STATUSES = {
    "B": "queued",
    "P": "in_progress",
    "D": "in_progress",
    "R": "delivered",
    "C": "delivered",
    "S": "picked_up",
    "H": "failed",
    "V": "failed",
    "F": "failed",
    "N": "cancelled",
    "U": "cancelled",
}
ACKS = {"A": "auto", "E": "auto", None: "auto", "P": "exception", "R": "exception", "M": "proxy"}
NO_ACKS = ("N", "S", "T", "W")


def tenant_of(folder: Path, server: Server, streams: tuple[str, ...] = STREAMS) -> Tenant:
    secrets = {"client_id": "us", "client_secret": SECRET, "pseudonym_key": "k"}
    return Tenant(
        folder,
        server.url,
        PROFILE,
        system="opentext",
        streams=streams,
        secrets=secrets,
        variables={"company_id": COMPANY},
    )


def rows(tenant: Tenant, stream: str, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in tenant.rows(stream)]


def test_the_community_is_read_and_what_is_personal_in_it_is_not_kept(tmp_path: Path) -> None:
    with Server(Grid([])) as server:
        tenant = tenant_of(tmp_path, server, STREAMS[:4])
        tenant.pull_well()
    partners = rows(tenant, "partners", "partner_id", "name", "trading_addresses", "status")
    assert partners == [
        ("BC-20", "North Ltd", ["ZZ:NORTH", "ZZ:N2"], "active"),
        ("BC-21", "South", ["ZZ:SOUTH"], "active"),
        ("BC-22", "East", None, None),
        ("BC-1", "Alpenglow", ["ZZ:US"], "active"),
    ]
    assert [row["rejected_because"] is None for row in tenant.rows("partners")] == [True, True, False, True]
    assert rows(tenant, "xref", "entity", "vip_id", "trading_grid_id") == [("partner", "ZZ:NORTH", "BC-20")]
    assert rows(tenant, "partner_groups", "group_id", "dimension", "value") == [("E1", "entitlement", "Lens")]
    ((user, partner, login, name),) = rows(tenant, "partner_users", "user_id", "partner_id", "login_id", "display_name")
    assert (user, partner, name) == ("U1", COMPANY, None)
    assert login.startswith("pn-")
    assert "Ominous" not in str(tenant.landed("partner_users"))


def test_every_processing_status_becomes_a_deliverys(tmp_path: Path) -> None:
    grid = Grid([transaction(n, code, f"2026-02-{n + 1:02d}T00:00:00Z") for n, code in enumerate(STATUSES)])
    grid.transactions.append(transaction(90, "X", "2026-02-20T00:00:00Z"))
    grid.transactions.append(transaction(91, "C", "2026-02-20T00:00:00Z", transactionlevel="File"))
    grid.transactions.append(transaction(92, "C", "2026-02-20T00:00:00Z", contentkeys=[]))
    with Server(grid) as server:
        tenant = tenant_of(tmp_path, server, ("deliveries",))
        tenant.pull_well()
    found = {row["delivery_id"]: row for row in tenant.rows("deliveries")}
    assert {found[f"T{n}"]["status"]: None for n in range(len(STATUSES))} == dict.fromkeys(STATUSES.values())
    assert [found[f"T{n}"]["status"] for n in range(len(STATUSES))] == list(STATUSES.values())
    assert "T91" not in found
    assert "T92" not in found
    assert "does not know" in found["T90"]["rejected_because"]
    first = found["T0"]
    assert (first["asset_id"], first["version_no"], first["channel"]) == ("AS-1", 2, "as2")
    assert sum(int(page["request"].get("left_out", "0")) for page in tenant.pages("deliveries")) == 2


def test_every_functional_acknowledgment_is_an_answer_of_a_system_under_its_own_code(tmp_path: Path) -> None:
    day = "2026-02-10T00:00:00Z"
    codes = [*ACKS, *NO_ACKS]
    grid = Grid([transaction(n, "C", day, fastatus=code, fastatusdate=day) for n, code in enumerate(codes)])
    grid.transactions.append(transaction(50, "C", day))
    with Server(grid) as server:
        tenant = tenant_of(tmp_path, server, ("acknowledgments",))
        tenant.pull_well()
    found = rows(tenant, "acknowledgments", "ack_id", "kind", "native_code", "partner_id")
    assert found == [(f"T{n}", kind, f"lens:{code or 'C'}", "BC-20") for n, (code, kind) in enumerate(ACKS.items())]


def test_a_transaction_that_changes_long_after_it_arrived_is_seen_again(tmp_path: Path) -> None:
    grid = Grid([transaction(1, "P", "2026-02-01T00:00:00Z")])
    with Server(grid) as server:
        tenant = tenant_of(tmp_path, server, ("deliveries", "acknowledgments"))
        tenant.pull_well()
        tenant.next_turn()
        grid.transactions[0] = transaction(
            1, "S", "2026-03-02T08:20:00Z", fastatus="A", fastatusdate="2026-03-02T08:30:00Z"
        )
        tenant.pull_well()
    assert rows(tenant, "deliveries", "delivery_id", "status") == [("T1", "in_progress"), ("T1", "picked_up")]
    assert rows(tenant, "acknowledgments", "ack_id", "kind") == [("T1", "auto")]


@pytest.mark.parametrize("lost", [1, 2])
def test_a_page_that_was_lost_on_the_way_costs_a_new_scroll_and_no_record(tmp_path: Path, lost: int) -> None:
    grid = Grid([transaction(n, "C", f"2026-02-26T00:{n:02d}:00Z") for n in range(8)], lost_pages=lost)
    with Server(grid) as server:
        tenant = tenant_of(tmp_path, server, ("deliveries",))
        tenant.pull_well()
    assert grid.lost_pages == 0
    assert [row["delivery_id"] for row in tenant.rows("deliveries")] == [f"T{n}" for n in range(8)]


def test_a_pull_that_was_killed_does_not_go_on_with_the_old_scroll(tmp_path: Path) -> None:
    grid = Grid([transaction(n, "C", f"2026-02-26T00:{n:02d}:00Z") for n in range(8)], lost_pages=12)
    with Server(grid) as server:
        tenant = tenant_of(tmp_path, server, ("deliveries",))
        assert "forgot the place" in tenant.error("deliveries")
        tenant.pull_well()
    assert [row["delivery_id"] for row in tenant.rows("deliveries")] == [f"T{n}" for n in range(8)]


def test_the_token_is_fetched_as_trading_grid_wants_it_and_once_more_when_it_ends_early(tmp_path: Path) -> None:
    grid = Grid([])
    with Server(grid) as server:
        tenant = tenant_of(tmp_path, server, ("partners",))
        tenant.pull_well()
        assert grid.token_count == 1
        tenant.next_turn()
        tenant.pull_well()
    assert grid.token_count == 2
    assert SECRET not in tenant.journal.path.read_text()


def test_the_companys_id_is_the_connections_to_say(tmp_path: Path) -> None:
    secrets = {"client_id": "us", "client_secret": SECRET, "pseudonym_key": "k"}
    tenant = Tenant(tmp_path, "http://127.0.0.1:1", PROFILE, system="opentext", streams=("partners",), secrets=secrets)
    with pytest.raises(ConfigurationError, match="needs a variable that connection opentext does not have"):
        tenant.pull()


def test_a_trial_shows_recent_transactions_and_nothing_personal_that_is_not_dealt_with(tmp_path: Path) -> None:
    grid = Grid([transaction(n, "C", f"2026-02-26T00:{n:02d}:00Z") for n in range(4)])
    with Server(grid) as server:
        tenant = tenant_of(tmp_path, server)
        with trying(tenant.settings, "opentext", tenant.home, tenant.now, tenant.client) as trier:
            trier.log_in()
            trials = {stream: trier.try_stream(stream, 10) for stream in ("deliveries", "partner_users")}
    assert len(trials["deliveries"].rows) == 4
    assert trials["deliveries"].missing == []
    assert [trial.personal for trial in trials.values()] == [[], []]
    assert [trial.error for trial in trials.values()] == [None, None]
