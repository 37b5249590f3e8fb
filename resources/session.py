"""A session: the workspace as one Dagster run holds it, from its first step to its last.

Belongs here: opening late (a run that needs nothing takes no lock), closing with the right outcome, telling a
listener which step is under way, alerts about runs. Does not belong here: Dagster's words (``assets_defs``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from pipeline.actions.alerts import ALERT, OWNER
from pipeline.actions.keys import action_key, joined
from pipeline.actions.senders import Effect, Outcome, Result
from pipeline.home import Home
from pipeline.ledger.journal import SYSTEM_ROLE, Draft, Value
from pipeline.ledger.turns import ACTOR, read_turns
from pipeline.settings import load_settings
from resources.clock import system_now
from resources.outbox_sender import open_senders
from resources.run_log import RunLog
from resources.workspace import Workspace

Listener = Callable[[str], None]

# Who follows the steps: the terminal's progress.
LISTENER: Final[ContextVar[Listener | None]] = ContextVar("listener", default=None)

ALERT_DECIDED: Final = "alert_decided"
ALERT_SENT: Final = "alert_sent"
ALERT_FAILED: Final = "alert_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a session is opened with.

    ``is_attended``: somebody waits for it and will try again himself. ``is_pulling``: some step pulls, so that
    the turn is opened before any step, whichever comes first.
    """

    config: Path
    home: Home
    what: str
    actor: str
    now: datetime | None = None
    is_attended: bool = False
    is_pulling: bool = False


@dataclass
class Session:
    """One run's hold on the state; ``as_failure`` says an error in the words of whoever runs the steps."""

    terms: Terms
    log: RunLog
    say: Callable[[str], None]
    as_failure: Callable[[Exception, bool], Exception]
    _stack: ExitStack = field(default_factory=ExitStack)
    _workspace: Workspace | None = None
    _failed: dict[str, Exception] = field(default_factory=dict)

    @contextmanager
    def attempt(self, step: str) -> Iterator[Workspace]:
        """Give the workspace for one step; the first one waits for the lock.

        Raises:
            Exception: whatever went wrong, as ``as_failure`` says it.

        """
        listener = LISTENER.get()
        if listener is not None:
            listener(step)
        started = time.monotonic()
        try:
            yield self._opened()
        except Exception as error:
            self._failed[step] = error
            self._note("step_failed", step, started, error)
            raise self.as_failure(error, self.terms.is_attended) from error
        self._failed.pop(step, None)
        self._note("step_succeeded", step, started)

    def close(self) -> None:
        """End the run in the journal, as failed where a step's last attempt failed, and free the lock."""
        error = next(iter(self._failed.values()), None)
        if error is None:
            self._stack.close()
            return
        try:
            self._stack.__exit__(type(error), error, error.__traceback__)
        except Exception as raised:
            if raised is not error:
                raise

    def _opened(self) -> Workspace:
        if self._workspace is None:
            terms = self.terms
            self._workspace = self._stack.enter_context(
                Workspace.open(
                    load_settings(terms.config),
                    terms.home,
                    what=terms.what,
                    actor=terms.actor,
                    now=terms.now,
                    say=self._say,
                )
            )
            if terms.is_pulling:
                self._workspace.open_turn()
        return self._workspace

    def _say(self, sentence: str) -> None:
        self.say(sentence)
        self.log.write("waiting", turn=None, message=sentence)

    def _note(self, event: str, step: str, started: float, error: Exception | None = None) -> None:
        turn = self._workspace.known_turn if self._workspace else None
        self.log.write(
            event,
            turn=turn.id if turn else None,
            level="error" if error else "info",
            step=step,
            seconds=round(time.monotonic() - started, 3),
            error=None if error is None else f"{type(error).__name__}: {error}",
        )


def send_alert(workspace: Workspace, subject: str, body: str) -> Outcome | None:
    """Tell whoever reads the alerts, once, journalled before and after; None where no channel is configured."""
    with open_senders(workspace.settings) as senders:
        sender = senders.get(OWNER)
        if sender is None:
            return None
        key = action_key(joined(OWNER, ALERT, workspace.run_id, subject))
        payload = {"owner": None, "subject": subject, "body": body}
        workspace.journal.append([_draft(workspace, ALERT_DECIDED, key, {"subject": subject})])
        outcome = sender.post(Effect(key=key, operation=ALERT, payload=payload))
    is_sent = outcome.result is Result.ACCEPTED
    kind = ALERT_SENT if is_sent else ALERT_FAILED
    workspace.journal.append([_draft(workspace, kind, key, {"subject": subject, "error": outcome.error})])
    return outcome


def _draft(workspace: Workspace, kind: str, key: str, data: dict[str, Value]) -> Draft:
    last = read_turns(workspace.journal).last
    return Draft(
        kind=kind,
        known_at=last.known_at if last else system_now(),
        actor=ACTOR,
        role=SYSTEM_ROLE,
        run_id=workspace.run_id,
        source=OWNER,
        source_id=key,
        data={"action_key": key, **data},
    )
