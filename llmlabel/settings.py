"""Every setting of llmlabel. Only the composition root and the command line read them.

Each is an environment variable with the prefix `LLMLABEL_`, a line in a `.env` file, or a file in
the folder that `LLMLABEL_SECRETS_DIR` names.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from dotenv import dotenv_values
from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from llmlabel.domain.privacy import Privacy
from llmlabel.domain.project import DEFAULT_PROJECT
from llmlabel.domain.promise import Promise
from llmlabel.errors import InvalidInput, InvalidSetting
from llmlabel.released import did_you_mean


def _split(value: Any) -> Any:
    """A list in one variable: `registry,hub`."""
    return tuple(filter(None, value.split(","))) if isinstance(value, str) else value


Listed = BeforeValidator(_split)

SECRETS_DIR = "LLMLABEL_SECRETS_DIR"
"""Names a folder of files whose names are those of settings, as containers are given secrets."""

_PREFIX = "LLMLABEL_"
_OF_OTHERS = frozenset(
    {SECRETS_DIR, *(f"{_PREFIX}{name}" for name in ("COPY_TO", "DATA", "PAGE", "GOLDEN"))}
)
"""Variables that an option, a benchmark, the build or a test reads by itself."""


def _promise(value: Any) -> Any:
    """A promise in one variable; empty is none."""
    if not isinstance(value, str):
        return value
    try:
        return Promise.parse(value) if value else None
    except InvalidInput as exc:
        raise ValueError(exc.detail) from exc


class Settings(BaseSettings):
    """Where things are, which models answer, and what the limits are."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_file=".env", extra="ignore", use_attribute_docstrings=True
    )

    home: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("llmlabel")))
    """Folder of the model cache, the reply cache and, by default, the database."""

    database_url: str | None = None
    """SQLAlchemy URL of the store; without it, an SQLite file in the home folder."""

    project: str = DEFAULT_PROJECT
    """Whose documents, labels and everything made of them a command is about; a service serves
    all projects."""

    guideline_paths: Annotated[tuple[Path, ...], NoDecode, Listed] = ()
    """Folders with more guidelines, separated by commas; `./guidelines` and the shipped
    ones come last."""

    prompt_paths: Annotated[tuple[Path, ...], NoDecode, Listed] = ()
    """Folders with more prompts, separated by commas; `./prompts` and the shipped ones
    come last."""

    llm: str = "qwen2.5-coder-1.5b-instruct"
    """Default language model: a name of `llmlabel models list`, the path of a GGUF file, or a
    litellm model name such as `openai/gpt-4o-mini` or `hosted_vllm/my-model`."""

    llm_api_key: SecretStr | None = None
    """Key for the provider; without it the provider's own variable (OPENAI_API_KEY, …) is used."""

    llm_api_base: str | None = None
    """Base URL of the provider, for gateways and self-hosted servers."""

    llm_timeout_seconds: float = Field(default=60.0, gt=0)
    """Time one call to a remote model may take."""

    llm_attempts: int = Field(default=4, ge=1, le=20)
    """Attempts at a call that may succeed later (429, 5xx, timeouts) before giving up."""

    llm_max_wait_seconds: float = Field(default=60.0, ge=0)
    """Longest wait between two attempts; a longer Retry-After gives up at once."""

    llm_concurrency: int = Field(default=8, ge=1)
    """Calls to a remote model under way at once."""

    llm_requests_per_minute: int | None = Field(default=None, ge=1)
    """Requests per minute to one provider, of all workers together; no limit without it."""

    llm_tokens_per_minute: int | None = Field(default=None, ge=1)
    """Tokens per minute to one provider, prompt and completion, of all workers together; no
    limit without it."""

    llm_breaker_failures: int = Field(default=10, ge=1)
    """Failures in a row, of all workers, after which a provider is left alone."""

    llm_breaker_seconds: float = Field(default=30.0, gt=0)
    """How long it is left alone before one call tries it again."""

    llm_fallbacks: Annotated[tuple[str, ...], NoDecode, Listed] = ()
    """Models asked in this order where the one before cannot be reached, separated by commas;
    a model of another server as `hosted_vllm/my-model@https://host/v1`."""

    llm_prices: str = ""
    """Prices that litellm does not know, in US dollars per million tokens of prompts and of
    completions, separated by commas: `hosted_vllm/my-model=0.10:0.40`."""

    budget_usd: float | None = Field(default=None, ge=0)
    """What may be spent on remote models in all, in US dollars; no call is made that could pass
    it. Without it, spending is counted only."""

    budget_usd_per_month: float | None = Field(default=None, ge=0)
    """What may be spent in a calendar month (UTC)."""

    budget_usd_per_day: float | None = Field(default=None, ge=0)
    """What may be spent in a day (UTC)."""

    llm_samples: int = Field(default=5, ge=1, le=50)
    """Samples drawn from a remote model that offers no log-probabilities."""

    privacy: Privacy = "open"
    """What models of providers may see at most, whatever a guideline allows: `open`, `redact`
    (persons, contacts and numbers are masked) or `local_only` (nothing is sent)."""

    llm_cache: bool = True
    """Keep replies in the home folder and answer the same request from there."""

    llm_batch: int = Field(default=8, ge=1, le=64)
    """Prompts the embedded model works on at once."""

    spacy_model: str = "en_core_web_sm"
    """spaCy pipeline: a name of `llmlabel models list`, an installed package or a path."""

    spacy_batch: int = Field(default=64, ge=1)
    """Texts in one `nlp.pipe` batch."""

    whisper_model: str = "whisper-base"
    """Whisper weights: a name of `llmlabel models list`, a hub name (`large-v3`) or a path."""

    whisper_workers: int = Field(default=2, ge=1)
    """Recordings transcribed at once, one thread each."""

    threads: int = Field(default=2, ge=1)
    """CPU threads of the embedded language model."""

    model_sources: Annotated[tuple[Literal["hub", "registry"], ...], NoDecode, Listed] = (
        "hub",
        "registry",
    )
    """Where model files may come from, separated by commas."""

    max_text_chars: int = Field(default=200_000, ge=1)
    """Longest text accepted, in characters."""

    max_audio_bytes: int = Field(default=512 * 1024 * 1024, ge=1)
    """Largest recording accepted, in bytes."""

    max_audio_seconds: float = Field(default=4 * 3600.0, gt=0)
    """Longest recording accepted, in seconds after decoding."""

    max_documents: int = Field(default=1000, ge=1)
    """Documents in one request at most."""

    max_batch_bytes: int = Field(default=2 << 30, ge=1)
    """Largest file of a batch, in bytes as it is sent."""

    max_batch_unpacked_bytes: int = Field(default=8 << 30, ge=1)
    """Largest file of a batch, in bytes when it is unpacked."""

    max_batch_ratio: int = Field(default=200, ge=1)
    """How many times as large as it was sent a file of a batch may be when it is unpacked."""

    max_batch_lines: int = Field(default=5_000_000, ge=1)
    """Lines in a batch at most."""

    max_open_batches: int = Field(default=100, ge=1)
    """Batches of a project at once whose file is awaited or not read to its end; another one is
    refused until one of them goes on or is cancelled."""

    batch_days: int = Field(default=30, ge=1)
    """Batches that ended, or wait for their client, for so many days are forgotten: which line was
    which document, and what was wrong with others. Their documents stay."""

    host: str = "127.0.0.1"
    """Address the service binds to."""

    port: int = Field(default=8000, ge=0, le=65535)
    """Port the service listens on; 0 takes a free one."""

    key_requests_per_minute: int = Field(default=6000, ge=0)
    """Requests that a key may send in a minute to one process, unless it has a limit of its own;
    0 for no limit."""

    key_documents_per_minute: int = Field(default=60_000, ge=0)
    """Documents that a key may submit in a minute to one process, batches left out, unless it has
    a limit of its own; 0 for no limit."""

    session_hours: float = Field(default=12.0, gt=0, le=720)
    """How long a browser stays signed in."""

    promise: Annotated[Promise | None, NoDecode, BeforeValidator(_promise)] = None
    """What is promised of the labels of every guideline that states no promise itself, as
    `delivered:0.05:0.95`; a certificate must prove it before anything is accepted."""

    audit_seed: str = "llmlabel"
    """Seed of the draw that picks documents for blind checks; keep it to yourself."""

    train_after: int = Field(default=200, ge=0)
    """Verdicts on a guideline after which its student and calibrator are trained anew; 0 never."""

    retention_days: int | None = Field(default=None, ge=1)
    """Documents older than this are deleted by the service with everything made of them; without
    it they stay until somebody deletes them."""

    retention_keep_verified: bool = True
    """Keep what a person decided, and what is gold, beyond `retention_days`."""

    lease_seconds: float = Field(default=300.0, gt=0)
    """How long a reviewer keeps an item without a sign of life."""

    chunk_documents: int = Field(default=50, ge=1)
    """Documents labeled in one durable job."""

    job_concurrency: int = Field(default=4, ge=1)
    """Durable jobs run at once by one process."""

    queues: Annotated[tuple[Literal["text", "audio", "learning"], ...], NoDecode, Listed] = (
        "text",
        "audio",
        "learning",
    )
    """Jobs that this process does, separated by commas: labeling of texts, transcription of
    recordings, training and certification. Empty: it accepts work and does none."""

    metrics_host: str = "127.0.0.1"
    """Address at which `llmlabel worker` answers Prometheus."""

    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Port of it; without one a worker gives no metrics. Each worker of a host needs its own."""

    max_waiting: int = Field(default=100_000, ge=1)
    """Documents that may wait in a project, counted once for each guideline asked of them; more
    are refused with 429 until some are done."""

    public_url: str | None = None
    """Address at which clients reach the service, for the links in webhooks, such as
    `https://labels.example`; without it these are paths."""

    webhooks_private: bool = False
    """Webhooks may go to private and loopback addresses, and over http; for tests, and for a
    service whose endpoints are its neighbours."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much the service logs."""

    log_format: Literal["text", "json"] = "text"
    """Form of a log line."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What was given wins over the environment, that over `.env`, that over secret files."""
        sources = (init_settings, env_settings, dotenv_settings)
        folder = os.environ.get(SECRETS_DIR)
        if not folder:
            return sources
        if not Path(folder).is_dir():
            raise InvalidSetting(
                f"{SECRETS_DIR} names {folder}, which is no folder; name one that holds a file for "
                "each secret, such as llmlabel_database_url.",
                field="secrets_dir",
            )
        return (*sources, SecretsSettingsSource(settings_cls, secrets_dir=folder))

    @property
    def models_folder(self) -> Path:
        """Where model weights are kept."""
        return self.home / "models"

    def folder_of(self, project: str) -> Path:
        """Where what a project keeps beside its database lies: the home folder, or one in it."""
        return self.home if project == DEFAULT_PROJECT else self.home / "projects" / project

    def own_guidelines(self, project: str) -> list[Path]:
        """Folders of guidelines that only this project has; the default one has the service's."""
        return [] if project == DEFAULT_PROJECT else [self.folder_of(project) / "guidelines"]

    def folders_of(self, project: str) -> dict[str, Path]:
        """The folders of a project that hold files its database speaks of, by what they hold."""
        folder = self.folder_of(project)
        return {name: folder / name for name in ("recordings", "batches", "guidelines")}

    @property
    def resolved_database_url(self) -> str:
        """`database_url`, or the SQLite file in the home folder."""
        return self.database_url or f"sqlite:///{self.home / 'llmlabel.db'}"


