"""Read what prompts may be made of from a YAML file of concepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from synthmed.datasets.combinations import Choices, Combination, Patient, combination
from synthmed.errors import SynthmedError

_KEYS = ("concepts", "views", "combinations", "ages", "sexes")
_EXAMPLE = "Write for example: chest X-ray: {concepts: [No Finding, Cardiomegaly], views: [PA]}"


def read_choices(path: Path) -> Choices:
    """Read the combinations that a YAML file names.

    The file maps an image type to `concepts` (labels, each alone), and if wanted `views`,
    `combinations` (lists of labels), `ages` and `sexes`.

    Args:
        path: The file.

    Raises:
        SynthmedError: It cannot be read, or says something that has no meaning.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise SynthmedError("the concepts cannot be read", where=path, mend=_EXAMPLE) from error
    if not isinstance(content, dict) or not content:
        raise SynthmedError("the file names no image type", where=path, mend=_EXAMPLE)
    found: list[Combination] = []
    patients: dict[str, list[Patient]] = {}
    for kind, entry in content.items():
        name = str(kind)
        if not isinstance(entry, dict) or (unknown := [k for k in entry if k not in _KEYS]):
            what = f"unknown key {unknown[0]!r}" if isinstance(entry, dict) else "no keys"
            raise SynthmedError(f"{what} of {name!r}", where=path, mend=_EXAMPLE)
        found += _of_entry(name, entry, path)
        if entry.get("ages") or entry.get("sexes"):
            patients[name] = _patients(entry, name, path)
    return Choices(list({c.prompt: c for c in found}.values()), patients)


def _of_entry(kind: str, entry: dict[str, Any], path: Path) -> list[Combination]:
    single = _texts(entry.get("concepts"), f"{kind}: concepts", path)
    listed = entry.get("combinations") or []
    if not isinstance(listed, list):
        raise SynthmedError(f"{kind}: combinations is no list", where=path, mend=_EXAMPLE)
    groups: list[tuple[str, ...]] = [(label,) for label in single]
    groups += [tuple(_texts(one, f"{kind}: combinations", path)) for one in listed]
    if not groups:
        raise SynthmedError(f"{kind!r} has no concepts", where=path, mend=_EXAMPLE)
    views = _texts(entry.get("views"), f"{kind}: views", path) or [""]
    return [combination(kind, labels, view) for labels in groups for view in views]


def _texts(value: Any, name: str, path: Path) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(v, str | int | float) for v in value):
        raise SynthmedError(f"{name} is no list of words", where=path, mend=_EXAMPLE)
    return [str(item) for item in value]


def _patients(entry: dict[str, Any], kind: str, path: Path) -> list[Patient]:
    ages: list[float | None] = []
    for age in _texts(entry.get("ages"), f"{kind}: ages", path):
        try:
            ages.append(float(age))
        except ValueError:
            raise SynthmedError(f"{kind}: age {age!r} is no number", where=path) from None
        if not 1 <= float(age) <= 130:
            raise SynthmedError(f"{kind}: age {age} is not between 1 and 130", where=path)
    sexes: list[str | None] = [*_texts(entry.get("sexes"), f"{kind}: sexes", path)]
    if wrong := [sex for sex in sexes if sex not in ("F", "M")]:
        raise SynthmedError(f"{kind}: sex {wrong[0]!r} is not F or M", where=path)
    return [(age, sex) for age in ages or [None] for sex in sexes or [None]]
