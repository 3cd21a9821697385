"""What a backup says of itself."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from llmlabel.domain.base import Value

FORMAT = 1
MANIFEST = "manifest.json"


class Member(Value):
    """A file in a backup."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class Kept(Value):
    """One project in a backup. Names of files are those of members."""

    project: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    database: str = Field(description="An SQLite database, whatever it was made from.")
    revision: str = Field(description="The newest migration it has.")
    files: dict[str, dict[str, str]] = Field(
        description="By folder (`recordings`, …) and path within it: the member."
    )


class Manifest(Value):
    """The table of contents, and the proof of them."""

    format: int
    release: str
    made_at: datetime
    made_from: str = Field(description="sqlite or postgresql")
    projects: tuple[Kept, ...]
    members: dict[str, Member]
    missing: tuple[str, ...] = Field(
        default=(), description="Files that should have been there, or were not as they should be."
    )
