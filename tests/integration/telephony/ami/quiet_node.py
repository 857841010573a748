"""A node on which nothing happens: three log-ins, empty snapshots, every command done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from telephony.ami.accounts import Role
from tests.integration.telephony.ami.scripted_peer import BANNER, ScriptedPeer, Talk
from tests.integration.telephony.ami.test_link_failures import serve


def quiet_node(*refused: Role) -> ScriptedPeer:
    """Not listening yet: `async with`. `refused`: accounts that it does not accept."""

    async def script(talk: Talk) -> None:
        talk.raw(BANNER)
        login = await talk.action()
        if login["Username"] in refused:
            talk.reply(login, "Response: Error", "Message: Authentication failed")
            return
        talk.reply(login, "Response: Success")
        if login["Username"] == Role.EVENTS:
            talk.say("Event: FullyBooted", "Uptime: 1000")
        await (serve if login["Username"] == Role.RESYNC else Talk.stay)(talk)

    return ScriptedPeer(script)


def node_settings(name: str, port: int, folder: Path) -> dict[str, Any]:
    """The node as the settings name it, with its accounts file and folder made."""
    home = folder / name
    home.mkdir()
    accounts = folder / f"{name}.json"
    accounts.write_text(json.dumps({role.value: "s3cret-of-the-test" for role in Role}), "utf-8")
    return {"name": name, "port": port, "accounts": accounts, "directory": home}
