"""`hotline init`: the first settings of a hotline, asked question by question at a terminal.

Every answer is checked as the settings themselves are, and asked again until it can be used; what is written
is a file that a person can read and change, with the defaults that were not touched left out.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadInput
from hotline.configuration import DEFAULT_FILE, BadSettings, load


@dataclass(frozen=True, slots=True)
class Question:
    """`default` stands for an empty answer; `write` turns the answer into lines of TOML, "" into none.

    `shape`: what the answer must look like before it can stand in the file at all, and how to say so.
    """

    name: str
    text: str
    default: str
    section: str
    write: Callable[[str], str]
    shape: tuple[str, str] = (r"[^\x00-\x1f]*", "one line of text")


def _text(key: str) -> Callable[[str], str]:
    return lambda answer: f"{key} = {_quoted(answer)}\n" if answer else ""


def _number(key: str) -> Callable[[str], str]:
    return lambda answer: f"{key} = {answer}\n"


def _ports(answer: str) -> str:
    first, _, last = answer.partition("-")
    return f"rtp_first = {first.strip()}\nrtp_last = {last.strip()}\n"


def _origin(answer: str) -> str:
    return f"origins = [{_quoted(answer)}]\nsecure_cookie = true\n" if answer else ""


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


NODE = "[[nodes]]"
_PORT = (r"\d{1,5}", "a whole number")
_RANGE = (r"\d{1,5}\s*-\s*\d{1,5}", "two whole numbers with a dash between, such as 10000-19999")
QUESTIONS = (
    Question("data", "folder for databases, passwords and recordings", "var/data", "", _text("data_dir")),
    Question("zone", "the bank's time zone", "Asia/Shanghai", "", _text("zone")),
    Question("web_host", "address the pages listen on", "127.0.0.1", "[web]", _text("host")),
    Question("web_port", "port the pages listen on", "9559", "[web]", _number("port"), _PORT),
    Question(
        "origin",
        "address people type in, if a TLS proxy stands in front (https://…; empty: none)",
        "",
        "[web]",
        _origin,
    ),
    Question(
        "redis",
        "URL of a Redis, if pages are to be served by processes of their own (redis://…; empty: none)",
        "",
        "[redis]",
        _text("url"),
    ),
    Question("sip_address", "address Asterisk takes calls on", "127.0.0.1", NODE, _text("sip_address")),
    Question("sip_port", "port Asterisk takes calls on", "5060", NODE, _number("sip_port"), _PORT),
    Question(
        "ami_port", "port of Asterisk's manager interface (loopback)", "5038", NODE, _number("port"), _PORT
    ),
    Question("rtp", "ports for sound, first-last", "10000-19999", NODE, _ports, _RANGE),
    Question(
        "trunk", "address of the carrier; whoever calls from there is a customer (empty: none)", "", NODE, str
    ),
    Question("dtmf", "how the carrier sends keys: rfc4733, info or auto_info", "rfc4733", NODE, str),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline init`."""
    parser.add_argument(
        "file", nargs="?", type=Path, default=DEFAULT_FILE, help=f"the file to write ({DEFAULT_FILE})"
    )
    parser.add_argument("--yes", action="store_true", help="ask nothing: take every default")


def run(arguments: argparse.Namespace) -> int:
    """Ask, check, write; nothing is written that could not be used."""
    file: Path = arguments.file
    if file.exists():
        raise BadInput("file", f"{file} is there already: change it by hand, or name another")
    answers = {one.name: one.default for one in QUESTIONS}
    if not arguments.yes:
        _ask(answers)
    text = settings_text(answers)
    _try(text, file)
    with file.open("x", encoding="utf-8") as out:
        out.write(text)
    print(f"{file} is written; next: `hotline prepare`")
    return 0


def _ask(answers: dict[str, str]) -> None:
    for one in QUESTIONS:
        if one.name == "dtmf" and not answers["trunk"]:
            continue
        while True:
            answer = _typed(f"{one.text} [{one.default or '-'}]: ") or one.default
            problem = _problem(one, answer, answers)
            if not problem:
                break
            print(f"  {problem}", file=sys.stderr)
        answers[one.name] = answer


def _typed(prompt: str) -> str:
    try:
        return input(prompt).strip()
    except EOFError as end:
        raise BadInput(
            "hotline init", "the answers have ended early: use --yes to take every default"
        ) from end


def _problem(question: Question, answer: str, before: Mapping[str, str]) -> str:
    """What is wrong with the answer; "" if it can be used."""
    pattern, shape = question.shape
    if not re.fullmatch(pattern, answer):
        return f"{answer[:60]!r} cannot be used: write {shape}"
    try:
        _try(settings_text({**before, question.name: answer}), DEFAULT_FILE)
    except BadSettings as refused:
        return refused.problems[0].problem
    return ""


def _try(text: str, file: Path) -> None:
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    aside.write_text(text, encoding="utf-8")
    try:
        load(aside, environment={})
    finally:
        aside.unlink()


def settings_text(answers: Mapping[str, str]) -> str:
    """The TOML these answers stand for."""
    parts = ["# The settings of this hotline; all there are: docs/settings.md\n"]
    section = ""
    for one in QUESTIONS:
        lines = "" if one.name in ("trunk", "dtmf") else one.write(answers[one.name])
        if one.section != section and lines:
            section = one.section
            parts.append(f"\n{section}\n")
            parts.append(_node(answers) if section == NODE else "")
        parts.append(lines)
    if answers["trunk"]:
        carrier = f'name = "carrier", addresses = [{_quoted(answers["trunk"])}]'
        parts.append(f"trunks = [{{ {carrier}, dtmf = {_quoted(answers['dtmf'])} }}]\n")
    return "".join(parts)


def _node(answers: Mapping[str, str]) -> str:
    data = Path(answers["data"])
    return "".join(
        f"{key} = {_quoted(value)}\n"
        for key, value in (
            ("name", "node1"),
            ("accounts", str(data / "node1-accounts.json")),
            ("directory", str(data / "node1")),
        )
    )
