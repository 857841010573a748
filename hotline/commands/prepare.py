"""`hotline prepare`: everything the service and its nodes need before they start, made or brought up to date.

Credentials for people and telephones who have none, the AMI accounts, and each node's folder with Asterisk's
configuration, flows and prompts. What is there and has not changed is left alone. A password or PIN can be
shown only when it is made, so it is handed out before anything else can fail.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from core.clock import system_clock
from core.errors import BadInput
from directory import credentials
from directory.credentials import Credentials, Issued
from directory.lookup import Directory
from hotline import configuration
from hotline.author import add_by, who
from hotline.content import Content, add_config, kept_content
from hotline.databases import kept_passwords
from hotline.node import issue_accounts, prepare, spec_by
from hotline.preflight import require_folder
from hotline.settings import Settings
from hotline.settings_nodes import NodeSettings
from hotline.settings_outgoing import OutgoingSettings
from ivr.render import Rendered
from telephony import instance
from telephony.ami.accounts import Role
from telephony.instance import Programs
from telephony.nodespec import NodeSpec

_OWN = "(as it is)"
"""In place of a password, for people who have one of their own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline prepare`."""
    add_config(parser)
    parser.add_argument(
        "--sign-ins",
        type=Path,
        metavar="FILE",
        help="write new passwords and PINs to this new file, for its owner alone, instead of showing them",
    )
    add_by(parser)
    parser.add_argument(
        "--renew", nargs="+", default=[], metavar="STAFF", help="make a new password and PIN for these, too"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prepare all nodes of the settings; says what was done, and what comes next."""
    settings = configuration.load(arguments.config)
    if arguments.sign_ins is not None and arguments.sign_ins.exists():
        raise BadInput("--sign-ins", f"{arguments.sign_ins} is there already: name a new file")
    by = who(arguments)
    content = asyncio.run(kept_content(settings))
    require_folder(settings.data_dir)
    issued = issue(settings, content.directory, arguments.renew, asyncio.run(kept_passwords(settings)))
    hand_out(issued, content.directory, arguments.sign_ins)
    keys = credentials.load(settings.credentials_file)
    if not settings.nodes:
        print("no [[nodes]] in the settings: the service will run without telephones")
        return 0
    programs = asyncio.run(instance.find())
    for node in settings.nodes:
        spec = spec_of(node, content, keys, programs, accounts_of(node), outgoing=settings.outgoing)
        done = prepare(spec, content, studio=settings.studio_folder, by=f"prepare, {by}", clock=system_clock)
        print(f"{node.name}: prepared in {node.directory}, {_spoken(done.voices)}")
        for flow, version in done.left.items():
            print(f"  flow {flow} stays at {version}, to which somebody went back: `hotline flow publish`")
    print("next: `hotline up` starts Asterisk and the service; an Asterisk that runs takes what is new by")
    print("`hotline reload`, calls in progress unharmed")
    return 0


def issue(
    settings: Settings, directory: Directory, renew: Sequence[str] = (), have: Collection[str] = ()
) -> Issued:
    """Credentials for whoever has none, and new ones for `renew`; what was made just now, in clear.

    `have`: for whom the service keeps a password, which stays good.
    """
    file = settings.credentials_file
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    made = credentials.issue(file, directory, have=have)
    again = credentials.renew(file, [number for number in renew if number not in made.passwords])
    return Issued({**made.passwords, **again.passwords}, {**made.pins, **again.pins})


def accounts_of(node: NodeSettings) -> dict[Role, str]:
    """The secrets of the node's AMI accounts, made if it has none."""
    node.accounts.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    return issue_accounts(node.accounts)


def spec_of(
    node: NodeSettings,
    content: Content,
    keys: Credentials,
    programs: Programs,
    accounts: Mapping[Role, str],
    *,
    outgoing: OutgoingSettings,
) -> NodeSpec:
    """The node as the settings want it."""
    return spec_by(node, content.directory, keys, programs, accounts, outgoing=outgoing)


def hand_out(issued: Issued, directory: Directory, file: Path | None) -> None:
    """Show what was made just now, or write it to a new file that its owner alone can read."""
    if not issued.pins:
        print("everyone has a password and a PIN already")
        return
    names = {str(number): person.name for number, person in directory.staff.items()}
    rows = [
        f"{number:<8}  {issued.passwords.get(number, _OWN):<16}  {pin:<8}  {names.get(number, '')}"
        for number, pin in sorted(issued.pins.items())
    ]
    table = "\n".join([f"{'工号':<6}  {'密码':<14}  {'PIN':<8}  姓名", *rows]) + "\n"
    if file is None:
        print("made just now, and shown at no other time; passwords are changed at the first sign-in:")
        print(table)
        return
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(table)
    print(f"{len(rows)} passwords and PINs made just now are in {file}: hand them out, then remove it")


def _spoken(voices: Rendered) -> str:
    there = voices.cached + voices.unchanged
    return f"{voices.made} prompts made, {there} there already, {voices.studio} of all from the studio"
