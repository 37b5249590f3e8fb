"""What every command is given: where the state is, which configuration, who asks, in what form.

Belongs here: the global options and what follows from them. Does not belong here: commands.
"""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from pathlib import Path

from cli.output import Output
from pipeline.errors import RefusedError
from pipeline.home import Home
from pipeline.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Context:
    """The global options of one call."""

    home: Home
    config: Path
    named_actor: str | None
    out: Output

    def settings(self) -> Settings:
        """Read the configuration.

        Raises:
            ConfigurationError: it cannot be read, or is wrong.

        """
        return load_settings(self.config)

    def actor(self) -> str:
        """Return who asks: ``--actor``, else the system's user; there is no default beyond that.

        Raises:
            RefusedError: neither says a name.

        """
        if self.named_actor is not None:
            if not self.named_actor.strip():
                message = "--actor is empty: name the person."
                raise RefusedError(message)
            return self.named_actor.strip()
        try:
            return getpass.getuser()
        except (KeyError, OSError) as error:
            message = "This system does not say who you are: name yourself with --actor."
            raise RefusedError(message) from error
