"""Model weights as artefacts: named, pinned, checked, and pulled from the sources in order."""

from llmlabel.models.catalogue import Catalogue, ModelEntry, load_catalogue
from llmlabel.models.progress import Report, Step
from llmlabel.models.store import ModelState, ModelStore

__all__ = [
    "Catalogue",
    "ModelEntry",
    "ModelState",
    "ModelStore",
    "Report",
    "Step",
    "load_catalogue",
]
