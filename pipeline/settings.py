"""The configuration: ``vipgrid.yaml``, checked once, at the edge.

Belongs here: the shape of the configuration, its defaults, and the sentence that says what is wrong
with it. Does not belong here: a connection's profile (``pipeline.ingest.profile``), secrets' values
anywhere but in ``SecretStr``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from pipeline.business_calendar import check_holidays
from pipeline.errors import ConfigurationError
from pipeline.instants import parse_instant, parse_span
from pipeline.streams import STREAMS, System

DEFAULT_CONFIG: Final = "vipgrid.yaml"
_LOCAL_TIME: Final = re.compile(r"([01]\d|2[0-3]|24(?=:00)):([0-5]\d)")
_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _span(value: object) -> object:
    return parse_span(value) if isinstance(value, str) else value


def _instant(value: object) -> object:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return parse_instant(value) if isinstance(value, str) else value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"{value!r} is no time zone: write an IANA name such as Europe/Berlin"
        raise ValueError(message) from error
    return value


def _local_time(value: object) -> object:
    found = _LOCAL_TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        message = f'{value!r} is no local time: write it in quotes, as "09:00" (without, YAML reads 17:00 as 1020)'
        raise ValueError(message)
    return timedelta(hours=int(found[1]), minutes=int(found[2]))


Span = Annotated[timedelta, BeforeValidator(_span)]
Zone = Annotated[str, AfterValidator(_zone)]
LocalTime = Annotated[timedelta, BeforeValidator(_local_time)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Instant = Annotated[datetime, BeforeValidator(_instant)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Connection(_Strict):
    """What every connection has."""

    streams: tuple[str, ...] | None = None
    safety_lag: Span = timedelta(0)
    tolerance: Span = timedelta(minutes=15)

    @model_validator(mode="after")
    def _streams_exist(self) -> _Connection:
        unknown = sorted(set(self.streams or ()) - set(STREAMS))
        if unknown:
            message = f"no such stream: {', '.join(unknown)}"
            raise ValueError(message)
        return self


class FilesConnection(_Connection):
    """Folders ``<path>/<stream>/*.{ndjson,csv,parquet}``, also ``.gz`` and ``.zst``.

    ``watermark``: ``now`` = the folders are complete at every pull, those that do not exist included;
    an instant = complete up to then.
    """

    kind: Literal["files"]
    path: Path
    watermark: Literal["now"] | Instant | None = None


class RestConnection(_Connection):
    """A tenant's HTTP API, read and written as its profile says; ``secrets`` come from the environment."""

    kind: Literal["rest"]
    profile: Path
    base_url: str
    secrets: Mapping[str, SecretStr] = Field(default_factory=dict)


Connection = Annotated[FilesConnection | RestConnection, Field(discriminator="kind")]


class ByClassification(_Strict):
    """A span of time for each classification of asset."""

    standard: Span
    regulated: Span
    safety: Span


def _days(standard: int, regulated: int, safety: int) -> ByClassification:
    return ByClassification(
        standard=timedelta(days=standard), regulated=timedelta(days=regulated), safety=timedelta(days=safety)
    )


class TimeToRespond(_Strict):
    """How long a partner has to answer a notice, by kind (docs/domain.md, section 7)."""

    version_change: ByClassification = _days(7, 2, 1)
    publish: ByClassification = _days(7, 2, 1)
    withdrawal: ByClassification = _days(2, 1, 1)
    expiry: ByClassification = _days(2, 1, 1)


class Calendar(_Strict):
    """When the business works: the clock of requests and exceptions runs then, and stands still otherwise.

    ``from`` and ``until`` are local times of ``zone`` (``"24:00"`` is the end of the day); ``country`` and
    ``subdivision`` (ISO 3166: ``DE``, ``BY``) say whose public holidays are no working days.
    """

    zone: Zone = "UTC"
    country: str | None = None
    subdivision: str | None = None
    days: tuple[Weekday, ...] = Field(default=("mon", "tue", "wed", "thu", "fri"), min_length=1)
    opens: LocalTime = Field(default=timedelta(hours=9), alias="from")
    closes: LocalTime = Field(default=timedelta(hours=17), alias="until")

    @field_validator("country", mode="before")
    @classmethod
    def _norway_is_no_boolean(cls, value: object) -> object:
        if value is False:
            message = 'without quotes YAML reads NO as false: write "NO"'
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _is_a_calendar(self) -> Calendar:
        if self.opens >= self.closes:
            message = "'from' is not before 'until' (hours over midnight are not supported)"
            raise ValueError(message)
        if len(set(self.days)) < len(self.days):
            message = "'days' names a day twice"
            raise ValueError(message)
        if self.subdivision is not None and self.country is None:
            message = "'subdivision' needs 'country'"
            raise ValueError(message)
        if self.country is not None:
            check_holidays(self.country, self.subdivision)
        return self


class ServiceLevels(_Strict):
    """In how much working time partners are served: spans of the calendar's open hours."""

    request: Span = timedelta(hours=16)
    triage: Span = timedelta(hours=8)
    replacement: Span = timedelta(hours=40)


class Policies(_Strict):
    """What a business decides about time.

    ``first_time_right``: so long after a delivery an issue or a reopening speaks against it (figure K2).
    """

    grace: ByClassification = _days(7, 2, 0)
    time_to_respond: TimeToRespond = TimeToRespond()
    announce_before: Span = timedelta(0)
    calendar: Calendar = Calendar()
    service_levels: ServiceLevels = ServiceLevels()
    first_time_right: Span = timedelta(days=14)


class ApprovalThreshold(_Strict):
    """Beyond which size a turn's notices wait for a person: partners, or their share of the active network."""

    partners: int = Field(default=200, ge=0)
    share: float = Field(default=0.5, ge=0, le=1)


class Notices(_Strict):
    """What is announced, to whom, and how hard we try.

    ``notify_from``: nothing due before is announced; without it, the first turn's ``now``.
    """

    notify_from: Instant | None = None
    redirect_to: str | None = None
    approve_above: ApprovalThreshold = ApprovalThreshold()
    max_attempts: int = Field(default=12, ge=1)
    requests_per_second: float = Field(default=20, gt=0)


class Alerts(_Strict):
    """Where what needs a person is told: one apprise URL; ``{owner}`` in it is the asset's owner."""

    url: SecretStr | None = None


class Clock(_Strict):
    """Where ``now`` comes from when nobody says ``--now``: this machine, or a URL that answers ``{"now": …}``."""

    url: str | None = None


class Settings(_Strict):
    """The whole configuration; relative paths in it start from the configuration file's folder."""

    connections: dict[str, Connection]
    policies: Policies = Policies()
    notices: Notices = Notices()
    alerts: Alerts = Alerts()
    clock: Clock = Clock()
    folder: Path = Path()

    @model_validator(mode="after")
    def _every_stream_has_one_connection(self) -> Settings:
        served: dict[str, str] = {}
        for name in self.connections:
            listed = self._listed(name)
            if listed is None and name not in {system.value for system in System}:
                message = f"connection {name!r} needs 'streams' (its name is no system and no stream)"
                raise ValueError(message)
            for stream in listed or ():
                if stream in served:
                    message = f"stream {stream!r} is served by {served[stream]!r} and {name!r}"
                    raise ValueError(message)
                served[stream] = name
        return self

    def streams_of(self, name: str) -> tuple[str, ...]:
        """Return what a connection serves: the streams it lists, the one it is named after, or its system's rest."""
        listed = self._listed(name)
        if listed is not None:
            return listed
        claimed = {stream for other in self.connections for stream in self._listed(other) or ()}
        return tuple(s.name for s in STREAMS.values() if s.system == name and s.name not in claimed)

    def _listed(self, name: str) -> tuple[str, ...] | None:
        listed = self.connections[name].streams
        return (name,) if listed is None and name in STREAMS else listed


def load_settings(path: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check the configuration file.

    Raises:
        ConfigurationError: no file, not YAML, an unknown or wrong field, a variable that is not set,
            a secret written out.

    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"Cannot read the configuration {path}: {error.strerror}; name another with --config."
        raise ConfigurationError(message) from error
    except (yaml.YAMLError, UnicodeError) as error:
        message = f"The configuration {path} is not YAML: {' '.join(str(error).split())}"
        raise ConfigurationError(message) from error
    if not isinstance(raw, dict):
        message = f"The configuration {path} is empty: it needs at least 'connections'."
        raise ConfigurationError(message)
    _refuse_written_secrets(raw, path)
    values = _with_environment(raw, os.environ if environment is None else environment, path)
    try:
        return Settings.model_validate({**values, "folder": path.resolve().parent})
    except ValidationError as error:
        raise ConfigurationError(_first_problem(error, path)) from error


def _first_problem(error: ValidationError, path: Path) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the file"
    more = error.error_count() - 1
    return f"The configuration {path} is wrong at {where}: {first['msg']}" + (f" (and {more} more)" if more else "")


def _refuse_written_secrets(raw: dict[str, Any], path: Path) -> None:
    connections = raw.get("connections")
    for name, connection in (connections if isinstance(connections, dict) else {}).items():
        secrets = connection.get("secrets") if isinstance(connection, dict) else None
        for key, value in (secrets if isinstance(secrets, dict) else {}).items():
            if not (isinstance(value, str) and _REFERENCE.fullmatch(value)):
                message = (
                    f"The configuration {path} writes the secret connections.{name}.secrets.{key} out: "
                    "put it into the environment and write ${NAME_OF_THE_VARIABLE} here."
                )
                raise ConfigurationError(message)


def _with_environment(value: Any, environment: Mapping[str, str], path: Path) -> Any:
    if isinstance(value, dict):
        return {key: _with_environment(part, environment, path) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_environment(part, environment, path) for part in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in environment:
            message = f"The configuration {path} uses ${{{name}}}, but the variable {name} is not set."
            raise ConfigurationError(message)
        return environment[name]

    return _REFERENCE.sub(replace, value)
