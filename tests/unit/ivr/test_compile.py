"""The dialplan that a flow becomes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from ivr.compile import Compiled, compile_flow, render_file, version_global, versions_in
from ivr.model import HangUp, Menu
from ivr.publish import KEEP_EARLIER, publish
from tests.unit.ivr.flows import hotline, small

GOLDEN = """\
[ivr-777-VERSION-top]
exten => s,1,Background(${HOTLINE_DIR}/prompts/${CALL_LANG}/menu-main)
 same => n,WaitExten(5)
exten => 1,1,UserEvent(MenuChosen,Call: ${CALL_ID},Menu: top,Key: 1,Target: notice)
 same => n,CELGenUserEvent(MenuChosen,Call=${CALL_ID}&Menu=top&Key=1&Target=notice)
 same => n,Goto(ivr-777-VERSION-notice,s,1)
exten => 2,1,UserEvent(MenuChosen,Call: ${CALL_ID},Menu: top,Key: 2,Target: queue:loss)
 same => n,CELGenUserEvent(MenuChosen,Call=${CALL_ID}&Menu=top&Key=2&Target=queue:loss)
 same => n,Goto(hotline-queue,loss-${CALL_LANG},1)
exten => 3,1,MSet(__CALL_LANG=en,CHANNEL(language)=en)
 same => n,UserEvent(LanguageChosen,Call: ${CALL_ID},Language: en)
 same => n,CELGenUserEvent(LanguageChosen,Call=${CALL_ID}&Language=en)
 same => n,Goto(ivr-777-VERSION-top,s,1)
exten => 9,1,UserEvent(MenuChosen,Call: ${CALL_ID},Menu: top,Key: 9,Target: top)
 same => n,CELGenUserEvent(MenuChosen,Call=${CALL_ID}&Menu=top&Key=9&Target=top)
 same => n,Goto(ivr-777-VERSION-top,s,1)
