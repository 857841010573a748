"""/api/board: the figures now, how they are counted, and the calls behind each. Live: topic `board`.

/api/alarms: who takes a standing alarm upon himself.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from board.figures import (
    TOTAL,
    AcknowledgedFigures,
    AgentFigures,
    AlarmFigures,
    CallFigures,
    GapFigures,
    NodeFigures,
    QueueFigures,
    Waiting,
)
from board.formulas import AGENT_FORMULAS, CALL_FORMULAS, QUEUE_FORMULAS, Formula
from board.service import RIGHT, Board
from core.clock import MILLISECOND, Clock, moment
from web.route import ApiRequest, In, Out, Route


class BoardOut(Out):
    """All figures. `folded`: number of the last fact in them; `stored`: of the last that is stored."""

    at: datetime = Field(description="the instant up to which the figures are known")
    age_ms: int = Field(description="how long ago that was when this was sent")
    folded: int
    stored: int
    total: QueueFigures
    calls: CallFigures
    queues: dict[str, QueueFigures]
    waiting: dict[str, list[Waiting]]
    agents: dict[str, AgentFigures]
    nodes: list[NodeFigures]
    gaps: list[GapFigures]
    alarms: list[AlarmFigures]


class FormulaOut(Out):
    """How one figure is counted."""

    figure: str
    name_zh: str
    name_en: str
    unit: str
    counted: str = Field(description="the instant that decides the day a thing is counted in")
    formula: str
    opens: bool = Field(description="whether /api/board/calls lists the calls behind it")


class FormulasOut(Out):
    """How every figure is counted."""

    queue: list[FormulaOut]
    calls: list[FormulaOut]
    agent: list[FormulaOut]


class BehindQuery(In):
    """Which figure, of which queue (empty: all)."""

    figure: str = Field(min_length=1, max_length=40)
    queue: str = Field(default=TOTAL, max_length=32)
    limit: int = Field(default=500, ge=1, le=10_000)


class CountedOut(Out):
    """A call, and the instant that put it into the figure's day."""

    call: str
    at: datetime


class BehindOut(Out):
    """The newest calls behind a figure. `count`: of all; `whole` false: some of today's are forgotten."""

    figure: str
    queue: str
    count: int
    whole: bool
    calls: list[CountedOut]


class AcknowledgeIn(In):
    """One standing alarm, as the board names it. In the body, since a subject may hold a slash.

    `note`: what is being done about it; it is kept for good, so no customer's data belongs in it.
    """

    alarm: str = Field(min_length=1, max_length=40)
    subject: str = Field(min_length=1, max_length=80)
    note: str = Field(default="", max_length=120)


class AlarmOut(Out):
    """An alarm that stands, and whose it is."""

    alarm: str
    subject: str
    since: datetime
    detail: str
    acknowledged: AcknowledgedFigures | None


class BoardApi:
    """The handlers."""

    def __init__(self, board: Board, clock: Clock) -> None:
        self._board = board
        self._clock = clock

    def routes(self) -> list[Route]:
        """The routes of the board."""
        return [
            Route(
                method="GET",
                path="/api/board",
                handler=self._show,
                right=RIGHT,
                returns=BoardOut,
                summary="All live figures",
                tag="board",
            ),
            Route(
                method="GET",
                path="/api/board/formulas",
                handler=self._formulas,
                right="",
                returns=FormulasOut,
                summary="How every figure is counted",
                tag="board",
            ),
            Route(
                method="GET",
                path="/api/board/calls",
                handler=self._calls,
                right=RIGHT,
                query=BehindQuery,
                returns=BehindOut,
                summary="The calls behind a figure",
                tag="board",
            ),
            Route(
                method="POST",
                path="/api/alarms/acknowledge",
                handler=self._acknowledge,
                right="alarms.acknowledge",
                body=AcknowledgeIn,
                returns=AlarmOut,
                summary="Take a standing alarm upon oneself",
                tag="board",
            ),
        ]

    async def _show(self, _request: ApiRequest) -> BoardOut:
        figures = self._board.figures()
        folded, stored = self._board.numbers()
        known = self._board.known_until()
        return BoardOut(
            at=moment(known),
            age_ms=max(0, self._clock() - known) // MILLISECOND,
            folded=folded,
            stored=stored,
            total=figures.total,
            calls=figures.calls,
            queues={each.queue: each for each in figures.queues},
            waiting={queue: list(waiting) for queue, waiting in figures.waiting.items()},
            agents={each.agent: each for each in figures.agents},
            nodes=list(figures.nodes),
            gaps=list(figures.gaps),
            alarms=list(figures.alarms),
        )

    async def _formulas(self, _request: ApiRequest) -> FormulasOut:
        return FormulasOut(
            queue=[_formula(each) for each in QUEUE_FORMULAS],
            calls=[_formula(each) for each in CALL_FORMULAS],
            agent=[_formula(each, opens=False) for each in AGENT_FORMULAS],
        )

    async def _calls(self, request: ApiRequest) -> BehindOut:
        query: BehindQuery = request.query
        behind = self._board.calls_behind(query.figure, query.queue)
        newest = behind.calls[-query.limit :]
        return BehindOut(
            figure=behind.figure,
            queue=behind.queue,
            count=len(behind.calls),
            whole=behind.whole,
            calls=[CountedOut(call=each.call, at=moment(each.at)) for each in reversed(newest)],
        )

    async def _acknowledge(self, request: ApiRequest) -> AlarmOut:
        body: AcknowledgeIn = request.body
        taken = await self._board.acknowledge(
            body.alarm, body.subject, by=request.person.staff, note=body.note
        )
        return AlarmOut.model_validate(taken)


def _formula(formula: Formula, *, opens: bool = True) -> FormulaOut:
    return FormulaOut(
        figure=formula.figure,
        name_zh=formula.name_zh,
        name_en=formula.name_en,
        unit=formula.unit,
        counted=formula.counted,
        formula=formula.formula,
        opens=opens and formula.opens,
    )
