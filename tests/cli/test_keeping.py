"""Backup and restore from the terminal."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path

import pytest
import zstandard

from cli.main import make_app, run
from pipeline.actions.outbox import State, read_outbox
from pipeline.errors import RefusedError, StateError
from pipeline.home import Home
from pipeline.ledger.journal import Journal
from pipeline.publish import file_sha256
from tests.cli.network import copied


def _where(config: Path, home: Home) -> list[str]:
    return ["--config", str(config), "--home", str(home.path)]


def _positions(home: Home) -> str:
    return file_sha256(home.published / "latest" / "freshness" / "positions.parquet")


@pytest.mark.parametrize("name", ["copy-of-today", "copy-of-today.tar.zst"])
def test_a_backup_comes_back_with_the_same_tables(
    lived: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config, home = copied(lived, tmp_path)
    run(make_app(), ["backup", str(tmp_path / name), *_where(config, home), "--json"])
    assert json.loads(capsys.readouterr().out)["ledger_entries"] > 0
    other = Home((tmp_path / "other").resolve())
    run(make_app(), ["restore", str(tmp_path / name), "--reason", "drill", *_where(config, other), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["tables"] > 0
    assert _positions(other) == _positions(home)
    before = (home.ledger / "journal.ndjson").read_bytes()
    assert (other.ledger / "journal.ndjson").read_bytes().startswith(before)
    (entry,) = [entry for entry in Journal(other.ledger).entries() if entry.kind == "restored"]
    assert entry.reason == "drill"


def test_after_a_restore_what_is_not_settled_is_looked_up_first_and_what_waits_for_a_person_still_waits(
    lived: Path, tmp_path: Path
) -> None:
    config, home = copied(lived, tmp_path)
    held = [action.key for action in read_outbox(Journal(home.ledger)).in_state(State.HELD_FOR_APPROVAL)]
    pending = [action.key for action in read_outbox(Journal(home.ledger)).in_state(State.PENDING)]
    run(make_app(), ["backup", str(tmp_path / "waiting"), *_where(config, home)])
    run(make_app(), ["decide", "approve", "T000002", "--reason", "yes", *_where(config, home)])
    run(make_app(), ["backup", str(tmp_path / "approved"), *_where(config, home)])
    other = Home((tmp_path / "other").resolve())
    run(make_app(), ["restore", str(tmp_path / "waiting"), *_where(config, other)])
    outbox = read_outbox(Journal(other.ledger))
    assert {outbox.actions[key].state for key in held} == {State.HELD_FOR_APPROVAL}
    assert {outbox.actions[key].state for key in pending} <= {State.UNKNOWN}
    run(make_app(), ["restore", str(tmp_path / "approved"), "--replace", *_where(config, other)])
    outbox = read_outbox(Journal(other.ledger))
    assert {outbox.actions[key].state for key in held} == {State.UNKNOWN}
    assert (tmp_path / "other.before-restore-1" / "ledger" / "journal.ndjson").exists()


def test_a_home_that_is_not_empty_is_not_replaced_unasked(lived: Path, tmp_path: Path) -> None:
    config, home = copied(lived, tmp_path)
    run(make_app(), ["backup", str(tmp_path / "backup"), *_where(config, home)])
    before = (home.ledger / "journal.ndjson").read_bytes()
    with pytest.raises(RefusedError, match="is not empty"):
        run(make_app(), ["restore", str(tmp_path / "backup"), *_where(config, home)])
    with pytest.raises(RefusedError, match="is there already"):
        run(make_app(), ["backup", str(tmp_path / "backup"), *_where(config, home)])
    with pytest.raises(RefusedError, match="inside the home"):
        run(make_app(), ["backup", str(home.path / "inside"), *_where(config, home)])
    assert (home.ledger / "journal.ndjson").read_bytes() == before


@pytest.fixture(scope="module")
def backup(lived: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("backup")
    config, home = copied(lived, folder)
    run(make_app(), ["backup", str(folder / "good"), *_where(config, home)])
    return config, folder / "good"


@pytest.mark.parametrize("damage", ["flipped", "missing", "extra", "no_manifest", "torn_manifest", "outside"])
def test_a_damaged_backup_is_not_restored_and_changes_nothing(
    backup: tuple[Path, Path], tmp_path: Path, damage: str
) -> None:
    config, good = backup
    bad = tmp_path / "bad"
    shutil.copytree(good, bad)
    journal, manifest = bad / "ledger" / "journal.ndjson", bad / "backup.json"
    if damage == "flipped":
        journal.write_bytes(journal.read_bytes().replace(b"turn_opened", b"turn_opaned", 1))
    elif damage == "missing":
        journal.unlink()
    elif damage == "extra":
        (bad / "ledger" / "more").write_bytes(b"")
    elif damage == "no_manifest":
        manifest.unlink()
    elif damage == "torn_manifest":
        manifest.write_bytes(manifest.read_bytes()[:-40])
    else:
        text = json.loads(manifest.read_text(encoding="utf-8"))
        text["files"][0]["file"] = "landing/../../outside"
        manifest.write_text(json.dumps(text), encoding="utf-8")
    home = Home((tmp_path / "home").resolve())
    with pytest.raises((RefusedError, StateError), match="bad"):
        run(make_app(), ["restore", str(bad), *_where(config, home)])
    assert not home.path.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["bad"]


def test_an_archive_with_a_link_or_a_foreign_path_is_not_restored(backup: tuple[Path, Path], tmp_path: Path) -> None:
    config, good = backup
    for name, kind in (("ledger/journal.ndjson", tarfile.SYMTYPE), ("/etc/cron.d/x", tarfile.REGTYPE)):
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w") as archive:
            archive.add(good / "backup.json", "backup.json")
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        bad = tmp_path / "bad.tar.zst"
        bad.write_bytes(zstandard.ZstdCompressor().compress(plain.getvalue()))
        home = Home((tmp_path / "home").resolve())
        with pytest.raises(StateError, match="not restored"):
            run(make_app(), ["restore", str(bad), *_where(config, home)])
        assert not home.path.exists()
    bad.write_bytes(bad.read_bytes()[: bad.stat().st_size // 2])
    with pytest.raises(StateError, match="not restored"):
        run(make_app(), ["restore", str(bad), *_where(config, home)])
