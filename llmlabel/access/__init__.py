"""Who may come in, and what they may do: keys, browser sessions, limits, the log of changes."""

from __future__ import annotations

from llmlabel.access.keys import Keys
from llmlabel.access.limits import Attempts, Limits
from llmlabel.access.principal import ANYBODY, Principal
from llmlabel.access.sessions import Sessions
from llmlabel.store import Store
from llmlabel.store.projects import Projects


class Access:
    """The keys of a service with all that goes by them.

    Args:
        store: Of the default project; the keys of all projects lie there.
        requests_per_minute: Of a key that has no limit of its own; 0 for none.
        documents_per_minute: As above, for submitted documents.
        session_hours: How long a browser session lasts.

    Attributes:
        keys: Made, revoked, recognised.
        sessions: Of browsers.
        log: Who did what.
        limits: What keys may ask for in a minute.
        attempts: Failed ones to come in.
    """

    def __init__(
        self,
        store: Store,
        *,
        requests_per_minute: int = 0,
        documents_per_minute: int = 0,
        session_hours: float = 12.0,
    ) -> None:
        clock = store.database.clock
        self.clock = clock
        self.keys = Keys(store.keys, clock, Projects(store.database))
        self.sessions = Sessions(store.sessions, clock, session_hours)
        self.log = store.access_log
        self.limits = Limits(requests_per_minute, documents_per_minute)
        self.attempts = Attempts()


__all__ = ["ANYBODY", "Access", "Principal"]
