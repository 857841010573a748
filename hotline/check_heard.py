"""What callers of a node hear, for `hotline check`: prompts against the catalogue, flows against files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from core.errors import HotlineError
from hotline.content import Content
from hotline.findings import Finding, Weight, of_flow, of_prompts
from hotline.publishing import live_version
from hotline.settings import Settings
from hotline.settings_nodes import NodeSettings
from ivr import history
from ivr.compile import compile_flow, versions_in
from ivr.named import told_gone
from ivr.publish import flow_file
from ivr.standing import prompt_standings
from telephony import instance
from telephony.instance import AsteriskInstance, AsteriskProblem


def of_node_prompts(node: NodeSettings, settings: Settings, content: Content) -> Iterator[Finding]:
    """Prompts that are missing or stale, by what mends them."""
    about, folder = f"prompts of {node.name}", node.directory.absolute() / "prompts"
    try:
        found = prompt_standings(content.catalogue, folder, studio=settings.studio_folder)
    except HotlineError as problem:
        yield Finding(Weight.ERROR, about, str(problem), "mend that, then `hotline prepare`")
        return
    yield from of_prompts(about, found)


def of_node_flows(node: NodeSettings, content: Content) -> Iterator[Finding]:
    """The version callers are led into is Asterisk's to say; that it does not answer is said elsewhere."""
    folder = node.directory.absolute()
    for flow in content.flows.values():
        file = flow_file(folder, flow.name)
        there = versions_in(file.read_text(encoding="utf-8")) if file.exists() else ()
        written = there[0].version if there else ""
        try:
            live = asyncio.run(_live(node, flow.name))
        except AsteriskProblem:
            live = written
        about = f"flow {flow.name} on {node.name}"
        for version in there:
            if version.version == live and (gone := told_gone(version, content.directory.queues)):
                remedy = "bring it back, or `hotline flow publish` one that does not"
                yield Finding(Weight.ERROR, about, f"{live} leads callers to {gone}", remedy)
        yield of_flow(
            about,
            content=compile_flow(flow).version,
            file=written,
            live=live,
            left=history.gone_back_from(history.read(history.history_file(folder, flow.name))),
        )


async def _live(node: NodeSettings, flow: str) -> str:
    return await live_version(AsteriskInstance(node.directory.absolute(), await instance.find()), flow)
