"""A profile's ``incremental``: how only what changed since the last pull is asked for.

Belongs here: the kinds, their words, how an instant is written for a source. Does not belong here: where a pull
starts (``pipeline.ingest.places``).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pipeline.ingest.profile_words import HOUR, NONE, Instant, OptionalText, PathTo, Span, Strict
from pipeline.instants import format_instant, parse_instant

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCHS: Final = {
    "epoch_seconds": timedelta(seconds=1),
    "epoch_milliseconds": timedelta(milliseconds=1),
    "epoch_microseconds": timedelta(microseconds=1),
}


def checked_format(value: str) -> str:
    """Return the way in which instants are written.

    Raises:
        ValueError: it is none.

    """
    if value != "iso" and value not in _EPOCHS and "%" not in value:
        message = f"it is 'iso', {', '.join(map(repr, _EPOCHS))} or a pattern such as '%Y-%m-%d'"
        raise ValueError(message)
    return value


class Stamp(Strict):
    """How a source writes instants: ``iso``, as an epoch, or by a pattern of strftime."""

    format: Annotated[str, AfterValidator(checked_format)] = "iso"
    "`iso`, `epoch_seconds`, `epoch_milliseconds`, `epoch_microseconds`, or a pattern, `%Y-%m-%d %H:%M:%S` (UTC)."

    @property
    def unit(self) -> timedelta:
        """The smallest difference that it can tell."""
        if self.format in _EPOCHS:
            return _EPOCHS[self.format]
        if self.format == "iso" or "%f" in self.format:
            return timedelta(microseconds=1)
        if "%S" in self.format:
            return timedelta(seconds=1)
        return timedelta(minutes=1) if "%M" in self.format else timedelta(days=1)

    def floor(self, instant: datetime) -> datetime:
        """Return the last instant that it can write, at or before another."""
        return instant - (instant - _EPOCH) % self.unit

    def write(self, instant: datetime) -> str | int:
        """Write an instant, rounded down."""
        if self.format == "iso":
            return format_instant(instant)
        if self.format in _EPOCHS:
            return (instant - _EPOCH) // self.unit
        return instant.astimezone(UTC).strftime(self.format)

    def read(self, value: Any) -> datetime:
        """Read an instant of a record.

        Raises:
            ValueError: it is none.

        """
        try:
            if self.format == "iso":
                return parse_instant(str(value))
            if self.format in _EPOCHS:
                return _EPOCH + (int(value) if str(value).isdecimal() else float(value)) * self.unit
            read = datetime.strptime(str(value), self.format)  # noqa: DTZ007 - the zone is set in the next line
            return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
        except (TypeError, OverflowError) as error:
            message = "it is no instant"
            raise ValueError(message) from error


class _Incremental(Strict):
    full_every: Span | None = None
    "How often everything is asked for."


class ByInstant(Stamp, _Incremental):
    """What changed since an instant: the last pull's watermark, or its newest record's, less ``lookback``."""

    kind: Literal["datetime"] = "datetime"
    param: str = "changed_since"
    "The parameter that takes the start."
    end_param: str | None = None
    "The parameter that takes the end."
    expression: str | None = None
    "What `param` gets instead of the start alone: a text with `{start}` in it, and `{end}` where one can be said."
    end: Literal["exclusive", "inclusive"] = "exclusive"
    "Whether the source counts the end in; windows never overlap."
    lookback: Span = HOUR
    "So much is asked for again each time; what comes twice is recognised by its content."
    safety_lag: Span = NONE
    "The source's last so much is not whole yet, and is left for the next pull."
    start: Instant | None = None
    "The first pull's start (none = everything)."
    cursor: PathTo | None = None
    "Where a record has the instant: the next pull starts at the newest, instead of the watermark."
    retention: Span | None = None
    "The source remembers so much: after a longer pause everything is asked for."

    @model_validator(mode="after")
    def _is_expressed(self) -> Self:
        if self.expression is None:
            return self
        if "{start}" not in self.expression:
            message = "'expression' has no {start}"
            raise ValueError(message)
        if self.start is None:
            message = "'expression' needs 'start', for the first pull has to say one too"
            raise ValueError(message)
        if "{end}" in self.expression and self.end_param is not None:
            message = "the end is said once: by {end} in 'expression', or by 'end_param'"
            raise ValueError(message)
        return self

    @property
    def says_end(self) -> bool:
        """Whether the source is told where a span ends."""
        return self.end_param is not None or "{end}" in (self.expression or "")

    def params(self, since: datetime | None, until: datetime) -> dict[str, str | int]:
        """Say a span to a source: half-open for us, whatever the source does with its end."""
        end = self.floor(until)
        end = end - self.unit if self.end == "inclusive" else end
        params: dict[str, str | int] = {}
        if since is not None:
            params[self.param] = self.write(since)
            if self.expression is not None:
                said = self.expression.replace("{start}", str(self.write(since)))
                params[self.param] = said.replace("{end}", str(self.write(end)))
        if self.end_param is not None:
            params[self.end_param] = self.write(end)
        return params


class BySequence(_Incremental):
    """Records bear a growing number; those above the largest one seen are asked for."""

    kind: Literal["sequence"]
    param: str
    "The parameter that takes the number."
    expression: str | None = Field(default=None, pattern=r"\{start\}")
    "What `param` gets instead of the number alone: a text with `{start}` in it."
    cursor: PathTo
    "Where a record has it."
    start: int | None = None
    "The first pull's number (none = everything)."


class ByToken(_Incremental):
    """The source gives a token at the end of a pull, and the next one begins there."""

    kind: Literal["token"]
    param: str
    "The parameter that takes the token."
    token: PathTo = ("next_token",)
    "Where a page has it; the last page's counts."
    header: str | None = None
    "The answer's header that has it, instead."
    start: OptionalText = None
    "The first pull's token."


class NewestFirst(Stamp, _Incremental):
    """A feed that begins with the newest record: pages are read until a record is as old as the last pull's newest."""

    kind: Literal["newest_first"]
    cursor: PathTo
    "Where a record has its instant."
    lookback: Span = HOUR
    "So much older is read again."


class ClientSide(Stamp, _Incremental):
    """The source cannot be asked for changes: everything is read, and only what changed is landed."""

    kind: Literal["client_side"]
    cursor: PathTo
    "Where a record has the instant of its last change."
    lookback: Span = HOUR
    "So much older is landed again."


def _datetime_unless_said(value: object) -> object:
    return {"kind": "datetime", **value} if isinstance(value, dict) and "kind" not in value else value


Incremental = Annotated[
    Annotated[
        ByInstant | BySequence | ByToken | NewestFirst | ClientSide,
        Field(discriminator="kind"),
    ],
    BeforeValidator(_datetime_unless_said),
]


def refuse_partial_readings(by: Incremental) -> None:
    """Refuse what never reads a stream whole: nothing could be told of what such a reading lacks.

    Raises:
        ValueError: it is so.

    """
    if by.full_every is None:
        message = "deletion by absence compares whole readings: say with 'full_every' how often 'incremental' takes one"
        raise ValueError(message)
    if isinstance(by, BySequence | ByToken) and by.start is not None:
        message = (
            "deletion by absence compares whole readings, and 'start' leaves out what is before that number or token"
        )
        raise ValueError(message)
    if isinstance(by, ByInstant) and by.says_end and by.safety_lag:
        message = "deletion by absence compares readings up to now, and 'safety_lag' leaves out what changed last"
        raise ValueError(message)
