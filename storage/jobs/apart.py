"""A function that holds the processor, run in a process of its own: the event loop goes on meanwhile.

A fresh interpreter, at the lowest priority, so that calls come first. What the function is given goes in by
its standard input and never by its command line, where anybody on the machine could read a password. That
input stays open as long as we live: when it ends, so does the process, however we died.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
import threading
import traceback
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from storage.jobs.model import Hopeless, JobError

R = TypeVar("R")
Heard = Callable[[int, int, str], Awaitable[None]]
_ROOT = Path(__file__).parents[2]
_LONGEST_ERROR = 2_000
_LENGTH = 8
_out: list[BinaryIO] = []
"""Where a process of ours tells what it has to tell; empty in any other."""


class ApartFailed(JobError):
    """The function raised, or its process was killed."""


async def apart(function: Callable[..., R], *arguments: Any, heard: Heard | None = None) -> R:
    """What `function` (of a module, not of a class) returns; `heard` is told what it says by `tell`.

    `Hopeless` if it raised that, else `ApartFailed`.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-c", f"from {__name__} import main; main()"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
    )
    said = asyncio.create_task(_last_words(process))
    try:
        kind, value = await _asked(process, pickle.dumps((function, arguments)), heard)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise ApartFailed(f"its process ended: {await said or 'it said nothing'}") from error
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await asyncio.gather(process.wait(), said)
    if kind == "returned":
        result: R = value
        return result
    raise (Hopeless if kind == "hopeless" else ApartFailed)(value)


def tell(done: int, total: int, doing: str) -> None:
    """From within such a function: how far it is. Anywhere else it does nothing."""
    if _out:
        _write(_out[0], ("told", (done, total, doing)))


async def _asked(process: Process, question: bytes, heard: Heard | None) -> tuple[str, Any]:
    if process.stdin is None or process.stdout is None:
        raise ApartFailed("its process has no pipes")
    process.stdin.write(len(question).to_bytes(_LENGTH) + question)
    await process.stdin.drain()
    while True:
        length = int.from_bytes(await process.stdout.readexactly(_LENGTH))
        kind, value = pickle.loads(await process.stdout.readexactly(length))  # noqa: S301  of our own process
        if kind != "told":
            return kind, value
        if heard is not None:
            await heard(*value)


async def _last_words(process: Process) -> str:
    """The end of what it wrote to its standard error."""
    last = b""
    while process.stderr is not None and (more := await process.stderr.read(1 << 16)):
        last = (last + more)[-_LONGEST_ERROR:]
    return last.decode("utf-8", "replace").strip()


def _write(out: BinaryIO, message: tuple[str, Any]) -> None:
    content = pickle.dumps(message)
    out.write(len(content).to_bytes(_LENGTH) + content)
    out.flush()


def _end_with_our_parent(pipe: BinaryIO) -> None:
    pipe.read(1)
    os._exit(1)


def main() -> None:
    """What such a process does from its beginning to its end."""
    os.nice(19)
    out, sys.stdout = sys.stdout.buffer, sys.stderr  # nobody else's words between ours
    _out.append(out)
    pipe = sys.stdin.buffer
    question = pipe.read(int.from_bytes(pipe.read(_LENGTH)))
    threading.Thread(target=_end_with_our_parent, args=(pipe,), daemon=True).start()
    try:
        function, arguments = pickle.loads(question)  # noqa: S301  whoever started us wrote it
        answer = ("returned", function(*arguments))
    except Hopeless as error:
        answer = ("hopeless", str(error))
    except Exception as error:  # noqa: BLE001  told to whoever waits
        traceback.print_exc()
        answer = ("failed", f"{type(error).__name__}: {error}"[:_LONGEST_ERROR])
    _write(out, answer)
