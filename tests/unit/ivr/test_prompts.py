"""The catalogue of texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.names import LANGUAGES
from ivr.lines import Refused
from ivr.prompts import Catalogue, Words, read_catalogue
from ivr.speech import Speaker, SpeechFailed
from tests.unit.ivr.flows import catalogue

TEXTS = "    cmn: 您好\n    nan: 汝好\n    en: Hello\n"


def read(tmp_path: Path, body: str) -> Catalogue:
    path = tmp_path / "catalogue.yaml"
    path.write_text(f"prompts:\n{body}", encoding="utf-8")
    return read_catalogue(path)


def test_everything_that_is_announced_by_number_is_there() -> None:
    names = catalogue().names
    assert {f"position-{ahead}" for ahead in (*range(31), "many")} < names
    assert {f"wait-{minutes}" for minutes in (*range(16), "many")} < names
    assert {f"digit-{digit}" for digit in range(10)} < names


def test_numbers_are_put_into_the_text() -> None:
    prompt = catalogue().prompts["position-12"]
    assert prompt.shown("cmn") == "您前面还有12位客户。"
    assert prompt.shown("en") == "There are 12 callers ahead of you."


def test_readings_are_spoken_and_not_shown() -> None:
    words = Words("cmn", "电子银行[hang2]请按3")
    assert words.shown == "电子银行请按3"
    assert words.spoken == "电子银 hang2 请按3"


def test_callers_of_a_language_without_a_voice_hear_mandarin() -> None:
    part = catalogue().prompts["goodbye"].parts["nan"][0]
    without = Speaker("1.51", frozenset({"cmn-latn-pinyin", "en-gb"}))
    later = Speaker("9.9", frozenset({"cmn-latn-pinyin", "en-gb", "nan"}))
    assert without.utterance(part).text == "感谢您的来电，再见。"
    assert (later.utterance(part).voice, later.utterance(part).text) == ("nan", "感谢汝的来电，再会。")
    with pytest.raises(SpeechFailed, match="no voice for nan, cmn"):
        Speaker("1.51", frozenset({"en-gb"})).utterance(part)


def test_a_text_for_all_is_the_same_for_callers_of_every_language(tmp_path: Path) -> None:
    found = read(tmp_path, "  choose:\n    each:\n      - cmn: 请按1\n      - {nan: 請揤2, cmn: 请按2}\n")
    parts = found.prompts["choose"].parts
    assert set(parts) == set(LANGUAGES)
    assert (
        parts["cmn"]
        == parts["en"]
        == ((Words("cmn", "请按1"),), (Words("nan", "請揤2"), Words("cmn", "请按2")))
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("  hello:\n    cmn: 您好\n    en: Hello\n", "catalogue.yaml:3: hello: the nan text is missing"),
        (f"  hello:\n{TEXTS}    fr: Bonjour\n", "catalogue.yaml:6: hello: unknown field 'fr'"),
        (f"  Hello!:\n{TEXTS}", "catalogue.yaml:2: Hello!: a prompt's name is small letters"),
        (f"  ../etc:\n{TEXTS}", "catalogue.yaml:2: ../etc: a prompt's name is small letters"),
        (f"  hello:\n{TEXTS}  hello:\n{TEXTS}", "catalogue.yaml:6: prompts.hello: given twice"),
        (f"  at-{{n}}:\n{TEXTS}", "catalogue.yaml:3: at-{n}: {n} in the name and 'numbers"),
        (f"  at-{{n}}:\n    numbers: [1, x]\n{TEXTS}", "catalogue.yaml:3: at-{n}: 'numbers' has to be"),
        (
            f"  at-2:\n{TEXTS}  at-{{n}}:\n    numbers: [1, 3]\n{TEXTS}",
            "catalogue.yaml:6: at-{n}: 'at-2' is",
        ),
        ("  hello:\n    cmn: 行[hang]\n    nan: x\n    en: y\n", "catalogue.yaml:3: hello: a reading is one"),
        ("  hello: text\n", "catalogue.yaml:2: hello: has to be a mapping"),
        ("  hello:\n    each: []\n", "catalogue.yaml:3: hello: 'each' has to be a list"),
        ("  hello:\n    each:\n      - fr: x\n", "catalogue.yaml:4: hello: a part of 'each'"),
    ],
)
def test_every_mistake_is_named_with_line_and_prompt(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(Refused) as caught:
        read(tmp_path, body)
    assert message in str(caught.value)
