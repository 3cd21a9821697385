"""GGUF to OpenVINO, run as a process of its own so that its memory goes when it ends.

`python -m llmlabel.llm.convert MODEL.gguf FOLDER` writes `model.xml` and `model.bin` into the
folder. What goes wrong is said on the error stream and by the exit code.
"""

from __future__ import annotations

import sys
from pathlib import Path


def convert(gguf: Path, folder: Path) -> None:
    """Write the model beside a link to the GGUF file, where OpenVINO insists on putting it."""
    import openvino_genai  # noqa: PLC0415

    link = folder / "weights.gguf"
    link.symlink_to(gguf.resolve())
    openvino_genai.LLMPipeline(str(link), "CPU", enable_save_ov_model=True)
    link.unlink()
    for suffix in (".xml", ".bin"):
        (folder / f"openvino_model{suffix}").replace(folder / f"model{suffix}")
    for extra in folder.glob("openvino_*"):
        extra.unlink()


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
