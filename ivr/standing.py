"""How each prompt stands in a node's folder: spoken by the voice, by the studio, missing, or stale."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ivr.prompts import Catalogue
from ivr.render import plan_prompts, present, read_manifest
from ivr.speech import find_speaker
from ivr.studio import Delivery, Studio, text_digest

_RENDERED_BEFORE = "its text or recording has changed since it was rendered"
_RECORDED_BEFORE = "its text has changed since the studio recorded it"


class PromptState(StrEnum):
    """`rendered` by espeak-ng. `missing`: a caller hears nothing. `stale`: not what the catalogue says."""

    RENDERED = "rendered"
    STUDIO = "studio"
    MISSING = "missing"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class PromptStanding:
    """`name`: `<language>/<prompt>`, or the music's; `why`: what is stale about it; `record`: the studio has
    to read it again, rendering does not mend it."""

    name: str
    state: PromptState
    why: str = ""
    record: bool = False

    @property
    def problem(self) -> str:
        """A sentence if a caller does not hear what is written, else ""."""
        if self.state is PromptState.MISSING:
            return f"{self.name}: missing"
        return f"{self.name}: stale, {self.why}" if self.state is PromptState.STALE else ""


def prompt_standings(catalogue: Catalogue, into: Path, *, studio: Path | None = None) -> list[PromptStanding]:
    """Every prompt in every language, and the music, as it stands in the folder `into`."""
    rendered = read_manifest(into)
    recorded = Studio(studio).deliveries() if studio else {}
    texts = {
        f"{language}/{prompt.name}": text_digest(prompt, language)
        for prompt in catalogue.prompts.values()
        for language in prompt.parts
    }
    found = []
    for name, source in plan_prompts(catalogue, find_speaker(), studio).items():
        if not present(into, name):
            found.append(PromptStanding(name, PromptState.MISSING))
        elif rendered.get(name) != source.key:
            found.append(PromptStanding(name, PromptState.STALE, _RENDERED_BEFORE))
        elif source.studio is None:
            found.append(PromptStanding(name, PromptState.RENDERED))
        elif _recorded_for(source.studio, recorded.get(name, [])) in ("", texts[name]):
            found.append(PromptStanding(name, PromptState.STUDIO))
        else:
            found.append(PromptStanding(name, PromptState.STALE, _RECORDED_BEFORE, record=True))
    return found


def _recorded_for(recording: Path, deliveries: Sequence[Delivery]) -> str:
    """The digest of its text; "" if nobody knows it, since somebody laid it there by hand."""
    put_in = deliveries[-1] if deliveries else None
    known = put_in is not None and put_in.sha256 == hashlib.sha256(recording.read_bytes()).hexdigest()
    return put_in.text if put_in is not None and known else ""
