"""Scoring a guideline against data whose labels have other names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from llmlabel.errors import InvalidInput


class LabelMap:
    """From the guideline's labels to the data's; what maps to null is not scored.

    Of spans and tokens, a unit whose label is mapped to null is left out on both sides. Of a
    choice, a case whose gold label is null is left out; an answer mapped to null is wrong,
    because the case had another right answer.
    """

    def __init__(self, names: Mapping[str, str | None] | None = None) -> None:
        self._names = dict(names or {})

    @classmethod
    def read(cls, path: Path) -> LabelMap:
        """Read a YAML or JSON object of label to label or null.

        Raises:
            InvalidInput: The file cannot be read or is something else.
        """
        import yaml  # noqa: PLC0415

        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
            raise InvalidInput(f"{path}: the label map cannot be read ({exc}).") from exc
        fits = isinstance(content, dict) and all(
            isinstance(key, str) and (value is None or isinstance(value, str))
            for key, value in content.items()
        )
        if not fits:
            raise InvalidInput(
                f"{path}: a label map is an object of the guideline's label to the data's label, "
                "or to null for labels that are not scored; put quotes around names such as "
                '"no" and "1".'
            )
        return cls(content)

    def check(self, guideline_labels: Iterable[str], data_labels: Iterable[str]) -> None:
        """See that every label on either side has its place.

        Raises:
            InvalidInput: Names the labels that do not, and what to write for them.
        """
        ours, theirs = set(guideline_labels), set(data_labels)
        if self._names:
            odd = {
                name
                for name, value in self._names.items()
                if name not in ours and (value is not None or name not in theirs)
            }
            if odd:
                raise InvalidInput(
                    f"The label map names {_list(odd)}, which the guideline does not have; it "
                    f"has {_list(ours)}."
                )
            lost = ours - set(self._names) - theirs
            if lost:
                raise InvalidInput(
                    f"The label map does not say what {_list(lost)} of the guideline is in the "
                    f"data ({_list(theirs)}); map it to one of these or to null."
                )
        reached = {self.predicted(name) for name in ours}
        dropped = {name for name in theirs if self.gold(name) is None}
        missing = theirs - reached - dropped
        if missing:
            raise InvalidInput(
                f"The data has the labels {_list(missing)}, which no label of the guideline "
                f"({_list(ours)}) stands for. Give a label map (--label-map), with null for labels "
                "not to be scored, or use the data's own labels (--labels-from-data)."
            )

    def predicted(self, label: str) -> str | None:
        """The data's name for a label of the guideline; None where it is not scored."""
        return self._names.get(label, label)

    def gold(self, label: str) -> str | None:
        """A label of the data; None where it is not scored."""
        return None if label in self._names and self._names[label] is None else label

    def guideline_label(self, label: str) -> str:
        """The guideline's label for one of the data, for examples shown to a model.

        Raises:
            InvalidInput: More than one label, or none, stands for it.
        """
        names = [ours for ours, theirs in self._names.items() if theirs == label]
        if not self._names or (not names and label not in self._names):
            return label
        if len(names) != 1:
            raise InvalidInput(
                f"Examples labeled {label!r} cannot be shown: {_list(names) or 'no label'} of the "
                "guideline stands for it, not exactly one."
            )
        return names[0]

    def __bool__(self) -> bool:
        """Whether it renames or drops anything."""
        return bool(self._names)


def _list(names: Iterable[str]) -> str:
    ordered = sorted(names)
    shown = ", ".join(f"`{name}`" for name in ordered[:20])
    return shown + (f" and {len(ordered) - 20} more" if len(ordered) > 20 else "")
