from __future__ import annotations

import hashlib
import struct
import wave
from pathlib import Path

import pytest

from recordings.errors import UnsafeFile
from recordings.folder import Folder
from recordings.measure import look_at, verdict
from recordings.model import Part, Status

BASE = "0f8c2b1e-5a77-4c1d-9b3e-6a0d5f2e1c11_node1-1700000000.12"


def write_sound(path: Path, *, seconds: float = 1.5, channels: int = 1) -> bytes:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\x01\x02" * channels * int(8000 * seconds))
    return path.read_bytes()


def leave_open(path: Path) -> None:
    """As Asterisk leaves a file that it has not closed: both sizes of the header are 0."""
    raw = bytearray(path.read_bytes())
    struct.pack_into("<I", raw, 4, 0)
    struct.pack_into("<I", raw, 40, 0)
    path.write_bytes(bytes(raw))


def test_a_mixed_file_is_measured_whole(tmp_path: Path) -> None:
    raw = write_sound(tmp_path / f"{BASE}.wav")
    look = look_at(Folder(tmp_path), BASE)
    (file,) = look.files
    assert (file.part, file.channels, file.length) == (Part.MIXED, 1, 1_500_000)
    assert (file.size, file.sha256) == (len(raw), hashlib.sha256(raw).hexdigest())
    assert verdict(look) == (Status.PRESENT, "")


def test_two_sides_and_a_stereo_file_count_as_whole(tmp_path: Path) -> None:
    write_sound(tmp_path / f"{BASE}-customer.wav")
    write_sound(tmp_path / f"{BASE}-agent.wav")
    look = look_at(Folder(tmp_path), BASE)
    assert look.whole
    assert [file.part for file in look.files] == [Part.CUSTOMER, Part.AGENT]
    write_sound(tmp_path / f"{BASE}.wav", channels=2)
    assert look_at(Folder(tmp_path), BASE).files[0].channels == 2


def test_no_file_is_missing(tmp_path: Path) -> None:
    assert verdict(look_at(Folder(tmp_path), BASE))[0] is Status.MISSING
    assert verdict(look_at(Folder(tmp_path / "nowhere"), BASE))[0] is Status.MISSING


def test_one_side_alone_is_damaged(tmp_path: Path) -> None:
    write_sound(tmp_path / f"{BASE}-agent.wav")
    status, why = verdict(look_at(Folder(tmp_path), BASE))
    assert status is Status.DAMAGED
    assert "only the agent's side" in why


def test_a_file_still_open_is_not_whole_and_its_sound_is_counted(tmp_path: Path) -> None:
    write_sound(tmp_path / f"{BASE}.wav")
    leave_open(tmp_path / f"{BASE}.wav")
    look = look_at(Folder(tmp_path), BASE)
    assert look.open_parts == (Part.MIXED,)
    assert look.files[0].length == 1_500_000
    assert verdict(look) == (Status.DAMAGED, "mixed: never closed by Asterisk")


def test_a_closed_file_without_sound_is_present(tmp_path: Path) -> None:
    write_sound(tmp_path / f"{BASE}.wav", seconds=0)
    look = look_at(Folder(tmp_path), BASE)
    assert look.whole
    assert look.files[0].length == 0


@pytest.mark.parametrize("raw", [b"", b"RIFF", b"not a sound file, though it is long enough to be one"])
def test_what_is_no_sound_file_is_damaged(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / f"{BASE}.wav").write_bytes(raw)
    status, why = verdict(look_at(Folder(tmp_path), BASE))
    assert status is Status.DAMAGED
    assert f"{BASE}.wav" in why


def test_a_file_cut_short_is_damaged(tmp_path: Path) -> None:
    raw = write_sound(tmp_path / f"{BASE}.wav")
    (tmp_path / f"{BASE}.wav").write_bytes(raw[: len(raw) // 2])
    status, why = verdict(look_at(Folder(tmp_path), BASE))
    assert status is Status.DAMAGED
    assert "promises" in why


def test_links_folders_and_foreign_names_are_never_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not for you")
    inside = tmp_path / "recordings"
    inside.mkdir()
    (inside / f"{BASE}.wav").symlink_to(secret)
    (inside / f"{BASE}-agent.wav").mkdir()
    folder = Folder(inside)
    for name in (f"{BASE}.wav", f"{BASE}-agent.wav", "../secret", "secret", f"{BASE}.wav\x00"):
        with pytest.raises(UnsafeFile):
            folder.open(name)
    assert verdict(look_at(folder, BASE))[0] is Status.DAMAGED
    assert folder.open(f"{BASE}-customer.wav") is None
