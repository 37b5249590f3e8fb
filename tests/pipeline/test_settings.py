"""The configuration: one sentence for each thing that can be wrong with it, and no secret in any of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from pipeline.settings import load_settings

GOOD = """
connections:
  vip: {kind: rest, profile: p.yaml, base_url: "http://127.0.0.1:1", secrets: {client_secret: "${A_SECRET}"}}
  trading_grid: {kind: files, path: data, watermark: now}
policies: {grace: {standard: 9d, regulated: 36h, safety: 0d}}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "vipgrid.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_configuration_is_read_and_its_secret_is_not_shown(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, GOOD), {"A_SECRET": "canary"})
    assert settings.policies.grace.standard == timedelta(days=9)
    assert "canary" not in repr(settings)
    assert "assets" in settings.streams_of("vip")
    assert "xref" in settings.streams_of("trading_grid")


def test_a_stream_that_one_connection_claims_leaves_the_other(tmp_path: Path) -> None:
    both = "{kind: files, path: data}"
    text = f"connections: {{vip: {both}, trading_grid: {both}, ids: {{kind: files, path: ids, streams: [xref]}}}}"
    settings = load_settings(write(tmp_path, text), {})
    assert settings.streams_of("ids") == ("xref",)
    assert "xref" not in settings.streams_of("trading_grid")


def test_a_connection_named_after_a_stream_serves_that_stream(tmp_path: Path) -> None:
    text = "connections: {trading_grid: {kind: files, path: a}, xref: {kind: files, path: b}}"
    settings = load_settings(write(tmp_path, text), {})
    assert settings.streams_of("xref") == ("xref",)
    assert "xref" not in settings.streams_of("trading_grid")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("connections: [", "is not YAML"),
        ("connections: {vip: {kind: ftp}}", "connections.vip"),
        (GOOD + "surprise: 1", "surprise"),
        (GOOD.replace("${A_SECRET}", "written-out"), "writes the secret connections.vip.secrets.client_secret out"),
        (GOOD.replace("A_SECRET", "NOT_SET"), "the variable NOT_SET is not set"),
        (GOOD.replace("9d", "soon"), "policies.grace.standard"),
        ("connections: {archive: {kind: files, path: x}}", "needs 'streams'"),
        ("connections: {archive: {kind: files, path: x, streams: [nonsense]}}", "no such stream: nonsense"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(write(tmp_path, text), {"A_SECRET": "canary"})
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "written-out" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yaml"):
        load_settings(tmp_path / "none.yaml", {})


def test_requests_are_fulfilled_where_both_systems_can_be_written_to_unless_it_is_said(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, GOOD), {"A_SECRET": "x"}).fulfilment.enabled is None
    text = GOOD + "fulfilment: {enabled: false, channels: [sftp], expires_after: 2d, max_deliveries: 1}\n"
    fulfilment = load_settings(write(tmp_path, text), {"A_SECRET": "x"}).fulfilment
    assert (fulfilment.enabled, fulfilment.channels) == (False, ("sftp",))
    assert fulfilment.expires_after == timedelta(days=2)


def test_a_channel_that_vip_does_not_have_is_refused_by_name(tmp_path: Path) -> None:
    text = GOOD + "fulfilment: {channels: [pigeon]}\n"
    with pytest.raises(ConfigurationError, match=r"fulfilment\.channels"):
        load_settings(write(tmp_path, text), {"A_SECRET": "x"})
