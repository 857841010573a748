"""What is put together is let go of again where the rest cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.clock import system_clock
from core.errors import HotlineError
from directory import seed
from directory.credentials import Credentials
from hotline.assembly import assemble
from hotline.settings import MetricsSettings, Settings


async def test_a_start_that_fails_lets_go_of_ledger_and_databases(tmp_path: Path) -> None:
    """The next one, with the mistake mended, finds nobody in its way (and no connection is left behind)."""
    directory, nobody = seed.load(seed.DEMO), Credentials(pin_salt="")
    wrong = Settings(data_dir=tmp_path, metrics=MetricsSettings(token_file=tmp_path / "nowhere"))
    with pytest.raises(HotlineError, match="nowhere"):
        await assemble(wrong, directory, nobody, clock=system_clock)
    hotline = await assemble(Settings(data_dir=tmp_path), directory, nobody, clock=system_clock)
    await hotline.close()
