"""Whisper on the CPU through faster-whisper: bounded memory, words with times, nothing invented."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from llmlabel.audio.blocks import LONGEST_SECONDS, Block, cut_at_silences
from llmlabel.audio.decode import SAMPLE_RATE, Recording, open_recording
from llmlabel.audio.guard import SURE_OF_LANGUAGE, keep_speech
from llmlabel.audio.protocol import Progress, Transcription
from llmlabel.audio.text import HeardSegment, HeardWord, assemble
from llmlabel.domain.document import Transcript
from llmlabel.errors import MissingModel, ModelCorrupt, ModelError, Unsupported

T = TypeVar("T")

COMPUTE_TYPE = "int8"
BEAM = 5


@dataclass(frozen=True)
class _Tongue:
    language: str
    probability: float


@dataclass
class _Notes:
    """What one recording has given so far."""

    heard: list[HeardSegment] = field(default_factory=list)
    speech_seconds: float = 0.0
    tongue: _Tongue | None = None
    waiting: deque[tuple[Block, Future[list[HeardSegment]]]] = field(default_factory=deque)


class WhisperTranscriber:
    """Transcribes recordings with one set of Whisper weights, several at once.

    The weights are loaded at the first recording. Every block of a recording is decoded on one
    CPU thread; `workers` blocks, of one recording or of several, are under way at once. The same
    file gives the same text: there is no sampling.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        workers: int,
        max_seconds: float,
        max_bytes: int,
        block_seconds: float = LONGEST_SECONDS,
    ) -> None:
        """Remember where the weights are; nothing is loaded yet.

        Args:
            folder: CTranslate2 weights with `tokenizer.json`, as the model store keeps them.
            name: The model's name, for provenance and messages.
            workers: Blocks transcribed at once, one CPU thread each.
            max_seconds: Longest recording accepted.
            max_bytes: Largest file accepted.
            block_seconds: Longest piece transcribed in one go; memory grows with it.
        """
        self._block_seconds = block_seconds
        self._folder, self._name, self._workers = folder, name, workers
        self._max_seconds, self._max_bytes = max_seconds, max_bytes
        self._model: Any = None
        self._loading = threading.Lock()
        self._recordings = ThreadPoolExecutor(workers, thread_name_prefix="recording")
        self._blocks = ThreadPoolExecutor(workers, thread_name_prefix="whisper")

    @property
    def model(self) -> str:
        """Name and compute type, as a transcript states them."""
        return f"{self._name} {COMPUTE_TYPE}"

    @property
    def loaded(self) -> bool:
        """Whether the weights are in memory."""
        return self._model is not None

    def close(self) -> None:
        """Let go of the threads; recordings under way are finished first."""
        self._recordings.shutdown()
        self._blocks.shutdown()

    async def transcribe(
        self, source: Path | bytes, *, language: str | None = None, progress: Progress | None = None
    ) -> Transcription:
        """Transcribe one recording; see `Transcriber.transcribe`.

        The language is detected on the first minutes in which somebody speaks and kept for the
        rest. Silence, music and noise give an empty text and a warning that says so.

        Raises:
            ModelCorrupt: The weights cannot be loaded.
            ModelError: The model failed on this recording.
        """
        loop = asyncio.get_running_loop()
        stop = threading.Event()

        def report(done: float, total: float) -> None:
            if progress is not None:
                with contextlib.suppress(RuntimeError):  # the loop may be gone by now
                    loop.call_soon_threadsafe(progress, done, total)

        work = loop.run_in_executor(
            self._recordings, self._transcribe, source, language, report, stop
        )
        try:
            return await work
        finally:
            stop.set()  # a cancelled caller stops the thread at the next block

    def _transcribe(
        self,
        source: Path | bytes,
        language: str | None,
        report: Callable[[float, float], None],
        stop: threading.Event,
    ) -> Transcription:
        began = time.perf_counter()
        with open_recording(
            source, max_seconds=self._max_seconds, max_bytes=self._max_bytes
        ) as recording:
            notes = _Notes(tongue=self._given(language))
            try:
                for block in cut_at_silences(
                    _until(recording.chunks(), stop), longest_seconds=self._block_seconds
                ):
                    self._take(block, notes, stop)
                    while len(notes.waiting) > self._workers:
                        _collect(notes, recording, report)
                while notes.waiting:
                    _collect(notes, recording, report)
            finally:
                for _, future in notes.waiting:
                    future.cancel()
        return self._finished(recording, notes, language, time.perf_counter() - began)

    def _take(self, block: Block, notes: _Notes, stop: threading.Event) -> None:
        if not block.speech:
            return
        notes.speech_seconds += sum(end - start for start, end in block.speech) / SAMPLE_RATE
        if notes.tongue is None:
            notes.tongue = self._detected(block)
        future = self._blocks.submit(self._hear, block, notes.tongue.language, stop)
        notes.waiting.append((block, future))

    def _finished(
        self, recording: Recording, notes: _Notes, asked: str | None, seconds: float
    ) -> Transcription:
        tongue = notes.tongue or _Tongue("und", 0.0)
        kept, warnings = keep_speech(notes.heard, tongue.probability)
        text, words, segments = assemble(kept, tongue.language)
        warnings = [*recording.warnings, *warnings]
        if not text and not notes.speech_seconds:
            warnings.append(
                "Nobody was heard to speak (silence, music or noise); the transcript is empty."
            )
        elif not text:
            warnings.append(
                f"Something like speech was heard for {notes.speech_seconds:.1f} s but no words "
                "could be made out; the transcript is empty."
            )
        elif tongue.probability < SURE_OF_LANGUAGE:
            warnings.append(
                f"The language is doubtful: {tongue.language} with probability "
                f"{tongue.probability:.2f}; give it if you know it."
            )
        if asked is None and text and not self._loaded().model.is_multilingual:
            warnings.append(f"{self._name} knows English only; the language was not detected.")
        transcript = Transcript(
            work_seconds=seconds,
            model=self.model,
            language=tongue.language,
            language_probability=min(1.0, max(0.0, tongue.probability)),
            duration_seconds=recording.decoded_seconds,
            speech_seconds=notes.speech_seconds,
            segments=segments,
            words=words,
            warnings=tuple(warnings),
        )
        return Transcription(text, transcript, seconds)

    # The model ---------------------------------------------------------------------------

    def _loaded(self) -> Any:
        with self._loading:
            if self._model is None:
                self._model = _load(self._folder, self._name, self._workers)
            return self._model

    def _given(self, language: str | None) -> _Tongue | None:
        """The language to use where it is given, or where the model knows only one."""
        model = self._loaded()
        if language is None:
            return None if model.model.is_multilingual else _Tongue("en", 1.0)
        code = language.strip().lower().replace("_", "-").split("-")[0]
        if code in model.supported_languages:
            return _Tongue(code, 1.0)
        if not model.model.is_multilingual:
            raise Unsupported(
                f"{self._name} knows English only and was asked for {language!r}; set "
                "LLMLABEL_WHISPER_MODEL=whisper-base (or another multilingual model).",
                field="language",
            )
        raise Unsupported(
            f"{language!r} is not a language that {self._name} knows; give an ISO 639-1 code such "
            "as en, de or ja, or leave it out to have it detected.",
            field="language",
        )

    def _detected(self, block: Block) -> _Tongue:
        spoken = [block.samples[start:stop] for start, stop in block.speech]
        with self._failing(block):
            code, probability, _ = self._loaded().detect_language(audio=np.concatenate(spoken))
        return _Tongue(code, float(probability))

    def _hear(self, block: Block, language: str, stop: threading.Event) -> list[HeardSegment]:
        with self._failing(block):
            segments, _ = self._loaded().transcribe(
                block.samples,
                language=language,
                beam_size=BEAM,
                temperature=0.0,
                vad_filter=True,
                word_timestamps=True,
                condition_on_previous_text=False,
            )
            return [_heard(segment, block.begin_seconds) for segment in _until(segments, stop)]

    @contextlib.contextmanager
    def _failing(self, block: Block) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, ValueError) as exc:
            raise ModelError(
                f"{self._name} failed on the minutes from {block.begin_seconds:.0f} s on: {exc}"
            ) from exc


