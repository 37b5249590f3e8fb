"""The explanation of a pair: its sections in the order in which they are read.

Belongs here: what is told, and in which order. Does not belong here: the sections themselves, how they are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.explaining.duties import explain_duties, explain_findings, explain_notices
from pipeline.explaining.entitlement import explain_entitlement
from pipeline.explaining.holdings import explain_holdings
from pipeline.explaining.outlook import explain_changes, explain_outlook
from pipeline.explaining.pair import Pair
from pipeline.explaining.rules import RULES, SECTION, because, standing_of, why_not_before
from pipeline.explaining.statement import Section, Statement, says
from pipeline.explaining.target import explain_target
from pipeline.explaining.timeline import explain_timeline
from pipeline.explaining.wording import RUNGS, listed, numbered, versions

_FEW = 2


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is told about a pair."""

    headline: str
    sections: Sequence[Section]


def explain(pair: Pair) -> Explanation:
    """Put together what is told about a pair; a section that has nothing to say is left out."""
    sections = (
        Section("position", "Where it stands", _position(pair)),
        Section("holdings", "What it holds", explain_holdings(pair)),
        Section("target", "The version to hold", explain_target(pair)),
        Section("entitlement", "What it may do", explain_entitlement(pair)),
        Section("obligations", "What it owes an answer to", explain_duties(pair)),
        Section("notices", "What was decided about notices", explain_notices(pair)),
        Section("findings", "Open findings", explain_findings(pair)),
        Section("timeline", "What happened", explain_timeline(pair) or [says("nothing is on record yet")]),
        Section("changes", "What would change it", explain_changes(pair)),
        Section("outlook", "What comes next by itself", explain_outlook(pair)),
    )
    return Explanation(headline(pair), tuple(section for section in sections if section.statements))


def headline(pair: Pair) -> str:
    """Say the position in one sentence."""
    if pair.position is None:
        return "No position: it may not download the asset, and never obtained a copy."
    position = pair.position["position"].replace("_", " ")
    return f"{position[:1].upper()}{position[1:]}: {_rule(pair).says}."


def document(pair: Pair, explanation: Explanation) -> dict[str, Any]:
    """The same for programs: the facts, and every sentence with its instant and its evidence."""
    position = pair.position
    return {
        "partner_id": pair.partner["partner_id"],
        "partner_name": pair.partner["name"],
        "region": pair.partner["region"],
        "zone": pair.zone.name,
        "asset_id": pair.asset["asset_id"],
        "asset_title": pair.asset["title"],
        "classification": pair.asset["classification"],
        "headline": explanation.headline,
        "position": None if position is None else {**position, "rule_says": _rule(pair).says, "section": SECTION},
        "sections": {
            section.name: [statement.document() for statement in section.statements] for section in explanation.sections
        },
    }


def _rule(pair: Pair) -> Any:
    number = pair.position["position_rule"] if pair.position else 1
    return RULES[number - 1]


def _position(pair: Pair) -> list[Statement]:
    if pair.position is None:
        return [says("it has no position: it may not download the asset, and never obtained a copy"), *_lateness(pair)]
    position, standing, rule = pair.position, standing_of(pair), _rule(pair)
    return [
        says(f"rule {rule.number} of section {SECTION} gives {rule.position}: {rule.says}"),
        says(f"it matches: {', and '.join(because(standing, rule))}"),
        *(_not_before(numbers, reason) for numbers, reason in why_not_before(standing, rule)),
        *_flags(pair),
        *_evidence(position),
        *_lateness(pair),
    ]


def _not_before(numbers: Sequence[int], reason: str) -> Statement:
    names = dict.fromkeys(RULES[number - 1].position.replace("_", " ") for number in numbers)
    word = "rule" if len(numbers) == 1 else "rules"
    verb = "does" if len(numbers) == 1 else "do"
    which = listed(map(str, numbers)) if len(numbers) <= _FEW else numbered(numbers)
    return says(f"{word} {which} ({', '.join(names)}) {verb} not match: {reason}")


def _flags(pair: Pair) -> list[Statement]:
    position, standing = pair.position or {}, standing_of(pair)
    held = {
        "withdrawn": [one.version_no for one in standing.withdrawn()],
        "expired": [one.version_no for one in standing.expired()],
        "barred in its region": [one.version_no for one in standing.barred()],
        "not approved": [one.version_no for one in standing.unapproved()],
    }
    said = [
        says(f"among what it holds, {versions(numbers)} {'is' if len(numbers) == 1 else 'are'} {why}")
        for why, numbers in held.items()
        if numbers
    ]
    if position["holds_unknown"] and standing.held:
        said.append(says("it also holds a copy of unknown version"))
    if position["is_exposed"]:
        said.append(says("it counts as exposed" + (", and as outdated" if position["is_outdated"] else "")))
    return said


def _evidence(position: dict[str, Any]) -> list[Statement]:
    rung = position["evidence_rung"]
    if rung is None:
        return []
    about = position["target_version_no"] or position["last_version_no"]
    version = f"version {about}" if about is not None else "what it holds"
    return [says(f"the strongest evidence about {version} is rung {rung} of 7: {RUNGS[rung]}")]


def _lateness(pair: Pair) -> list[Statement]:
    late = {row["claim"]: row["late_streams"] or () for row in pair.lateness if row["is_late"]}
    said = []
    if "position" in late:
        feeds = listed([_feed(pair, stream) for stream in late["position"]])
        said.append(
            says(
                f"this is not known for certain, because of late feeds: {feeds}. What is missing here may merely not"
                " have arrived yet, and no notice goes out on it"
            )
        )
    if "obligation" in late:
        feeds = listed([_feed(pair, stream) for stream in late["obligation"]])
        said.append(says(f"what it owes an answer to is not known for certain, because of late feeds: {feeds}"))
    return said


def _feed(pair: Pair, stream: str) -> str:
    """Name a late feed, whose it is, and up to when it is known."""
    spoken = stream.replace("_", " ")
    feed = next((row for row in pair.feeds if row["stream"] == stream), None)
    if feed is None:
        return f"{spoken} (no connection serves it)"
    if feed["watermark"] is None:
        return f"{spoken} of {feed['connection']} (never read to its end)"
    return f"{spoken} of {feed['connection']} (known up to {pair.zone.at(feed['watermark'])})"
