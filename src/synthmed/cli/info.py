"""synthmed info: what a generator or a dataset is, read from its JSON file alone."""

from __future__ import annotations

import json as json_module
from collections import Counter, defaultdict
from pathlib import Path
from typing import Annotated, Any

import typer

from synthmed.cli.shell import DebugOption, JsonOption, print_result, reporting
from synthmed.errors import SynthmedError

_CARD, _DATASET = "synthmed.json", "dataset.json"
_SUMMARY = ("image_size", "parameters", "licence", "intended_use", "misuse", "hash")


def info(
    what: Annotated[
        str | None,
        typer.Argument(metavar="[MODEL|DATASET]", help="By default the bundled models are listed."),
    ] = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say what a generator or a dataset is; without a name, list the bundled models."""
    with reporting(debug=debug):
        from synthmed.models.bundled import bundled_models

        bundled = bundled_models()
        if what is None:
            cards = {name: _summary(_read(path / _CARD)) for name, path in bundled.items()}
            lines = [line for name, card in cards.items() for line in _bundled_lines(name, card)]
            print_result({"models": cards}, lines or ["no bundled models"], as_json=json)
            return
        folder = bundled.get(what, Path(what))
        if (folder / _CARD).is_file():
            card = _read(folder / _CARD)
            print_result({"kind": "generator", **card}, _generator_lines(card), as_json=json)
        elif (folder / _DATASET).is_file():
            facts = _read(folder / _DATASET)
            lines = [*_dataset_lines(facts), *_domain_lines(folder)]
            print_result({"kind": "dataset", **facts}, lines, as_json=json)
        else:
            raise SynthmedError(
                f"neither a generator ({_CARD}) nor a dataset ({_DATASET})",
                where=what,
                mend="synthmed info lists the bundled models.",
            )


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json_module.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        value = None
    if not isinstance(value, dict):
        raise SynthmedError("not a readable JSON object", where=path)
    return value


def _summary(card: dict[str, Any]) -> dict[str, Any]:
    """Give the part of a card that a list shows."""
    types = [str(entry["name"]) for entry in card.get("types", [])]
    return {**{key: card[key] for key in _SUMMARY if key in card}, "types": types}


def _bundled_lines(name: str, card: dict[str, Any]) -> list[str]:
    size, count = card.get("image_size", "?"), card.get("parameters", 0) / 1e6
    parts = [f"{size} x {size} pixels", f"{count:.1f} M parameters", str(card.get("licence", ""))]
    head = f"{name}: " + ", ".join(part for part in parts if part)
    return [head, *(f"  {kind}" for kind in card["types"])]


def _generator_lines(card: dict[str, Any]) -> list[str]:
    lines = [f"name: {card.get('name', '')}"]
    lines += [f"{key.replace('_', ' ')}: {card[key]}" for key in _SUMMARY if key in card]
    for entry in card.get("types", []):
        count = f", {entry['images']} training images" if "images" in entry else ""
        lines.append(f"type: {entry['name']}{count}")
    for name, entry in card.get("domains", {}).items():
        images, groups = entry.get("images", "?"), entry.get("groups", "?")
        lines.append(f"domain: {name}, {images} training images of {groups} groups")
    for pair in card.get("calibration", {}).get("pairs", []):
        lines.append(f"calibrated: {pair.get('source')} to {pair.get('target')}")
    return lines


def _domain_lines(folder: Path) -> list[str]:
    """Images and groups of each domain by split, from the tables; [] where no row names one."""
    images: Counter[tuple[str, str]] = Counter()
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)
    for split in ("train", "val", "test"):
        table = folder / split / "metadata.jsonl"
        text = table.read_text(encoding="utf-8") if table.is_file() else ""
        for row in map(json_module.loads, filter(None, text.splitlines())):
            images[row.get("domain") or "", split] += 1
            groups[row.get("domain") or "", split].add(str(row.get("group_id")))
    names = sorted({name for name, _ in images} - {""})
    return [
        f"domain: {name}, "
        + ", ".join(
            f"{split} {count} of {len(groups[name, split])} groups"
            for (of, split), count in images.items()
            if of == name
        )
        for name in names
    ]


def _dataset_lines(facts: dict[str, Any]) -> list[str]:
    rows = facts.get("rows", {})
    lines = [f"rows: {sum(rows.values())} ({', '.join(f'{k} {v}' for k, v in rows.items())})"]
    made = facts.get("generation", {})
    shown = {k: v for k, v in made.items() if not isinstance(v, dict)}
    lines += [f"{key.replace('_', ' ')}: {value}" for key, value in shown.items()]
    plain = {k: v for k, v in facts.items() if isinstance(v, str | int | float)}
    return lines + [f"{key.replace('_', ' ')}: {value}" for key, value in plain.items()]
