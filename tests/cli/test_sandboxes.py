"""The sandbox as a child process of the terminal."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from cli.main import make_app, run
from pipeline.errors import RefusedError, SourceError


def test_a_sandbox_is_started_lives_on_is_stopped_and_keeps_its_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--home", str(tmp_path / "home"), "--json"]

    def sandbox(*arguments: str) -> dict[str, object]:
        run(make_app(), ["sandbox", *arguments, *where])
        document: dict[str, object] = json.loads(capsys.readouterr().out)
        return document

    assert sandbox("status") == {"is_running": False}
    with pytest.raises(RefusedError, match="vipgrid sandbox up"):
        sandbox("advance", "--days", "1")
    up = sandbox("up", "--vip-port", "0", "--trading-grid-port", "0")
    try:
        assert up["now"] == "2026-03-02T08:00:00.000000Z"
        assert sandbox("up")["pid"] == up["pid"]
        assert sandbox("advance", "--days", "2")["now"] == "2026-03-04T08:00:00.000000Z"
        with pytest.raises(SourceError, match="does not go back"):
            sandbox("advance", "--to", "2026-01-01T00:00:00Z")
    finally:
        assert sandbox("down") == {"is_running": False}
    assert sandbox("status") == {"is_running": False}
    again = sandbox("up", "--vip-port", "0", "--trading-grid-port", "0")
    assert again["now"] == "2026-03-04T08:00:00.000000Z"
    pid = again["pid"]
    assert isinstance(pid, int)
    os.kill(pid, 9)
    time.sleep(0.2)
    assert sandbox("status") == {"is_running": False}
