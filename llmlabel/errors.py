"""Every error a caller can meet, in one tree.

A class says what went wrong and which HTTP status it answers with; its message
names the field or file and the remedy. Vendor errors are turned into these at
the seam where the vendor is called, and nowhere else.
"""

from __future__ import annotations

import re


class LlmlabelError(Exception):
    """Something llmlabel can explain went wrong."""

    status: int = 500
    title: str = "Internal error"

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field

    @property
    def code(self) -> str:
        """The stable name of this kind of error, as in problem+json `type`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()


# What the caller sent ---------------------------------------------------------------------


class InvalidInput(LlmlabelError):
    """The input breaks a rule that the message names."""

    status = 422
    title = "Invalid input"


class EmptyText(InvalidInput):
    """The text holds nothing to label."""

    title = "Empty text"


class InvalidText(InvalidInput):
    """The text holds characters that no database or model can carry (NUL, lone surrogates)."""

    title = "Invalid text"


class TextTooLong(InvalidInput):
    """The text is longer than the limit."""

    status = 413
    title = "Text too long"


class InvalidAudio(InvalidInput):
    """The recording is empty, broken, has no sound track or is not audio."""

    title = "Invalid audio"


class AudioTooLong(InvalidInput):
    """The recording is longer or larger than the limit."""

    status = 413
    title = "Recording too long"


class UploadTooLarge(InvalidInput):
    """The file of a batch is larger than the limit."""

    status = 413
    title = "File too large"


class UnsupportedFile(InvalidInput):
    """The kind of file is not one that is read."""

    status = 415
    title = "Unsupported file"


class Unauthorized(LlmlabelError):
    """Nobody is known by this key or browser session, or there is none."""

    status = 401
    title = "Key needed"


class Forbidden(LlmlabelError):
    """The key is known, and not for this."""

    status = 403
    title = "Not allowed"


class WrongCsrfToken(Forbidden):
    """A change by cookie came without the token of that very browser session."""

    title = "Token of another session"


class RateLimited(LlmlabelError):
    """More was asked for in a minute than may be; `retry_after` seconds make room."""

    status = 429
    title = "Too many requests"

    def __init__(
        self, detail: str, *, field: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(detail, field=field)
        self.retry_after = retry_after


class QueueFull(RateLimited):
    """As much work waits as may; `retry_after` seconds make room, at the rate it is done now."""

    title = "Queue full"


class NotFound(LlmlabelError):
    """No such thing under that name."""

    status = 404
    title = "Not found"


class Gone(NotFound):
    """It was here once, and no longer is."""

    status = 410
    title = "Gone"


class UnknownGuideline(NotFound):
    """No guideline has that name, or no such version."""

    title = "Unknown guideline"


class Conflict(LlmlabelError):
    """The request contradicts what is already stored."""

    status = 409
    title = "Conflict"


class DocumentConflict(Conflict):
    """A document with this id but other content exists; choose another id."""

    title = "Document exists with other content"


class IdempotencyConflict(Conflict):
    """The Idempotency-Key was used before with a different request."""

    title = "Idempotency-Key reused"


class UploadMismatch(Conflict):
    """The upload does not go on where the file ends; `offset` is where that is."""

    title = "Upload goes on elsewhere"

    def __init__(self, offset: int) -> None:
        super().__init__(
            f"{offset:,} bytes of the file are here; go on with byte {offset} (Content-Range: "
            f"bytes {offset}-…), or send it from its start without Content-Range.",
            field="Content-Range",
        )
        self.offset = offset


class AlreadyReviewed(Conflict):
    """Another reviewer decided this item first; `winner` is the verdict that stands."""

    title = "Already reviewed"

    def __init__(
        self, detail: str, *, field: str | None = None, winner: object | None = None
    ) -> None:
        super().__init__(detail, field=field)
        self.winner = winner


class LeaseExpired(Conflict):
    """The lease on this item ended; ask for the next item."""

    title = "Lease expired"


class CertifiedMeanwhile(Conflict):
    """Another certificate of this guideline was kept meanwhile, or its gate closed; look again."""


class TrainingUnderWay(Conflict):
    """A training of this guideline runs already; wait for it to end."""

    title = "Training under way"


# What the operator wrote ------------------------------------------------------------------


class InvalidGuideline(LlmlabelError):
    """A guideline file breaks a rule; the message names the file, the line and the remedy."""

    status = 500
    title = "Invalid guideline"


class InvalidPrompt(LlmlabelError):
    """A prompt template is broken or uses a name that is not defined."""

    status = 500
    title = "Invalid prompt"


class InvalidSetting(LlmlabelError):
    """A setting has a value that cannot be used."""

    title = "Invalid setting"


class RemoteRefused(LlmlabelError):
    """The task's privacy forbids to send this to a model of a provider; nothing was sent."""

    status = 422
    title = "Not sent to a provider"


