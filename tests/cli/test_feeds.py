"""What the feeds do, from the terminal: read again, merged, and told by the status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.main import make_app, run
from pipeline.errors import ExitCode, RefusedError
from pipeline.home import Home
from tests.cli.network import copied, version, write


def _where(config: Path, home: Home) -> list[str]:
    return ["--config", str(config), "--home", str(home.path)]


def test_a_source_is_read_again_and_the_status_tells_what_it_had_more(
    lived: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, home = copied(lived, tmp_path)
    where = _where(config, home)
    assert run(make_app(), ["connect", "reconcile", "trading_grid", "partners", *where]) == ExitCode.DONE
    assert "Both sides agree." in capsys.readouterr().out
    write(config.parent, "vip", "asset_versions", "c.ndjson", [version("A1", 2, "2026-01-25")])
    assert run(make_app(), ["connect", "reconcile", "vip", "asset_versions", *where]) == ExitCode.NEEDS_A_PERSON
    told = capsys.readouterr().out
    assert "missing_here" in told
    assert "A1|2" in told
    run(make_app(), ["status", *where])
    told = capsys.readouterr().out
    assert "Read a second time at the source" in told
    assert "Differences from the source" in told
    assert "Accounted for" in told
    assert run(make_app(), ["compact", *where, "--json"]) == ExitCode.DONE
    # Two streams have lists of files that their second pull replaced.
    assert json.loads(capsys.readouterr().out) == {"merged": [], "removed_files": 2}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "'nowhere' is no connection; there are vip, trading_grid."),
        (["vip", "partners"], "No such stream 'partners' is served by vip."),
        (["--to", "2026-03-01T00:00:00Z"], "--to needs --from."),
    ],
)
def test_what_cannot_be_read_again_is_refused_in_one_sentence(
    lived: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    config, home = copied(lived, tmp_path)
    with pytest.raises(RefusedError) as refused:
        run(make_app(), ["connect", "reconcile", *words, *_where(config, home)])
    assert str(refused.value) == said
