"""The sections ``channels`` and ``targets``: what is refused, and that no secret is written out or shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.actions.dispatch import limits_of
from pipeline.actions.pace import Limits
from pipeline.errors import ConfigurationError
from pipeline.settings import load_settings

SECRET = "whsec_" + "Q0FOQVJZ" * 4
VARIABLES = {"URL": "json://CANARY@127.0.0.1/", "PASSWORD": "CANARY", "SECRET": SECRET, "BAD": "whsec_CANARY"}
MAIL = "kind: mail, host: mail.example.org, sender: n@vip.example"


def load(tmp_path: Path, channels: str, more: str = "") -> object:
    path = tmp_path / "vipgrid.yaml"
    path.write_text(f"connections: {{}}\nchannels:\n{channels}\n{more}", encoding="utf-8")
    return load_settings(path, VARIABLES)


@pytest.mark.parametrize(
    "channel",
    [
        f"mail: {{{MAIL}, audience: partners}}",
        f'mail: {{{MAIL}, audience: owners, user: u, password: "${{PASSWORD}}", security: tls, port: 465}}',
        f"mail: {{{MAIL}, audience: house, to: [team@vip.example], kinds: [withdrawal], urgency: urgent}}",
        'slack: {kind: apprise, audience: house, url: "${URL}"}',
        'hook: {kind: webhook, audience: partners, partners: [P1], url: https://p1.example/x, secrets: ["${SECRET}"]}',
    ],
)
def test_a_channel_is_read_and_its_secrets_are_shown_nowhere(tmp_path: Path, channel: str) -> None:
    settings = load(tmp_path, f"  {channel}")

    assert "CANARY" not in repr(settings)
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("channel", "sentence"),
    [
        (
            f"mail: {{{MAIL}, audience: owners, user: u, password: secret}}",
            "writes the secret channels.mail.password out",
        ),
        ("slack: {kind: apprise, audience: house, url: json://x/}", "writes the secret channels.slack.url out"),
        ("h: {kind: webhook, audience: house, url: https://x, secrets: [s]}", "the secret channels.h.secrets.0 out"),
        ('h: {kind: webhook, audience: house, url: https://x, secrets: ["${BAD}"]}', "a webhook's secret is 'whsec_'"),
        ("h: {kind: webhook, audience: house, url: https://x, secrets: []}", "wrong at channels.h.webhook.secrets"),
        ('Bad Name: {kind: apprise, audience: house, url: "${URL}"}', "is no name of a channel"),
        ('s: {kind: apprise, audience: partners, url: "${URL}"}', "belongs to one partner"),
        ('s: {kind: apprise, audience: partners, partners: [P1, P2], url: "${URL}"}', "belongs to one partner"),
        ('s: {kind: apprise, audience: owners, partners: [P1], url: "${URL}"}', "owners get alerts"),
        (f"m: {{{MAIL}, audience: owners, security: none}}", "is for this machine only"),
        (f"m: {{{MAIL}, audience: owners, user: u}}", "'user' and 'password' go together"),
        (f"m: {{{MAIL}, audience: house}}", "'to' names whom mail to the house goes to"),
        ("m: {kind: mail, host: h, sender: nobody, audience: owners}", "'sender' is no address"),
        ('m: {kind: mail, host: h, sender: "a b@x", audience: owners}', "'sender' is no address"),
        ("m: {kind: pigeon, audience: owners}", "wrong at channels.m"),
    ],
)
def test_a_channel_that_makes_no_sense_is_refused_with_a_sentence(tmp_path: Path, channel: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, f"  {channel}")

    assert sentence in str(refused.value)
    assert "CANARY" not in str(refused.value)


def test_each_target_has_its_limits_or_those_of_its_channel_or_of_notices(tmp_path: Path) -> None:
    channels = f"  mail: {{{MAIL}, audience: partners, requests_per_second: 2}}"
    more = (
        "notices: {requests_per_second: 7, max_attempts: 3}\ntargets: {vip: {requests_per_second: 1, lists_within: 1m}}"
    )
    settings = load_settings(_file(tmp_path, channels, more), VARIABLES)

    assert limits_of(settings, "vip") == Limits(1, 60, 3)
    assert limits_of(settings, "channel:mail") == Limits(2, 5, 3)
    assert limits_of(settings, "trading_grid") == limits_of(settings, "channel:gone") == Limits(7, 5, 3)


def _file(tmp_path: Path, channels: str, more: str) -> Path:
    load(tmp_path, channels, more)
    return tmp_path / "vipgrid.yaml"
