"""The time line of a pair: what happened, oldest first, each with its evidence.

Belongs here: drawing together what belongs to one sentence, and what happened without an event (a version took
effect, a grant began). Does not belong here: wording of events (``pipeline.explaining.events``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pipeline.explaining.events import KINDS, class_words, is_beside_the_point, told
from pipeline.explaining.pair import Pair, Row
from pipeline.explaining.statement import Evidence, Statement, says
from pipeline.explaining.wording import listed, rights

_ON_THE_WAY: Final = frozenset({"delivery_queued", "delivery_in_progress"})
_LIKE_EACH_OTHER: Final = frozenset({"access_event"})


@dataclass(frozen=True, slots=True)
class _Happening:
    """One line to be: consecutive ones of one text and kind are drawn together."""

    at: datetime
    text: str
    subject_type: str
    seqs: tuple[int, ...]
    records: tuple[str, ...]


def explain_timeline(pair: Pair) -> list[Statement]:
    """Tell what happened up to the instant, oldest first."""
    happenings = [*_of_trail(pair), *_of_versions(pair), *_of_grants(pair), *_of_notices(pair), *_of_time(pair)]
    ordered = sorted(happenings, key=lambda one: (one.at, bool(one.seqs), one.seqs))
    return [_statement(pair, run) for run in _runs(ordered)]


def _of_trail(pair: Pair) -> Iterator[_Happening]:
    """Tell each event once, whatever number of editions of it arrived."""
    editions: dict[tuple[str, str, str], list[Row]] = {}
    for row in pair.trail:
        editions.setdefault((row["subject_type"], row["subject_id"], row["event_kind"]), []).append(row)
    progress = _progress_of_deliveries(pair.trail)
    classes = _classes(pair)
    for (subject_type, subject_id, event_kind), rows in editions.items():
        row = rows[-1]
        if event_kind in _ON_THE_WAY and progress[subject_id] != event_kind:
            continue
        seqs = [one["seq"] for one in rows]
        if subject_type == "delivery":
            seqs = [one["seq"] for one in pair.trail if one["subject_id"] == subject_id and _belongs(one, row)]
        text = told(row, pair.partner["partner_id"])
        if subject_type == "access_event" and len(rows) > 1:
            text += " (corrected in place)"
        if subject_type == "acknowledgment" and event_kind != "acknowledgment_revoked":
            text += classes.get(subject_id, "")
        if subject_type == "notice" and row["version_no"] is None:
            text += ", naming no version"
        yield _Happening(
            row["occurred_at"],
            text,
            subject_type,
            tuple(sorted(seqs)),
            (f"{subject_type.replace('_', ' ')} {subject_id}",),
        )


def _progress_of_deliveries(trail: Iterable[Row]) -> dict[str, str]:
    """Return how far each delivery came."""
    return {row["subject_id"]: row["event_kind"] for row in trail if row["subject_type"] == "delivery"}


def _belongs(step: Row, told_row: Row) -> bool:
    """Say whether a delivery's step is told with another one: steps on the way go with what came of them."""
    return bool(
        step["subject_type"] == "delivery"
        and (step["event_kind"] == told_row["event_kind"] or step["event_kind"] in _ON_THE_WAY)
    )


def _classes(pair: Pair) -> dict[str, str]:
    """Say of each answer what it is worth, towards what was asked; what it was never about is left out."""
    by_answer: dict[str, list[Row]] = {}
    for row in pair.classes:
        by_answer.setdefault(row["ack_id"], []).append(row)
    said = {}
    for ack_id, rows in by_answer.items():
        relevant = [row for row in rows if not is_beside_the_point(row)] or rows[:1]
        said[ack_id] = ": it " + listed(
            dict.fromkeys(f"{class_words(row['class'])}{_towards(row)}" for row in relevant)
        )
    return said


def _towards(row: Row) -> str:
    if row["kind"] is None:
        return ""
    joined = "of" if row["kind"] in {"withdrawal", "expiry", "publish"} else "to"
    return f" ({KINDS.get(row['kind'], row['kind'])} {joined} version {row['version_no']})"


