"""What the seeded service offers: items of every kind, and the hard cases of each."""

from __future__ import annotations

import math
import random
import struct
import wave
from io import BytesIO
from pathlib import Path
from typing import Any

from seeded import BLIND, Seeder, heard, said

from llmlabel.domain.answer import Answer, ChoiceAnswer, Span, SpansAnswer
from llmlabel.domain.document import Document, Segment, Transcript, Word, sha256_of
from llmlabel.domain.prediction import Unit
from llmlabel.review import Filter, ReviewQueue

LABELS = ("positive", "negative", "neutral", "mixed")
SUBJECTS = ("kettle", "hotel", "novel", "headset", "train ride", "bakery", "update", "garden chair")
TURNS = (
    ("The {} is lovely, though I had hoped for a quieter one.", "positive", "mixed"),
    ("Oh great, another {} that stopped working on the second day.", "negative", "mixed"),
    ("The {} opens at nine and closes at five.", "neutral", "positive"),
    ("A handsome {}, badly made.", "mixed", "negative"),
    ("My neighbour cannot stop praising her {}.", "neutral", "positive"),
    ("I expected little of this {} and was wrong.", "positive", "negative"),
)
SHADES = ("red", "blue", "green", "black", "white", "grey", "brown", "pink", "gold", "silver")
WARES = ("lamp", "sofa", "table", "chair", "shelf", "rug", "vase", "clock", "mirror", "curtain")
WARES += ("pillow", "candle", "basket", "drawer", "stool")


def many_labels(folder: Path) -> Path:
    """A folder of guidelines with a choice between 150 labels in it."""
    file = folder / "wares" / "1.0.0.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    labels = "\n".join(
        f"  - name: {shade}_{ware}\n    definition: a {ware} in {shade}"
        for ware in WARES
        for shade in SHADES
    )
    clauses = "- **WARE-1**: Two colours: the larger part decides.\n"
    file.write_text(
        "---\nname: wares\nversion: 1.0.0\nkind: choice\ntitle: Wares\n"
        f"question: Which article is wanted?\nlabels:\n{labels}\nlabelers:\n  - name: llm\n"
        "prompt: choice@1.0.0\npolicy:\n  threshold: 0.9\n---\n\n# Wares\n\nOne article each.\n\n"
        f"## Clauses\n\n{clauses}",
        "utf-8",
    )
    return folder


def choices(seed: Seeder, count: int) -> None:
    """`count` short opinions, and the odd ones."""
    chance = random.Random(4)
    for n in range(count):
        words, best, second = TURNS[n % len(TURNS)]
        text = f"{words.format(SUBJECTS[n // len(TURNS) % len(SUBJECTS)])} ({n + 1})"
        top = chance.uniform(0.45, 0.85)
        rest = [label for label in LABELS if label not in {best, second}]
        scores = {best: top, second: (1 - top) * 0.8}
        scores |= dict.fromkeys(rest, (1 - top) * 0.1)
        seed.choice(f"opinion-{n:03}", text, scores)
    seed.choice(
        "irony",
        "Wonderful. The “silent” fridge hums like a lorry 👏",
        {"positive": 0.51, "negative": 0.44, "mixed": 0.03, "neutral": 0.02},
        detail="Praise of something that went wrong may be irony (SENT-1).",
        metadata={"source": "shop", "stars": 5},
    )
    seed.choice(
        "hebrew",
        "המלון היה נפלא, אבל הארוחה ב־Café Lumière הייתה קרה.",
        {"mixed": 0.6, "positive": 0.3, "negative": 0.08, "neutral": 0.02},
        language="he",
        failed=True,
    )
    seed.unanswered("unanswered", "No model could say anything of this one.")
    for n in range(3):
        text = f"Blind: the soup was {('hot', 'cold', 'there')[n]}."
        seed.choice(
            f"blind-{n}", text, {"neutral": 0.93, "positive": 0.04, "negative": 0.03}, **BLIND
        )
    seed.choice(
        "intent-1",
        "hi, my parcel says delivered but there is nothing here??",
        {"delivery_problem": 0.62, "order_status": 0.3, "complaint": 0.05, "refund_status": 0.03},
        name="intent",
    )
    seed.choice(
        "wares-1",
        "do you have that pink mirror with the golden frame",
        {"pink_mirror": 0.55, "gold_mirror": 0.35, "pink_vase": 0.1},
        name="wares",
    )


