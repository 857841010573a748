"""The settings of what agents are shown."""

from __future__ import annotations

from pydantic import Field

from hotline.settings_section import Section


class AgentsSettings(Section):
    """[agents] what agents are shown while they talk"""

    told_of_leaders: bool = Field(
        default=True,
        description="an agent sees that a leader listens to the talk, whispers, speaks in it or has left it; "
        "false: the summary and the call alone say so, afterwards",
    )