def _of_versions(pair: Pair) -> Iterator[_Happening]:
    asset_id = pair.asset["asset_id"]
    for life in pair.lives:
        record = (f"version {asset_id}:{life.version_no}",)
        if life.effective_at <= pair.as_of:
            again = " again" if life.is_reinstated else ""
            text = f"version {life.version_no} became the one to hold{again}"
            yield _Happening(life.effective_at, text, "version", (), record)
        if life.ended_at is not None and life.ended_at <= pair.as_of and life.end_reason in {"withdrawn", "expired"}:
            verb = "was withdrawn" if life.end_reason == "withdrawn" else "expired"
            yield _Happening(life.ended_at, f"version {life.version_no} {verb}", "version", (), record)
    living = {life.version_no for life in pair.lives}
    for version in pair.versions:
        record = (f"version {asset_id}:{version.version_no}",)
        ended_alive = {(life.version_no, life.ended_at) for life in pair.lives}
        gone_at = version.withdrawn_from
        if gone_at is not None and gone_at <= pair.as_of and (version.version_no, gone_at) not in ended_alive:
            superseded = ", when it was no longer the one to hold" if version.version_no in living else ""
            yield _Happening(gone_at, f"version {version.version_no} was withdrawn{superseded}", "version", (), record)


def _of_grants(pair: Pair) -> Iterator[_Happening]:
    for grant in pair.grants:
        verb = "allow" if grant.effect == "allow" else "forbid"
        what = f"to {rights(grant.rights, 'or')}"
        record = (f"grant {grant.grant_id}",)
        if grant.counts_from is not None and grant.counts_from <= pair.as_of:
            yield _Happening(grant.counts_from, f"a grant began to {verb} it {what}", "grant", (), record)
        if grant.counts_until is not None and grant.counts_until <= pair.as_of:
            yield _Happening(grant.counts_until, f"a grant ceased to {verb} it {what}", "grant", (), record)


def _of_notices(pair: Pair) -> Iterator[_Happening]:
    """Tell of the notices that were sent and that Trading Grid has not listed yet."""
    listed_ids = {row["subject_id"] for row in pair.trail if row["subject_type"] == "notice"}
    for row in pair.notices:
        is_ours = row["posted_by"] == "vipgrid" and row["sent_at"] is not None and row["remote_id"] not in listed_ids
        if is_ours and row["sent_at"] <= pair.as_of:
            about = "" if row["version_no"] is None else f", version {row['version_no']}"
            text = f"a notice was sent to it ({_spoken(row['kind'])}{about}), which Trading Grid has not listed yet"
            yield _Happening(row["sent_at"], text, "notice", (), (f"action {row['action_key']}",))


def _of_time(pair: Pair) -> Iterator[_Happening]:
    """Tell what happened by the clock alone, or to the partner or the asset as a whole."""
    partner, asset, position = pair.partner, pair.asset, pair.position
    gone_from, deleted_at = partner["gone_from"], asset["deleted_at"]
    if gone_from is not None and gone_from <= pair.as_of:
        how = "left" if partner["status"] == "left" else "was deleted"
        yield _Happening(gone_from, f"the partner {how}", "partner", (), (f"partner {partner['partner_id']}",))
    if deleted_at is not None and deleted_at <= pair.as_of:
        yield _Happening(deleted_at, "the asset was deleted", "asset", (), (f"asset {asset['asset_id']}",))
    if position is not None and position["position"] == "stale_overdue" and pair.grace_seconds:
        text = f"its time to change to version {position['target_version_no']} ran out"
        yield _Happening(position["grace_until"], text, "position", (), ())
    for duty in pair.obligations:
        if duty["state"] == "overdue" and duty["due_at"] is not None:
            text = f"an answer about version {duty['version_no']} ({_spoken(duty['kind'])}) was due, and had not come"
            yield _Happening(duty["due_at"], text, "obligation", (), ())


def _runs(happenings: Sequence[_Happening]) -> Iterator[list[_Happening]]:
    """Draw together what is the same over and over."""
    run: list[_Happening] = []
    for one in happenings:
        is_more = (
            run
            and one.text == run[-1].text
            and one.subject_type == run[-1].subject_type
            and (one.subject_type in _LIKE_EACH_OTHER or one.at == run[-1].at)
        )
        if run and not is_more:
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _statement(pair: Pair, run: Sequence[_Happening]) -> Statement:
    first, last = run[0], run[-1]
    text = first.text
    if len(run) > 1:
        until = "" if last.at == first.at else f", the last time at {pair.zone.at(last.at)}"
        times = f"{len(run)} times" if first.subject_type in _LIKE_EACH_OTHER else f"{len(run)} of them"
        text = f"{text} ({times}{until})"
    seqs = tuple(sorted({seq for one in run for seq in one.seqs}))
    records = tuple(record for one in run for record in one.records)
    shown = says(text, at=first.at)
    return Statement(shown.text, first.at, Evidence(seqs, records))


def _spoken(name: Any) -> str:
    return str(name).replace("_", " ")
