"""What is shipped under docker/monitoring: every figure that dashboard and rules name is really exported.

PromQL is taken apart by its names alone. It is a plain language: what is left when strings, labels, ranges,
numbers, functions and words of its own are taken away are the figures.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from directory.seed import DEMO, load
from tests.integration.hotline.test_metrics import scrape
from tests.integration.telephony.ami.quiet_node import node_settings
from tests.integration.web.program import Program, running_program

FOLDER = Path(__file__).parents[3] / "docker" / "monitoring"
GIVEN_BY_PROMETHEUS = {"up"}
LABELS_OF_PROMETHEUS = {"job", "instance"}
_WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "vector"}
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_MATCHERS = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")


def names_in(expression: str) -> set[str]:
    """The figures a PromQL expression asks for."""
    rest = re.sub(r'"[^"]*"', "", expression)
    rest = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", rest)
    rest = _GROUPING.sub("", rest)
    found = re.findall(r"(?<![\w.])[a-zA-Z_:][\w:]*(?![\w:]|\s*\()", rest)
    return {name for name in found if name not in _WORDS}


def labels_in(expression: str) -> Iterator[tuple[str, set[str]]]:
    """A figure with the labels it is chosen by."""
    for name, matchers in _MATCHERS.findall(re.sub(r'"[^"]*"', '""', expression)):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dashboard()["panels"]
    return found


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "grafana-dashboard.json").read_text("utf-8"))
    return found


def expressions() -> list[str]:
    """Everything that asks for a figure."""
    asked = [rule["expr"] for rule in rules()]
    asked += [target["expr"] for panel in panels() for target in panel.get("targets", ())]
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            asked.append(re.fullmatch(r"label_values\((\w+), \w+\)", variable["query"]["query"])[1])  # type: ignore[index]
    return asked


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    nodes = [node_settings("node1", 9, tmp_path)]
    async with running_program(load(DEMO), tmp_path, nodes=nodes) as made:
        await made.hotline.board.start()
        await made.sign_in("1001")
        yield made


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ('up{job="hotline"} == 0', {"up"}),
        ("60 * sum(rate(a_total{q=~\"$queue\"}[$__rate_interval])) / (max(b) > 0)", {"a_total", "b"}),
        ("sum by (instance, x) (increase(a_total[15m])) and on (node) c offset 5m", {"a_total", "c"}),
        ("count(a == 0) or vector(0)", {"a"}),
        ("1e3 * a:b + 0.5", {"a:b"}),
    ],
)  # fmt: skip
def test_names_are_found_in_an_expression(expression: str, names: set[str]) -> None:
    assert names_in(expression) == names


async def test_every_figure_that_is_asked_for_is_exported(program: Program) -> None:
    async with program.client.get(program.url / "metrics") as response:
        text = await response.text()
    exported = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
    asked = {name for expression in expressions() for name in names_in(expression)}
    assert asked - exported - GIVEN_BY_PROMETHEUS == set()
    assert len(asked) > 30
    watched = {name for name in exported if name.startswith("hotline_")}
    assert watched - asked == {"hotline_calls_arrived_total"}


async def test_figures_are_chosen_by_labels_they_have(program: Program) -> None:
    await scrape(program)
    labels: dict[str, set[str]] = {}
    for name, pairs in await scrape(program):  # the second one counts the first
        labels.setdefault(name, set()).update(label for label, _ in pairs)
    wrong = [
        (name, unknown)
        for expression in expressions()
        for name, chosen in labels_in(expression)
        if (unknown := chosen - LABELS_OF_PROMETHEUS - labels.get(name, set()))
    ]
    assert wrong == []


def test_every_rule_says_how_grave_it_is_and_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names)) > 15
    for rule in rules():
        assert re.fullmatch(r"Hotline[A-Za-z]+", rule["alert"])
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert set(rule["annotations"]) == {"summary", "description"}
        assert re.search(r"[\u4e00-\u9fff]", rule["annotations"]["summary"])


def test_the_dashboard_hangs_together() -> None:
    assert len({panel["id"] for panel in panels()}) == len(panels())
    spaces = [
        (x, y)
        for panel in panels()
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(spaces) == len(set(spaces))
    assert all(0 <= x < 24 for x, _ in spaces)
    variables = {variable["name"] for variable in dashboard()["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(panels())))
    assert used == variables | {"__rate_interval"}


def test_prometheus_is_told_of_the_job_that_the_rules_name() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    jobs = {job["job_name"] for job in config["scrape_configs"]}
    named = {job for rule in rules() for job in re.findall(r'job="(\w+)"', rule["expr"])}
    assert named == jobs == {"hotline"}
    assert config["rule_files"] == ["alerts.yml"]