def tracing_asked() -> bool:
    """Whether the standard variables of OpenTelemetry ask for traces to be sent by OTLP."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if exporter:
        return "otlp" in exporter.split(",")
    return any(
        os.environ.get(name, "").strip()
        for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    )


def mistyped() -> dict[str, str]:
    """What begins as a setting does and is none, by name, with a sentence that says so.

    Looked at are the variables of the environment, the lines of `.env`, and secret files.
    """
    folder = Path(os.environ.get(SECRETS_DIR) or os.devnull)
    given = {*os.environ, *dotenv_values(".env")}
    given |= {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    settings = [f"{_PREFIX}{name.upper()}" for name in Settings.model_fields]
    return {
        name: f"{name} is no setting.{did_you_mean(name.upper(), settings)}"
        for name in sorted(given)
        if name.upper().startswith(_PREFIX) and name.upper() not in {*settings, *_OF_OTHERS}
    }


def explained(exc: ValidationError) -> InvalidSetting:
    """What pydantic found wrong with the settings, as an error that names the variable."""
    first = exc.errors()[0]
    name = _PREFIX + "_".join(str(part) for part in first["loc"][:1]).upper()
    why = str(first["msg"]).removeprefix("Value error, ").replace("Input should", "it should")
    return InvalidSetting(f"{name} cannot be used: {why}", field=name)