def panels(seed: Seeder, queue: ReviewQueue) -> None:
    """Items for two reviewers: two on which they disagreed, one that has a seat left.

    Called before anything else waits, so that the panel gets nothing but its own.
    """
    scores = {"positive": 0.5, "negative": 0.4, "mixed": 0.1}
    both = {"reviewers": 2, **BLIND}
    seed.choice("panel-1", "Not the worst film I slept through.", scores, **both)
    _answer(queue, "beatrix", "sentiment", ChoiceAnswer(label="negative"), "Faint praise.")
    _answer(queue, "casimir", "sentiment", ChoiceAnswer(label="mixed"), None)
    seed.choice("panel-2", "The queue was long, the cake was gone.", scores, **both)
    _answer(queue, "beatrix", "sentiment", ChoiceAnswer(label="negative"), None)
    text = "Dr. Ada Berg of Berg & Co. met the Queen."
    seed.spans("panel-3", text, [("Ada Berg", "PERSON", 0.7)], **both)
    name, firm = text.index("Ada Berg"), text.index("Berg & Co.")
    person = Span(start=name, end=name + 8, label="PERSON")
    company = Span(start=firm, end=firm + 10, label="ORGANIZATION")
    _answer(queue, "beatrix", "ner", SpansAnswer(spans=(person,)), None)
    _answer(queue, "casimir", "ner", SpansAnswer(spans=(person, company)), "The firm, too.")


def _answer(
    queue: ReviewQueue, reviewer: str, guideline: str, answer: Answer, comment: str | None
) -> None:
    (item,) = queue.take(reviewer, 1, Filter(guideline=guideline))
    queue.verdict(
        item.id,
        token=item.token,
        kind="correct",
        reviewer=reviewer,
        answer=answer,
        comment=comment,
        seconds=6.0,
    )


def spans(seed: Seeder) -> None:
    """Entities: doubtful, nested, overlapping, right to left, emoji, combining accents."""
    seed.spans(
        "ner-plain",
        "Ada Lovelace met Charles Babbage in London in June 1833, and the Times wrote of it.",
        [
            ("Ada Lovelace", "PERSON", 0.98),
            ("Charles Babbage", "PERSON", 0.97),
            ("London", "LOCATION", 0.95),
            ("June 1833", "DATE", 0.58),
            ("Times", "WORK", 0.41),
        ],
        alternatives={"Times": "ORGANIZATION"},
        left_out=[("the Times", "ORGANIZATION", 0.38)],
    )
    seed.spans(
        "ner-nested",
        "The University of New South Wales beat Bank of America's Sydney team by 12 points.",
        [
            ("University of New South Wales", "ORGANIZATION", 0.91),
            ("New South Wales", "LOCATION", 0.62),
            ("Bank of America", "ORGANIZATION", 0.88),
            ("America", "LOCATION", 0.45),
            ("Bank of America's Sydney team", "ORGANIZATION", 0.4),
            ("12 points", "QUANTITY", 0.71),
        ],
    )
    seed.spans(
        "ner-emoji",
        "👩🏽‍🚀 Zoe\u0308 flew to São Paulo 🇧🇷 with Rene\u0301e on 3 May \U0001d4d0t last 🎉",
        [
            ("Zoe\u0308", "PERSON", 0.77),
            ("São Paulo", "LOCATION", 0.94),
            ("Rene\u0301e", "PERSON", 0.52),
            ("3 May", "DATE", 0.9),
        ],
    )
    seed.spans(
        "ner-arabic",
        "سافر محمد علي من القاهرة إلى London يوم الاثنين مع شركة Siemens AG.",
        [
            ("محمد علي", "PERSON", 0.83),
            ("القاهرة", "LOCATION", 0.9),
            ("London", "LOCATION", 0.66),
            ("Siemens AG", "ORGANIZATION", 0.59),
        ],
        language="ar",
    )
    seed.spans("ner-none", "Nobody and nothing is named in here, is it so?", [])
    seed.spans(
        "ner-blind", "Marie Curie taught in Paris.", [("Marie Curie", "PERSON", 0.96)], **BLIND
    )


