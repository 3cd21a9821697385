"""Recordings become text whose words know when they were said and how surely."""

from llmlabel.audio.evidence import Heard, heard_under, transcript_prediction
from llmlabel.audio.labeler import TranscriptLabeler
from llmlabel.audio.protocol import Progress, Transcriber, Transcription
from llmlabel.audio.whisper import WhisperTranscriber

__all__ = [
    "Heard",
    "Progress",
    "Transcriber",
    "TranscriptLabeler",
    "Transcription",
    "WhisperTranscriber",
    "heard_under",
    "transcript_prediction",
]