def _load(folder: Path, name: str, workers: int) -> Any:
    missing = [each for each in ("model.bin", "tokenizer.json") if not (folder / each).is_file()]
    if missing:
        raise MissingModel(
            f"{name} lacks {' and '.join(missing)} in {folder}; run: llmlabel models pull {name}"
        )
    from faster_whisper import WhisperModel  # noqa: PLC0415

    try:
        return WhisperModel(
            str(folder),
            device="cpu",
            compute_type=COMPUTE_TYPE,
            cpu_threads=1,
            num_workers=workers,
            local_files_only=True,
        )
    except (RuntimeError, ValueError, OSError) as exc:
        raise ModelCorrupt(
            f"{name} in {folder} cannot be loaded ({exc}); run: llmlabel models verify {name}"
        ) from exc


def _collect(notes: _Notes, recording: Recording, report: Callable[[float, float], None]) -> None:
    """Take over the oldest block's segments and say how far it is."""
    block, future = notes.waiting.popleft()
    notes.heard.extend(future.result())
    total = max(recording.declared_seconds or 0.0, recording.decoded_seconds)
    report(block.begin_seconds + block.seconds, total)


def _until(items: Iterable[T], stop: threading.Event) -> Iterator[T]:
    """The items until the caller gives up."""
    for item in items:
        if stop.is_set():
            raise asyncio.CancelledError
        yield item


def _heard(segment: Any, offset: float) -> HeardSegment:
    return HeardSegment(
        text=segment.text,
        begin_seconds=offset + segment.start,
        end_seconds=offset + segment.end,
        no_speech_probability=segment.no_speech_prob,
        mean_log_probability=segment.avg_logprob,
        compression_ratio=segment.compression_ratio,
        words=tuple(
            HeardWord(
                text=word.word,
                begin_seconds=offset + word.start,
                end_seconds=offset + word.end,
                probability=word.probability,
            )
            for word in segment.words or ()
        ),
    )
