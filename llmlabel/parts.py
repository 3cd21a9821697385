"""The models and labelers of a project: picked by the settings, each built once, at first use."""

from __future__ import annotations

from functools import cached_property
from importlib import metadata
from pathlib import Path

from pydantic import JsonValue

from llmlabel.audio import TranscriptLabeler, WhisperTranscriber
from llmlabel.domain.guideline import Guideline, LabelerStep
from llmlabel.domain.privacy import Privacy, strictest, without_secrets
from llmlabel.embedding import SentenceEmbedder
from llmlabel.errors import RemoteRefused, Unsupported
from llmlabel.labelers import boundaries
from llmlabel.labelers.llm_choice import LlmChoice
from llmlabel.labelers.llm_spans import VERIFY, LlmSpans
from llmlabel.labelers.llm_tokens import PROMPT as TOKENS_PROMPT
from llmlabel.labelers.llm_tokens import LlmTokens
from llmlabel.labelers.protocol import Labeler
from llmlabel.labelers.shortlist import Shortlist
from llmlabel.llm.cache import CachedModel, ReplyCache
from llmlabel.llm.embedded import EmbeddedModel
from llmlabel.llm.fallback import FallbackModel
from llmlabel.llm.observed import ObservedModel
from llmlabel.llm.prepare import weights_sha256
from llmlabel.llm.protocol import ChatModel
from llmlabel.models import ModelStore
from llmlabel.privacy import OpenVeil, Redactor, Veil
from llmlabel.prompts import PromptLibrary
from llmlabel.providers import Providers, split
from llmlabel.settings import Settings
from llmlabel.weights import EMBEDDER, Weights

CHOICE_PROMPT = "choice@1.0.0"


