"""Prompts as espeak-ng really speaks them, and studio recordings that replace them."""

from __future__ import annotations

import math
import wave
from array import array
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import BadInput, NotFound
from ivr.prompts import Catalogue
from ivr.render import MUSIC, missing_prompts, render_prompts, studio_problems
from ivr.sound import RATE, TARGET_DBOV, WINDOW_DB, from_wav, level, to_alaw, to_wav
from ivr.speech import find_speaker, phonemes
from ivr.standing import PromptState, prompt_standings
from ivr.studio import Studio, text_digest
from telephony.instance import cache_dir
from tests.unit.ivr.flows import LANGUAGES, catalogue

# The cache that every set-up on this machine shares: the whole catalogue is spoken once, not once per run.
CACHE = cache_dir() / "prompts"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("prompts")
    render_prompts(catalogue(), into, cache=CACHE)
    return into


def few(*names: str) -> Catalogue:
    return Catalogue({name: catalogue().prompts[name] for name in names})


def problems(texts: Catalogue, into: Path, studio: Path | None = None) -> list[str]:
    return [one.problem for one in prompt_standings(texts, into, studio=studio) if one.problem]


def recording(dbov: float = TARGET_DBOV, rate: int = RATE) -> array[int]:
    peak = 32768 * 10 ** (dbov / 20) * math.sqrt(2)
    return array("h", (round(peak * math.sin(0.7 * at)) for at in range(rate)))


def test_every_prompt_is_8_khz_mono_16_bit_at_the_same_loudness(rendered: Path) -> None:
    for language in LANGUAGES:
        for name in catalogue().names:
            path = rendered / language / f"{name}.wav"
            with wave.open(str(path)) as file:
                shape = file.getframerate(), file.getnchannels(), file.getsampwidth()
                length = file.getnframes() / RATE
            _, samples = from_wav(path.read_bytes(), path.name)
            assert shape == (8000, 1, 2), path
            assert 0.2 < length < 40, path
            assert level(samples) == pytest.approx(TARGET_DBOV, abs=WINDOW_DB), path
            assert max(map(abs, samples)) < 32767, path
            assert path.with_suffix(".alaw").read_bytes() == to_alaw(samples), path
    assert (rendered / f"{MUSIC}.alaw").stat().st_size > 20 * RATE


def test_no_chinese_text_is_read_as_english() -> None:
    speaker = find_speaker()
    for prompt in catalogue().prompts.values():
        for part in prompt.parts["cmn"]:
            utterance = speaker.utterance(part)
            if utterance.voice.startswith("cmn"):
                assert "(en)" not in phonemes(utterance), prompt.name


def test_the_menu_speaks_each_language_in_its_own_voice() -> None:
    speaker = find_speaker()
    voices = [speaker.utterance(part).voice for part in catalogue().prompts["menu-language"].parts["cmn"]]
    assert voices[0].startswith("cmn")
    assert voices[2].startswith("en")


def test_a_second_run_does_nothing_and_a_second_node_takes_the_cache(tmp_path: Path) -> None:
    some = few("goodbye", "digit-1", "no-input")
    first = render_prompts(some, tmp_path / "a", cache=tmp_path / "cache")
    again = render_prompts(some, tmp_path / "a", cache=tmp_path / "cache")
    second = render_prompts(some, tmp_path / "b", cache=tmp_path / "cache")
    assert (first.made, first.cached, first.unchanged) == (10, 0, 0)
    assert (again.made, again.cached, again.unchanged) == (0, 0, 10)
    assert (second.made, second.cached, second.unchanged) == (0, 10, 0)


def test_what_is_missing_or_stale_is_listed_and_mended(tmp_path: Path) -> None:
    cache, into = tmp_path / "cache", tmp_path / "prompts"
    before = few("goodbye", "digit-1")
    reworded = replace(catalogue().prompts["survey-thanks"], name="goodbye")
    after = Catalogue({"goodbye": reworded, "no-input": catalogue().prompts["no-input"]})
    render_prompts(before, into, cache=cache)
    assert problems(before, into) == []
    (into / "en" / "digit-1.alaw").unlink()
    assert problems(before, into) == ["en/digit-1: missing"]
    stale = "cmn/goodbye: stale, its text or recording has changed since it was rendered"
    assert stale in problems(after, into)
    render_prompts(after, into, cache=cache)
    assert problems(after, into) == []
    assert not (into / "en" / "digit-1.wav").exists()


def test_a_studio_recording_wins_alone(tmp_path: Path) -> None:
    studio, into, some = tmp_path / "studio", tmp_path / "prompts", few("goodbye", "digit-1")
    (studio / "cmn").mkdir(parents=True)
    (studio / "cmn" / "goodbye.wav").write_bytes(to_wav(recording(-18)))
    outcome = render_prompts(some, into, cache=tmp_path / "cache", studio=studio)
    assert outcome.studio == 1
    assert (into / "cmn" / "goodbye.wav").read_bytes() == to_wav(recording(-18))
    assert (into / "cmn" / "goodbye.alaw").read_bytes() == to_alaw(recording(-18))
    assert (into / "en" / "goodbye.wav").read_bytes() != to_wav(recording(-18))
    assert any(line.startswith("cmn/goodbye: stale") for line in problems(some, into))


