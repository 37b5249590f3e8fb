"""Each of the 18 rules of docs/domain.md 6 by hand, the rungs, and the generator."""

import csv
import gzip
import io
import random
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings

from tests.reference.given import ASSET, Story, stamp
from tests.reference.networks import (
    FED_STREAMS,
    Network,
    Size,
    networks,
    random_network,
    write_folders,
)
from tests.reference.positions import RULES, positions
from tests.reference.smallest import smallest
from tests.reference.versions import version_lives

LATER: dict[str, object] = {"effective_local": "2025-06-20T00:00:00"}
BARRED: dict[str, object] = {"restricted_regions": ["US"]}
PENDING: dict[str, object] = {"approval_status": "pending"}

Telling = tuple[int, list[tuple[int, float, dict[str, object]]], list[int]]
TELLINGS: list[Telling] = [
    # Rule, versions (number, approved on day, fields), what it fetched in turn.
    (1, [], []),
    (2, [(1, 1, {})], []),
    (4, [(1, 1, {})], [8]),
    (6, [(1, 1, {"withdrawn_at": stamp(9)})], [1]),
    (7, [(1, 1, {"expires_at": stamp(9)})], [1]),
    (8, [(1, 1, PENDING)], [1]),
    (9, [(1, 1, LATER)], [1]),
    (10, [(1, 1, BARRED)], [1]),
    (11, [(1, 1, {}), (2, 3, {"withdrawn_at": stamp(3)})], [1, 2]),
    (12, [(1, 1, {}), (2, 3, BARRED)], [1, 2]),
    (13, [(1, 1, {}), (2, 3, {})], [2, 1]),
    (14, [(1, 1, {}), (2, 3, {})], [1, 2]),
    (15, [(1, 1, {}), (2, 3, LATER)], [2]),
    (16, [(1, 1, {}), (2, 3, PENDING)], [2]),
    (17, [(1, 1, {}), (2, 6, {})], [1]),
    (18, [(1, 1, {}), (2, 2, {})], [1]),
]


@pytest.mark.parametrize(("rule", "versions", "fetched"), TELLINGS)
def test_a_rule_is_reached_by_hand(
    rule: int,
    versions: list[tuple[int, float, dict[str, object]]],
    fetched: list[int],
) -> None:
    story = Story()
    for number, approved_on, fields in versions:
        story.version(number, approved_on, **fields)
    for turn, number in enumerate(fetched):
        story.download(number, 4 + turn)
    row = story.ask(10)
    names = {number: position for number, position, _ in RULES}
    assert (row.position_rule, row.position) == (rule, names[rule])


def test_rules_3_and_5_are_reached_by_hand() -> None:
    story = Story()
    story.version(1, 1)
    story.download(1, 4)
    story.asset(deleted_at=stamp(6), updated_at=stamp(2))
    story.acknowledge(9)
    assert [story.rule(at) for at in (5, 6, 9)] == [14, 5, 3]


def test_orphaned_goes_after_unknown() -> None:
    story = Story()
    story.version(1, 1)
    story.asset(deleted_at=stamp(6), updated_at=stamp(2))
    story.download(5, 4)
    assert story.rule(7) == 4


def test_current_still_says_what_else_it_holds() -> None:
    story = Story()
    story.version(1, 1, withdrawn_at=stamp(6))
    story.version(2, 3)
    for number in (1, None, 2):
        story.download(number, 4)
    row = story.ask(7)
    assert row.position == "current"
    assert (row.residual_old_copy, row.holds_withdrawn, row.holds_unknown) == (
        True,
        True,
        True,
    )
    assert (row.is_outdated, row.is_exposed, row.last_version_no) == (False, True, 2)


def test_rungs_rise_with_the_evidence() -> None:
    story = Story()
    story.version(1, 1)
    notice = {"notice_id": "n1", "partner_id": "p1", "kind": "publish"}
    about: dict[str, object] = {
        "asset_id": ASSET,
        "version_no": 1,
        "posted_at": stamp(2),
    }
    story.add("notices", {**notice, **about})
    story.deliver("d1", 1, 3, channel="portal")
    story.download(1, 4, event_type="opened")
    story.download(1, 5)
    story.acknowledge(6, kind="read", notice_id="n1")
    story.acknowledge(7, version_no=1)
    story.acknowledge(8, kind="accepted", version_no=1, content_digest="sum1")
    rungs = [story.ask(at).evidence_rung for at in range(1, 9)]
    assert rungs == list(range(8))


