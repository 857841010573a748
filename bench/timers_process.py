"""The process that `bench timers` kills and starts again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp
from pydantic import SecretStr

from bench.site import BenchFailed
from directory import credentials
from hotline.content import PROJECT, read_content
from hotline.settings import DatabaseSettings, LogForm, LogLevel, LogSettings, Settings, WebSettings
from hotline.settings_notices import SmsSettings
from web.passwords import Passwords

_STOP_S = 30.0


def prepared(folder: Path, sms_url: str, database: DatabaseSettings) -> Settings:
    """Settings for a service without a node, and the files it needs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    settings = Settings(
        data_dir=folder / "data",
        web=WebSettings(port=port),
        database=database,
        log=LogSettings(form=LogForm.JSON, level=LogLevel.WARNING),
        sms=SmsSettings(url=sms_url, account="bench", key=SecretStr("the bench's own key")),
    )
    settings.data_dir.mkdir()
    content = read_content(settings)
    credentials.issue(settings.credentials_file, content.directory, passwords=Passwords(cheap=True))
    return settings


class TimersProcess:
    """`bench.timers_service`, killed and started again as often as one likes."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._log = folder / "service.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; it need not be ready yet."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bench.timers_service"),
                cwd=PROJECT,
                env=_environment(self._settings),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def ready(self, deadline: float = 60) -> None:
        """Returns when it serves; `BenchFailed` if it does not."""
        address = f"http://127.0.0.1:{self._settings.web.port}/health"
        async with asyncio.timeout(deadline), aiohttp.ClientSession() as client:
            while True:
                self.check()
                try:
                    async with client.get(address):
                        return
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.02)

    def check(self) -> asyncio.subprocess.Process:
        """The process; `BenchFailed` with its last words if it has ended by itself."""
        if self._process is None or self._process.returncode is not None:
            said = self._log.read_text(encoding="utf-8", errors="replace").strip()[-1500:]
            raise BenchFailed(f"the service has ended by itself: {said}")
        return self._process

    async def kill(self) -> None:
        """SIGKILL, whatever it is doing."""
        process = self.check()
        process.kill()
        await process.wait()

    async def stop(self) -> None:
        """In order, or by force if that takes too long."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()


def _environment(settings: Settings) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
    key = settings.sms.key.get_secret_value() if settings.sms.key else ""
    return own | {
        "HOTLINE_DATA_DIR": str(settings.data_dir),
        "HOTLINE_DATABASE__MAIN": settings.database.main,
        "HOTLINE_DATABASE__LEDGER": settings.database.ledger,
        "HOTLINE_WEB__PORT": str(settings.web.port),
        "HOTLINE_LOG__FORM": settings.log.form.value,
        "HOTLINE_LOG__LEVEL": settings.log.level.value,
        "HOTLINE_SMS__URL": settings.sms.url,
        "HOTLINE_SMS__ACCOUNT": settings.sms.account,
        "HOTLINE_SMS__KEY": key,
    }
