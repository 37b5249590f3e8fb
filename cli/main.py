"""The terminal's door: ``vipgrid``.

Belongs here: the list of commands, the global options, how errors end. Does not belong here: what a
command does (the other modules of ``cli``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import App, CycloptsError, Group, Parameter

from cli import (
    asking,
    connecting,
    deciding,
    demo,
    duties,
    importing,
    keeping,
    notices,
    quarantine,
    reading,
    reporting,
    sandboxes,
    working,
)
from cli.context import Context
from cli.output import Output, write_error
from pipeline.errors import ExitCode, VipgridError
from pipeline.home import Home
from pipeline.settings import DEFAULT_CONFIG
from pipeline.version import VERSION

DEBUG_VARIABLE: Final = "VIPGRID_DEBUG"
_GLOBAL: Final = Group("Everywhere")


@Parameter(name="*")
@dataclass(frozen=True)
class Globals:
    """The options that every command has."""

    config: Annotated[Path, Parameter(env_var="VIPGRID_CONFIG", group=_GLOBAL)] = Path(DEFAULT_CONFIG)
    "The configuration."

    home: Annotated[Path, Parameter(env_var="VIPGRID_HOME", group=_GLOBAL)] = Path("var")
    "The state folder."

    json: Annotated[bool, Parameter(group=_GLOBAL, negative="")] = False
    "One JSON document on standard output, and nothing else there."

    actor: Annotated[str | None, Parameter(group=_GLOBAL)] = None
    "Who does this; without it, the system's user."


def make_app() -> App:
    """Put the commands together."""
    app = App(
        name="vipgrid",
        help="Which partner holds which version, should it, has it acknowledged, who was told, and can we prove it?",
        version=VERSION,
    )
    app.meta.group_parameters = _GLOBAL
    for module in (
        working,
        reading,
        asking,
        duties,
        reporting,
        notices,
        deciding,
        connecting,
        importing,
        quarantine,
        keeping,
        sandboxes,
        demo,
    ):
        module.add_to(app)
    return app


def run(app: App, tokens: Sequence[str]) -> int:
    """Run one call and return its exit code.

    Raises:
        VipgridError: it could not be done.
        CycloptsError: it was not understood.

    """
    codes: list[int] = []

    def launch(
        *rest: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)], given: Globals | None = None
    ) -> None:
        given = given or Globals()
        command, bound, ignored = app.parse_args(rest, print_error=False, exit_on_error=False)
        context = Context(Home(given.home.resolve()), given.config, given.actor, Output(is_json=given.json))
        extra: dict[str, Any] = dict.fromkeys(ignored, context)
        code = command(*bound.args, **bound.kwargs, **extra)
        codes.append(int(code or ExitCode.DONE))

    app.meta.default(launch)
    app.meta(tokens, print_error=False, exit_on_error=False, result_action="return_value")
    return codes[0] if codes else int(ExitCode.DONE)


def main() -> None:
    """Run what the command line says, and end the process with its exit code."""
    sys.exit(_guarded(sys.argv[1:]))


def _guarded(tokens: Sequence[str]) -> int:
    is_debugging = bool(os.environ.get(DEBUG_VARIABLE))
    try:
        return run(make_app(), tokens)
    except VipgridError as error:
        if is_debugging:
            raise
        write_error(str(error))
        return int(error.exit_code)
    except CycloptsError as error:
        if is_debugging:
            raise
        write_error(f"{str(error).rstrip('.')}. `vipgrid --help` lists what there is.")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        write_error("Interrupted; what was begun is taken up by the next call.")
    except Exception as error:
        if is_debugging:
            raise
        write_error(f"Unexpected {type(error).__name__}: {error}; {DEBUG_VARIABLE}=1 shows where it came from.")
    return int(ExitCode.COULD_NOT_RUN)
