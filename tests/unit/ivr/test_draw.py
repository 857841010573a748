"""The drawing of a flow shows every node and every key."""

from __future__ import annotations

from xml.etree import ElementTree

from ivr.draw import mermaid, svg
from tests.unit.ivr.flows import SMALL, hotline, small


def test_mermaid_shows_every_way() -> None:
    assert mermaid(small()).splitlines() == [
        "flowchart LR",
        '  n_top["top"]',
        '  n_notice["A word first"]',
        '  n_queue_loss(["queue:loss"])',
        '  n_hangup(["hangup"])',
        '  n_queue_operator(["queue:operator"])',
        '  n_queue_card(["queue:card"])',
        '  n_top -->|"1 Cards"| n_notice',
        '  n_top -->|"2 queue loss"| n_queue_loss',
        '  n_top -->|"3 English / 9 repeat"| n_top',
        '  n_top -->|"#35; hangup"| n_hangup',
        '  n_top -->|"✕"| n_queue_operator',
        '  n_notice -->|"…"| n_queue_card',
    ]


def test_svg_is_well_formed_and_names_every_node_and_key() -> None:
    flow = hotline()
    texts = [element.text or "" for element in ElementTree.fromstring(svg(flow)).iter() if element.text]  # noqa: S314
    for node in flow.nodes.values():
        assert node.title in texts
    assert "5 紧急挂失 → queue:loss" in texts
    assert "* 返回 → 主菜单" in texts


def test_titles_from_outside_stay_text() -> None:
    flow = small(SMALL.replace("A word first", "'<script>\"&'"))
    root = ElementTree.fromstring(svg(flow))  # noqa: S314
    assert '<script>"&' in [element.text for element in root.iter()]
    assert '"<script>\'&"' in mermaid(flow)
