"""What is in a backup, and what is not: by the one list, on folders as they may lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotline.check_folders import of_folders
from hotline.findings import Weight
from hotline.keeping import DATA_ANEW, NODE_ANEW, places, unaccounted
from hotline.settings import Settings, UpgradeSettings
from hotline.settings_nodes import NodeSettings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """One node within the data folder, one beside it."""
    data = tmp_path / "data"
    nodes = tuple(
        NodeSettings(name=name, accounts=folder / "accounts.json", directory=folder)
        for name, folder in (("node1", data / "node1"), ("node2", tmp_path / "node2"))
    )
    return Settings(data_dir=data, nodes=nodes, upgrade=UpgradeSettings(backups=data / "kept"))


def make(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def test_what_is_in_no_line_is_named_wherever_it_lies(settings: Settings) -> None:
    data = settings.data_dir
    for node in settings.nodes:
        make(
            node.directory / "etc/pjsip.conf",
            node.directory / "etc/ivr-95559.conf",
            node.directory / "log/cel-custom/facts.jsonl",
            node.directory / "prompts/cmn/welcome.alaw",
            node.directory / "customers/0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33",
            node.accounts,
        )
    make(data / "hotline.db-wal", data / "studio/cmn/welcome.wav", data / "kept/hotline-1/manifest.json")
    make(data / "ledger.spool.superseded-3", data / "lease.json", data / "exports/1.xlsx")
    assert unaccounted(settings) == []
    strangers = [
        data / "new.key",
        data / "node1/etc/new.conf",
        data / "node1/lease.json",  # what is known of one folder is not known of another
        settings.nodes[1].directory / "keys/new.pem",
    ]
    make(*strangers)
    strangers.append(data / "elsewhere")
    strangers[-1].symlink_to(data.parent)  # named, and not followed
    assert unaccounted(settings) == sorted(strangers)


def test_nothing_is_both_in_a_backup_and_made_anew(settings: Settings) -> None:
    make(settings.data_dir / "ledger.spool.superseded-3", settings.nodes[0].directory / "etc/ivr-95559.conf")
    kept = [place.source.relative_to(settings.data_dir.parent) for place in places(settings)]
    roots = {Path("data"): DATA_ANEW, Path("data/node1"): NODE_ANEW, Path("node2"): NODE_ANEW}
    both = [
        (path, pattern)
        for path in kept
        for root, patterns in roots.items()
        for pattern in patterns
        if path.is_relative_to(root) and path.relative_to(root).match(pattern)
    ]
    assert both == []


def test_a_restore_knows_files_that_only_the_backup_has(settings: Settings, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    make(
        backup / "set-aside/ledger.spool.superseded-3",
        backup / "nodes/node1/etc/ivr-95559.conf",
        settings.nodes[0].directory / "etc/ivr-95559.conf.before-restore-1",
    )
    sources = [place.source for place in places(settings, backup=backup)]
    assert settings.data_dir / "ledger.spool.superseded-3" in sources
    assert settings.nodes[0].directory / "etc/ivr-95559.conf" in sources
    assert not [one for one in sources if "before-restore" in one.name]


def test_voices_can_be_left_out(settings: Settings) -> None:
    names = {place.name for place in places(settings)} - {
        place.name for place in places(settings, recordings=False)
    }
    assert names == {"nodes/node1/recordings", "nodes/node2/recordings"}


def test_the_check_has_a_line_for_each_stranger_and_counts_the_rest(settings: Settings) -> None:
    data = settings.data_dir
    make(data / "hotline.db", data / "studio/cmn/welcome.wav", data / "hotline.toml")
    (all_well,) = of_folders(settings, data / "hotline.toml")
    assert all_well.weight is Weight.GOOD
    (stranger,) = of_folders(settings, None)
    assert stranger.weight is Weight.WARNING
    assert f"{data / 'hotline.toml'} is in no backup" in stranger.line()
    make(*(data / f"left-{n:02}" for n in range(25)))
    lines = [finding.line() for finding in of_folders(settings, data / "hotline.toml")]
    assert len(lines) == 21
    assert "left-19" in lines[19]
    assert "5 more files like that" in lines[20]
    assert all("→" in line for line in lines)