# Models -----------------------------------------------------------------------------------


class MissingModel(LlmlabelError):
    """The weights are not on this machine; the message names the command that gets them."""

    status = 503
    title = "Model missing"


class ModelDownloadFailed(LlmlabelError):
    """No source gave the model; the message says what each one answered."""

    title = "Model download failed"


class ModelCorrupt(LlmlabelError):
    """A model file does not have the checksum it should have."""

    title = "Model corrupt"


class CacheFull(LlmlabelError):
    """The disk that holds the model cache is full."""

    status = 507
    title = "Disk full"


class ModelError(LlmlabelError):
    """A model gave no usable answer."""

    status = 502
    title = "Model error"


class ModelUnreachable(ModelError):
    """The model's provider could not be reached, or failed with a server error."""

    title = "Model unreachable"


class ModelTimeout(ModelUnreachable):
    """The model did not answer in time."""

    status = 504
    title = "Model timed out"


class ModelBusy(ModelError):
    """The provider asks to wait (rate limit)."""

    status = 503
    title = "Model busy"

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class CircuitOpen(ModelBusy):
    """The provider failed so often that it is left alone for a while; tried again by itself."""

    title = "Provider left alone"


class BudgetExhausted(ModelError):
    """The call might pass a budget; what waits for it goes on when there is room again."""

    status = 402
    title = "Budget exhausted"


class BatchBudgetExhausted(BudgetExhausted):
    """The call might pass its batch's budget; what waits goes on when that is raised."""


class PriceUnknown(ModelError):
    """A budget is set, and nothing says what the model costs."""

    status = 402
    title = "Price unknown"


class ModelUnauthorized(ModelError):
    """The provider does not accept the key."""

    title = "Model key not accepted"


class ModelRejected(ModelError):
    """The provider refuses the request as it stands (unknown model, bad parameter, too long)."""

    title = "Model rejected the request"


class ModelRefused(ModelError):
    """The model or a content filter declined to answer."""

    title = "Model refused"


class ReplyTruncated(ModelError):
    """The reply was cut off by a length limit."""

    title = "Reply truncated"


class ReplyUnreadable(ModelError):
    """The reply does not have the form that was asked for."""

    title = "Reply unreadable"


# Service ----------------------------------------------------------------------------------


class StoreUnavailable(LlmlabelError):
    """The database cannot be reached or written."""

    status = 503
    title = "Store unavailable"


class DatabaseNotOurs(LlmlabelError):
    """The database is of a newer release, or a copy that was begun and not finished."""

    status = 503
    title = "Database not of this release"


class CopyDiffers(LlmlabelError):
    """What was written to a copy is not what was read."""

    title = "Copy differs"


class BrokenBackup(InvalidInput):
    """The file is no backup of llmlabel, or not as it was written."""

    title = "Broken backup"


class Unsupported(LlmlabelError):
    """This combination cannot be done; the message says what can."""

    status = 422
    title = "Not supported"
