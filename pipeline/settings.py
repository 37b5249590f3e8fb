"""The configuration: ``vipgrid.yaml``, checked once, at the edge.

Belongs here: the shape of the configuration, its defaults, and the sentence that says what is wrong
with it. Does not belong here: a connection's profile (``pipeline.ingest.profile``), secrets' values
anywhere but in ``SecretStr``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from pipeline.business_calendar import check_holidays
from pipeline.channel_settings import Alerts, Channels, Target
from pipeline.errors import ConfigurationError
from pipeline.notice_settings import Notices
from pipeline.settings_types import Instant, LocalTime, Span, Strict, Weekday, Zone
from pipeline.streams import STREAMS, System

DEFAULT_CONFIG: Final = "vipgrid.yaml"
Channel = Literal["portal", "email_link", "sftp", "as2", "api"]
_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class _Connection(Strict):
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
    """A tenant's HTTP API, read and written as its profile says; ``secrets`` come from the environment.

    ``variables`` are the tenant's own words in the profile's paths, such as a company's id.
    """

    kind: Literal["rest"]
    profile: Path
    base_url: str
    variables: Mapping[str, str] = Field(default_factory=dict)
    secrets: Mapping[str, SecretStr] = Field(default_factory=dict)


Connection = Annotated[FilesConnection | RestConnection, Field(discriminator="kind")]


class ByClassification(Strict):
    """A span of time for each classification of asset."""

    standard: Span
    regulated: Span
    safety: Span


def _days(standard: int, regulated: int, safety: int) -> ByClassification:
    return ByClassification(
        standard=timedelta(days=standard), regulated=timedelta(days=regulated), safety=timedelta(days=safety)
    )


class TimeToRespond(Strict):
    """How long a partner has to answer a notice, by kind (docs/domain.md, section 7)."""

    version_change: ByClassification = _days(7, 2, 1)
    publish: ByClassification = _days(7, 2, 1)
    withdrawal: ByClassification = _days(2, 1, 1)
    expiry: ByClassification = _days(2, 1, 1)


class Calendar(Strict):
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


class ServiceLevels(Strict):
    """In how much working time partners are served: spans of the calendar's open hours."""

    request: Span = timedelta(hours=16)
    triage: Span = timedelta(hours=8)
    replacement: Span = timedelta(hours=40)


class Policies(Strict):
    """What a business decides about time.

    ``first_time_right``: so long after a delivery an issue or a reopening speaks against it (figure K2).
    """

    grace: ByClassification = _days(7, 2, 0)
    time_to_respond: TimeToRespond = TimeToRespond()
    announce_before: Span = timedelta(0)
    calendar: Calendar = Calendar()
    service_levels: ServiceLevels = ServiceLevels()
    first_time_right: Span = timedelta(days=14)


class Fulfilment(Strict):
    """How partners' requests are fulfilled (pattern P1); ``enabled``: where both systems can be written to.

    The n-th delivery of a request goes over the n-th of ``channels``, in turn, ``max_deliveries`` times at most, and
    its link ends after ``expires_after``. A query names an asset where its score (0 to 1) is at least
    ``match_at_least`` and ahead of the next one by ``match_margin``; else the partner is asked, with at most
    ``candidates`` to choose from, ``max_questions`` times, and has ``answer_within`` to say.
    """

    enabled: bool | None = None
    channels: tuple[Channel, ...] = Field(default=("portal", "email_link"), min_length=1)
    expires_after: Span | None = timedelta(days=30)
    max_deliveries: int = Field(default=3, ge=1)
    answer_within: Span = timedelta(days=14)
    max_questions: int = Field(default=2, ge=1)
    match_at_least: float = Field(default=0.75, ge=0, le=1)
    match_margin: float = Field(default=0.1, ge=0, le=1)
    candidates: int = Field(default=5, ge=2, le=20)


class Clock(Strict):
    """Where ``now`` comes from when nobody says ``--now``: this machine, or a URL that answers ``{"now": …}``."""

    url: str | None = None


class Settings(Strict):
    """The whole configuration; relative paths in it start from the configuration file's folder."""

    connections: dict[str, Connection]
    policies: Policies = Policies()
    notices: Notices = Notices()
    fulfilment: Fulfilment = Fulfilment()
    alerts: Alerts = Alerts()
    channels: Channels = Field(default_factory=dict)
    targets: Mapping[str, Target] = Field(default_factory=dict)
    clock: Clock = Clock()
    folder: Path = Path()

    @property
    def templates_folder(self) -> Path | None:
        """Where wordings of one's own are, if there are any."""
        return None if self.notices.templates is None else self.folder / self.notices.templates

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
    for name, value in _secrets(raw):
        if not (isinstance(value, str) and _REFERENCE.fullmatch(value)):
            message = (
                f"The configuration {path} writes the secret {name} out: "
                "put it into the environment and write ${NAME_OF_THE_VARIABLE} here."
            )
            raise ConfigurationError(message)


def _secrets(raw: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give where a secret stands, and what is written there; what has another shape is refused later."""
    for name, connection in _sections(raw.get("connections")):
        secrets = connection.get("secrets")
        for key, value in (secrets if isinstance(secrets, dict) else {}).items():
            yield f"connections.{name}.secrets.{key}", value
    for name, channel in _sections(raw.get("channels")):
        if "password" in channel:
            yield f"channels.{name}.password", channel["password"]
        if channel.get("kind") == "apprise":
            yield f"channels.{name}.url", channel.get("url")
        secrets = channel.get("secrets")
        for number, value in enumerate(secrets if isinstance(secrets, list) else ()):
            yield f"channels.{name}.secrets.{number}", value


def _sections(raw: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(name, value) for name, value in raw.items() if isinstance(value, dict)] if isinstance(raw, dict) else []


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
