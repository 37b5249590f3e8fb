"""Contract and server: the contract is sound, everything served keeps to it, and nothing gets past it."""

import base64
import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from jsonschema import Draft202012Validator

from sandbox.http.contract import Contract
from sandbox.streams import STREAMS, System
from tests.sandbox.conftest import ROOT, TRADING_GRID_STREAMS, VIP_STREAMS, Sandbox

# Well-formed bodies may name ids that do not exist (422), and moves that are not legal (409): both are in the contract.
CONFIG = schemathesis.Config.from_dict({
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "410", "400", "422"]},
    },
})  # fmt: skip


def _schema(system: System) -> Any:
    with (ROOT / "connections" / system / "openapi.yaml").open(encoding="utf-8") as file:
        return schemathesis.openapi.from_file(file, config=CONFIG)


vip_contract = _schema("vip")
trading_grid_contract = _schema("trading_grid")

gently = settings(
    max_examples=6,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def _keeps_to_the_contract(case: schemathesis.Case[Any], base_url: str, token: str) -> None:
    if case.path == "/oauth2/token":
        token = "Basic " + base64.b64encode(b"vipgrid:sandbox-secret").decode()
    headers = {} if case.path == "/healthz" else {"Authorization": token}
    case.call_and_validate(base_url=base_url, headers=headers)


@vip_contract.parametrize()  # type: ignore[untyped-decorator]
@gently
def test_vip_keeps_to_its_contract_whatever_it_is_asked(case: schemathesis.Case[Any], sandbox: Sandbox) -> None:
    _keeps_to_the_contract(case, sandbox.told["vip"], sandbox.vip.http.headers["Authorization"])


@trading_grid_contract.parametrize()  # type: ignore[untyped-decorator]
@gently
def test_trading_grid_keeps_to_its_contract_whatever_it_is_asked(
    case: schemathesis.Case[Any], sandbox: Sandbox
) -> None:
    _keeps_to_the_contract(case, sandbox.told["trading_grid"], sandbox.trading_grid.http.headers["Authorization"])


@pytest.mark.parametrize("stream", [*VIP_STREAMS, *TRADING_GRID_STREAMS])
def test_every_record_served_fits_its_schema(stream: str, sandbox: Sandbox) -> None:
    name = STREAMS[stream].system
    system = sandbox.vip if name == "vip" else sandbox.trading_grid
    contract = Contract(name)
    answer = contract.document["paths"][f"/v1/{stream}"]["get"]["responses"]["200"]["content"]["application/json"][
        "schema"
    ]
    validator = contract.validator(answer)
    pages = list(system.pages(stream))
    assert json.loads(pages[0].content)["items"], f"{stream} is empty: nothing would be tested"
    for page in (pages[0], pages[-1]):
        assert [error.message for error in validator.iter_errors(page.json())] == []


@pytest.mark.parametrize("system", ["vip", "trading_grid"])
def test_every_schema_of_a_contract_is_a_schema_and_every_operation_has_its_errors(system: System) -> None:
    contract = Contract(system)
    for schema in contract.document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for path, item in contract.document["paths"].items():
        for method, operation in item.items():
            if path.startswith("/v1/"):
                assert {"401", "429", "503"} <= set(operation["responses"]), f"{method} {path}"
