"""How the audit log names what was changed: never a document, which may be deleted later."""

from __future__ import annotations

from llmlabel.store.erasure import erased_id

LONGEST = 300
"""Characters of a target that are kept."""


def target_of(kind: str, id: str) -> str:
    """The id of something as the log names it.

    Args:
        kind: `documents` and `jobs`, which may name documents, or anything else.
        id: Its own.
    """
    if kind == "documents" and id:
        return erased_id(id)
    if kind == "jobs" and id.startswith(("text:", "audio:")):
        # `text:GUIDELINE@VERSION:DOCUMENT`, `audio:DOCUMENT`.
        *place, document = id.split(":", 2 if id.startswith("text:") else 1)
        return ":".join([*place, erased_id(document)])[:LONGEST]
    return id[:LONGEST]
