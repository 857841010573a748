"""The settings of calls that we make: whom, when, how often, and with which words."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from core.dialling import DOMESTIC, check_pattern
from core.errors import BadInput
from hotline.settings_section import Section

_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


def _pattern(text: str) -> str:
    try:
        return check_pattern(text, "")
    except BadInput as error:
        raise ValueError(error.problem) from error


class OutgoingSettings(Section):
    """[outgoing] calls to customers, from a call-back, a work order or a summary"""

    allow: tuple[Annotated[str, AfterValidator(_pattern)], ...] = Field(
        default=DOMESTIC,
        description="patterns of the numbers that may be dialled, whole: digits, X for any, [2-8] for some; "
        "by default mobiles and landlines of the country, nothing abroad and no paid services",
    )
    first: str = Field(
        default="08:30", pattern=_TIME, description="time of day from which customers are called"
    )
    last: str = Field(default="20:30", pattern=_TIME, description="time of day from which no more are")
    working_days: bool = Field(default=False, description="on working days of the calendar only")
    tries: int = Field(
        default=3, ge=1, le=20, description="times that the customer of one record is dialled, at most"
    )
    answer_within_s: int = Field(
        default=40, ge=5, le=120, description="seconds that a customer's telephone rings"
    )
    keep_place_min: int = Field(
        default=30,
        ge=0,
        le=240,
        description="minutes for which callers who asked to be called back keep their place in the queue: "
        "when it is their turn an agent is held for them, and the customer called, once; 0: a leader calls",
    )
    callback_first: Literal["agent", "customer"] = Field(
        default="agent",
        description="whose telephone is called first when it is the turn of a caller who keeps a place: "
        "`agent`, or `customer`: then an agent is held meanwhile, and rung once the customer has answered",
    )
    transfer_to: tuple[Annotated[str, Field(pattern=r"^[0-9]{3,20}$")], ...] = Field(
        default=(),
        description="numbers outside to which an agent's telephone may send a customer, each as it is "
        "dialled, such as 110 or a branch's landline; a transfer to any other is refused",
    )
    greeting: str = Field(
        default="您好,这里是银行客户服务中心95559,我是{agent}号客服代表。",
        min_length=5,
        max_length=200,
        description="what the agent says first, with `{agent}` for the staff number (CALL-05)",
    )

    @model_validator(mode="after")
    def _hours_are_hours(self) -> OutgoingSettings:
        if self.first >= self.last:
            raise ValueError("outgoing.first: is not before outgoing.last: nobody could ever be called")
        if "{agent}" not in self.greeting or re.search(r"[{}]", self.greeting.replace("{agent}", "")):
            raise ValueError(
                "outgoing.greeting: the agent's number has to be in it, as {agent}, and nothing else"
            )
        return self
