"""What the partner was told and owes an answer to, and what was decided not to be sent.

Belongs here: sentences about obligations, answers and notices (docs/domain.md, 7 and 10). Does not belong here: the
time line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pipeline.explaining.events import KINDS, class_words, is_beside_the_point
from pipeline.explaining.pair import Pair, Row
from pipeline.explaining.statement import Statement, says
from pipeline.explaining.wording import counted

_STATES: Final = {
    "acknowledged": "it was answered in time",
    "acknowledged_late": "it was answered late",
    "void": "nothing is owed any more",
    "closed_by_later": "it is closed, for a later version was taken up instead",
    "exempt": "the partner is exempt from it",
    "exception_requested": "an exception was asked for",
    "declined": "it was declined",
    "overdue": "it is overdue",
    "pending": "it is open",
    "unsent": "a notice is due, and none was posted",
}
_REASONS: Final = {
    "duplicate": "it had been told already",
    "snoozed": "a person snoozed it",
    "superseded_by_newer": "a newer version is the one to hold",
    "data_late": "the feeds were late, so nothing is known for certain",
    "no_contact": "nobody there can be reached",
    "cap": "it had been told often enough",
    "not_entitled": "it is not entitled",
    "barred": "the version is barred for it",
    "partner_left": "the partner has left",
    "no_longer_due": "it was no longer due",
    "listed_by_trading_grid": "Trading Grid had it already",
}
_DECISIONS: Final = {
    "held_for_approval": "waits for a person's approval",
    "pending": "is about to be sent",
    "sent": "was sent",
    "digested": "went into a digest",
    "deferred": "waits for the end of quiet hours",
    "suppressed": "was not sent",
    "failed": "could not be sent yet",
    "dead": "was given up",
}


def explain_duties(pair: Pair) -> list[Statement]:
    """Say what it owes an answer to, and which answers came."""
    said = [_duty(pair, duty) for duty in pair.obligations]
    return said or [says("it owes no answer about this asset")]


def _duty(pair: Pair, duty: Row) -> Statement:
    kind = _spoken(duty["kind"])
    text = f"{kind}, version {duty['version_no']}: {_STATES.get(duty['state'], _spoken(duty['state']))}"
    if duty["sent_at"] is not None:
        text += f"; it was told at {pair.zone.at(duty['sent_at'])}"
    if duty["due_at"] is not None:
        text += f", an answer {'is' if duty['due_at'] > pair.as_of else 'was'} due by {pair.zone.at(duty['due_at'])}"
    if duty["responded_at"] is not None:
        text += f", and came at {pair.zone.at(duty['responded_at'])}"
    if duty.get("acked_without_bytes"):
        text += " (answered, but the version was not obtained by then)"
    is_open = duty["responded_at"] is None
    about = [row for row in pair.classes if _is_about(row, duty)]
    answers = [row for row in about if is_open or not is_beside_the_point(row)]
    others = [row for row in answers if row["ack_id"] != duty["ack_id"]]
    if others:
        text += ". What else it said: " + "; ".join(f"{row['ack_id']} {class_words(row['class'])}" for row in others)
    records = [f"acknowledgment {ack_id}" for ack_id in _ids(duty, answers)]
    return says(text, *_notice_records(pair, duty), *records, at=duty["sent_at"])


def _is_about(row: Row, duty: Row) -> bool:
    return bool(row["version_no"] == duty["version_no"] and row["kind"] == duty["kind"])


def _ids(duty: Row, answers: list[Row]) -> list[str]:
    first = [duty["ack_id"]] if duty["ack_id"] is not None else []
    return list(dict.fromkeys([*first, *(row["ack_id"] for row in answers)]))


def _notice_records(pair: Pair, duty: Row) -> Iterator[str]:
    for notice in pair.notices:
        is_same = (notice["version_no"], notice["kind"]) == (duty["version_no"], duty["kind"])
        if is_same and notice["remote_id"] is not None:
            yield f"notice {notice['remote_id']}"


def explain_notices(pair: Pair) -> list[Statement]:
    """Say what was decided about each notice to it, sent or not, and why."""
    said = [_decision(pair, row) for row in pair.decisions if row["decided_at"] <= pair.as_of]
    posted = [row for row in pair.notices if row["sent_at"] is not None and row["sent_at"] <= pair.as_of]
    others = [row for row in posted if row["posted_by"] != "vipgrid"]
    if others:
        verb = "was" if len(others) == 1 else "were"
        text = f"{counted(len(others), 'notice')} of the time line {verb} posted by others"
        said.append(says(text, *(f"notice {row['remote_id']}" for row in others)))
    return said or [says("no notice about this asset was decided on, or posted, for it")]


def _decision(pair: Pair, row: Row) -> Statement:
    kind = KINDS.get(row["kind"], _spoken(row["kind"]))
    decided = _DECISIONS.get(row["decision"], _spoken(row["decision"]))
    text = f"a notice ({kind}, version {row['version_no']}) {decided}"
    if row["decision"] == "suppressed" and row["reason"]:
        text += f": {_REASONS.get(row['reason'], _spoken(row['reason']))}"
    if row["redirect_to"] is not None:
        text += f", to {row['redirect_to']} instead"
    text += f"; decided at {pair.zone.at(row['decided_at'])}"
    action = f"action {row['action_key']}" if row["action_key"] else None
    return says(text, *filter(None, [action]), at=row["decided_at"])


def explain_findings(pair: Pair) -> list[Statement]:
    """List what is open as a finding about the pair."""
    return [
        says(
            f"{_spoken(row['rule'])} ({row['severity']}), since {pair.zone.at(row['first_seen_at'])}",
            f"finding {row['finding_id']}",
            at=row["first_seen_at"],
            seqs=row["evidence"] if _are_numbers(row["evidence"]) else (),
        )
        for row in pair.findings
        if row["first_seen_at"] <= pair.as_of
    ]


def _are_numbers(evidence: Any) -> bool:
    return isinstance(evidence, list) and all(isinstance(one, int) for one in evidence)


def _spoken(name: object) -> str:
    return str(name).replace("_", " ")
