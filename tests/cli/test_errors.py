"""What a person hears when a command cannot run."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.cli.network import vipgrid, write_network

COMMANDS = ("sync", "publish", "rebuild", "report")


def _refused(*arguments: str | Path, environment: dict[str, str] | None = None) -> str:
    """Run what cannot run; return its one sentence."""
    answer = vipgrid(*arguments, environment=environment)
    assert answer.returncode == 2, answer
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert "Traceback" not in answer.stderr
    return answer.stderr


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    for command in COMMANDS:
        sentence = _refused(command, "--config", tmp_path / "none.yaml", "--home", tmp_path / "home")
        assert "none.yaml" in sentence
        assert "--config" in sentence
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("connections: [", "is not YAML"),
        ("", "is empty"),
        ("connections: {vip: {kind: files, path: x}}\ncolour: red\n", "colour"),
        ("connections: {vip: {kind: files, path: '${NOT_SET_AT_ALL}'}}\n", "NOT_SET_AT_ALL is not set"),
        (
            "connections: {vip: {kind: rest, profile: p, base_url: u, secrets: {token: abc}}}\n",
            "connections.vip.secrets.token",
        ),
    ],
)
def test_a_wrong_configuration_is_said_in_one_sentence(tmp_path: Path, text: str, expected: str) -> None:
    config = tmp_path / "vipgrid.yaml"
    config.write_text(text, encoding="utf-8")
    sentence = _refused("sync", "--config", config, "--home", tmp_path / "home")
    assert expected in sentence
    assert not (tmp_path / "home").exists()


def test_configuration_and_home_come_from_the_environment_too(tmp_path: Path) -> None:
    config = tmp_path / "other.yaml"
    sentence = _refused("publish", environment={"VIPGRID_CONFIG": str(config), "VIPGRID_HOME": str(tmp_path / "h")})
    assert "other.yaml" in sentence


def test_an_unknown_command_and_an_unknown_option_exit_2(tmp_path: Path) -> None:
    assert "no-such-command" in _refused("no-such-command")
    assert "--no-such-option" in _refused("status", "--no-such-option", "--home", tmp_path)
    assert "--reason" in _refused("decide", "approve", "T000001")


def test_options_for_everything_stand_before_or_behind_the_command(tmp_path: Path) -> None:
    behind = _refused("positions", "--home", tmp_path / "nowhere")
    assert _refused("--home", tmp_path / "nowhere", "positions") == behind


def test_a_traceback_is_shown_to_whoever_debugs(tmp_path: Path) -> None:
    answer = vipgrid("positions", "--home", tmp_path / "nowhere", environment={"VIPGRID_DEBUG": "1"})
    assert answer.returncode != 0
    assert "Traceback" in answer.stderr


def test_a_source_that_is_down_is_said_at_once_and_nothing_is_half_done(tmp_path: Path) -> None:
    config = write_network(tmp_path / "net")
    profile = Path(__file__).parents[2] / "connections" / "trading_grid" / "sandbox.yaml"
    config.write_text(
        "connections:\n"
        "  vip: {kind: files, path: vip, watermark: now}\n"
        f"  trading_grid: {{kind: rest, profile: '{profile}', base_url: 'http://127.0.0.1:9',"
        " secrets: {client_id: '${ID}', client_secret: '${SECRET}'}}\n",
        encoding="utf-8",
    )
    answer = vipgrid(
        "sync", "--config", config, "--home", tmp_path / "home", environment={"ID": "me", "SECRET": "canary-5e2c"}
    )
    assert (answer.returncode, answer.stdout) == (2, ""), answer
    last = answer.stderr.strip().splitlines()[-1]
    assert "trading_grid" in last
    assert "127.0.0.1" in last
    assert "canary-5e2c" not in answer.stderr
    assert not (tmp_path / "home" / "published" / "latest").exists()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    config = write_network(tmp_path / "net")
    torn = gzip.compress(b'{"partner_id": "P9"}\n' * 1000)[:-20]
    (tmp_path / "net" / "trading_grid" / "partners" / "torn.ndjson.gz").write_bytes(torn)
    answer = vipgrid("sync", "--config", config, "--home", tmp_path / "home")
    assert (answer.returncode, answer.stdout) == (2, ""), answer
    assert "torn.ndjson.gz" in answer.stderr.strip().splitlines()[-1]
