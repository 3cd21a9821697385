"""Fetch a model's files from the Hugging Face hub."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from llmlabel.errors import ModelCorrupt, ModelDownloadFailed
from llmlabel.models.catalogue import HubSource, ModelEntry
from llmlabel.models.files import is_disk_error, sha256_of_file
from llmlabel.models.progress import Meter

PROBE_SECONDS = 5.0


def fetch_from_hub(
    entry: ModelEntry,
    source: HubSource,
    whole: Path,
    partial: Path,
    meter: Meter,
    *,
    endpoint: str | None = None,
) -> None:
    """Put every file of the model into `whole`, verified.

    The hub's own client does the work, so its settings (HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE)
    apply, and an interrupted file goes on where it stopped.

    Raises:
        ModelDownloadFailed: The hub cannot be reached or does not have a file.
        ModelCorrupt: A file is not the one the catalogue pins.
        OSError: The disk refuses.
    """
    from huggingface_hub import (  # noqa: PLC0415
        get_hf_file_metadata,
        hf_hub_download,
        hf_hub_url,
    )
    from tqdm import tqdm  # type: ignore[import-untyped]  # noqa: PLC0415

    class NoBar(tqdm):  # type: ignore[misc]
        """The meter watches the folder; a second bar would garble the first."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "disable": True})

    folder = partial / "hub"
    try:
        with meter.watching(whole, folder):
            for index, file in enumerate(entry.files, start=1):
                target = whole / file.path
                if target.is_file() and sha256_of_file(target) == file.sha256:
                    continue
                name = source.files.get(file.path, file.path)
                meter.note(f"hub: {source.hub}, file {index} of {len(entry.files)}")
                # The client itself asks again and again for a minute; one short question first
                # tells a machine without internet apart.
                url = hf_hub_url(source.hub, name, revision=source.revision, endpoint=endpoint)
                get_hf_file_metadata(url, timeout=PROBE_SECONDS, endpoint=endpoint)
                fetched = Path(
                    hf_hub_download(
                        source.hub,
                        name,
                        revision=source.revision,
                        local_dir=folder,
                        endpoint=endpoint,
                        tqdm_class=NoBar,
                    )
                )
                found = sha256_of_file(fetched)
                if found != file.sha256:
                    fetched.unlink()
                    raise ModelCorrupt(
                        f"{name} of {source.hub} has sha256 {found}, not {file.sha256}"
                    )
                target.parent.mkdir(parents=True, exist_ok=True)
                fetched.replace(target)
    except ModelCorrupt:
        raise
    except Exception as exc:  # httpx and the hub's own errors: neither is part of our interface
        if is_disk_error(exc):
            raise
        if "No space left" in str(exc):  # the hub's native transfer wraps it
            raise OSError(errno.ENOSPC, str(exc)) from exc
        raise ModelDownloadFailed(_brief(exc)) from exc


def _brief(exc: Exception) -> str:
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    return f"{type(exc).__name__}: {lines[0] if lines else 'no explanation'}"[:300]
