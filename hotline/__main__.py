"""The command line: `hotline COMMAND`, or `python -m hotline COMMAND`.

A command is a module with `add_arguments(parser)` and `run(arguments) -> exit status`; it is imported only
when it is asked for. What is refused ends with status 2 and a sentence that says what to do.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from core.errors import HotlineError

# command -> (module, one line of help)
COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("hotline.serve", "run the service on the nodes that the settings name"),
    "web": ("hotline.commands.web", "serve pages and screens beside the service, in a process of their own"),
    "init": ("hotline.commands.init", "write the first settings, asking for each"),
    "prepare": (
        "hotline.commands.prepare",
        "make what service and nodes need before they start: passwords, accounts, configuration",
    ),
    "up": ("hotline.commands.up", "run the service with the Asterisk of each of its nodes"),
    "asterisk": (
        "hotline.commands.asterisk",
        "run one node's Asterisk in the foreground, or ask it something",
    ),
    "password": ("hotline.commands.password", "make a new first password, or a new PIN, for one person"),
    "check": ("hotline.commands.check", "look whether everything is as it should be, and say what to mend"),
    "healthy": ("hotline.commands.healthy", "ask the running service whether it is well, in a word"),
    "call": ("hotline.commands.call", "show one call in order, or draw it"),
    "proof": ("hotline.commands.proof", "prove a day: ledger, queue logs, recordings and summaries agree"),
    "backup": ("hotline.commands.backup", "copy all that cannot be made again, while the service runs"),
    "restore": ("hotline.commands.restore", "put a backup back, or look whether it is whole"),
    "migrate": ("hotline.commands.migrate", "bring the databases to this program's tables, or back"),
    "upgrade": ("hotline.commands.upgrade", "put another version in place, or back if it does not get ready"),
    "roll-back": ("hotline.commands.roll_back", "put the version before back, with its tables"),
    "intervals": ("hotline.commands.intervals", "count the figures over time again from the ledger"),
    "retention": (
        "hotline.commands.retention",
        "remove what the settings keep for a time only, say what would go, or hold a call",
    ),
    "reload": ("hotline.commands.reload", "let a running Asterisk take what `hotline prepare` has made anew"),
    "demo": ("hotline.demo", "run everything with simulated customers and agents"),
    "content": ("hotline.content", "check directory, prompts and flows without starting anything"),
    "flow": ("hotline.commands.flow", "try, draw, publish what a caller hears and presses, or go back"),
    "prompts": (
        "hotline.commands.prompts",
        "how each prompt stands; replace one, take that back, listen",
    ),
    "due": ("hotline.commands.due", "list timers given up and notices not sent or come back, or try again"),
    "jobs": (
        "hotline.commands.jobs",
        "list work that runs aside, try one again that was given up, or cancel",
    ),
    "settings": (
        "hotline.commands.settings_page",
        "show the settings in force, or write the page that lists them all",
    ),
    "rules": ("hotline.commands.rules_register", "list the rules and the tests that prove them"),
    "audit": ("hotline.commands.audit", "check the chain of accesses, or print its last link"),
    "rights": ("hotline.commands.rights_page", "list who may do what: every route and every right, by role"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; its exit status, or 2 with a message if it was refused."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = next(iter(given), "")
    try:
        chosen = _parse(given)
        return int(importlib.import_module(COMMANDS[chosen.command][0]).run(chosen))
    except HotlineError as error:
        print(f"hotline {name}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"hotline {name}: stopped", file=sys.stderr)
        return 130


def _parse(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hotline", description="The contact centre of hotline 95559.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, line) in COMMANDS.items():
        sub = commands.add_parser(name, help=line, description=line)
        if list(given[:1]) == [name]:
            importlib.import_module(module).add_arguments(sub)
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main())