def test_neither_a_proxy_nor_a_denied_attempt_is_evidence() -> None:
    story = Story()
    story.version(1, 1)
    story.acknowledge(2, kind="proxy", version_no=1)
    story.download(1, 2, event_type="denied")
    assert story.ask(3).evidence_rung == 0


def counted(size: Size, seeds: range) -> tuple[Counter[int], Counter[str]]:
    """Count rules and positions over the questions of fixed seeds."""
    rules: Counter[int] = Counter()
    reached: Counter[str] = Counter()
    for seed in seeds:
        network = random_network(random.Random(seed), size=size)
        for at in network.questions:
            rows = positions(network.arrivals(), as_of=at).values()
            rules.update(row.position_rule for row in rows)
            reached.update(row.position for row in rows)
    return rules, reached


@pytest.mark.parametrize(("size", "seeds"), [("small", 120), ("medium", 30)])
def test_random_networks_reach_every_position_and_every_rule(size: Size, seeds: int) -> None:
    rules, reached = counted(size, range(seeds))
    print(size, sorted(rules.items()), dict(reached))
    assert set(rules) == {number for number, _, _ in RULES}
    assert set(reached) == {position for _, position, _ in RULES}
    assert min(rules.values()) >= 3


def test_random_lives_end_and_return_in_every_way() -> None:
    ways: Counter[tuple[str | None, bool]] = Counter()
    flags: Counter[str | None] = Counter()
    for seed in range(150):
        network = random_network(random.Random(seed), size="medium")
        for life in version_lives(network.arrivals()):
            ways[life.end_reason, life.is_reinstated] += 1
            flags[life.resolution_flag] += 1
    print(dict(ways), dict(flags))
    reasons = ("withdrawn", "expired", "superseded", None)
    assert set(ways) == {(reason, known) for reason in reasons for known in (0, 1)}
    assert set(flags) == {None, "skipped", "repeated"}


def test_a_failing_network_is_cut_down_to_what_it_needs() -> None:
    def regresses(network: Network) -> bool:
        return any(
            row.position == "regressed"
            for at in network.questions
            for row in positions(network.arrivals(), as_of=at).values()
        )

    drawn = (random_network(random.Random(seed), size="medium") for seed in range(99))
    cut = smallest(next(filter(regresses, drawn)), regresses)
    streams = Counter(arrival.stream for arrival in cut.arrivals())
    assert streams.pop("xref", 0) <= 1
    assert streams == {"partners": 1, "assets": 1, "asset_versions": 2, "access_events": 2}
    assert len(cut.questions) == 1


def test_the_same_seed_gives_the_same_network() -> None:
    once, again = (random_network(random.Random(7)) for _ in range(2))
    assert once == again


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(networks())
def test_a_drawn_network_answers_every_question(network: Network) -> None:
    nows = [batch.now for batch in network.batches]
    assert nows == sorted(set(nows))
    for at in network.questions[:3]:
        for row in positions(network.arrivals(), as_of=at).values():
            assert row.entitled or row.position_rule > 2


def test_every_record_of_a_batch_is_in_exactly_one_new_file(tmp_path: Path) -> None:
    kinds: Counter[str] = Counter()
    for seed in range(15):
        rng = random.Random(seed)
        folder = tmp_path / str(seed)
        for batch in random_network(rng).batches:
            paths = write_folders(batch, folder, rng)
            assert len(set(paths)) == len(paths)
            kinds.update("".join(path.suffixes) for path in paths)
            rows = sum(count_rows(path) for path in paths)
            fed = [records for stream, records in batch.streams.items() if stream in FED_STREAMS]
            assert rows == sum(map(len, fed))
    assert {".ndjson", ".csv", ".parquet", ".ndjson.gz", ".csv.zst"} <= set(kinds)


def count_rows(path: Path) -> int:
    """Count the rows of one file of any of the formats."""
    if path.suffix == ".parquet":
        return int(pq.read_metadata(path).num_rows)
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    if path.suffix == ".zst":
        content = zstandard.ZstdDecompressor().decompress(content)
    text = content.decode()
    if ".csv" in path.suffixes:
        return len(list(csv.DictReader(io.StringIO(text, newline=""))))
    return len(text.splitlines())
