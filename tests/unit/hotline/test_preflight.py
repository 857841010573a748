"""Ports that are taken are named with their setting, all at once."""

import socket
from pathlib import Path

import pytest

from core.errors import BadInput
from hotline.preflight import PortsTaken, WantedPort, require_folder, require_free


def test_free_ports_pass_and_stay_free() -> None:
    wanted = [
        WantedPort("127.0.0.1", 15801, "HOTLINE_WEB__PORT"),
        WantedPort("127.0.0.1", 15801, "SIP", udp=True),
    ]
    require_free(wanted)
    require_free(wanted)


def test_every_taken_port_is_named_with_its_setting() -> None:
    with socket.socket() as taken, socket.socket(type=socket.SOCK_DGRAM) as taken_udp:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        taken_udp.bind(("127.0.0.1", 0))
        port, udp = taken.getsockname()[1], taken_udp.getsockname()[1]
        with pytest.raises(PortsTaken) as refused:
            require_free(
                [
                    WantedPort("127.0.0.1", port, "HOTLINE_WEB__PORT"),
                    WantedPort("127.0.0.1", udp, "--sip-port", udp=True),
                ]
            )
    remedy = "is taken by another program: end that one, or set another port"
    assert [str(problem) for problem in refused.value.problems] == [
        f"HOTLINE_WEB__PORT: 127.0.0.1:{port}/tcp {remedy}",
        f"--sip-port: 127.0.0.1:{udp}/udp {remedy}",
    ]


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(PortsTaken, match=r"HOTLINE_WEB__HOST: 192\.0\.2\.1 is no address of this machine"):
        require_free([WantedPort("192.0.2.1", 15802, "HOTLINE_WEB__HOST")])


def test_a_folder_in_which_nothing_can_be_kept_is_named_with_its_setting(tmp_path: Path) -> None:
    require_folder(tmp_path / "new" / "data")
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"HOTLINE_DATA_DIR: nothing can be kept in .*file/data"):
        require_folder(tmp_path / "file" / "data")
