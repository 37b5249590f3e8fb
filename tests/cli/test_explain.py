"""``vipgrid explain`` at the terminal."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from cli import asking
from cli.main import make_app, run
from cli.prose import Prose
from tests.cli.network import FIRST, SECOND, copied, vipgrid
from tests.cli.test_whatif import contents


def asked(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Any:
    """Explain here, with --json; return the document."""
    run(make_app(), ["explain", *map(str, arguments), "--json"])
    return json.loads(capsys.readouterr().out)


def test_programs_get_position_rule_and_sentences_with_evidence(
    lived: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = asked(capsys, "P1", "A0", "--home", lived / "home")
    assert (document["position"]["position"], document["position"]["position_rule"]) == ("stale_overdue", 18)
    assert document["zone"] == "Europe/Berlin"
    download = next(one for one in document["sections"]["timeline"] if one["text"].startswith("It downloaded"))
    assert download["text"] == "It downloaded version 1."
    assert download["at"] == "2026-01-05T00:00:00.000000Z"
    assert download["records"] == ["access event E1-0"]
    assert len(download["seqs"]) == 1


def test_an_earlier_instant_is_explained_as_it_was(lived: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = asked(capsys, "P1", "A0", "--as-of", "2026-01-22T00:00:00Z", "--home", lived / "home")
    assert (document["position"]["position"], document["is_past"]) == ("stale_in_grace", True)
    assert document["sections"]["outlook"][0]["text"].startswith("The time to change to version 2 ends")
    assert document["sections"]["outlook"][0]["at"] == "2026-01-27T00:00:00.000000Z"
    assert all(one["at"] <= "2026-01-22T00:00:00.000000Z" for one in document["sections"]["timeline"])


def test_what_was_not_known_then_is_not_told(lived: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = asked(capsys, "P1", "A0", "--as-of", FIRST, "--known-at", FIRST, "--home", lived / "home")
    assert document["position"]["position"] == "current"
    assert not [one for one in document["sections"]["target"] if "ersion 2" in one["text"]]


def test_asking_for_the_last_turn_is_the_same_as_not_asking(lived: Path, capsys: pytest.CaptureFixture[str]) -> None:
    explicit = asked(capsys, "P0", "A0", "--as-of", SECOND, "--known-at", SECOND, "--home", lived / "home")
    scoped = asked(capsys, "P0", "A0", "--as-of", SECOND, "--home", lived / "home")
    default = asked(capsys, "P0", "A0", "--home", lived / "home")
    assert explicit["sections"] == scoped["sections"] == default["sections"]


def test_a_later_instant_is_a_forecast(lived: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = asked(capsys, "P0", "A0", "--as-of", "2027-01-01T00:00:00Z", "--home", lived / "home")
    assert (document["is_future"], document["is_past"]) == (True, False)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("command", [["explain", "P1", "A0"], ["what-if", "--withdraw", "A0"]])
def test_a_page_fits_its_terminal_and_names_no_table(
    lived: Path, width: int, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = StringIO()
    monkeypatch.setattr(asking, "Prose", lambda: Prose(Console(file=page, width=width)))
    run(make_app(), [*command, "--home", str(lived / "home")])
    lines = page.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= width
    assert len(lines) > 20
    assert not re.search(r"\b(core|freshness|audit|sync|marts|ops)\.\w", page.getvalue())


def test_hostile_names_are_written_out(lived: Path) -> None:
    answer = vipgrid("explain", "P1", "A0", "--home", lived / "home")
    assert not {"\x1b", "\x07", "\u202e"} & set(answer.stdout)
    assert "\\x1b" in answer.stdout


def test_unknown_ids_are_refused_with_the_nearest(lived: Path) -> None:
    answer = vipgrid("explain", "p0", "A0", "--home", lived / "home")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("No partner 'p0' is known: did you mean P0 (Partner 0)")
    answer = vipgrid("explain", "P0", "Sheet 2", "--home", lived / "home", "--as-of", FIRST)
    assert "did you mean A2 (Sheet 2)" in answer.stderr


def test_what_was_published_explains_where_the_warehouse_cannot(
    lived: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, home = copied(lived, tmp_path)
    home.warehouse.unlink()
    document = asked(capsys, "P1", "A0", "--home", home.path)
    assert document["read_from"] == "published"
    assert document["sections"] == asked(capsys, "P1", "A0", "--home", lived / "home")["sections"]


def test_explaining_changes_no_file_of_the_home(lived: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(lived / "home")
    asked(capsys, "P0", "A0", "--home", lived / "home")
    asked(capsys, "P0", "A0", "--as-of", FIRST, "--home", lived / "home")
    asked(capsys, "P0", "A0", "--known-at", FIRST, "--home", lived / "home")
    assert contents(lived / "home") == before