exten => #,1,UserEvent(MenuChosen,Call: ${CALL_ID},Menu: top,Key: #,Target: hangup)
 same => n,CELGenUserEvent(MenuChosen,Call=${CALL_ID}&Menu=top&Key=#&Target=hangup)
 same => n,Hangup()
exten => t,1,UserEvent(MenuFailed,Call: ${CALL_ID},Menu: top,Cause: no_input,Attempt: 1)
 same => n,CELGenUserEvent(MenuFailed,Call=${CALL_ID}&Menu=top&Cause=no_input&Attempt=1)
 same => n,Goto(ivr-777-VERSION-top-2,no_input,1)
exten => i,1,UserEvent(MenuFailed,Call: ${CALL_ID},Menu: top,Cause: wrong_input,Attempt: 1)
 same => n,CELGenUserEvent(MenuFailed,Call=${CALL_ID}&Menu=top&Cause=wrong_input&Attempt=1)
 same => n,Goto(ivr-777-VERSION-top-2,wrong_input,1)

[ivr-777-VERSION-top-2]
include => ivr-777-VERSION-top
exten => no_input,1,Background(\
${HOTLINE_DIR}/prompts/${CALL_LANG}/no-input&${HOTLINE_DIR}/prompts/${CALL_LANG}/menu-main)
 same => n,WaitExten(5)
exten => wrong_input,1,Background(\
${HOTLINE_DIR}/prompts/${CALL_LANG}/wrong-key&${HOTLINE_DIR}/prompts/${CALL_LANG}/menu-main)
 same => n,WaitExten(5)
exten => t,1,UserEvent(MenuFailed,Call: ${CALL_ID},Menu: top,Cause: no_input,Attempt: 2)
 same => n,CELGenUserEvent(MenuFailed,Call=${CALL_ID}&Menu=top&Cause=no_input&Attempt=2)
 same => n,Goto(hotline-queue,operator-${CALL_LANG},1)
exten => i,1,UserEvent(MenuFailed,Call: ${CALL_ID},Menu: top,Cause: wrong_input,Attempt: 2)
 same => n,CELGenUserEvent(MenuFailed,Call=${CALL_ID}&Menu=top&Cause=wrong_input&Attempt=2)
 same => n,Goto(hotline-queue,operator-${CALL_LANG},1)

[ivr-777-VERSION-notice]
exten => s,1,Playback(${HOTLINE_DIR}/prompts/${CALL_LANG}/welcome,noanswer)
 same => n,Goto(hotline-queue,card-${CALL_LANG},1)
"""


def test_a_small_flow_to_the_letter() -> None:
    compiled = compile_flow(small())
    assert compiled.text == GOLDEN.replace("VERSION", compiled.version)


def test_the_way_in_sets_the_language_and_leads_to_the_active_version() -> None:
    compiled = compile_flow(small())
    head = render_file(compiled).split("; ====")[0]
    assert f"[globals](+)\n{version_global('777')}={compiled.version}\n" in head
    assert "[ivr-777]\nexten => s,1,MSet(__CALL_LANG=cmn,CHANNEL(language)=cmn)\n" in head
    assert f" same => n,Goto(ivr-777-{compiled.version}-top,s,1)\n" in head


def test_the_version_changes_with_what_is_heard_and_with_nothing_else() -> None:
    flow = small()
    retitled = replace(flow, title="Another title")
    top = flow.nodes["top"]
    assert isinstance(top, Menu)
    slower = replace(flow, nodes={**flow.nodes, "top": replace(top, timeout_s=6)})
    assert compile_flow(flow) == compile_flow(small())
    assert compile_flow(retitled).version == compile_flow(flow).version
    assert compile_flow(slower).version != compile_flow(flow).version


def test_every_goto_of_the_hotline_has_its_context() -> None:
    text = render_file(compile_flow(hotline()))
    contexts = set(re.findall(r"^\[(ivr-[^\]]+)\]", text, re.MULTILINE))
    assert {target for target, _ in re.findall(r"Goto\((ivr-[^,]+),(\w+),1\)", text)} < contexts
    assert set(re.findall(r"^include => (.+)$", text, re.MULTILINE)) <= contexts


def test_what_a_caller_presses_stands_in_no_expression() -> None:
    text = render_file(compile_flow(hotline()))
    assert "$[" not in text
    ours = text.replace("${LEN(${CALL_PREFERS})}", "").replace("${CALL_PREFERS}", "")  # of the record
    assert not re.search(r"\$\{(?!HOTLINE_DIR\}|CALL_LANG\}|CALL_ID\})", ours)


def test_the_way_in_leads_to_the_language_of_the_record_and_the_first_menu_is_there_as_ever() -> None:
    lines = render_file(active := compile_flow(hotline())).splitlines()
    entry = lines.index("[ivr-95559]")
    assert lines[entry + 1 : entry + 4] == [
        "exten => s,1,MSet(__CALL_LANG=cmn,CHANNEL(language)=cmn)",
        " same => n,ExecIf(${LEN(${CALL_PREFERS})}?"
        "MSet(__CALL_LANG=${CALL_PREFERS},CHANNEL(language)=${CALL_PREFERS}))",
        f" same => n,Goto({active.start},s,1)",
    ]


# ------------------------------------------------------------------ publishing


def variant(number: int) -> str:
    return compile_variant(number).version


def compile_variant(number: int) -> Compiled:
    flow = small()
    top = flow.nodes["top"]
    assert isinstance(top, Menu)
    return compile_flow(replace(flow, nodes={**flow.nodes, "top": replace(top, timeout_s=number)}))


def test_earlier_versions_stay_for_calls_in_progress(tmp_path: Path) -> None:
    path = tmp_path / "ivr-777.conf"
    for number in range(1, 9):
        assert publish(compile_variant(number), path)
    kept = versions_in(path.read_text())
    assert [each.version for each in kept] == [variant(n) for n in range(8, 8 - KEEP_EARLIER - 1, -1)]
    assert kept[0] == compile_variant(8)
    assert kept[1].text == compile_variant(7).text


def test_publishing_the_same_again_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ivr-777.conf"
    assert publish(compile_variant(1), path)
    before = path.stat()
    assert not publish(compile_variant(1), path)
    assert path.stat().st_ino == before.st_ino


def test_going_back_to_an_earlier_version_makes_it_the_active_one(tmp_path: Path) -> None:
    path = tmp_path / "ivr-777.conf"
    for number in (1, 2, 1):
        publish(compile_variant(number), path)
    assert [each.version for each in versions_in(path.read_text())] == [variant(1), variant(2)]


def test_a_failed_write_leaves_the_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ivr-777.conf"
    publish(compile_variant(1), path)
    before = path.read_text()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ivr.publish.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        publish(compile_variant(2), path)
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_hang_up_needs_no_queue() -> None:
    flow = small()
    ended = replace(flow, nodes={**flow.nodes, "notice": replace(flow.nodes["notice"], then=HangUp())})  # type: ignore[call-arg]
    assert " same => n,Hangup()" in compile_flow(ended).text.split("-notice]")[1]
