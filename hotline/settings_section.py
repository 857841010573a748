"""What every table of the settings is, and the kinds of value that several of them have."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Port = Annotated[int, Field(ge=1, le=65_535)]


def origin(text: str) -> str:
    """An address of ours as browsers see it; ValueError if there is more or less than that."""
    if not re.fullmatch(r"https?://[A-Za-z0-9.\[\]:-]+", text) or text.endswith(":"):
        raise ValueError("write scheme, host and port only, such as https://desk.example:8443")
    return text


class Section(BaseModel):
    """A table of the settings: nothing unknown in it, nothing changed after the start."""

    model_config = ConfigDict(extra="forbid", frozen=True)
