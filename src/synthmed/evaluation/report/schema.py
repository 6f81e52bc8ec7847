"""The form of report.json: how it is made of sections, and whether a file keeps to it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from typing import Any

from synthmed.evaluation.report.header import Header
from synthmed.evaluation.report.plain import plain
from synthmed.evaluation.sections import Section

FORMAT = 1
_RESERVED = frozenset({"format", "header", "lights", "warnings", "methods"})
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def report_data(header: Header, sections: Sequence[Section]) -> dict[str, Any]:
    """Put a report together as report.json holds it.

    Args:
        header: Who was compared.
        sections: Its parts; each section's data stand under its key.

    Returns:
        JSON values; NaN and infinity are None.

    Raises:
        ValueError: A key that is no lower-case name, or reserved, or there twice; data that have
            no JSON form.
    """
    keys = [section.key for section in sections]
    for key in keys:
        if not re.fullmatch("[a-z][a-z0-9_-]*", key) or key in _RESERVED or keys.count(key) > 1:
            raise ValueError(f"a section cannot have the key {key!r}")
    lights = [{"section": part.key, **asdict(light)} for part in sections for light in part.lights]
    methods = [{"section": part.key, "text": text} for part in sections for text in part.methods]
    content = {
        "format": FORMAT,
        "header": header.to_dict(),
        **{section.key: section.data for section in sections},
        "lights": lights,
        "warnings": all_warnings(header, sections),
        "methods": methods,
    }
    result: dict[str, Any] = plain(content)
    return result


def all_warnings(header: Header, sections: Sequence[Section]) -> list[dict[str, str | None]]:
    """Gather all warnings, each once, with the key of their section (None: the whole report)."""
    pairs = [(None, text) for text in header.warnings]
    own = [(section.key, text) for section in sections for text in section.warnings]
    told = {text for _, text in own}
    every = dict.fromkeys([*(pair for pair in pairs if pair[1] not in told), *own])
    return [{"section": section, "text": text} for section, text in every]


def report_schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of report.json."""
    text = files("synthmed.evaluation.report").joinpath("schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def schema_errors(report: Any) -> list[str]:
    """Compare a report with the schema.

    Args:
        report: What report.json holds, as `json.loads` gives it.

    Returns:
        What is wrong and where, such as "$.lights[0].state: 'blue' is not one of ...".
    """
    schema = report_schema()
    return _errors(report, schema, schema, "$")


def _errors(value: Any, rule: dict[str, Any], schema: dict[str, Any], where: str) -> list[str]:
    """Check the keywords that schema.json uses; others would be ignored."""
    if "$ref" in rule:
        rule = schema["$defs"][rule["$ref"].removeprefix("#/$defs/")]
    kinds = rule.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, kind) for kind in kinds):
        return [f"{where}: {type(value).__name__} is not {' or '.join(kinds)}"]
    if "const" in rule and value != rule["const"]:
        return [f"{where}: {value!r} is not {rule['const']!r}"]
    if "enum" in rule and value not in rule["enum"]:
        return [f"{where}: {value!r} is not one of {', '.join(rule['enum'])}"]
    if "minimum" in rule and value is not None and value < rule["minimum"]:
        return [f"{where}: {value} is below {rule['minimum']}"]
    if isinstance(value, dict):
        return _object_errors(value, rule, schema, where)
    if isinstance(value, list) and "items" in rule:
        parts = [
            _errors(each, rule["items"], schema, f"{where}[{i}]") for i, each in enumerate(value)
        ]
        return [error for part in parts for error in part]
    return []


def _object_errors(
    value: dict[str, Any], rule: dict[str, Any], schema: dict[str, Any], where: str
) -> list[str]:
    found = [
        f"{where}: {name} is missing" for name in rule.get("required", ()) if name not in value
    ]
    known, other = rule.get("properties", {}), rule.get("additionalProperties", True)
    for name, each in value.items():
        inner = known.get(name, other)
        if inner is False:
            found.append(f"{where}: {name} is not known")
        elif isinstance(inner, dict):
            found += _errors(each, inner, schema, f"{where}.{name}")
    return found


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
