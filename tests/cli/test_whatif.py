"""``vipgrid what-if`` at the terminal."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.cli.network import vipgrid


def contents(folder: Path) -> dict[str, str]:
    """Every file of a folder by the hash of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_what_if_changes_no_file_of_the_home(lived: Path) -> None:
    before = contents(lived / "home")
    for arguments in (
        ("--withdraw", "A1"),
        ("--bar-region", "DE", "--asset", "A0", "--version", "2", "--as-of", "2026-09-01T00:00:00Z"),
        ("--move-effective", "A0:2=2026-03-01T00:00", "--remove-grant", "G0-0", "--json"),
    ):
        answer = vipgrid("what-if", *arguments, "--home", lived / "home")
        assert (answer.returncode, answer.stderr) == (0, "")
    assert contents(lived / "home") == before


def test_programs_get_one_document(lived: Path) -> None:
    answer = vipgrid("what-if", "--withdraw", "A1", "--json", "--home", lived / "home")
    document = json.loads(answer.stdout)
    assert (document["turn"], document["is_future"], document["is_past"]) == ("T000002", False, False)
    assert document["supposed"][0]["sentence"] == "version 1 of A1 is withdrawn at 2026-02-01 00:00Z"
    assert document["positions"]["moves"] == [
        {"from": "current", "to": "withdrawn_held", "pairs": 5, "partners": 5},
        {"from": "never_held", "to": "nothing_to_hold", "pairs": 1, "partners": 1},
    ]
    assert document["drill"]["holders"] == 5


def test_people_read_what_changes_who_is_told_and_that_nothing_was_done(lived: Path) -> None:
    answer = vipgrid("what-if", "--withdraw", "A1", "--home", lived / "home")
    page = answer.stdout
    for part in (
        "version 1 of A1 is withdrawn at 2026-02-01 00:00Z",
        "Positions: 6 of 6 pairs stand otherwise",
        "Who must be told: 5 partners",
        "they never obtained it",
        "Withdrawal drill: 5 partners would have to remove it",
        "Nothing was written, and nothing was sent.",
    ):
        assert part in page
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_a_question_about_the_future_says_what_it_takes_for_granted(lived: Path) -> None:
    answer = vipgrid("what-if", "--withdraw", "A1", "--as-of", "2026-09-01T00:00:00Z", "--home", lived / "home")
    assert "it is taken that nothing else happens until then" in answer.stdout


def test_an_unknown_version_is_refused_in_one_line(lived: Path) -> None:
    answer = vipgrid("what-if", "--withdraw", "A0:9", "--home", lived / "home")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == "A0 has no version 9: it has A0:1, A0:2.\n"


def test_a_home_where_nothing_was_read_says_so(tmp_path: Path) -> None:
    answer = vipgrid("what-if", "--withdraw", "A0", "--home", tmp_path / "nowhere")
    assert answer.returncode == 2
    assert "run `vipgrid sync` first" in answer.stderr
    assert not (tmp_path / "nowhere").exists()
