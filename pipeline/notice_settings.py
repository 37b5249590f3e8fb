"""The section ``notices`` of the configuration: what is announced, to whom, when, how often.

Belongs here: the shape of the section, its defaults. Does not belong here: what the values do
(``sql/sync``, ``pipeline.actions.policies``).
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from pipeline.business_calendar import check_holidays
from pipeline.settings_types import Instant, LocalTime, Span, Strict, Weekday

PartnerKind = Literal[
    "publish",
    "version_change",
    "withdrawal",
    "expiry",
    "access_rules",
    "request_update",
    "issue_update",
    "launch_package",
    "reminder",
]
DigestibleKind = Literal["reminder", "request_update", "issue_update", "access_rules"]
Classification = Literal["standard", "regulated", "safety"]


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        message = "it has to be longer than nothing"
        raise ValueError(message)
    return value


class ApprovalThreshold(Strict):
    """Beyond which size a turn's notices wait for a person: partners, or their share of the active network.

    A share of 1 is the whole network, suspended partners included: then only the number counts.
    """

    partners: int = Field(default=200, ge=0)
    share: float = Field(default=0.5, ge=0, le=1)

    def is_passed_by(self, partners: int, active_partners: int) -> bool:
        """Say whether so many partners at once, of a network of so many active ones, are too many."""
        return partners > self.partners or (self.share < 1 and partners > self.share * active_partners)


class ApprovalRule(Strict):
    """Notices that always wait for a person: of these kinds and these classifications (none named = all)."""

    kinds: tuple[PartnerKind, ...] = ()
    classifications: tuple[Classification, ...] = ()

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.kinds and not self.classifications:
            message = "it names neither 'kinds' nor 'classifications'"
            raise ValueError(message)
        return self


class PartnerSet(Strict):
    """Partners: by id, by group, by region (``US`` has ``US-CA`` in it), by tier; whoever meets any of them."""

    partners: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nobody is named."""
        return not (self.partners or self.groups or self.regions or self.tiers)


class Audience(Strict):
    """Who hears of anything at all: ``include`` (nobody named = everybody), less ``exclude``."""

    include: PartnerSet = PartnerSet()
    exclude: PartnerSet = PartnerSet()


class SendWindow(Strict):
    """When a partner may be written to: on these days between these local times of its own zone, not on holidays."""

    opens: LocalTime = Field(default=timedelta(hours=8), alias="from")
    closes: LocalTime = Field(default=timedelta(hours=18), alias="until")
    days: tuple[Weekday, ...] = Field(default=("mon", "tue", "wed", "thu", "fri"), min_length=1)
    country: str | None = None
    subdivision: str | None = None

    @field_validator("country", mode="before")
    @classmethod
    def _norway_is_no_boolean(cls, value: object) -> object:
        if value is False:
            message = 'without quotes YAML reads NO as false: write "NO"'
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.opens >= self.closes:
            message = "'from' is not before 'until' (windows over midnight are not supported)"
            raise ValueError(message)
        if self.country is not None:
            check_holidays(self.country, self.subdivision)
        return self


class Digest(Strict):
    """What is told in one notice: once a day or week, ``at_least`` so many of these kinds at a time."""

    every: Literal["off", "daily", "weekly"] = "off"
    at_least: int = Field(default=3, ge=2)
    kinds: tuple[DigestibleKind, ...] = ("reminder", "request_update", "issue_update", "access_rules")

    @field_validator("every", mode="before")
    @classmethod
    def _off_is_no_boolean(cls, value: object) -> object:
        return "off" if value is False else value


class Caps(Strict):
    """How many notices a partner is sent in a day and a week of its zone; None = as many as there are."""

    per_day: int | None = Field(default=None, ge=1)
    per_week: int | None = Field(default=None, ge=1)


class Reminders(Strict):
    """The ladder: at half of the time (if wanted), at due, then ``every`` so often, ``most`` in all (0 = none)."""

    at_half: bool = True
    every: Annotated[Span, AfterValidator(_positive)] = timedelta(days=7)
    most: int = Field(default=5, ge=0)
    escalate_after: Span | None = timedelta(0)
    "How long after the due date the asset's owner is told; None = never."


class Notices(Strict):
    """What is announced, to whom, and how hard we try.

    ``notify_from``: nothing due before is announced; without it, the first turn's ``now``. ``former_recipients``: an
    updated safety sheet goes to whoever obtained it within that time before. ``templates``: a folder, as seen from the
    configuration's, whose ``<language>/<kind>.txt`` win over the wordings that are shipped.
    """

    notify_from: Instant | None = None
    redirect_to: str | None = None
    approve_above: ApprovalThreshold = ApprovalThreshold()
    approve_always: tuple[ApprovalRule, ...] = ()
    audience: Audience = Audience()
    templates: Path | None = None
    send_window: SendWindow | None = None
    digest: Digest = Digest()
    caps: Caps = Caps()
    reminders: Reminders = Reminders()
    former_recipients: Span = timedelta(days=365)
    max_attempts: int = Field(default=12, ge=1)
    requests_per_second: float = Field(default=20, gt=0)
