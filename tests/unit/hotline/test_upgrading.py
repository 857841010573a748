"""Upgrades: what is refused before anything is touched, and what releases and their log are."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import BadInput, Conflict, HotlineError
from hotline.commands.migrate import require_revisions
from hotline.releases import Entry, Outcome, Releases, StepFailed, releases_of, said
from hotline.settings import Settings
from hotline.settings_nodes import NodeSettings
from hotline.upgrading import Upgrade


def entry(outcome: Outcome) -> Entry:
    return Entry("2026-11-25T00:00:00Z", outcome, "old", "new", "wang", "/backup", {"main": "0009"})


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    """Two versions, the old one in place."""
    for name in ("old", "new"):
        (tmp_path / "releases" / name).mkdir(parents=True)
        (tmp_path / "releases" / name / "run").touch()
    made = Releases(tmp_path)
    made.put_in_place("old")
    return made


def upgrade(releases: Releases, settings: Settings) -> Upgrade:
    said_: list[str] = []
    return Upgrade(
        releases=releases,
        project=releases.folder("old"),
        settings=settings,
        config=releases.home / "hotline.toml",
        by="wang",
        clock=lambda: 0,
        say=said_.append,
    )


def put_in_place(releases: Releases, *names: str) -> None:
    """One after the other, as upgrades do."""
    for name in names:
        folder = releases.home / "releases" / name
        folder.mkdir(exist_ok=True)
        (folder / "run").touch()
        before = releases.in_place
        releases.record(Entry("2026-11-25T00:00:00Z", Outcome.BEGAN, before, name, "wang", "/b", {}))
        releases.put_in_place(name)
        releases.record(Entry("2026-11-25T00:00:00Z", Outcome.UPGRADED, before, name, "wang", "/b", {}))


def test_those_in_place_last_stay_and_what_a_roll_back_needs(releases: Releases) -> None:
    put_in_place(releases, "third", "fourth", "fifth")
    assert releases.old(3) == ["new", "old"], "one that never was in place goes first"
    assert releases.old(2) == ["new", "old", "third"]
    put_in_place(releases, "third")  # an old one again
    assert releases.old(2) == ["fourth", "new", "old"]
    assert releases.old(3) == ["new", "old"]
    rolled = Entry("2026-11-25T00:00:00Z", Outcome.ROLLED_BACK, "fifth", "third", "li", "/b", {})
    releases.put_in_place("fifth")
    releases.record(rolled)
    assert "fifth" not in releases.old(2)


def test_a_release_that_a_program_runs_from_stays(releases: Releases) -> None:
    put_in_place(releases, "third", "fourth")
    folder = releases.folder("old")
    with subprocess.Popen(["sleep", "60"], cwd=folder) as keeper:
        assert releases.old(2) == ["new"]
        keeper.kill()
    assert releases.old(2) == ["new", "old"]


def test_a_removed_release_is_gone_with_what_was_left_half_done(releases: Releases) -> None:
    for name in (".gone-first", ".incoming-12"):
        (releases.home / "releases" / name / "folder").mkdir(parents=True)
    releases.remove("new")
    assert [one.name for one in (releases.home / "releases").iterdir()] == ["old"]
    with pytest.raises(BadInput, match="is not there any more"):
        releases.folder("new")


def test_a_log_of_before_there_were_standbys_is_read(releases: Releases) -> None:
    line = (
        b'{"at":"2026-11-25T00:00:00Z","outcome":"upgraded","before":"old","after":"new","by":"wang",'
        b'"backup":"/backup","stood":{"main":"0009"}}\n'
    )
    (releases.home / "releases/upgrades.jsonl").write_bytes(line)
    assert releases.log() == (entry(Outcome.UPGRADED),)


def test_putting_another_in_place_is_one_renaming(releases: Releases) -> None:
    releases.put_in_place("new")
    assert releases.in_place == "new"
    assert not releases.link.readlink().is_absolute()
    assert releases_of(releases.folder("new").resolve()) == releases
    with pytest.raises(BadInput, match="is not there any more"):
        releases.put_in_place("gone")
    assert releases.in_place == "new"


def test_a_checkout_of_its_own_is_no_release(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is no release"):
        releases_of(tmp_path / "app")


def test_the_log_lasts(releases: Releases) -> None:
    lines = [entry(outcome) for outcome in Outcome]
    for line in lines:
        releases.record(line)
    assert releases.log() == tuple(lines)


def test_two_at_a_time_are_refused(releases: Releases) -> None:
    with releases.alone(), pytest.raises(Conflict, match="under way"), releases.alone():
        pass
    with releases.alone():
        pass


def test_an_upgrade_that_was_cut_off_comes_first(releases: Releases, tmp_path: Path) -> None:
    releases.record(entry(Outcome.BEGAN))
    with pytest.raises(Conflict, match="the upgrade to new was cut off"):
        upgrade(releases, Settings(data_dir=tmp_path)).to("main", unwell=True)


@pytest.mark.parametrize("what", [lambda one: one.to("main"), lambda one: one.back()], ids=["to", "back"])
def test_paths_that_another_version_would_look_for_elsewhere_are_refused(
    releases: Releases, tmp_path: Path, what: Callable[[Upgrade], None]
) -> None:
    releases.record(entry(Outcome.UPGRADED))
    node = NodeSettings(name="node1", accounts=tmp_path / "accounts.json", directory=Path("node1"))
    with pytest.raises(BadInput, match="directory of node1: name the whole path"):
        what(upgrade(releases, Settings(data_dir=tmp_path, nodes=(node,))))


def test_there_is_nothing_to_roll_back_twice(releases: Releases, tmp_path: Path) -> None:
    releases.record(entry(Outcome.UPGRADED))
    releases.record(entry(Outcome.ROLLED_BACK))
    with pytest.raises(BadInput, match="no upgrade is there"):
        upgrade(releases, Settings(data_dir=tmp_path)).back()


def test_what_a_step_said_last_is_told() -> None:
    assert said(["echo", "well"]) == "well\n"
    with pytest.raises(StepFailed, match="status 3: no luck"):
        said(["sh", "-c", "echo no luck >&2; exit 3"])
    with pytest.raises(StepFailed, match="cannot be started"):
        said(["/no/such/program"])


@pytest.mark.parametrize("text", ["", "usage: hotline", '{"stand": {}}', '{"wanted": ["main"]}'])
def test_a_version_that_does_not_say_which_tables_it_wants_is_refused(text: str) -> None:
    with pytest.raises(HotlineError, match="does not say which tables"):
        require_revisions(text)
    wanted = require_revisions('said before\n{"wanted": {"main": "2", "ledger": "1"}}')
    assert wanted == {"main": "2", "ledger": "1"}
