"""`hotline healthy` against real HTTP servers: well, not ready, silent, gone."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hotline.__main__ import main
from hotline.commands import healthy as healthy_command


@contextmanager
def serving(answers: Mapping[str, int], *, ready: str = "") -> Iterator[int]:
    """A server on loopback that answers each page with this status, and `/ready` with this body; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers[self.path])
            self.end_headers()
            own = ready if self.path == "/ready" else ""
            self.wfile.write((own or f"{self.path} says so").encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Nothing on standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join(10)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104
def test_well(host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with serving({"/health": 200, "/ready": 200}) as port:
        monkeypatch.setenv("HOTLINE_WEB__HOST", host)
        monkeypatch.setenv("HOTLINE_WEB__PORT", str(port))
        assert main(["healthy"]) == 0
    assert capsys.readouterr().out == "well\n"


def test_alive_but_not_ready(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with serving({"/health": 200, "/ready": 503}) as port:
        monkeypatch.setenv("HOTLINE_WEB__PORT", str(port))
        assert main(["healthy"]) == 1
    assert capsys.readouterr().out == "/ready was answered with 503: /ready says so\n"


def test_a_standby_that_watches_is_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"status": "standby", "checks": {"lease": "standby of db1:7:ab"}}
    with serving({"/health": 200, "/ready": 503}, ready=json.dumps(said)) as port:
        monkeypatch.setenv("HOTLINE_WEB__PORT", str(port))
        assert main(["healthy"]) == 0
    assert capsys.readouterr().out == "well: standby of db1:7:ab\n"


@pytest.mark.parametrize(
    "said", ['{"status": "standby"}', '["standby"]', '{"status": "failing", "checks": {}}']
)
def test_what_is_not_a_standbys_word_is_none(said: str) -> None:
    with serving({"/health": 200, "/ready": 503}, ready=said) as port:
        assert healthy_command.problem("127.0.0.1", port) == f"/ready was answered with 503: {said}"


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert healthy_command.problem("127.0.0.1", port).startswith(
        f"/health was not answered at 127.0.0.1:{port} "
    )


def test_a_service_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healthy_command, "DEADLINE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        said = healthy_command.problem("127.0.0.1", server.getsockname()[1])
    assert "/health was not answered" in said
    assert "timed out" in said


def test_a_stranger_at_the_port_is_not_well() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        said = healthy_command.problem("127.0.0.1", server.getsockname()[1])
        thread.join(10)
    assert "/health was not answered" in said
