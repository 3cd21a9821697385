"""Guidelines: read, check, find, make."""

from llmlabel.guidelines.adhoc import from_labels
from llmlabel.guidelines.library import GuidelineLibrary

__all__ = ["GuidelineLibrary", "from_labels"]
