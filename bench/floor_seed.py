"""A directory for benches: the demo's lists, with as many telephones and agents as a load needs."""

from __future__ import annotations

import yaml

from directory import seed

QUEUE = "loss-cmn"
"""The queue one key leads to: 5 in the first menu."""
DESK = "complaints-cmn"
"""A second queue, where customers wait and may ask to be called back: 1 and 4."""
LEADER = "8001"


def desk_seats(agents: int, desk: int) -> range:
    """The seats of those in `DESK`: the last `desk` of so many."""
    return range(agents - desk + 1, agents + 1)


def seed_text(agents: int, *, wrapup_s: int, desk: int = 0) -> str:
    """The seed as YAML: `agents` people at as many telephones, the last `desk` of them in `DESK`, all others
    in `QUEUE`, and nobody in two."""
    lists = yaml.safe_load(seed.DEMO.read_text(encoding="utf-8"))
    lists["devices"] = [{"first": "d001", "last": f"d{agents:03}", "kind": "sim"}]
    businesses = lists["queues"]["businesses"]
    businesses["loss"]["wrapup_limit_s"] = wrapup_s
    businesses["complaints"] |= {"wrapup_limit_s": wrapup_s, "callback_after_s": 1}
    at_desk = desk_seats(agents, desk)
    leader = next(person for person in lists["staff"] if str(person["number"]) == LEADER)
    lists["staff"] = [
        {key: value for key, value in leader.items() if key not in ("skills", "languages")},
        *(
            {
                "number": int(staff_at(seat)),
                "name": f"坐席{seat:03}",
                "en": f"Agent {seat:03}",
                # Of the leader's own, whose figures the leader may ask for.
                **{name: leader[name] for name in ("team", "unit") if name in leader},
                "roles": ["agent"],
                "skills": {"complaints" if seat in at_desk else "loss": 1},
                "languages": {"cmn": 1},
            }
            for seat in range(1, agents + 1)
        ),
    ]
    return yaml.safe_dump(lists, allow_unicode=True, sort_keys=False)


def staff_at(seat: int) -> str:
    """The staff number of whoever sits at telephone number `seat`."""
    return f"{20_000 + seat}"


def device_at(seat: int) -> str:
    """The name of telephone number `seat`."""
    return f"d{seat:03}"
