"""Patience with a source: how often a read is tried, how long is waited, and when the source is taken to be down.

Belongs here: trying again, and the circuit breaker over all reads of a connection. Does not belong here: one request
(``resources.rest``), what a failure means (``resources.rest_errors``), how fast is asked (``resources.rest_pace``).

    closed     every read may be tried as often as the profile's ``attempts`` allow
    doubted    a read was given up and nothing was answered well meanwhile: the next reads are tried once each
    open       nobody answers there, two reads were given up, or the source asks for a wait that is too long: for a
               while nothing is asked at all, and whoever would ask is told why

So a source that is down costs a few requests, and not a few for each of its streams.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

import httpx
import stamina
from stamina.instrumentation import LoggingOnRetryHook, set_on_retry_hooks

from pipeline.errors import SourceError
from pipeline.ingest.profile_limits import Limits
from resources.rest_errors import Attempt, HttpError, NeverReachedError, NoTokenError
from resources.rest_pace import Pace

# Retries are not for the terminal, where structlog would print them; who wants to see them gives the logger a handler.
set_on_retry_hooks([LoggingOnRetryHook])
logging.getLogger("stamina").addHandler(logging.NullHandler())

# What fails once mostly does not fail twice; what fails again is asked ever less often.
_FIRST_WAIT_SECONDS: Final = 0.05
_WAIT_GROWS: Final = 4
_LONGEST_WAIT_SECONDS: Final = 20.0
_DOWN_SECONDS: Final = 15.0
_UNREACHED_SECONDS: Final = 5.0
_Answer = TypeVar("_Answer")


class Patience:
    """One connection's patience, for all of its threads; what it keeps are single values, each written at once."""

    def __init__(self, limits: Limits, pace: Pace, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Trust the source; ``monotonic`` is exchanged in tests."""
        self._limits = limits
        self._pace = pace
        self._monotonic = monotonic
        self._down: tuple[SourceError, float] | None = None
        self._is_doubted = False
        self._answered_at = 0.0
        self._unreached_since: float | None = None

    def reached(self) -> None:
        """Note that somebody answered, whatever it was."""
        self._unreached_since = None

    def raise_if_down(self, attempt: Attempt) -> None:
        """Refuse to ask while the source is taken to be down.

        Raises:
            NeverReachedError: it is.

        """
        if self._down is not None and self._monotonic() < self._down[1]:
            error = self._down[0]
            message = f"{attempt} was left for later, because it failed a moment ago: {error}"
            raise NeverReachedError(message, is_transient=error.is_transient)

    def repeatedly(self, ask: Callable[[], _Answer], attempt: Attempt, *, is_repeatable: bool = True) -> _Answer:
        """Ask until there is an answer, or none is to be expected any more.

        Raises:
            SourceError: it cannot be had.

        """
        self.raise_if_down(attempt)
        began_at, is_probe = self._monotonic(), self._is_doubted
        try:
            answer = ask() if is_probe else self._tried(ask, is_repeatable=is_repeatable)
        except NeverReachedError as error:
            self._down = error, self._monotonic() + _DOWN_SECONDS
            raise
        except SourceError as error:
            self._note(error, began_at, is_probe=is_probe)
            raise
        self._trust()
        return answer

    def _tried(self, ask: Callable[[], _Answer], *, is_repeatable: bool) -> _Answer:
        def decide(error: Exception) -> bool | float:
            return (is_repeatable or _was_not_taken(error)) and self._wait_or_give_up(error)

        for attempt in stamina.retry_context(
            on=decide,
            attempts=self._limits.attempts,
            timeout=None,
            wait_initial=_FIRST_WAIT_SECONDS,
            wait_jitter=_FIRST_WAIT_SECONDS,
            wait_exp_base=_WAIT_GROWS,
            wait_max=_LONGEST_WAIT_SECONDS,
        ):
            with attempt:
                return ask()
        raise AssertionError

    def _wait_or_give_up(self, error: Exception) -> bool | float:
        """Tell stamina: give up (False), back off as usual (True), or at once, because the pace holds back."""
        if not isinstance(error, SourceError) or isinstance(error, NoTokenError) or not error.is_transient:
            return False
        if isinstance(error, NeverReachedError):
            now = self._monotonic()
            self._unreached_since = self._unreached_since or now
            return now - self._unreached_since < _UNREACHED_SECONDS
        asked = self._asked_seconds(error)
        if not asked:
            return True
        self._pace.hold(asked)
        return 0.0 if asked <= self._limits.max_wait.total_seconds() else False

    def _asked_seconds(self, error: SourceError) -> float:
        """Return how long the source asks to wait; 0 where it does not say, or says no time that could be waited."""
        if not isinstance(error, HttpError):
            return 0.0
        if error.wait_seconds is None and error.status == httpx.codes.TOO_MANY_REQUESTS and self._limits.refused_for:
            return self._limits.refused_for.total_seconds()
        return error.wait_seconds or 0.0

    def _note(self, error: SourceError, began_at: float, *, is_probe: bool) -> None:
        """Draw from a read that was given up what it says of the source."""
        if not error.is_transient:
            self._trust()
            return
        asked = self._asked_seconds(error)
        if asked > self._limits.max_wait.total_seconds():
            self._down = error, self._monotonic() + asked
        elif is_probe:
            self._down = error, self._monotonic() + _DOWN_SECONDS
        elif self._answered_at < began_at:
            self._is_doubted = True

    def _trust(self) -> None:
        self._answered_at, self._is_doubted = self._monotonic(), False


def _was_not_taken(error: Exception) -> bool:
    """Say whether the source did nothing with a request, so that it may come again where answers cannot be repeated."""
    return isinstance(error, NeverReachedError) or (
        isinstance(error, HttpError) and error.status == httpx.codes.TOO_MANY_REQUESTS
    )
