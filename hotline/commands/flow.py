"""`hotline flow`: follow keys through a flow without a telephone, draw it, see what Asterisk will get."""

from __future__ import annotations

import argparse

from core.errors import BadInput
from hotline.configuration import load
from hotline.content import Content, add_config, read_content
from ivr.compile import compile_flow
from ivr.draw import mermaid, svg
from ivr.model import Flow
from ivr.walk import SILENCE, walk


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline flow`."""
    add_config(parser)
    parser.add_argument("flow", nargs="?", default="95559", help="name of the flow (95559)")
    either = parser.add_mutually_exclusive_group(required=True)
    either.add_argument("--try", dest="keys", metavar="KEYS", help=f"press these keys; {SILENCE} is silence")
    either.add_argument("--draw", choices=("mermaid", "svg"), help="draw it on standard output")
    either.add_argument("--dialplan", action="store_true", help="the dialplan it is compiled to")


def run(arguments: argparse.Namespace) -> int:
    """Prints what was asked for."""
    content = read_content(load(arguments.config))
    if arguments.flow not in content.flows:
        raise BadInput(f"flow {arguments.flow}", f"there is none; there are {', '.join(content.flows)}")
    flow = content.flows[arguments.flow]
    if arguments.keys is not None:
        print(_told(content, flow, arguments.keys))
    elif arguments.draw:
        print(mermaid(flow) if arguments.draw == "mermaid" else svg(flow), end="")
    else:
        print(compile_flow(flow).text)
    return 0


def _told(content: Content, flow: Flow, keys: str) -> str:
    way = walk(flow, keys)
    lines = []
    for step in way.steps:
        heard = (content.catalogue.prompts[name].shown(step.language) for name in step.prompts)
        lines.append(f"{step.node} ({step.language}): {' '.join(heard)}")
        if step.key:
            lines.append("  no key pressed" if step.key == SILENCE else f"  presses {step.key}")
    return "\n".join([*lines, f"ends: {way.end or 'still there, nothing more was pressed'}"])
