"""What can go wrong, as the person at the terminal hears of it.

Belongs here: the exceptions that carry one clear sentence and an exit code.
Does not belong here: classification of HTTP answers (``resources.rest``).

    VipgridError
    +-- ConfigurationError      the configuration, a profile or a model file is wrong
    +-- SourceError             a connection could not be read (down, wrong secret, unreadable file)
    +-- BusyError               another process holds the warehouse
    +-- StateError              the state folder contradicts itself
    +-- RefusedError            what was asked makes no sense in this state
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's end means to whoever started it."""

    DONE = 0
    NEEDS_A_PERSON = 1
    COULD_NOT_RUN = 2


class VipgridError(Exception):
    """One clear sentence: what was tried, on what, what came back, what to do next."""

    exit_code = ExitCode.COULD_NOT_RUN


class ConfigurationError(VipgridError):
    """The configuration, a profile or a model file is wrong."""


class SourceError(VipgridError):
    """A connection could not be read or written.

    ``is_transient`` says whether trying again in a while makes sense. ``answered`` = the source's own text, without our
    secrets, for whoever tries a profile; it may hold what must not be kept, so it is recorded nowhere.
    """

    answered: bytes = b""

    def __init__(self, message: str, *, is_transient: bool) -> None:
        """Keep the sentence and whether another try may help."""
        super().__init__(message)
        self.is_transient = is_transient


class BusyError(VipgridError):
    """Another process holds the warehouse."""


class StateError(VipgridError):
    """The state folder contradicts itself: a file is missing, torn, or not what its checksum says."""


class RefusedError(VipgridError):
    """What was asked makes no sense in this state."""
