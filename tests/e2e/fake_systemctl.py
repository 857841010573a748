"""A fake systemctl, where the first process is no systemd: `start` and `stop` of one unit as it ships.

    systemctl start hotline     its ExecStart, as its User, in its WorkingDirectory, with its Environment
    systemctl stop hotline      SIGTERM, then until it has ended

What it does not do: the sandbox of the unit (Protect…, ReadWritePaths), Restart, the journal.
"""

from __future__ import annotations

import os
import pwd
import select
import signal
import subprocess
import sys
from pathlib import Path

UNITS = Path("/etc/systemd/system")
PIDS = Path("/srv/hotline/pids")
PATIENCE_S = 60


def main(verb: str, unit: str) -> int:
    """Exit status."""
    kept = PIDS / f"{unit}.pid"
    if verb == "start":
        PIDS.mkdir(exist_ok=True)
        kept.write_text(str(started(UNITS / f"{unit}.service")), "ascii")
        return 0
    pid = int(kept.read_text("ascii"))
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return 0
    signal.pidfd_send_signal(descriptor, signal.SIGTERM)
    gone, _, _ = select.select([descriptor], [], [], PATIENCE_S)
    return 0 if gone else 1


def started(file: Path) -> int:
    """The process of the unit in `file`."""
    lines = [line.partition("=")[::2] for line in file.read_text("utf-8").splitlines() if "=" in line]
    unit = dict(lines)
    user = pwd.getpwnam(unit["User"])
    environment = dict(value.split("=", 1) for key, value in lines if key == "Environment")
    with Path("/srv/hotline/service.log").open("ab") as log:
        process = subprocess.Popen(
            unit["ExecStart"].split(),
            cwd=unit["WorkingDirectory"],
            env={"PATH": "/usr/bin:/bin", "HOME": user.pw_dir, "USER": user.pw_name, **environment},
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=[],
            umask=0o027,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return process.pid


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
