"""Words → sound, by espeak-ng: a process per text, no state. The voices are those installed."""

from __future__ import annotations

import shutil
import subprocess
from array import array
from dataclasses import dataclass

from core.errors import HotlineError
from ivr.prompts import Part, Words
from ivr.sound import from_wav, normalise, resample, silence, trim

VERSION = 1
"""Part of every cache key: raise it when the sound of an unchanged text changes."""

# Measured on Debian 12: the voice `cmn` of espeak-ng 1.51 reads Chinese as if it were English; this one
# reads it as Mandarin.
VOICES = {"cmn": ("cmn-latn-pinyin", "cmn"), "nan": ("nan",), "en": ("en-gb", "en")}
_WORDS_PER_MINUTE = {"cmn": 165, "nan": 160, "en": 160}
_UTF8 = ("-b", "1")
_GAP_MS = 250  # between parts in different voices
_DEADLINE_S = 30


class SpeechFailed(HotlineError):
    """espeak-ng is missing or did not speak; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What espeak-ng is asked for."""

    voice: str
    words_per_minute: int
    text: str


@dataclass(frozen=True, slots=True)
class Speaker:
    """The voices of this machine."""

    version: str
    voices: frozenset[str]

    def utterance(self, part: Part) -> Utterance:
        """The first of the texts that has a voice here."""
        for words in part:
            if voice := self._voice(words):
                return Utterance(voice, _WORDS_PER_MINUTE[words.language], words.spoken)
        wanted = ", ".join(words.language for words in part)
        raise SpeechFailed(
            f"espeak-ng {self.version} has no voice for {wanted}: install espeak-ng-data, or record"
        )

    def _voice(self, words: Words) -> str | None:
        return next((voice for voice in VOICES[words.language] if voice in self.voices), None)


def find_speaker() -> Speaker:
    """Ask espeak-ng what it can speak."""
    if shutil.which("espeak-ng") is None:
        raise SpeechFailed("espeak-ng is not installed: apt-get install espeak-ng")
    version = _run(["--version"]).decode().split("Data at")[0].split(":")[-1].strip()
    rows = _run(["--voices"]).decode().splitlines()[1:]
    return Speaker(version, frozenset(row.split()[1] for row in rows if len(row.split()) > 1))


def speak(utterances: tuple[Utterance, ...]) -> array[int]:
    """The utterances one after the other, 8 kHz, at the level of all prompts."""
    sound = array("h")
    for index, utterance in enumerate(utterances):
        if index:
            sound.extend(silence(_GAP_MS))
        how = ["-v", utterance.voice, "-s", str(utterance.words_per_minute)]
        output = _run([*_UTF8, *how, "--stdin", "--stdout"], utterance.text)
        rate, samples = from_wav(output, f"espeak-ng output for {utterance.text!r}")
        spoken = trim(resample(samples, rate))
        if not any(spoken):
            raise SpeechFailed(f"espeak-ng said nothing for {utterance.text!r} in voice {utterance.voice}")
        sound.extend(normalise(spoken))
    return normalise(sound)


def phonemes(utterance: Utterance) -> str:
    """How espeak-ng reads a text, in its own phoneme signs; `(en)` marks words that it reads as English."""
    return _run([*_UTF8, "-q", "-x", "-v", utterance.voice, "--stdin"], utterance.text).decode()


def _run(flags: list[str], text: str = "") -> bytes:
    try:
        done = subprocess.run(  # noqa: S603  fixed program and flags; texts go through stdin
            ["espeak-ng", *flags],  # noqa: S607
            input=text.encode(),
            capture_output=True,
            check=True,
            timeout=_DEADLINE_S,
        )
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip()
        raise SpeechFailed(f"espeak-ng {' '.join(flags)} failed: {reason or error}") from error
    except subprocess.TimeoutExpired as error:
        raise SpeechFailed(f"espeak-ng gave no answer within {_DEADLINE_S} s for {text!r}") from error
    return done.stdout
