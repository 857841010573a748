"""`callback_doubles`: customers dialled twice for one call-back while the program is killed making it.

Each customer has asked for a call and keeps a place; half of them are called before their agent. The program
(record and lease, ledger, switchboard: real; in place of Asterisk a file of the orders) is killed after one
of the steps or, every other time, at a moment by chance; then it lives twice more, a minute and five minutes
later.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bench.report import Result, at_most
from bench.site import BenchFailed
from core.clock import HOUR, MINUTE
from hotline.content import PROJECT
from tests.integration.ticketing.called_back import STEPS, work
from tests.integration.ticketing.conftest import NOW, desk_in

NAME = "call_backs"
BARS = {"callback_doubles": at_most(0)}
CUSTOMERS = 24
FIRST = ("agent", "customer")
"""Who is called first: each order with every step, and as often by chance."""
MORNING = NOW + 10 * HOUR
_LIFE_S = 1.5
"""Within that the program has called and ended, on a machine that does nothing else."""
_DEADLINE_S = 60.0


def measure(customers: int = CUSTOMERS) -> Result:
    """Dial `customers` under kills; `BenchFailed` if the program ended otherwise."""
    dialled = asyncio.run(_all(customers))
    return Result(
        bench=NAME,
        figures={
            "customers": len(dialled),
            "dialled_once": sum(times == 1 for times in dialled),
            "callback_doubles": sum(times > 1 for times in dialled),
        },
        bars=BARS,
        notes=(
            f"killed after {', '.join(STEPS)}, or at a moment by chance; who was not dialled is a person's",
            "half of them before their agent",
        ),
    )


async def _all(customers: int) -> Sequence[int]:
    chance = random.Random(95559)
    dialled = []
    for number in range(customers):
        step = STEPS[number // 2 % len(STEPS)] if number % 2 else ""
        with tempfile.TemporaryDirectory(prefix="hotline-bench-") as name:
            first = FIRST[number // 2 // len(STEPS) % len(FIRST)]
            dialled.append(await _customer(Path(name), step, first, chance.uniform(0, _LIFE_S)))
    return dialled


async def _customer(folder: Path, step: str, first: str, after_s: float) -> int:
    """How often this customer was dialled."""
    urls = (f"sqlite+aiosqlite:///{folder}/main.db", f"sqlite+aiosqlite:///{folder}/ledger.db")
    async with desk_in(folder, *urls):
        pass  # its tables are there
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.ticketing.called_back"),
        *(str(folder), *urls, step, str(MORNING), first),
        cwd=PROJECT,
    )
    if not step:
        with suppress(TimeoutError):
            await asyncio.wait_for(program.wait(), after_s)
        if program.returncode is None:
            program.kill()
    code = await asyncio.wait_for(program.wait(), _DEADLINE_S)
    if code not in (-9, 0):
        raise BenchFailed(f"the program ended with {code}: what it said is above")
    for later in (MINUTE, 5 * MINUTE):
        await work(folder, urls, "", MORNING + later, first)
    orders = folder / "dialled"
    return len(orders.read_text(encoding="ascii").splitlines()) if orders.exists() else 0
