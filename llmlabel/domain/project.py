"""A project: a tenant of a service, with everything of its own."""

from __future__ import annotations

import re
from datetime import datetime

from pydantic import Field

from llmlabel.domain.base import Value
from llmlabel.errors import InvalidInput

DEFAULT_PROJECT = "default"
"""The project of those who know of none; it is there from the start."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


class ProjectBudget(Value):
    """What a project may spend on remote models, in US dollars; None: as much as the service."""

    total_usd: float | None = Field(default=None, ge=0)
    month_usd: float | None = Field(default=None, ge=0, description="A calendar month in UTC.")
    day_usd: float | None = Field(default=None, ge=0, description="A day in UTC.")


class Project(Value):
    """A project as the service knows it."""

    name: str
    created_at: datetime | None = Field(
        description="None of the default project, which is as old as the service."
    )
    budget: ProjectBudget = ProjectBudget()


def checked_name(name: str) -> str:
    """The name, if a project can bear it.

    Raises:
        InvalidInput: It cannot.
    """
    if not _NAME.fullmatch(name) or name.endswith("-"):
        raise InvalidInput(
            f"`{name[:64]}` cannot be a project's name: it has 1 to 40 lower-case letters, digits "
            "and hyphens, begins with a letter and does not end in a hyphen.",
            field="project",
        )
    return name