class Parts:
    """Builds what labels, and keeps it.

    Args:
        settings: Which models, and how they are run.
        models: Where the weights are.
        prompts: How language models are asked.
        providers: Opens models of providers.
        weights: What runs on this machine, shared with other projects; by default its own.
        replies: File of the reply cache; by default the one in the home folder. Projects share
            none: how soon an answer comes would tell what another asked.
    """

    def __init__(
        self,
        settings: Settings,
        models: ModelStore,
        prompts: PromptLibrary,
        providers: Providers | None = None,
        *,
        weights: Weights | None = None,
        replies: Path | None = None,
    ) -> None:
        self.settings = settings
        self.providers = providers or Providers(settings)
        self.models = models
        self.prompts = prompts
        self.weights = weights or Weights(settings, models)
        self._replies = replies or settings.home / "replies.db"
        self._labelers: dict[tuple[object, ...], Labeler] = {}
        self._models: dict[tuple[str, bool, bool], ChatModel] = {}

    @property
    def loaded(self) -> set[str]:
        """Names, as in the settings, of the models in memory now."""
        return self.weights.loaded

    def chat_model(self, name: str) -> ChatModel:
        """The language model of that name: of the catalogue, a GGUF file, or a provider's.

        Raises:
            MissingModel: Its weights are not on this machine.
        """
        return self._model(name)

    def _model(self, name: str, *, fallback: bool = False, patient: bool = True) -> ChatModel:
        key = (name, fallback, patient)
        if key not in self._models:
            model = self._open_model(name, fallback=fallback, patient=patient)
            cached = CachedModel(model, self._cache) if self._cache else model
            self._models[key] = ObservedModel(cached, _provider_of(model))
        return self._models[key]

    def _model_of(self, step: LabelerStep) -> ChatModel:
        """The language model of a step, with those that stand in for it behind it."""
        first = step.model or self.settings.llm
        others = [name for name in self._fallbacks(step) if name != first]
        if not others or not self.is_remote(first):
            return self._model(first)
        last = len(others) - 1
        return FallbackModel(
            [
                self._model(first, patient=False),
                *(
                    self._model(name, fallback=True, patient=index == last)
                    for index, name in enumerate(others)
                ),
            ]
        )

    def _fallbacks(self, step: LabelerStep) -> tuple[str, ...]:
        return self.settings.llm_fallbacks if step.fallbacks is None else step.fallbacks

    @property
    def embedder(self) -> SentenceEmbedder:
        """Sentence embeddings."""
        return self.weights.embedder

    @property
    def transcriber(self) -> WhisperTranscriber:
        """Whisper."""
        return self.weights.transcriber

    def identity(self, step: LabelerStep, guideline: Guideline) -> dict[str, JsonValue]:
        """What the answers of a step depend on besides the guideline itself."""
        made: dict[str, JsonValue] = {"labeler": step.name, "when": step.when}
        if step.when == "doubtful":
            made["doubt"] = step.doubt
        s = self.settings
        if guideline.kind == "spans":
            made["boundaries"] = boundaries.REVISION
        if step.name == "llm":
            made |= self._files(asked := step.model or s.llm)
            remote = self.is_remote(asked)
            made |= self._server(asked) if remote else self._contents(asked)
            default = {"choice": CHOICE_PROMPT, "spans": VERIFY, "tokens": TOKENS_PROMPT}
            prompt = self.prompts.get(guideline.prompt or default[guideline.kind])
            made |= {"prompt": prompt.ref, "prompt_sha256": prompt.sha256}
            if self._is_masked(step, guideline):
                made["privacy"] = "redact"
            if _has_many(guideline):
                made["shortlist"] = self._files(EMBEDDER)
        elif step.name == "spacy":
            made |= self._files(asked := step.model or s.spacy_model)
            made |= self._contents(asked)
        elif step.name == "whisper":
            made |= self._files(step.model or s.whisper_model)
        return made

    def privacy(self, guideline: Guideline) -> Privacy:
        """What of a guideline's texts providers may see: its policy or the setting, if stricter."""
        return strictest(guideline.policy.privacy, self.settings.privacy)

    def is_remote(self, name: str) -> bool:
        """Whether a language model is asked over a connection.

        What stands behind it cannot be known, so it is remote also where it runs on this machine.
        """
        return self.models.catalogue.find(name) is None and Path(name).suffix != ".gguf"

    def close(self) -> None:
        """Forget the models and close the reply cache; the weights are freed by `Weights`."""
        self._models.clear()
        self._labelers.clear()
        if self._cache:
            self._cache.close()

    def _files(self, name: str) -> dict[str, JsonValue]:
        entry = self.models.catalogue.find(name)
        if entry is None:
            return {"model": without_secrets(name)}
        return {"model": entry.name, "files": {file.path: file.sha256 for file in entry.files}}

    def _server(self, name: str) -> dict[str, JsonValue]:
        """Where a provider's model is asked and how, as far as it is not the default.

        Behind another base URL stands another model, whatever it is called.
        """
        s = self.settings
        made: dict[str, JsonValue] = {}
        if s.llm_api_base and split(name)[1] is None:
            made["api_base"] = without_secrets(s.llm_api_base)
        if s.llm_samples != Settings.model_fields["llm_samples"].default:
            made["samples"] = s.llm_samples
        return made

    def _contents(self, name: str) -> dict[str, JsonValue]:
        """What no catalogue pins may change under its name: the files at a path, a package."""
        if self.models.catalogue.find(name) is not None:
            return {}
        if Path(name).suffix != ".gguf" and not Path(name).exists():
            try:
                return {"version": metadata.version(name)}
            except metadata.PackageNotFoundError:
                return {}
        path = self.models.resolve(name)
        found = sorted(each for each in path.rglob("*") if each.is_file()) or [path]
        prepared = self.settings.home / "prepared"
        return {
            "files": {
                each.relative_to(path.parent).as_posix(): weights_sha256(each, prepared)
                for each in found
            }
        }

    def forget_texts(self, since: int) -> None:
        """Drop the kept replies that hold words of documents; see `ReplyCache.forget_texts`."""
        cache = self._cache or ReplyCache(self._replies)
        cache.forget_texts(since)
        if self._cache is None:
            cache.close()

    @cached_property
    def _cache(self) -> ReplyCache | None:
        return ReplyCache(self._replies) if self.settings.llm_cache else None

    def _open_model(self, name: str, *, fallback: bool, patient: bool) -> ChatModel:
        if not self.is_remote(name):
            return self.weights.language_model(name)
        return self.providers.open(name, fallback=fallback, patient=patient)

    def labeler_for(self, step: LabelerStep, guideline: Guideline) -> Labeler:
        """The labeler of a step of a guideline's cascade.

        Raises:
            MissingModel: Its weights are not on this machine.
            Unsupported: It cannot do guidelines of that kind.
            RemoteRefused: It asks a provider, and the guideline is `local_only`.
        """
        self._refuse_private(step, guideline)
        masked = self._is_masked(step, guideline)
        many = _has_many(guideline)
        others = self._fallbacks(step)
        key = (step.name, guideline.kind, guideline.prompt, step.model, others, many, masked)
        if key not in self._labelers:
            self._labelers[key] = self._open_labeler(step, guideline)
        return self._labelers[key]

    def _asks_provider(self, step: LabelerStep) -> bool:
        return step.name == "llm" and self.is_remote(step.model or self.settings.llm)

    def _is_masked(self, step: LabelerStep, guideline: Guideline) -> bool:
        return self._asks_provider(step) and self.privacy(guideline) == "redact"

    def _refuse_private(self, step: LabelerStep, guideline: Guideline) -> None:
        if self.privacy(guideline) != "local_only" or not self._asks_provider(step):
            return
        by_guideline = guideline.policy.privacy == "local_only"
        said = "its policy" if by_guideline else "LLMLABEL_PRIVACY"
        named = "in its `labelers`" if step.model else "with LLMLABEL_LLM"
        asked = without_secrets(step.model or self.settings.llm)
        raise RemoteRefused(
            f"{guideline.ref} is `local_only` by {said}, and {asked} is a model of a provider, so "
            f"nothing was sent; name one of `llmlabel models list` {named}, or allow `redact`.",
            field="privacy",
        )

    @cached_property
    def _redactor(self) -> Veil:
        return Redactor(self.weights.persons)

    def _open_labeler(self, step: LabelerStep, guideline: Guideline) -> Labeler:
        if step.name == "whisper" and guideline.kind == "transcript":
            return TranscriptLabeler()
        if step.name == "spacy" and guideline.kind in ("spans", "tokens"):
            name = step.model or self.settings.spacy_model
            return self.weights.spacy(name, guideline.kind)
        if step.name == "llm":
            model = self._model_of(step)
            veil = self._redactor if self._is_masked(step, guideline) else OpenVeil()
            if guideline.kind == "choice":
                prompt = self.prompts.get(guideline.prompt or CHOICE_PROMPT)
                shortlist = Shortlist(self.embedder) if _has_many(guideline) else None
                return LlmChoice(model, prompt, shortlist, veil=veil)
            if guideline.kind == "spans":
                return LlmSpans(model, self.prompts, veil)
            if guideline.kind == "tokens":
                return LlmTokens(model, self.prompts, veil)
        raise Unsupported(
            f"{guideline.ref} names the labeler `{step.name}`, which cannot do the kind "
            f"`{guideline.kind}`; name another in `labelers`.",
            field="labelers",
        )


def _provider_of(model: ChatModel) -> str:
    """Who runs a model, as litellm names them; empty where it runs in this process."""
    return "" if isinstance(model, EmbeddedModel) else model.name.partition("/")[0]


def _has_many(guideline: Guideline) -> bool:
    """Whether there are more labels than are offered to a model at once."""
    return len(guideline.labels) > guideline.policy.shortlist
