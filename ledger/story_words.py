"""What a story says, in Chinese and English: a sentence for each kind of fact, a word for a value. Pure."""

from __future__ import annotations

from typing import Literal

from core.clock import MILLISECOND, SECOND, Duration
from ledger.story import CUSTOMER, HOTLINE, Line

Language = Literal["zh", "en"]
_SENTENCES: dict[str, tuple[str, str]] = {
    "CallArrived": ("来电 {called}，主叫 {caller}", "calls {called} from {caller}"),
    "LanguageChosen": ("选择语言：{language}", "language: {language}"),
    "MenuChosen": ("菜单 {menu} 按 {key} → {target}", "menu {menu}, key {key} → {target}"),
    "MenuFailed": ("菜单 {menu}：{cause}（第 {attempt} 次）", "menu {menu}: {cause} (no. {attempt})"),
    "NobodyOnDuty": ("{queue} 无人值守", "nobody on duty for {queue}"),
    "CustomerIdentified": ("识别客户：级别 {level}（{source}）", "customer known: {level} ({source})"),
    "CallerQueued": ("进入排队，优先级 {priority}", "waits, priority {priority}"),
    "CallerLeftQueue": ("离开排队：{reason}", "leaves the queue: {reason}"),
    "CallbackRequested": ("要求回电 {number}", "is to be called back at {number}"),
    "CallbackPlaceEnded": ("回电位次结束：{outcome}", "the place kept for the call-back is over: {outcome}"),
    "CallerMoved": ("{by} 改排至 {queue}", "moved to {queue} by {by}"),
    "AgentOffered": ("话机 {device} 振铃", "{device} is to ring"),
    "OfferEnded": ("未接听：{outcome}", "not taken: {outcome}"),
    "AgentAnswered": ("接通", "answers"),
    "HoldStarted": ("保持", "hold"),
    "HoldExplained": ("保持原因：{reason}（客户已同意）", "hold because of {reason}, with consent"),
    "HoldEnded": ("恢复通话", "back from hold"),
    "ConsultStarted": ("咨询 {to}，话机 {device} 振铃", "asks {to}, {device} is to ring"),
    "ConsultAnswered": ("{to} 接听咨询", "{to} answers the question"),
    "ConsultEnded": ("咨询结束：{outcome}", "the question ends: {outcome}"),
    "ConferenceStarted": ("三方通话开始，{to} 加入", "a conference with {to} begins"),
    "ConferenceEnded": ("三方通话结束", "the conference ends"),
    "CallTransferred": ("转接至 {to}", "transfers to {to}"),
    "OutsideDialled": ("拨叫外部号码 {number}", "{number}, outside, is dialled"),
    "OutsideAnswered": ("{number} 接听", "{number} answers"),
    "OutsideEnded": ("外部转接结束：{outcome}", "the transfer outside ends: {outcome}"),
    "TelephoneLost": ("坐席话机掉线", "the agent's telephone is lost"),
    "LeaderJoined": ("班长 {leader} 加入：{mode}", "leader {leader} joins: {mode}"),
    "LeaderModeChanged": ("班长 {leader} 改为：{mode}", "leader {leader} goes on: {mode}"),
    "LeaderLeft": ("班长 {leader} 退出", "leader {leader} leaves"),
    "LeaderMissed": ("班长 {leader} 未加入：{cause}", "leader {leader} is not in: {cause}"),
    "CallOrdered": ("{by} 下令：{order}", "{by} orders: {order}"),
    "HarassmentReported": ("骚扰电话，已警告", "harassment, warned"),
    "TalkEnded": ("通话结束，{released_by}先挂机", "talk ends, released by {released_by}"),
    "OutgoingStarted": (
        "外呼 {number}，先呼{first}，坐席话机 {device}",
        "a call to {number}, first to the {first}; the agent's telephone is {device}",
    ),
    "CustomerDialled": ("拨叫客户", "the customer is dialled"),
    "CustomerAnswered": ("客户接听", "answers, an agent is to be rung"),
    "OutgoingEnded": ("外呼结束：{outcome}", "the call ends: {outcome}"),
    "RecordingStarted": ("开始录音", "recording begins"),
    "RecordingEnded": ("录音结束", "recording ends"),
    "RecordingFiled": ("录音归档：{status}", "recording filed: {status}"),
    "SurveyStarted": ("进入满意度评价（{by}）", "survey begins ({by})"),
    "SurveyAnswered": ("{question}：{answer}", "{question}: {answer}"),
    "SurveyEnded": ("评价结束：{outcome}", "survey ends: {outcome}"),
    "SummarySaved": ("通话小结 {number}", "summary {number}"),
    "TicketOpened": ("工单 {number}（{kind}）", "work order {number} ({kind})"),
    "CallEnded": ("来电结束：{reason}", "call ends: {reason}"),
}
_VALUES: dict[str, str] = {
    "cmn": "普通话",
    "nan": "闽南语",
    "en": "英语",
    "no_input": "未按键",
    "wrong_input": "按键无效",
    "answered": "已接通",
    "abandoned": "客户放弃",
    "timed_out": "超时",
    "nobody_on_duty": "无人值守",
    "requeued": "重新排队",
    "callback": "预约回电",
    "node_lost": "节点中断",
    "system": "系统",
    "unseen": "未观测到",
    "no_answer": "无应答",
    "rejected": "拒接",
    "busy": "忙",
    "unreachable": "话机不可达",
    "caller_gone": "客户已挂机",
    "cancelled": "已取消",
    "customer_gone": "坐席接听前客户已挂机",
    "no_agent": "无坐席接听",
    "reached": "已接通",
    "not_reached": "未接通",
    "expired": "保留时间已过",
    "outside_hours": "非外呼时段",
    "withdrawn": "已撤销",
    "wrong_number": "空号",
    "customer": "客户",
    "agent": "坐席",
    "completed": "已完成",
    "wrong_key": "按键无效",
    "hung_up": "客户挂机",
    "satisfaction": "满意度",
    "solved": "是否解决",
    "listen": "旁听",
    "whisper": "耳语",
    "barge": "三方",
    "not_taken": "未接",
    "take_over": "接管",
    "end": "结束通话",
    "present": "完整",
    "missing": "缺失",
    "damaged": "损坏",
}
_LANES: dict[str, tuple[str, str]] = {CUSTOMER: ("客户", "customer"), HOTLINE: ("热线", "hotline")}
_KINDS: dict[str, tuple[str, str]] = {
    "queue": ("队列", "queue"),
    "agent": ("坐席", "agent"),
    "outside": ("外部", "outside"),
}


def sentence(line: Line, language: Language) -> str:
    """What the line says, with how long it took."""
    about = {name: _value(value, language) for name, value in line.about.items()}
    said = _SENTENCES[line.kind][language == "en"].format(**about)
    if line.took is None:
        return said
    return f"{said}{'，' if language == 'zh' else ', '}{seconds(line.took)}"


def lane_name(lane: str, language: Language) -> str:
    """The lane's name for people."""
    if lane in _LANES:
        return _LANES[lane][language == "en"]
    kind, _, name = lane.partition(":")
    return f"{_KINDS[kind][language == 'en']} {name}"


def seconds(duration: Duration) -> str:
    """To the tenth of a second; minutes from a hundred seconds on."""
    tenths = round(duration / (100 * MILLISECOND))
    if duration < 100 * SECOND:
        return f"{tenths / 10:.1f} s"
    return f"{tenths // 600}:{tenths // 10 % 60:02} min"


def _value(value: str, language: Language) -> str:
    return _VALUES.get(value, value) if language == "zh" else value.replace("_", " ")
