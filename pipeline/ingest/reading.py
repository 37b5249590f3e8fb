"""What the journal keeps of a profile so that landing can be read: the mapping in texts, with marks and parts.

Belongs here: the mapping's form in ``stream_pulled`` entries. Does not belong here: its words
(``pipeline.ingest.profile_mapping``), applying it (``pipeline.sqlmodels.mapped``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.ingest.absence import ABSENT_SINCE, MARKED_AT
from pipeline.ingest.paths import JsonPath
from pipeline.ingest.profile_mapping import FieldRule, FlaggedDeletions
from pipeline.ingest.profile_stream import END_FIELDS, DeletionFeed, Source, StreamProfile
from pipeline.streams import Stream

CHANGED: str = "updated_at"


def mapping_of(stream: Stream, profile: StreamProfile) -> dict[str, Any]:
    """Return how each field that is not simply itself is made."""
    rules = dict(profile.mapping)
    deletions = profile.deletions
    if isinstance(deletions, FlaggedDeletions):
        at = FieldRule(path=deletions.at, cast=deletions.cast) if deletions.at else _rule_of(profile, CHANGED)
        rules[end_field(stream)] = at.model_copy(update={"only_if": deletions.when})
    return {name: rule.as_data() for name, rule in rules.items()}


def also_mapping(source: Source) -> dict[str, Any]:
    """Return the same for a further way into the stream."""
    return {name: rule.as_data() for name, rule in source.mapping.items()}


def feed_mapping(stream: Stream, feed: DeletionFeed) -> dict[str, Any]:
    """Return the same for the records of a deletion feed; they count as changed when they ended."""
    rules = dict(feed.mapping)
    if CHANGED in stream.field_names:
        rules.setdefault(CHANGED, rules[end_field(stream)])
    nothing = {"constant": None}
    return {name: rules[name].as_data() if name in rules else nothing for name in stream.field_names}


def marked_mapping(stream: Stream, profile: StreamProfile) -> dict[str, Any]:
    """Return the same for records that are marked because they went or came back."""
    mapping = mapping_of(stream, profile)
    marks = {end_field(stream): ABSENT_SINCE, CHANGED: MARKED_AT}
    for name, mark in marks.items():
        if name in stream.field_names:
            mapping[name] = {"mark": [mark], "rule": mapping.get(name, [name])}
    return mapping


def end_field(stream: Stream) -> str:
    """Return the field that says when a record of a stream ended."""
    return next(name for name in END_FIELDS if name in stream.field_names)


def key_paths(stream: Stream, profile: StreamProfile) -> tuple[JsonPath, ...]:
    """Return what of a record its key is made of."""
    paths = (path for name in stream.key for path in _rule_of(profile, name).paths)
    return tuple(dict.fromkeys(paths))


def known_fields(stream: Stream, profile: StreamProfile) -> list[str] | None:
    """Return the names that a record may have at its top, None where any may stand there."""
    if profile.unknown_fields == "keep":
        return None
    known = {path[0] for name in stream.field_names for path in _rule_of(profile, name).reads if path}
    known |= {path[0] for path in profile.personal_paths}
    known |= set(profile.inherited_names)
    when = (profile.deletions.when,) if isinstance(profile.deletions, FlaggedDeletions) else ()
    known |= {condition.path[0] for condition in (*profile.keep, *when)}
    return sorted(known | {ABSENT_SINCE, MARKED_AT})


def _rule_of(profile: StreamProfile, name: str) -> FieldRule:
    rules: Mapping[str, FieldRule] = profile.mapping
    return rules.get(name) or FieldRule(path=(name,))
