"""Structured logs: one line per event on standard error, with the call and the agent it is about.

`log = structlog.get_logger(__name__)`, then `log.info("agent answered", leg=..., waited_ms=...)`: the event
is a fixed sentence, everything that varies is a named value. `about(call=..., agent=...)` binds names for all
that is logged within it, in this task and those it starts. Lines of the standard `logging` (aiohttp,
SQLAlchemy) take the same form. Before a line is written, secrets are taken out and personal data are masked
(guarantee 7).
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import IO, Any

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from core.masking import mask_number, mask_text
from core.names import fits
from hotline.settings import LogForm, LogSettings

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_SECRET = re.compile(r"password|passwd|secret|token|\bpin\b|_pin|pin_|authorization|cookie", re.IGNORECASE)
_NUMBERS = frozenset({"caller", "callerid", "phone", "telephone", "mobile", "contact"})
# Our own identifiers are made of digits too, and a line is worth nothing without them.
_OWN_IDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{9,12}\.\d{1,10}")
_MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_SECRET_IN_TEXT = re.compile(r"(?i)\b(secret|password|passwd|token|pin)(\s*[:=]\s*)\S+")
_CREDENTIALS_IN_URL = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")
HIDDEN = "***"


def about(**names: str) -> AbstractContextManager[None]:
    """Binds `call=`, `agent=` and the like to every line logged within, across awaits and into new tasks."""
    return structlog.contextvars.bound_contextvars(**names)


def configure(settings: LogSettings, stream: IO[str] | None = None) -> None:
    """Sets the form of every line of this process, once, at the start; to standard error, or to `stream`."""
    out = sys.stderr if stream is None else stream
    as_json = settings.form is LogForm.JSON or (settings.form is LogForm.AUTO and not out.isatty())
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=out.isatty())
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *common,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=common,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,  # as text: no values of local variables
                mask_event,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[settings.level])
    # aiohttp's line for every request would drown all others; the routes log what matters of their own
    logging.getLogger("aiohttp.access").setLevel(max(logging.WARNING, _LEVELS[settings.level]))


def mask_event(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor: no secret is left in the event, and personal data are masked at any depth."""
    return {key: _masked(key, value) for key, value in event.items()}


def _masked(key: str, value: Any) -> Any:
    if _SECRET.search(key):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(inner): _masked(str(inner), below) for inner, below in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(key, below) for below in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else str(value)
    return mask_number(text) if key.lower() in _NUMBERS else mask_line(key, text)


def mask_line(key: str, text: str) -> str:
    """Text fit for a log: card, account, identity and telephone numbers masked, our own ids left whole."""
    if key == "at" or any(fits(kind, text) for kind in ("call", "leg")):
        return text
    text = _SECRET_IN_TEXT.sub(rf"\1\2{HIDDEN}", _CREDENTIALS_IN_URL.sub(rf"\1:{HIDDEN}@", text))
    parts, end = [], 0
    for own in _OWN_IDS.finditer(text):
        parts += [_mask_stretch(text[end : own.start()]), own[0]]
        end = own.end()
    return "".join([*parts, _mask_stretch(text[end:])])


def _mask_stretch(text: str) -> str:
    return _MOBILE.sub(lambda match: mask_number(match[0]), mask_text(text))
