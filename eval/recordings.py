"""Makes the recordings of the transcription suite and of the demo with speech synthesisers.

They are committed; run this only to add or change one. Needs the Debian packages `espeak-ng` and
`flite`:  python -m eval.recordings
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from llmlabel.audio.decode import open_recording

ROOT = Path(__file__).resolve().parent.parent
SUITE = ROOT / "eval" / "suites" / "transcription"
DEMO = ROOT / "llmlabel" / "demo" / "voicemail.ogg"
RATE = 16_000
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Case:
    """What is spoken, by which voices, and the transcript that the guideline asks for."""

    part: str
    id: str
    clause: str
    voice: str
    spoken: str
    transcript: str
    language: str = "en"
    noise: float = 0.0
    end: str = "ogg"


CASES = (
    Case(
        "calibration", "late-parcel", "TRAN-1", "flite:slt",
        "My parcel was due on Tuesday and it still has not arrived.",
        "My parcel was due on Tuesday and it still has not arrived.",
    ),
    Case(
        "calibration", "grammar", "TRAN-1", "flite:rms",
        "Them two boxes was already open when I got home.",
        "Them two boxes was already open when I got home.",
    ),
    Case(
        "calibration", "price", "TRAN-2", "flite:slt",
        "The ticket costs forty nine dollars, and there are twelve seats left.",
        "The ticket costs $49, and there are 12 seats left.",
    ),
    Case(
        "calibration", "question", "TRAN-3", "espeak:en-us",
        "Could you tell me when the office opens tomorrow morning?",
        "Could you tell me when the office opens tomorrow morning?",
    ),
    Case(
        "calibration", "filler", "TRAN-4", "flite:rms",
        "Well, um, I think the, uh, second invoice is the wrong one.",
        "Well, I think the second invoice is the wrong one.",
    ),
    Case(
        "calibration", "changed-mind", "TRAN-5", "flite:slt",
        "Please send it to the office, no, send it to my home address.",
        "Please send it to the office, no, send it to my home address.",
    ),
    Case(
        "calibration", "city-names", "TRAN-6", "flite:rms",
        "The train from London to Manchester stops in Birmingham.",
        "The train from London to Manchester stops in Birmingham.",
    ),
    Case(
        "calibration", "german", "TRAN-7", "espeak:de",
        "Guten Morgen, ich möchte meinen Termin am Freitag verschieben.",
        "Guten Morgen, ich möchte meinen Termin am Freitag verschieben.",
        language="de",
    ),
    Case(
        "calibration", "covered-word", "TRAN-8", "flite:slt",
        "Please call me back at the <burst> hotel before noon.",
        "Please call me back at the [unintelligible] hotel before noon.",
    ),
    Case("calibration", "silence", "TRAN-9", "none", "6", ""),
    Case(
        "calibration", "order-code", "TRAN-10", "flite:slt",
        "The order number is B, seven, four, two.",
        "The order number is B742.",
    ),
    Case(
        "calibration", "two-voices", "TRAN-11", "flite:slt|flite:rms",
        "How can I help you today? | I would like to close my account.",
        "How can I help you today? I would like to close my account.",
    ),
    Case(
        "calibration", "contraction", "TRAN-12", "flite:rms",
        "I'm sorry, but we can't open the door because it's locked.",
        "I'm sorry, but we can't open the door because it's locked.",
    ),
    Case(
        "test", "long-wait", "TRAN-1", "flite:rms",
        "I waited forty minutes on the phone and then the line went dead.",
        "I waited 40 minutes on the phone and then the line went dead.",
        end="mp3",
    ),
    Case(
        "test", "noisy-street", "TRAN-1", "flite:slt",
        "The driver left the package behind the green garden gate.",
        "The driver left the package behind the green garden gate.",
        noise=0.03,
    ),
    Case(
        "test", "date", "TRAN-2", "flite:slt",
        "My booking is for the twenty third of August at half past nine.",
        "My booking is for the 23rd of August at half past nine.",
    ),
    Case(
        "test", "statement", "TRAN-3", "espeak:en-gb",
        "The meeting was moved. Nobody told me about it.",
        "The meeting was moved. Nobody told me about it.",
    ),
    Case(
        "test", "hesitation", "TRAN-4", "flite:slt",
        "Um, I would like to, uh, cancel my subscription.",
        "I would like to cancel my subscription.",
        end="m4a",
    ),
    Case(
        "test", "false-start", "TRAN-5", "flite:rms",
        "I bought the red, I mean the black one, last week.",
        "I bought the red, I mean the black one, last week.",
    ),
    Case(
        "test", "company-names", "TRAN-6", "flite:slt",
        "I moved from Microsoft to Amazon and now I live in Seattle.",
        "I moved from Microsoft to Amazon and now I live in Seattle.",
    ),
    Case(
        "test", "spanish", "TRAN-7", "espeak:es",
        "Buenos días, quiero cambiar la fecha de mi vuelo.",
        "Buenos días, quiero cambiar la fecha de mi vuelo.",
        language="es",
    ),
    Case(
        "test", "covered-name", "TRAN-8", "flite:rms",
        "The manager said that <burst> would repair it next week.",
        "The manager said that [unintelligible] would repair it next week.",
    ),
    Case("test", "noise", "TRAN-9", "none", "6", "", noise=0.1),
    Case(
        "test", "postcode", "TRAN-10", "flite:rms",
        "The flight is K, L, six, zero, one.",
        "The flight is KL601.",
    ),
    Case(
        "test", "greeting", "TRAN-11", "flite:rms|flite:slt",
        "Good afternoon, this is the help desk. | Hello, my screen stays black.",
        "Good afternoon, this is the help desk. Hello, my screen stays black.",
    ),
    Case(
        "test", "short-forms", "TRAN-12", "espeak:en-us",
        "We've asked twice and they didn't answer.",
        "We've asked twice and they didn't answer.",
    ),
)  # fmt: skip

DEMO_VOICE = "flite:slt"
DEMO_TEXT = (
    "Hello, this is Anna Keller, calling from Boston. On the third of March I ordered two desk "
    "lamps from Amazon for one hundred and twenty eight dollars. One of them arrived broken, "
    "and nobody has called me back. I would like a refund before Friday."
)


def main() -> None:
    """Write every recording and the case files anew."""
    rng = np.random.default_rng(20)
    (SUITE / "files").mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = {"calibration": [], "test": []}
    for case in CASES:
        name = f"files/{case.id}.{case.end}"
        write(SUITE / name, sound(case, rng))
        lines[case.part].append(
            json.dumps(
                {
                    "id": case.id,
                    "file": name,
                    "transcript": case.transcript,
                    "language": case.language,
                    "clause": case.clause,
                },
                ensure_ascii=False,
            )
        )
    for part, rows in lines.items():
        (SUITE / f"{part}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    DEMO.parent.mkdir(exist_ok=True)
    write(DEMO, speak(DEMO_VOICE, DEMO_TEXT))


def sound(case: Case, rng: np.random.Generator) -> Samples:
    """The samples of a case: voices one after the other, bursts and noise over them."""
    if case.voice == "none":
        spoken = np.zeros(int(case.spoken) * RATE, dtype=np.float32)
    else:
        turns = zip(case.voice.split("|"), case.spoken.split("|"), strict=True)
        spoken = np.concatenate([turn(voice, text, rng) for voice, text in turns])
    return (spoken + rng.normal(0, case.noise, len(spoken))).astype(np.float32)


def turn(voice: str, text: str, rng: np.random.Generator) -> Samples:
    """One voice; `<burst>` is three quarters of a second of loud noise in place of a word."""
    pieces: list[Samples] = []
    for index, part in enumerate(text.split("<burst>")):
        if index:
            pieces.append(rng.normal(0, 0.2, RATE * 3 // 4).astype(np.float32))
        pieces.append(speak(voice, part.strip()))
    pieces.append(np.zeros(RATE // 3, dtype=np.float32))
    return np.concatenate(pieces)


def speak(voice: str, text: str) -> Samples:
    """Synthesise a sentence, shape (n,), 16 kHz."""
    program, name = voice.split(":")
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        command = {
            "flite": ["flite", "-voice", name, "-t", text, "-o", str(wav)],
            "espeak": ["espeak-ng", "-v", name, "-s", "150", "-w", str(wav), text],
        }[program]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own words
        with open_recording(wav, max_seconds=60, max_bytes=1 << 24) as recording:
            return np.concatenate(list(recording.chunks()))


def write(path: Path, samples: Samples) -> None:
    """Encode as the ending says: ogg (Opus) at 16 kbit/s, mp3 or m4a (AAC) at 24."""
    codec = {"ogg": "libopus", "mp3": "libmp3lame", "m4a": "aac"}[path.suffix[1:]]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, layout="mono")
        stream.bit_rate = 16_000 if codec == "libopus" else 24_000
        whole = (np.clip(samples, -1, 1) * 32767).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(whole, format="s16", layout="mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(
            format=stream.format.name, layout="mono", rate=RATE, frame_size=stream.frame_size or 0
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main()
