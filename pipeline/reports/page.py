"""A report's page: what it says, for people, in one file without anything from elsewhere.

Belongs here: filling the template. Does not belong here: counting (``pipeline.reports.figures``).

Text from partners and tenants is escaped by the template engine, always; control characters and marks that
turn the direction of text are written out, so that a name cannot rearrange the line that it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.instants import format_instant
from pipeline.reports.completeness import Verdict
from pipeline.reports.figures import count_figures
from pipeline.reports.period import Period
from pipeline.sqlmodels.relations import Connection
from pipeline.version import code_version

PAGE: Final = "report.html"
ABSENT: Final = "\u2013"
LONGEST_CHARACTERS: Final = 300
_TEMPLATES: Final = Path(__file__).parent / "templates"
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)


def render_page(connection: Connection, period: Period, verdict: Verdict, turn_id: str, ledger_seq: int) -> str:
    """Return the page's HTML."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {"day": _day, "stamp": _stamp, "percent": _percent, "count": _count, "versions": _versions}
    return environment.get_template(PAGE).render(
        period=period,
        verdict=verdict,
        figures=count_figures(connection, period),
        turn_id=turn_id,
        ledger_seq=str(ledger_seq),
        code_version=code_version(),
    )


def _shown(value: Any) -> Any:
    """Make what is absent a dash, and text from outside harmless; markup of our own stays what it is."""
    if value is None:
        return ABSENT
    if type(value) is not str:
        return value
    shortened = value if len(value) <= LONGEST_CHARACTERS else value[: LONGEST_CHARACTERS - 1] + "…"
    return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", shortened)


def _day(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)[:10]


def _stamp(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)[:16].replace("T", " ") + " UTC"


def _percent(rate: float | None) -> str | None:
    return None if rate is None else f"{100 * rate:.1f} %"


def _count(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


def _versions(numbers: Sequence[int] | None) -> str | None:
    return ", ".join(f"v{number}" for number in numbers) if numbers else None
