"""When what was decided is worded too long ago to be sent as it stands.

Belongs here: that one question, which deciding and dispatching both ask. Does not belong here: wording anew
(``pipeline.actions.decide``).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from pipeline.actions.outbox import Action, State
from pipeline.instants import parse_instant

POST_NOTICE: Final = "post_notice"


def is_worded_too_long_ago(action: Action | None, now: datetime) -> bool:
    """Say whether a notice that waited has to be worded anew: half of its time to respond has passed unsent.

    What was ever leased keeps its words: the target may know them under its key. What owes no answer does not age.
    """
    if action is None or action.state is not State.PENDING or action.was_ever_leased or action.operation != POST_NOTICE:
        return False
    due_at, respond_within = action.data.get("due_at"), action.data.get("respond_within_seconds")
    if due_at is None or respond_within is None:
        return False
    return parse_instant(due_at) - now < timedelta(seconds=int(respond_within)) / 2