def test_recordings_that_do_not_fit_are_all_named_and_nothing_is_written(tmp_path: Path) -> None:
    studio, into = tmp_path / "studio", tmp_path / "prompts"
    (studio / "en").mkdir(parents=True)
    (studio / "en" / "goodbye.wav").write_bytes(to_wav(recording(-40)))
    (studio / "en" / "digit-1.wav").write_bytes(b"no sound at all")
    (studio / "en" / "goodby.wav").write_bytes(to_wav(recording()))
    with pytest.raises(BadInput) as caught:
        render_prompts(few("goodbye", "digit-1"), into, cache=tmp_path / "cache", studio=studio)
    text = str(caught.value)
    assert "en/goodbye.wav: speaks at -40.0 dBov instead of -20 ± 4 dBov; make it 20.0 dB louder" in text
    assert "en/digit-1.wav: is not a PCM WAV file" in text
    assert "en/goodby.wav: no prompt of that name is in the catalogue" in text
    assert not into.exists()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (to_wav(recording(-8)), "make it 12.0 dB quieter"),
        (to_wav(array("h", [32767] * 40 + [0] * 7000 + list(recording(-20)))), "40 samples are clipped"),
        (to_wav(array("h", [0] * RATE)), "is silent; record it again"),
    ],
)
def test_a_recording_is_told_what_to_change(content: bytes, problem: str) -> None:
    assert [found for found in studio_problems(content, "x.wav") if problem in found]


def test_a_recording_at_another_rate_or_in_stereo_is_refused(tmp_path: Path) -> None:
    for rate, channels in ((16000, 1), (8000, 2)):
        path = tmp_path / f"{rate}-{channels}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(recording().tobytes())
        assert "save it as 8 kHz mono 16-bit WAV" in studio_problems(path.read_bytes(), path.name)[0]


def test_a_recording_that_is_too_short_is_refused() -> None:
    assert "is it the right file?" in studio_problems(to_wav(recording()[:800]), "x.wav")[0]


def test_one_prompt_is_brought_alone_and_the_others_are_left(tmp_path: Path) -> None:
    some, into = few("goodbye", "digit-1"), tmp_path / "prompts"
    render_prompts(some, into, cache=tmp_path / "cache")
    for file in ("digit-1.wav", "digit-1.alaw", "goodbye.wav"):
        (into / "en" / file).unlink()
    render_prompts(some, into, cache=tmp_path / "cache", only={"en/goodbye"})
    assert problems(some, into) == ["en/digit-1: missing"]
    assert missing_prompts(["digit-1", "goodbye"], ["en", "cmn"], into) == ["en/digit-1"]


def test_a_recording_put_in_is_stale_once_its_text_changes_and_can_be_taken_back(tmp_path: Path) -> None:
    folder, into, some = tmp_path / "studio", tmp_path / "prompts", few("goodbye")
    studio, cache = Studio(folder), tmp_path / "cache"
    digest = text_digest(some.prompts["goodbye"], "cmn")
    for loudness in (-18, -21):
        studio.put("cmn/goodbye", to_wav(recording(loudness)), text=digest, by="7001", at="2026-11-25")
    render_prompts(some, into, cache=cache, studio=folder)
    states = {one.name: one.state for one in prompt_standings(some, into, studio=folder)}
    assert (states["cmn/goodbye"], states["en/goodbye"]) == (PromptState.STUDIO, PromptState.RENDERED)
    reworded = Catalogue({"goodbye": replace(catalogue().prompts["survey-thanks"], name="goodbye")})
    render_prompts(reworded, into, cache=cache, studio=folder)
    (stale,) = [one for one in prompt_standings(reworded, into, studio=folder) if one.problem]
    assert stale.record
    assert stale.problem == "cmn/goodbye: stale, its text has changed since the studio recorded it"
    first = studio.take_back("cmn/goodbye")
    assert first is not None
    render_prompts(some, into, cache=cache, studio=folder)
    assert (into / "cmn/goodbye.wav").read_bytes() == to_wav(recording(-18))
    assert studio.take_back("cmn/goodbye") is None
    render_prompts(some, into, cache=cache, studio=folder)
    assert problems(some, into, folder) == []
    with pytest.raises(NotFound, match="the voice speaks it"):
        studio.take_back("cmn/goodbye")


def test_a_recording_laid_there_by_hand_is_kept_when_another_is_put_in(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    (tmp_path / "cmn").mkdir()
    (tmp_path / "cmn/goodbye.wav").write_bytes(b"by hand")
    studio.put("cmn/goodbye", b"put in", text="1", by="7001", at="2026-11-25")
    before = studio.take_back("cmn/goodbye")
    assert before is not None
    assert (before.text, (tmp_path / "cmn/goodbye.wav").read_bytes()) == ("", b"by hand")
