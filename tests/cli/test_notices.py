"""``vipgrid notices`` and the dry run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.main import make_app, run
from pipeline.errors import RefusedError
from pipeline.publish import file_sha256
from tests.cli.network import copied


def asked(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Any:
    """Ask here, with --json; return the document."""
    run(make_app(), [*map(str, arguments), "--json"])
    return json.loads(capsys.readouterr().out)


def contents(folder: Path) -> dict[str, str]:
    """Return every file with its checksum, but the lock, which every writer takes."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): file_sha256(path) for path in files}


@pytest.mark.parametrize("kind", ["publish", "digest", "escalation", "reminder", "access_rules"])
def test_a_template_is_previewed_with_samples_without_any_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    document = asked(capsys, "notices", "preview", kind, "--language", "es", "--home", tmp_path / "none")

    assert (document["kind"], document["language"], document["rests_on"]) == (kind, "es", "samples")
    assert document["subject"]
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("kind", ["version_change", "withdrawal", "request_update", "launch_package"])
def test_a_notice_is_previewed_with_what_is_known_of_a_partner(
    lived: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    document = asked(capsys, "notices", "preview", kind, "--partner", "P2", "--asset", "A0", "--home", lived / "home")

    assert document["rests_on"] == "known"
    assert "Partner 2" in document["body"]


def test_decisions_are_listed_and_each_can_be_explained_by_any_of_its_names(
    lived: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = asked(capsys, "notices", "list", "P1", "--kind", "version_change", "--home", lived / "home")["rows"]
    row = rows[0]
    assert (row["partner_id"], row["decision"]) == ("P1", "held_for_approval")

    by_candidate = asked(capsys, "notices", "explain", row["candidate_key"], "--home", lived / "home")
    by_action = asked(capsys, "explain", row["action_key"], "--home", lived / "home")
    assert by_candidate == by_action
    assert by_candidate["decision"]["rule"] == row["rule"]
    texts = [one["text"] for one in by_candidate["happened"]]
    assert texts[0].startswith("held for a person's approval; due because ")
    assert texts[1].startswith("its text was frozen: ")
    run(make_app(), ["explain", row["candidate_key"], "--home", str(lived / "home")])
    assert "held for a person's approval" in capsys.readouterr().out


def test_a_notice_that_nobody_decided_on_is_no_empty_answer(lived: Path) -> None:
    with pytest.raises(RefusedError, match="There is no notice 'nothing'"):
        run(make_app(), ["notices", "explain", "nothing", "--home", str(lived / "home")])


def test_a_dry_run_says_what_the_turn_would_send_and_changes_nothing(
    lived: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, home = copied(lived, tmp_path)
    before = contents(home.path)
    call = ("sync", "--dry-run", "--now", "2026-02-03T00:00:00Z", "--config", config, "--home", home.path)
    document = asked(capsys, *call)

    assert contents(home.path) == before
    assert document["is_dry_run"]
    waiting = {row["partner_id"] for row in document["would_wait_for_approval"]}
    assert "P1" in waiting
    run(make_app(), [*map(str, call)])
    assert "nothing was written or sent" in capsys.readouterr().out
    assert contents(home.path) == before


def test_a_dry_run_that_is_told_to_send_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="leave --dispatch out"):
        run(make_app(), ["sync", "--dry-run", "--dispatch", "--home", str(tmp_path)])
