"""Recipes: the settings of a run as YAML, checked, overridden and saved beside the result."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from synthmed.errors import SynthmedError
from synthmed.training.rules import check_recipe
from synthmed.training.schedule import Schedule
from synthmed.training.settings import (
    CodecSettings,
    ConditionSettings,
    DataSettings,
    DenoiserSettings,
    FlowSettings,
    GateSettings,
    Recipe,
)

__all__ = [
    "CodecSettings",
    "ConditionSettings",
    "DataSettings",
    "DenoiserSettings",
    "FlowSettings",
    "GateSettings",
    "Recipe",
    "Schedule",
    "load_recipe",
    "plain",
    "save_recipe",
]


def load_recipe(path: Path | str, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe from YAML and apply `key.subkey=value` overrides (values are YAML).

    What the recipe leaves out keeps its default, within lists of settings too:
    `--set flow.schedule.steps=9000` keeps the default warm-up of the flow.

    Raises:
        SynthmedError: No such file, no valid YAML, an unknown key, a value of the wrong type or
            out of range.
    """
    path = Path(path)
    mapping = _read(path)
    for override in overrides:
        _override(mapping, override)
    recipe: Recipe = _build(Recipe(), mapping, str(path))
    check_recipe(recipe, path)
    return recipe


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe as YAML."""
    path.write_text(yaml.safe_dump(plain(recipe), sort_keys=False), encoding="utf-8")


def plain(recipe: Recipe) -> dict[str, Any]:
    """Give a recipe as nested dictionaries and lists, as it stands in YAML."""
    mapping: dict[str, Any] = _plain(dataclasses.asdict(recipe))
    return mapping


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise SynthmedError("no such recipe", where=path, mend="Give the path of a YAML recipe.")
    try:
        mapping = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SynthmedError("the recipe is not valid YAML", where=f"{path}: {error}") from error
    if not isinstance(mapping, dict):
        raise SynthmedError("the recipe is not a mapping of keys to values", where=path)
    return mapping


def _override(mapping: dict[str, Any], override: str) -> None:
    """Set one value of a recipe that was read."""
    key, sign, value = override.partition("=")
    if not sign:
        raise SynthmedError("an override is not key=value", where=override)
    place = mapping
    *parents, last = key.split(".")
    for parent in parents:
        place = place.setdefault(parent, {})
        if not isinstance(place, dict):
            raise SynthmedError(f"{parent!r} has no parts to override", where=override)
    try:
        place[last] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise SynthmedError("the value of an override is not YAML", where=override) from error


def _build(default: Any, mapping: Mapping[str, Any], where: str) -> Any:
    """Replace fields of a settings dataclass by those of a mapping, checking keys and types."""
    hints = typing.get_type_hints(type(default))
    values = {}
    for key, value in mapping.items():
        if key not in hints:
            known = ", ".join(hints)
            raise SynthmedError(f"unknown key {key!r}", where=where, mend=f"Known keys: {known}.")
        values[key] = _convert(hints[key], value, getattr(default, key), f"{where}: {key}")
    return dataclasses.replace(default, **values)


def _convert(hint: Any, value: Any, default: Any, where: str) -> Any:
    """Check one value against its type; YAML's lists become tuples, its `1e-3` a number."""
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise SynthmedError("expected keys and values", where=where)
        return _build(default, value, where)
    kind, parts = typing.get_origin(hint) or hint, typing.get_args(hint)
    if kind is Any:
        return value
    if kind is float:
        return _number(value, where)
    if kind is tuple and isinstance(value, list | tuple):
        return tuple(_convert(parts[0], item, None, where) for item in value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        name = "a list" if kind in (list, tuple) else kind.__name__
        raise SynthmedError(f"expected {name}, got {value!r}", where=where)
    if kind is list:
        return [_convert(parts[0], item, None, where) for item in value]
    if kind is dict:
        return {
            _convert(parts[0], key, None, where): _convert(parts[1], item, None, f"{where}.{key}")
            for key, item in value.items()
        }
    return value


def _number(value: Any, where: str) -> float:
    """A finite float; YAML reads 1e-3 as a string."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise SynthmedError(f"expected a number, got {value!r}", where=where)
    return number


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
