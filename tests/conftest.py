"""For all tests: hypothesis bounds no example in time, since others use the cores too."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
