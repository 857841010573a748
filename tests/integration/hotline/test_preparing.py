"""A node prepared again: a flow somebody went back to stays, whatever the flow file says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.clock import system_clock
from hotline.content import Content, read_content
from hotline.node import Prepared, prepare
from hotline.settings import Settings
from ivr import history
from ivr.compile import compile_flow, versions_in
from ivr.history import How, Published
from ivr.model import Flow, Menu
from ivr.publish import flow_file, publish
from telephony.instance import find
from tests.support.exchange import node_spec

pytestmark = pytest.mark.asterisk


def slower(flow: Flow, seconds: int) -> Flow:
    """The same flow with other patience: another version."""
    main = flow.nodes["main"]
    assert isinstance(main, Menu)
    return replace(flow, nodes={**flow.nodes, "main": replace(main, timeout_s=seconds)})


async def test_going_back_outlives_a_preparation_until_another_version_is_there(tmp_path: Path) -> None:
    content, spec = read_content(Settings()), node_spec(tmp_path / "node", await find())
    flow, node = content.flows["95559"], spec.directory

    def prepared(wanted: Flow) -> Prepared:
        changed = Content(content.directory, content.catalogue, {"95559": wanted})
        return prepare(spec, changed, studio=None, by="prepare, wang", clock=system_clock)

    def next_start() -> str:
        return versions_in(flow_file(node, "95559").read_text())[0].version

    old, new, other = compile_flow(flow), compile_flow(slower(flow, 6)), compile_flow(slower(flow, 7))
    for wanted in (flow, slower(flow, 6), slower(flow, 6)):
        assert prepared(wanted).left == {}
    kept = history.read(history.history_file(node, "95559"))
    assert [(one.how, one.before, one.version, one.by) for one in kept] == [
        (How.PREPARED, "", old.version, "prepare, wang"),
        (How.PREPARED, old.version, new.version, "prepare, wang"),
    ]
    publish(old, flow_file(node, "95559"))
    back = Published("2026-11-25T00:00:00Z", old.version, How.WENT_BACK, "li", new.version)
    history.record(history.history_file(node, "95559"), back)
    assert prepared(slower(flow, 6)).left == {"95559": old.version}
    assert next_start() == old.version
    assert prepared(slower(flow, 7)).left == {}
    assert next_start() == other.version
