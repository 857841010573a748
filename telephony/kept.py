"""Places kept in queues for callers who are to be called back: whose turn it is, and how each one ends. Pure.

    CallbackRequested ─► kept ─► OutgoingStarted ─┬─► AgentAnswered: reached
                          ▲                       └─► OutgoingEnded ─┬─ the customer was dialled: not reached
                          └──────────────── nobody was dialled ──────┘

A place counts from the caller's joining. It never goes before anybody who joined the queue earlier, and
once it is overdue nobody who joined later goes before it. It is for one call by the program: what does not
come of that is for whoever owes the call-back. Who asks once more, or calls again and is answered, has no
older place any more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from core import facts as f
from core.clock import SECOND, Duration, Instant
from core.dialling import known
from core.names import asked_callback
from telephony.waiting import Waiting

ABSENT_FOR: Duration = 30 * SECOND
"""An agent who did not pick up is not rung again for the same place any sooner."""
LATER: Duration = 30 * SECOND
"""After a try that could not be made: the telephone is in use, somebody calls the customer, no record yet."""
PROMISING: Duration = 20 * SECOND
"""Until then at most the caller still hears that he will be called."""
FILED: Duration = 2 * SECOND
"""After the end of that call, and of one that was made: the record has it."""
_NOBODY_DIALLED = frozenset(
    {f.OutgoingOutcome.AGENT_AWAY, f.OutgoingOutcome.NOT_DIALLED, f.OutgoingOutcome.NOT_ALLOWED}
)


class Place(Struct, frozen=True, gc=False):
    """A place in `queue` since `joined_at`; `call`: in which the caller asked for it, at `asked_at`.

    `number`: the one to be called, as `core.dialling.known` writes it. `language`: of what the caller heard.
    """

    call: str
    number: str
    node: str
    queue: str
    joined_at: Instant
    asked_at: Instant
    language: str = ""


class KeptPlaces:
    """`keeps`: for how long a place is kept after it was asked for; 0: none is. `bound`: of a queue, after
    which its callers are overdue."""

    def __init__(self, *, keeps: Duration, bound: Callable[[str], Duration]) -> None:
        self._keeps = keeps
        self._bound = bound
        self._places: dict[str, Place] = {}
        self._by_record: dict[str, str] = {}
        self._calls: dict[str, tuple[str, str]] = {}
        self._busy: set[str] = set()
        self._not_before: dict[str, Instant] = {}
        self._absent: dict[tuple[str, str], Instant] = {}
        self._spared: dict[str, Instant] = {}

    @property
    def any(self) -> bool:
        """Whether a place is kept for anybody."""
        return bool(self._places)

    def of(self, record: str) -> Place | None:
        """The place of the caller who asked for the call-back of this record, if it is still kept."""
        return self._places.get(self._by_record.get(record, ""))

    def hear(self, facts: Iterable[f.Fact]) -> list[f.CallbackPlaceEnded]:
        """Take the facts in; those that follow for places which have come to their end by them."""
        ended: dict[str, f.CallbackPlaceEnded] = {}
        for fact in facts if self._keeps else ():
            match fact:
                case f.CallbackRequested():
                    ended |= self._keep(fact)
                case f.CallEnded() if fact.call in self._places:
                    self._not_before[fact.call] = fact.at + FILED
                case f.CallbackPlaceEnded():
                    self._forget(fact.call)
                    ended.pop(fact.call, None)
                case f.OutgoingStarted() if fact.record in self._by_record:
                    self._calls[fact.call] = self._by_record[fact.record], known(fact.number)
                    self._busy.add(self._by_record[fact.record])
                case f.AgentAnswered() if fact.call in self._calls:
                    first, number = self._calls[fact.call]
                    ended |= self._over(first, f.PlaceOutcome.REACHED, fact.at)
                    ended |= self._spoken_with(number, fact)
                case f.OutgoingEnded() if fact.call in self._calls:
                    ended |= self._called(fact)
        return list(ended.values())

    def run_out(self, now: Instant, *, within_hours: bool = True) -> list[f.CallbackPlaceEnded]:
        """Ends of places that were kept long enough; none of one whose customer is being called.
        `within_hours`: whether customers are called now."""
        outcome = f.PlaceOutcome.EXPIRED if within_hours else f.PlaceOutcome.OUTSIDE_HOURS
        late = [
            place.call
            for place in self._places.values()
            if place.call not in self._busy and now - place.asked_at >= self._keeps
        ]
        ended: dict[str, f.CallbackPlaceEnded] = {}
        for call in late:
            ended |= self._over(call, outcome, now)
        return list(ended.values())

    def choose(
        self,
        agent: str,
        queues: Collection[str],
        lines: Mapping[str, Sequence[Waiting]],
        now: Instant,
    ) -> Place | None:
        """The place whose turn it is with this agent, who takes calls of `queues`; `lines`: who waits."""
        if self._spared.get(agent, 0) > now:
            return None
        free = (
            place
            for place in self._places.values()
            if place.queue in queues
            and place.call not in self._busy
            and self._not_before.get(place.call, 0) <= now
            and self._absent.get((place.call, agent), 0) <= now
        )
        return next(
            (
                place
                for place in sorted(free, key=lambda place: place.joined_at)
                if self._is_next(place, queues, lines, now)
            ),
            None,
        )

    def take(self, place: Place) -> None:
        """Its customer is about to be called: no second agent is for it."""
        self._busy.add(place.call)

    def put_back(self, call: str, until: Instant) -> None:
        """The call could not be made; nobody is chosen for it before `until`."""
        self._busy.discard(call)
        self._not_before[call] = until

    def spare(self, agent: str, until: Instant) -> None:
        """His telephone cannot be rung: he is chosen for no place before `until`."""
        self._spared[agent] = until

    def withdraw(self, call: str, at: Instant) -> list[f.CallbackPlaceEnded]:
        """Nobody is to be called for it any more: somebody else has done so, or it can never be."""
        return list(self._over(call, f.PlaceOutcome.WITHDRAWN, at).values())

    def spoken_with(self, caller: str, answer: f.AgentAnswered) -> list[f.CallbackPlaceEnded]:
        """An agent has answered a call from this number: whoever waits there for ours does so no more."""
        return list(self._spoken_with(known(caller), answer).values())

    # ------------------------------------------------------------------ inside

    def _is_next(
        self, place: Place, queues: Collection[str], lines: Mapping[str, Sequence[Waiting]], now: Instant
    ) -> bool:
        if any(waiting.wait.joined_at < place.joined_at for waiting in lines.get(place.queue, ())):
            return False
        others = [waiting for queue in queues for waiting in lines.get(queue, ())]
        if not others:
            return True
        if now - place.joined_at < self._bound(place.queue):
            return False  # as with all others until then, app_queue weighs who comes next
        return not any(
            waiting.wait.joined_at < place.joined_at
            and waiting.waited(now) >= self._bound(waiting.wait.queue)
            for waiting in others
        )

    def _keep(self, fact: f.CallbackRequested) -> dict[str, f.CallbackPlaceEnded]:
        number = known(fact.number)
        before: dict[str, f.CallbackPlaceEnded] = {}
        for call in self._of(number):  # nobody is called for each time of asking
            if call != fact.call:
                before |= self._over(call, f.PlaceOutcome.WITHDRAWN, fact.at)
        times = fact.joined_at, fact.at
        self._places[fact.call] = Place(fact.call, number, fact.node, fact.queue, *times, fact.language)
        self._by_record[asked_callback(fact.call)] = fact.call
        self._not_before[fact.call] = fact.at + PROMISING
        return before

    def _of(self, number: str) -> list[str]:
        return [place.call for place in self._places.values() if place.number == number]

    def _spoken_with(self, number: str, answer: f.AgentAnswered) -> dict[str, f.CallbackPlaceEnded]:
        spoken = {"spoken_in": answer.call, "spoken_by": answer.agent}
        ended: dict[str, f.CallbackPlaceEnded] = {}
        for call in self._of(number):
            ended |= self._over(call, f.PlaceOutcome.WITHDRAWN, answer.at, **spoken)
        return ended

    def _called(self, fact: f.OutgoingEnded) -> dict[str, f.CallbackPlaceEnded]:
        first, _ = self._calls.pop(fact.call)
        self._busy.discard(first)
        if first not in self._places:
            return {}
        if fact.outcome not in _NOBODY_DIALLED:
            return self._over(first, f.PlaceOutcome.NOT_REACHED, fact.at)
        self._absent[first, fact.agent] = fact.at + ABSENT_FOR
        self._not_before[first] = fact.at + FILED
        return {}

    def _over(
        self, call: str, outcome: f.PlaceOutcome, at: Instant, **spoken: str
    ) -> dict[str, f.CallbackPlaceEnded]:
        place = self._places.get(call)
        if place is None:
            return {}
        self._forget(call)
        waited = max(0, at - place.joined_at)
        return {
            call: f.CallbackPlaceEnded(
                at=at,
                node=place.node,
                call=call,
                queue=place.queue,
                joined_at=place.joined_at,
                outcome=outcome,
                waited=waited,
                **spoken,
            )
        }

    def _forget(self, call: str) -> None:
        self._places.pop(call, None)
        self._by_record.pop(asked_callback(call), None)
        self._busy.discard(call)
        self._not_before.pop(call, None)
        for key in [key for key in self._absent if key[0] == call]:
            del self._absent[key]
