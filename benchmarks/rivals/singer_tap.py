"""A Singer tap for the benchmarks' server, made with the Singer SDK; run by an environment that has it (``tap.txt``).

Belongs here: the one stream, its schema, its paging. Does not belong here: the target, which is ``target-duckdb`` as it
comes (``target.txt``).
"""

from typing import Any

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import JSONPathPaginator

_TEXTS = ("event_type", "partner_id", "user_id", "asset_id", "vector", "client_ip", "user_agent")


class AccessEvents(RESTStream):  # type: ignore[misc]
    """The stream."""

    name = "access_events"
    path = "/v1/access_events"
    primary_keys = ("event_id",)
    records_jsonpath = "$.items[*]"
    schema = th.PropertiesList(
        th.Property("event_id", th.StringType, required=True),
        *(th.Property(name, th.StringType) for name in _TEXTS),
        th.Property("version_no", th.IntegerType),
        th.Property("bytes", th.IntegerType),
        th.Property("occurred_at", th.DateTimeType),
        th.Property("recorded_at", th.DateTimeType),
    ).to_dict()

    @property
    def url_base(self) -> str:
        """Return where the server is."""
        return str(self.config["address"])

    def get_new_paginator(self) -> Any:
        """Return what finds the next cursor."""
        return JSONPathPaginator("$.next")

    def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:  # noqa: ARG002 - the SDK's signature
        """Return what asks for a page."""
        return {"cursor": next_page_token} if next_page_token else {}


class TapBench(Tap):  # type: ignore[misc]
    """The tap."""

    name = "tap-bench"
    config_jsonschema = th.PropertiesList(th.Property("address", th.StringType, required=True)).to_dict()

    def discover_streams(self) -> list[AccessEvents]:
        """Return the one stream."""
        return [AccessEvents(self)]


if __name__ == "__main__":
    TapBench.cli()
