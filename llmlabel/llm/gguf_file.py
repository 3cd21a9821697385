"""What a GGUF file says of itself: architecture, vocabulary, chat template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llmlabel.domain.base import Value
from llmlabel.errors import MissingModel, ModelCorrupt, ModelRejected

ARCHITECTURES = frozenset({"llama", "qwen2", "qwen3"})
"""Those that OpenVINO converts."""

NORMAL_TOKEN = 1


class GgufFacts(Value):
    """The metadata the embedded model needs; lists are indexed by token id."""

    name: str
    architecture: str
    context_tokens: int
    pre_tokenizer: str
    tokens: tuple[str, ...]
    token_types: tuple[int, ...]
    merges: tuple[str, ...]
    end_token: int
    begin_token: int | None
    add_begin: bool
    chat_template: str

    @property
    def special_tokens(self) -> frozenset[int]:
        """Ids that text can never stand for: control, user-defined and unused tokens."""
        return frozenset(
            number for number, kind in enumerate(self.token_types) if kind != NORMAL_TOKEN
        )


def read_gguf(path: Path) -> GgufFacts:
    """Read the metadata and check that the tensors are all there.

    Raises:
        MissingModel: There is no such file.
        ModelCorrupt: It is no GGUF file, or is cut off.
        ModelRejected: It is one, but of a kind that cannot be run here.
    """
    if not path.is_file():
        raise MissingModel(f"There is no file {path}; get the weights with: llmlabel models pull")
    fields = _fields(path)
    architecture = str(_need(fields, path, "general.architecture"))
    if architecture not in ARCHITECTURES:
        raise ModelRejected(
            f"{path} holds a model of the architecture {architecture!r}; the embedded runtime "
            f"reads {', '.join(sorted(ARCHITECTURES))}. Take another GGUF file."
        )
    tokenizer = str(_need(fields, path, "tokenizer.ggml.model"))
    if tokenizer != "gpt2":
        raise ModelRejected(
            f"{path} has a tokenizer of the kind {tokenizer!r}; the embedded runtime reads "
            "byte-level BPE ('gpt2') only. Take another GGUF file."
        )
    template = fields.get("tokenizer.chat_template")
    if not template:
        raise ModelRejected(
            f"{path} has no chat template; take the instruction-tuned variant of the model."
        )
    begin = fields.get("tokenizer.ggml.bos_token_id")
    return GgufFacts(
        name=str(fields.get("general.name", path.stem)),
        architecture=architecture,
        context_tokens=int(_need(fields, path, f"{architecture}.context_length")),
        pre_tokenizer=str(fields.get("tokenizer.ggml.pre", "default")),
        tokens=tuple(_need(fields, path, "tokenizer.ggml.tokens")),
        token_types=tuple(_need(fields, path, "tokenizer.ggml.token_type")),
        merges=tuple(_need(fields, path, "tokenizer.ggml.merges")),
        end_token=int(_need(fields, path, "tokenizer.ggml.eos_token_id")),
        begin_token=None if begin is None else int(begin),
        add_begin=bool(fields.get("tokenizer.ggml.add_bos_token", False)),
        chat_template=str(template),
    )


def _fields(path: Path) -> dict[str, Any]:
    from gguf import GGUFReader  # noqa: PLC0415

    try:
        reader = GGUFReader(str(path))
        wanted = ("general.", "tokenizer.")
        fields = {
            name: field.contents()
            for name, field in reader.fields.items()
            if name.startswith(wanted) or name.endswith(".context_length")
        }
        end = max(int(tensor.data_offset) + int(tensor.n_bytes) for tensor in reader.tensors)
    except Exception as exc:  # the reader lets through whatever a broken file makes it stumble on
        raise ModelCorrupt(
            f"{path} is no readable GGUF file ({type(exc).__name__}: {exc}); delete it and get "
            "it again with: llmlabel models pull"
        ) from exc
    size = path.stat().st_size
    if size < end:
        raise ModelCorrupt(
            f"{path} is cut off: {size:,} bytes, {end:,} expected; delete it and get it again "
            "with: llmlabel models pull"
        )
    return fields


def _need(fields: dict[str, Any], path: Path, name: str) -> Any:
    if name not in fields:
        raise ModelRejected(f"{path} lacks the entry {name!r}; take another GGUF file.")
    return fields[name]
