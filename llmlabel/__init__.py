"""Labels for text and audio, with a confidence that means what it says."""

__version__ = "0.1.0"
