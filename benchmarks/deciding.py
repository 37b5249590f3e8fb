"""What deciding costs: 100,000 candidates of 5,000 partners, from the tables to the durable journal.

Belongs here: the made-up candidates, the measurement, its figures. Does not belong here: what is decided
(``pipeline.actions``), the SQL that makes candidates (``benchmarks.large`` measures whole turns).

    python -m benchmarks.deciding [--candidates 100000] [--partners 5000]

Two worlds: version changes that go out one by one (each worded, in three languages and ten zones), and reminders that
become one digest for each partner.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from pipeline.actions.decide import DecideOutcome, decide_actions
from pipeline.home import Home
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import open_turn
from pipeline.settings import Settings
from pipeline.sqlmodels.relations import Question, give_question
from resources.warehouse import open_in_memory

NOW: Final = datetime(2026, 3, 10, 8, tzinfo=UTC)
LIMIT_SECONDS: Final = 5.0
_ZONES: Final = (
    "Europe/Berlin", "Europe/London", "Europe/Madrid", "America/New_York", "America/Chicago",
    "America/Los_Angeles", "America/Mexico_City", "Asia/Tokyo", "Australia/Sydney", "Africa/Johannesburg",
)  # fmt: skip
_LOCALES: Final = ("en-GB", "de-DE", "es-MX", "en-US", "fr-FR")
_TABLES: Final = """
    create schema if not exists core;
    create schema if not exists sync;
    create table core.notices as select null::varchar as external_key limit 0;
    create table core.partners as
    select
        'P-' || i as partner_id, 'Partner number ' || i as name, 'active' as status, null::timestamptz as deleted_at,
        null::varchar as tier, ['DE', 'US-CA', 'ES'][i % 3 + 1] as region,
        $zones[i % len($zones) + 1] as zone, $locales[i % len($locales) + 1] as locale
    from range($partners) as numbers(i);
    create table core.group_members as
    select null::varchar as group_id, null::varchar as partner_id, null::timestamptz as left_at limit 0;
    create table sync.notice_candidates as
    select
        'P-' || (i % $partners) || '|AS-' || (i // $partners) || '|3|' || $kind || '|' || $step as candidate_key,
        'P-' || (i % $partners) as partner_id, 'AS-' || (i // $partners) as asset_id, 3 as version_no, $kind as kind,
        $step as step, 'P4' as pattern, 'holds_an_older_version' as rule, $now::timestamptz as notice_due_at,
        'asset_version' as subject_type, 'AS-' || (i // $partners) || '|3' as subject_id, false as is_urgent,
        to_json(['AS-' || (i // $partners) || '|3']) as evidence, 'standard' as classification,
        'olga@example.com' as owner, 'stale_in_grace' as position, partners.zone, null::varchar as suppression_reason
    from range($candidates) as numbers(i)
    inner join core.partners as partners on partners.partner_id = 'P-' || (i % $partners);
    create table sync.notice_facts as
    select
        candidates.candidate_key, candidates.kind, candidates.rule, candidates.partner_id, candidates.asset_id,
        candidates.version_no, partners.region, partners.zone, candidates.asset_id as trading_grid_asset_id,
        partners.name as partner_name, partners.locale, 'Allergen sheet ' || candidates.asset_id as asset_title,
        '4711' as sku, 'Nordwind' as brand, 'standard' as classification, 'olga@example.com' as owner,
        '2026.1' as version_label, 'sheet.pdf' as file_name, 'pdf' as format, 'content' as change_class,
        false as is_same_file, 'Sulphites added, page two.' as change_summary,
        'Replace the sheet in every shop.' as replacement_instructions, null::varchar as usage_guidance,
        ['US-NY'] as restricted_regions, null::varchar as withdrawal_reason,
        $now::timestamptz - interval 1 day as effective_at, null::timestamptz as withdrawn_from,
        null::timestamptz as expires_at, 'stale_in_grace' as position, 17 as position_rule, true as is_entitled,
        [1, 2] as held_versions, 3 as target_version_no, null::varchar as target_version_label, 2 as copy_version_no,
        $now::timestamptz - to_minutes((hash(candidates.candidate_key) % 100000)::integer) as copy_obtained_at,
        604800 as respond_within_seconds,
        case
            when candidates.kind = 'reminder' then json_object(
                'about_kind', 'version_change', 'round', '1', 'sent_at', '2026-03-01T08:00:00.000000Z',
                'due_at', '2026-03-09T08:00:00.000000Z'
            )
            else '{}'::json
        end as said
    from sync.notice_candidates as candidates
    inner join core.partners as partners on partners.partner_id = candidates.partner_id;
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one measurement gave."""

    name: str
    candidates: int
    partners: int
    seconds: float
    processor_seconds: float
    outcome: DecideOutcome
    journal_bytes: int


def measure(name: str, kind: str, step: str, candidates: int, partners: int, notices: dict[str, Any]) -> Figures:
    """Decide once about so many candidates, in a folder of its own."""
    with _folder() as folder:
        home = Home(folder)
        home.make()
        journal = Journal(home.ledger)
        settings = Settings.model_validate(
            {"connections": {}, "notices": {"approve_above": {"partners": partners, "share": 1.0}} | notices}
        )
        with open_in_memory(home) as connection:
            _fill(connection, kind, step, candidates, partners)
            turn = open_turn(journal, NOW, NOW)
            started, processor_started = time.perf_counter(), time.process_time()
            outcome = decide_actions(connection, journal, turn, settings)
            seconds = time.perf_counter() - started
            processor_seconds = time.process_time() - processor_started
        size_bytes = journal.path.stat().st_size
        return Figures(name, candidates, partners, seconds, processor_seconds, outcome, size_bytes)


def run(candidates: int, partners: int) -> list[Figures]:
    """Measure both worlds."""
    return [
        measure("one by one", "version_change", "initial", candidates, partners, {}),
        measure("digests", "reminder", "r1:version_change", candidates, partners, {"digest": {"every": "daily"}}),
    ]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--candidates", type=int, default=100_000)
    parser.add_argument("--partners", type=int, default=5_000)
    asked = parser.parse_args()
    for one in run(asked.candidates, asked.partners):
        per_candidate = one.seconds / one.candidates * 1e6
        print(
            f"{one.name:12} {one.candidates} candidates, {one.partners} partners: {one.seconds:.2f} s"
            f" ({per_candidate:.0f} µs each; {one.processor_seconds:.2f} s of processor time), {one.outcome.actions} actions, {one.outcome.digested} digested,"
            f" {one.journal_bytes / 1e6:.0f} MB of journal"
        )


def _fill(connection: duckdb.DuckDBPyConnection, kind: str, step: str, candidates: int, partners: int) -> None:
    connection.execute("create schema if not exists ops")
    give_question(connection, Question(NOW, NOW))
    given = {
        "kind": kind,
        "step": step,
        "candidates": candidates,
        "partners": partners,
        "now": NOW,
        "zones": list(_ZONES),
        "locales": list(_LOCALES),
    }
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            used = {name: value for name, value in given.items() if f"${name}" in statement}
            connection.execute(statement, used)
    connection.execute(_NO_DESIRED)


_NO_DESIRED: Final = """
    create table sync.desired_actions as
    select
        null::varchar as action_text, null::varchar as pattern, null::varchar as target_system,
        null::varchar as operation, null::varchar as subject_type, null::varchar as subject_id,
        null::varchar as step, null::varchar as partner_id, null::varchar as asset_id, null::integer as version_no,
        null::varchar as payload, null::varchar as reason, null::varchar as rule, null::varchar as evidence,
        null::timestamptz as due_at, null::boolean as is_urgent, null::varchar as owner,
        null::varchar as waits_because, null::varchar[] as late_streams
    limit 0
"""


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="vipgrid-deciding-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
