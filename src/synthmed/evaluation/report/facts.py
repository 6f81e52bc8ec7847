"""What a page says of the compared sets, the settings and how to cite a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthmed import __version__
from synthmed.evaluation.report.header import Header

_ROLES = {
    "synthetic": "Synthetic",
    "real": "Real",
    "train": "The generator’s training images",
    "holdout": "Hold-out: patients outside the training images",
}
_LABELS = {
    "path": "Folder",
    "n": "Images",
    "groups": "Patients or groups",
    "types": "Types",
    "licences": "Licences",
    "generator": "Generator",
}


@dataclass(frozen=True)
class Fact:
    """A fact in words: its label, and one or more lines."""

    label: str
    lines: list[str]
    code: bool = False


def side_facts(header: Header) -> list[tuple[str, list[Fact]]]:
    """Give the compared sets with what is known of each; blanks are left out."""
    sides = []
    for role, facts in header.sides.items():
        names = [name for name in _LABELS if name in facts]
        names += [name for name in facts if name not in (*names, "name")]
        sides.append((_ROLES[role], _facts({name: facts[name] for name in names})))
    return sides


def setting_facts(values: Mapping[str, Any]) -> list[Fact]:
    """Give settings or versions in words; blanks are left out."""
    return _facts(values)


def comparison(header: Header) -> str:
    """Say in half a sentence who was compared with whom."""
    synthetic, real = header.synthetic, header.real
    groups = real.get("groups")
    of = f" of {groups:,} patients or groups" if groups else ""
    return f"{synthetic['n']:,} synthetic against {real['n']:,} real images{of}"


def citation(header: Header, digest: str) -> str:
    """Give a BibTeX entry that names the software's version and this very report."""
    version = header.software.get("synthmed", __version__)
    title = header.title.translate(str.maketrans("", "", "{}\\%"))
    return (
        "@software{synthmed,\n"
        "  author  = {{The synthmed authors}},\n"
        "  title   = {synthmed: labelled synthetic medical images from text},\n"
        f"  version = {{{version}}},\n"
        f"  note    = {{Evaluation {title}, {header.created},\n"
        f"             report.json SHA-256 {digest}}}\n"
        "}"
    )


def _facts(values: Mapping[str, Any]) -> list[Fact]:
    facts = []
    for name, value in values.items():
        lines = [line for line in _lines(value) if line]
        if lines:
            label = _LABELS.get(name, str(name).replace("_", " "))
            facts.append(Fact(label[:1].upper() + label[1:], lines, "hash" in str(name)))
    return facts


def _lines(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [
            f"{key or 'not named'}:\u00a0{' '.join(_lines(each))}" for key, each in value.items()
        ]
    if isinstance(value, list | tuple | set):
        return ["; ".join(" ".join(_lines(each)) for each in value)]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, int):
        return [f"{value:,}"]
    return [f"{value:g}" if isinstance(value, float) else str(value)]
