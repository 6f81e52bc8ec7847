"""Verdicts on single strata: margins, and the controls without which nothing is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthmed.evaluation.sections import State

TEXTURE = (0.5, 2.0)
"""Fine detail may have half to twice the power of the real images' (3 dB)."""
LOST = 0.10
"""Share of the real images that a set may leave uncovered, beyond what real images do."""

SPREAD = 0.80
"""Spread within prompts, over that of real images, that a set must exceed."""

Verdict = tuple[State, str]
"""A state and what was measured."""


def excess(entry: Mapping[str, Any]) -> Verdict:
    """Of realism: KID beyond that between real patients, against the yardstick."""
    found, unit, control = (entry.get(f"kid_{x}") for x in ("excess", "yardstick", "control"))
    if not found or not unit or not control:
        return "grey", str(entry.get("not_measurable", "not measured"))
    limit = unit["value"]
    text = f"excess KID {_with_interval(found)}, yardstick {limit:.3g}"
    if limit > 0 and found["low"] > limit:
        return "red", text
    if limit <= 0 or control["low"] <= limit:
        return "grey", f"{text}; real images blurred twice as much would not be red"
    return ("green" if found["high"] < limit else "amber"), text


def loss(entry: Mapping[str, Any]) -> Verdict:
    """Of variety: coverage lost, against `LOST`."""
    found, control = entry.get("coverage_loss"), entry.get("coverage_control")
    if not found or not control:
        return "grey", str(entry.get("not_measurable", "not measured"))
    text = f"loss of coverage {_with_interval(found)}"
    if found["low"] > LOST:
        return "red", text
    if control["low"] <= LOST:
        return "grey", f"{text}; the loss of half of the real variety would not be red"
    return ("green" if found["high"] < LOST else "amber"), text


def ratio(metrics: Mapping[str, Any]) -> Verdict:
    """Of texture: power of fine detail, against `TEXTURE`."""
    entry = metrics.get("high-frequency-ratio") or {}
    found, real = entry.get("synthetic"), entry.get("baseline")
    if not found or not real:
        return "grey", str(entry.get("not_measurable", "not measured"))
    low, high = TEXTURE
    text = f"ratio {_with_interval(found)}, of two real halves {_with_interval(real)}"
    if real["low"] < low or real["high"] > high:
        return "grey", f"{text}: real images differ by as much"
    if found["high"] < low or found["low"] > high:
        return "red", text
    return ("green" if low <= found["low"] and found["high"] <= high else "amber"), text


def spread(metrics: Mapping[str, Any]) -> Verdict:
    """Of diversity within prompts, against `SPREAD`."""
    entry = metrics.get("feature-diversity") or {}
    found, real = entry.get("synthetic"), entry.get("baseline")
    if not found or not real:
        return "grey", str(entry.get("not_measurable", "not measured"))
    text = f"ratio {_with_interval(found)}, of two real halves {_with_interval(real)}"
    if found["high"] < SPREAD and real["low"] > found["high"]:
        return "red", text
    if real["low"] <= SPREAD:
        return "grey", f"{text}: real images differ by as much"
    return ("green" if found["low"] > SPREAD else "amber"), text


def _with_interval(found: Mapping[str, float]) -> str:
    return f"{found['value']:.3g} [{found['low']:.3g}, {found['high']:.3g}]"