def tokens(seed: Seeder) -> None:
    """Sentences with a few words in doubt."""
    seed.tokens(
        "pos-1",
        "They/PRON can/AUX fish/VERB near/ADP that/DET old/ADJ mill/NOUN ./PUNCT",
        {"can": ("VERB", 0.55), "fish": ("NOUN", 0.6)},
    )
    seed.tokens(
        "pos-2",
        "Time/NOUN flies/VERB like/ADP an/DET arrow/NOUN ;/PUNCT fruit/NOUN flies/VERB like/ADP "
        "a/DET banana/NOUN 🍌/SYM",
        {"like": ("VERB", 0.5), "🍌": ("X", 0.42)},
    )
    seed.tokens("pos-blind", "Well/INTJ ,/PUNCT she/PRON left/VERB early/ADV ./PUNCT", {}, **BLIND)


def transcripts(seed: Seeder) -> None:
    """Recordings whose words sound as tones, one pitch each, with pauses between them."""
    order = "please send two kettles to Anna Berg at Harbour Street nine before Friday"
    doubts = {"kettles": 0.41, "Berg": 0.33, "Harbour": 0.56, "nine": 0.48}
    recording(seed, "call-1", order, doubts, entities=True)
    recording(seed, "call-2", "the meeting is moved to noon", {"noon": 0.3})
    recording(seed, "call-blind", "can you hear me now", {}, blind=True)


def recording(
    seed: Seeder,
    id: str,
    text: str,
    doubts: dict[str, float],
    *,
    entities: bool = False,
    blind: bool = False,
    **changes: Any,
) -> None:
    """A transcript with its doubtful words, and the tones of it; `entities` for spans as well."""
    words = text.split()
    timed, at = list[Word](), 0
    for n, word in enumerate(words):
        timed.append(
            Word(
                start=at,
                end=at + len(word),
                begin_seconds=0.4 + n * 0.5,
                end_seconds=0.4 + n * 0.5 + 0.38,
                probability=doubts.get(word, 0.96),
            )
        )
        at += len(word) + 1
    length = 0.8 + len(words) * 0.5
    transcript = Transcript(
        model="whisper-base int8",
        language="en",
        language_probability=0.99,
        duration_seconds=length,
        speech_seconds=length - 0.8,
        segments=(
            Segment(
                start=0,
                end=len(text),
                begin_seconds=0.4,
                end_seconds=length - 0.4,
                no_speech_probability=0.02,
                mean_log_probability=-0.3,
                compression_ratio=1.2,
            ),
        ),
        words=tuple(timed),
    )
    store = seed.store
    recording = store.recordings.save(
        BytesIO(_sound(timed, length)), f"{id}.wav", media_type="audio/wav"
    )
    asked = ["transcription@1.0.0", *(["ner@1.0.0"] if entities else [])]
    store.documents.add_recording(id, recording, asked, language="en", metadata={"line": 2})
    store.work.begin_transcription(id, 1)
    store.work.save_transcript(id, 1, text, transcript, lambda *_: None)
    document = Document(id=id, text=text, text_sha256=sha256_of(text), transcript=transcript)
    value = min((word.probability for word in timed), default=0.5)
    units = [
        Unit(
            start=word.start,
            end=word.end,
            label=text[word.start : word.end],
            probability=word.probability,
            by=("whisper",),
            begin_seconds=word.begin_seconds,
            end_seconds=word.end_seconds,
            note="hard to make out" if word.probability < 0.5 else None,
        )
        for word in timed
    ]
    opinions = [said(heard(text), value, "whisper", "whisper-base int8", units=units)]
    more = {**(BLIND if blind else {}), **changes}
    seed.save(
        id,
        text,
        "transcription",
        heard(text),
        value,
        document=document,
        units=units,
        opinions=opinions,
        **more,
    )
    if entities:
        seed.spans(
            id,
            text,
            [("Anna Berg", "PERSON", 0.7), ("Harbour Street nine", "LOCATION", 0.5)],
            document=document,
        )


def _sound(words: list[Word], seconds: float, rate: int = 16_000) -> bytes:
    samples = [0.0] * int(seconds * rate)
    for n, word in enumerate(words):
        first, last = int(word.begin_seconds * rate), int(word.end_seconds * rate)
        for k in range(first, min(last, len(samples))):
            swell = math.sin(math.pi * (k - first) / (last - first))
            samples[k] = 0.4 * swell * math.sin(2 * math.pi * (220 + 30 * n) * k / rate)
    buffer = BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(struct.pack(f"<{len(samples)}h", *(int(32_000 * x) for x in samples)))
    return buffer.getvalue()
