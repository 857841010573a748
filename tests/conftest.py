"""For all tests: hypothesis sets no time in which an example has to be through, since others use the cores too."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
