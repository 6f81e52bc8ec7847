"""The options of `synthmed import` as settings of an importer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from synthmed.errors import SynthmedError

_FLAGS = ("allow_burned_in", "allow_captures", "keep_description")


def importer_options(given: dict[str, Any], chosen: str) -> dict[str, Any]:
    """Turn the command's options into the importer's settings; those not given are left out."""
    same = ("frames", "axis", "step", "unit", "mask", "table", "group", "images")
    options = {name: given[name] for name in same if given[name] is not None}
    options.update({name: True for name in _FLAGS if given[name]})
    kind = {name: given[name] for name in ("modality", "body_part") if given[name]}
    if kind and chosen in {"classes", "domains"}:
        options["cells"] = tuple(kind.items())
    else:
        options.update(kind)
    if given["slices"]:
        options["start"], options["stop"] = _range(given["slices"])
    if given["window"]:
        options["window"] = _window(given["window"])
    if given["keep_column"]:
        options["keep"] = tuple(given["keep_column"])
    mapping = _mapping(given["columns"])
    for pair in given["map_"] or []:
        to, _, source = pair.partition("=")
        mapping.setdefault("columns", {})[to] = _column(source, pair)
    return {**options, **mapping}


def _column(source: str, pair: str) -> Any:
    """Read what stands behind `--map TO=`: a column's name, or JSON such as {"const": "CT"}."""
    try:
        if source:
            return json.loads(source) if source.startswith("{") else source
    except ValueError:
        pass
    raise SynthmedError(f"--map {pair!r} is not TO=COLUMN or TO=JSON")


def _mapping(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    import yaml

    try:
        contents = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SynthmedError(f"cannot read these columns: {error}", where=path) from error
    known = {"columns", "where"}
    if not isinstance(contents, dict) or not set(contents) <= known:
        raise SynthmedError(
            "this file is no mapping of columns", where=path, mend="Give `columns` and `where`."
        )
    return {name: dict(contents[name] or {}) for name in sorted(contents)}


def _range(text: str) -> tuple[int, int | None]:
    start, colon, stop = text.partition(":")
    if not (colon and all(part.isdecimal() or not part for part in (start, stop))):
        raise SynthmedError(f"--range {text!r} is not START:STOP")
    return int(start or 0), int(stop) if stop else None


def _window(text: str) -> tuple[float, float]:
    from synthmed.imaging.windows import WINDOWS

    if text in WINDOWS["CT"]:
        return WINDOWS["CT"][text]
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low = high = 0.0
    if not low < high:
        raise SynthmedError(
            f"--window {text!r} is neither LOW,HIGH nor a preset",
            mend=f"Presets: {', '.join(WINDOWS['CT'])}",
        )
    return low, high
