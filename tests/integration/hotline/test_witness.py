"""The independent client, where what answers is no Asterisk, or nobody."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hotline.witness import NotWitnessed, witness


@contextmanager
def somebody(greeting: bytes) -> Iterator[int]:
    """A port where this is said to whoever connects, and the connection closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(greeting)

        thread = threading.Thread(target=greet)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"Asterisk Call Manager/11.0.0\r\n"])
def test_a_stranger_at_the_port_is_no_witness(greeting: bytes) -> None:
    with somebody(greeting) as port, pytest.raises(NotWitnessed), witness("127.0.0.1", port) as asked:
        asked.login("resync", "secret")


def test_nobody_there_says_where() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(NotWitnessed, match=f"nobody answers at 127.0.0.1:{port}"), witness("127.0.0.1", port):
        pass
