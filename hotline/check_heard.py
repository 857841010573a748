"""What callers of a node hear, for `hotline check`: prompts against the catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from core.errors import HotlineError
from hotline.content import Content
from hotline.findings import Finding, Weight, of_prompts
from hotline.settings import NodeSettings, Settings
from ivr.standing import prompt_standings


def of_node_prompts(node: NodeSettings, settings: Settings, content: Content) -> Iterator[Finding]:
    """Prompts that are missing or stale, by what mends them."""
    about, folder = f"prompts of {node.name}", node.directory.absolute() / "prompts"
    try:
        found = prompt_standings(content.catalogue, folder, studio=settings.studio_folder)
    except HotlineError as problem:
        yield Finding(Weight.ERROR, about, str(problem), "mend that, then `hotline prepare`")
        return
    yield from of_prompts(about, found)
