"""Another version in place, step by step, and back by itself if it does not become ready.

    while the old one runs   fetch · set up · check settings and content · back up · rehearse · prepare
    then                     stop · migrate · link · start · wait for /ready · reload the dialplan
    at last                  remove releases that are too many

A standby goes the same way, but Asterisk's files and its dialplan are the leader's, and are left alone.
Asterisk is not stopped: the dialplan carries the calls meanwhile. Every step of a version is done by that
version's own program, in a process of its own. Going back takes databases *down* by the migrations of the
version that is left, which keeps what was stored since; only if that fails the backup is put back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.clock import Clock, iso
from core.errors import BadInput, Conflict, HotlineError
from hotline.commands import healthy
from hotline.commands.backup import back_up
from hotline.commands.migrate import require_revisions, revisions
from hotline.led import require_not_led
from hotline.releases import Entry, Outcome, Releases, said
from hotline.settings import Settings
from storage import Database
from storage.scratch import NoScratch, require_scratch

AGAIN_S = 120
"""So long the version before may take after a roll-back: there is nothing else to be tried then."""
_ASK_EVERY_S = 0.5
Say = Callable[[str], None]


class UpgradeFailed(HotlineError):
    """The new version is not in place; the message says why, what was rolled back and how it stands now."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One upgrade or roll-back. `project`: the release that runs this; `config`: the settings' file."""

    releases: Releases
    project: Path
    settings: Settings
    config: Path
    by: str
    clock: Clock
    say: Say

    # -------------------------------------------------------------- there

    def to(self, ref: str, *, unwell: bool = False, rehearse: bool = True) -> None:
        """Put `ref` in place; `UpgradeFailed` if it was rolled back, other errors before anything stopped."""
        standby = self._require_fit(unwell=unwell)
        before = self.releases.in_place
        after = self.releases.bring(self.project, ref)
        if after == before:
            raise Conflict(f"{after} is in place already")
        self.say(f"{before} → {after}, in {self.releases.folder(after)}")
        said(self._own(after, "content", set_up=True))
        self.say("set up; settings and content are in order for it")
        entry, wanted = self._ready_to_go(before, after, standby=standby, rehearse=rehearse)
        try:
            self._prepare(after, standby=standby)
        except HotlineError:
            self._prepare(before, standby=standby)
            raise
        self.releases.record(entry)
        try:
            self._switch(after, migrates=wanted != entry.stood, patience_s=self.settings.upgrade.ready_s)
        except BaseException as problem:
            self.say(f"{after} is not put in place: {problem or type(problem).__name__}")
            self._return(entry)
            raise UpgradeFailed(
                f"rolled back to {before}, which is ready again; {after}: {problem}"
            ) from problem
        self._done(entry, Outcome.UPGRADED, after)
        self._tidy()

    def _ready_to_go(
        self, before: str, after: str, *, standby: bool, rehearse: bool
    ) -> tuple[Entry, Mapping[str, str | None]]:
        """Backup made, migrations tried on it: what to write down, and the tables `after` wants."""
        stood = {str(name): at for name, at in asyncio.run(revisions(self.settings)).items()}
        wanted = require_revisions(self._program(after, "migrate", "--show"))
        migrates = dict(wanted) != stood
        if migrates:
            asyncio.run(require_not_led(self.settings, then="upgrade: the tables change"))
        if migrates and rehearse:
            self._require_scratch()
        folder = self.settings.upgrade.backups or self.settings.data_dir / "backups"
        backup = asyncio.run(back_up(self.settings, folder, recordings=False, config=self.config))
        self.say(f"backup without recordings: {backup}")
        if not migrates:
            self.say("databases: the tables stay as they are")
        elif not rehearse:
            self.say("migrations: NOT rehearsed, as was asked for")
        else:
            self.say(self._program(after, "migrate", "--rehearse", str(backup)).strip())
        stamp = iso(self.clock())
        entry = Entry(stamp, Outcome.BEGAN, before, after, self.by, str(backup), stood, standby)
        return entry, {str(name): at for name, at in wanted.items()}

    def _switch(self, release: str, *, migrates: bool, patience_s: int) -> None:
        """Stop, migrate, link, start, wait."""
        said(self.settings.upgrade.stop)
        self.say("stopped; calls go on in the dialplan")
        if migrates:
            self.say(f"migrated: {self._program(release, 'migrate').strip()}")
        self.releases.put_in_place(release)
        said(self.settings.upgrade.start)
        self._wait(release, patience_s)

    def _wait(self, release: str, patience_s: int) -> None:
        began = time.monotonic()
        while (found := self._state()).problem:
            if time.monotonic() - began > patience_s:
                raise UpgradeFailed(f"{release} was not ready within {patience_s} s: {found.problem}")
            time.sleep(_ASK_EVERY_S)  # another process's readiness tells nobody
        stands_by = f", and stands by ({found.standby})" if found.standby else ""
        self.say(f"{release} is ready{stands_by}, {time.monotonic() - began:.1f} s after its start")

    # -------------------------------------------------------------- and back

    def back(self) -> None:
        """Put the version before back, and its tables; `UpgradeFailed` if it does not become ready."""
        entry = next(iter(reversed(self.releases.log())), None)
        if entry is None or entry.outcome is Outcome.ROLLED_BACK:
            raise BadInput("roll-back", "no upgrade is there to be rolled back")
        self._require_whole_paths()
        self.say(f"{self.releases.in_place} → {entry.before}")
        self._return(entry)

    def _return(self, entry: Entry) -> None:
        before = self.releases.folder(entry.before)
        said(self.settings.upgrade.stop)
        self._databases_back(entry)
        self._prepare(entry.before, standby=entry.standby)
        self.releases.put_in_place(before.name)
        said(self.settings.upgrade.start)
        self._wait(entry.before, AGAIN_S)
        self._done(entry, Outcome.ROLLED_BACK, entry.before)

    def _databases_back(self, entry: Entry) -> None:
        if entry.standby:
            self.say("databases: left to the leader")
            return
        stand = {str(name): at for name, at in asyncio.run(revisions(self.settings)).items()}
        targets = [
            f"{name}={at}" for name, at in entry.stood.items() if at is not None and stand.get(name) != at
        ]
        if not targets:
            self.say("databases: left alone, their tables have not changed")
            return
        try:
            self._program(entry.after, "migrate", "--to", *targets)
        except HotlineError as problem:
            self.say(f"databases: the migrations do not go down ({problem})")
            said(self._own(entry.before, "restore", entry.backup))
            self.say(
                f"databases: put back from {entry.backup}; what was stored since {entry.at} is lost to them, "
                "and kept in what was moved aside"
            )
            return
        self.say(f"databases: taken down by migrations to {', '.join(targets)}, what was stored since stays")

    def _done(self, entry: Entry, outcome: Outcome, release: str) -> None:
        """Asterisk takes the dialplan of what is in place; if it cannot, that is said, to be done by hand."""
        stamp = iso(self.clock())
        self.releases.record(msgspec.structs.replace(entry, at=stamp, outcome=outcome, by=self.by))
        if self.settings.nodes and not entry.standby:
            try:
                self._program(release, "reload")
                self.say("Asterisk has taken its dialplan")
            except HotlineError as problem:
                self.say(f"Asterisk has NOT taken its dialplan, do `hotline reload` by hand: {problem}")
        self.say(f"{outcome}: {release} is in place; next: `hotline check`")

    def _tidy(self) -> None:
        """Remove releases that are too many; one that cannot be is for a person."""
        for name in self.releases.old(self.settings.upgrade.keep):
            try:
                self.releases.remove(name)
                self.say(f"removed: the old release {name}")
            except OSError as problem:
                self.say(f"the old release {name} cannot be removed, do it by hand: {problem}")

    # -------------------------------------------------------------- what it takes

    def _require_fit(self, *, unwell: bool) -> bool:
        """Whether the service stands by."""
        self._require_whole_paths()
        last = next(iter(reversed(self.releases.log())), None)
        if last is not None and last.outcome is Outcome.BEGAN:
            raise Conflict(f"the upgrade to {last.after} was cut off: `hotline roll-back` first")
        found = self._state()
        if found.problem and not unwell:
            raise Conflict(f"the service is not well as it is: {found.problem}; mend that, or say --unwell")
        if found.standby:
            self.say(f"a {found.standby}: Asterisk's files and dialplan are left to the leader's upgrade")
        return bool(found.standby)

    def _state(self) -> healthy.State:
        return healthy.state(healthy.address(self.settings.web.host), self.settings.web.port)

    def _require_scratch(self) -> None:
        """`Conflict` if migrations cannot be tried on a copy."""
        try:
            for name, url in (("main", self.settings.main_url), ("ledger", self.settings.ledger_url)):
                asyncio.run(require_scratch(Database(url, name=name)))
        except NoScratch as problem:
            raise Conflict(f"{problem}; or say --unrehearsed, and go without") from problem

    def _require_whole_paths(self) -> None:
        """What would be looked for elsewhere by another release must not be relative."""
        mine = self.settings
        paths = {"data_dir": mine.data_dir, "credentials": mine.credentials_file}
        paths |= {"studio_prompts": mine.studio_folder}
        for node in mine.nodes:
            paths |= {f"directory of {node.name}": node.directory, f"accounts of {node.name}": node.accounts}
        if wrong := [name for name, path in paths.items() if not path.is_absolute()]:
            raise BadInput(
                ", ".join(wrong), "name the whole path, beginning with /: another version starts elsewhere"
            )

    def _prepare(self, release: str, *, standby: bool) -> None:
        """Asterisk's files and prompts as `release` wants them; new passwords, if any, into a file."""
        if standby:
            return
        sign_ins = self.settings.data_dir / f"sign-ins-{iso(self.clock()).replace(':', '')}.txt"
        self._program(release, "prepare", "--sign-ins", str(sign_ins))
        self.say("prepared: Asterisk's files and prompts")
        if sign_ins.exists():
            self.say(f"new passwords are in {sign_ins}: hand them out, then remove it")

    def _program(self, release: str, *words: str) -> str:
        return said(self._own(release, *words))

    def _own(self, release: str, *words: str, set_up: bool = False) -> list[str]:
        """A command of a release's own program; `set_up`: by its `run`, which sets up what it needs first."""
        folder = self.releases.folder(release)
        program = [str(folder / "run"), "hotline"] if set_up else [str(folder / ".venv/bin/hotline")]
        return [*program, *words, "--config", str(self.config)]
