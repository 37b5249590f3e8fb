"""Resources: the workspace, opened once per run.

Belongs here: what a run is given, from where configuration and home are taken (the environment of the run, never
of the import), and how errors are said in Dagster's words. Does not belong here: what a step does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from dagster import AssetKey, Failure, InitResourceContext
from dagster._config.pythonic_config import ConfigurableResourceFactory

from pipeline.errors import ConfigurationError, SourceError
from pipeline.home import Home
from pipeline.instants import parse_instant
from pipeline.settings import DEFAULT_CONFIG
from pipeline.streams import STREAMS
from resources.alive import hold_sign
from resources.run_log import RunLog
from resources.session import Session, Terms

CONFIG_VARIABLE: Final = "VIPGRID_CONFIG"
_PULLED: Final = frozenset(AssetKey(["landing", stream]) for stream in STREAMS)


class WorkspaceResource(ConfigurableResourceFactory[Session]):
    """The state folder and its one writer.

    ``config_path`` and ``home_path``: else ``VIPGRID_CONFIG`` and ``VIPGRID_HOME`` of the run's environment.
    ``now``: the turn's instant (RFC 3339), else the configured clock's. ``is_attended``: somebody waits at a
    terminal, so that a source that is down is told at once instead of being tried for minutes.
    """

    config_path: str | None = None
    home_path: str | None = None
    now: str | None = None
    actor: str = "dagster"
    is_attended: bool = False

    def create_resource(self, context: InitResourceContext) -> Session:
        """Make the run's session; the workspace itself is opened by its first step."""
        run = context.run
        terms = Terms(
            config=Path(self.config_path or os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG)),
            home=self._home(),
            what=f"{run.job_name} {run.run_id}" if run else "dagster",
            actor=self.actor,
            now=_instant(self.now),
            is_attended=self.is_attended,
            is_pulling=bool(_PULLED.intersection((run.asset_selection if run else None) or ())),
        )
        log = RunLog(terms.home, run.run_id if run else "", run.job_name if run else "")
        return Session(terms, log, say=context.log.info if context.log else print, as_failure=as_failure)

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator[Session]:
        """Give the run its session and its sign of life, and close the session when the run ends.

        The sign stays until the process ends (or its launcher frees it): the run's end is recorded after this.
        """
        if context.run:
            hold_sign(self._home(), context.run.run_id)
        session = self.create_resource(context)
        try:
            yield session
        finally:
            session.close()

    def _home(self) -> Home:
        return Home(Path(self.home_path)) if self.home_path else Home.of(os.environ)


def as_failure(error: Exception, is_attended: bool) -> Exception:  # noqa: FBT001 - the protocol of Session
    """Say an error as Dagster's Failure: only a source that may be back soon is worth another try."""
    if isinstance(error, Failure):
        return error
    may_retry = isinstance(error, SourceError) and error.is_transient and not is_attended
    sentence = str(error) or type(error).__name__
    return Failure(description=sentence, metadata={"error": type(error).__name__}, allow_retries=may_retry)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError as error:
        raise ConfigurationError(f"The run's now is wrong: {error}") from error
