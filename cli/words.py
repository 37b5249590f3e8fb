"""The commands' common words: how an instant, a month or a person is written on the command line.

Belongs here: annotated types of parameters. Does not belong here: commands.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias

from cyclopts import Parameter, Token

from cli.context import Context
from pipeline.instants import parse_instant


def _instant(_kind: Any, tokens: list[Token] | tuple[Token, ...]) -> datetime:
    return parse_instant(tokens[0].value)


Given: TypeAlias = Annotated[Context, Parameter(parse=False)]
Instant: TypeAlias = Annotated[datetime, Parameter(converter=_instant, n_tokens=1)]
AsOf: TypeAlias = Annotated[datetime | None, Parameter(converter=_instant, n_tokens=1)]
