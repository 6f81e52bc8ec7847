"""synthmed info: what a generator or a dataset is, read from its JSON file alone."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer

from synthmed.cli.shell import DebugOption, JsonOption, print_result, reporting
from synthmed.errors import SynthmedError

_BUNDLED = Path(__file__).parents[1] / "models" / "weights"
_CARD, _DATASET = "synthmed.json", "dataset.json"


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
        if what is None:
            cards = {card.parent.name: _read(card) for card in sorted(_BUNDLED.glob(f"*/{_CARD}"))}
            lines = [line for name, card in cards.items() for line in _bundled_line(name, card)]
            print_result({"models": cards}, lines or ["no bundled models"], as_json=json)
            return
        folder = Path(what)
        if not folder.exists() and (_BUNDLED / what / _CARD).is_file():
            folder = _BUNDLED / what
        if (folder / _CARD).is_file():
            card = _read(folder / _CARD)
            print_result({"kind": "generator", **card}, _generator_lines(card), as_json=json)
        elif (folder / _DATASET).is_file():
            facts = _read(folder / _DATASET)
            print_result({"kind": "dataset", **facts}, _dataset_lines(facts), as_json=json)
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


def _types(card: dict[str, Any]) -> list[str]:
    return [str(entry["name"]) for entry in card.get("types", [])]


def _bundled_line(name: str, card: dict[str, Any]) -> list[str]:
    size, count = card.get("image_size", "?"), card.get("parameters", 0) / 1e6
    head = f"{name}: {size} x {size} pixels, {count:.1f} M parameters, {card.get('licence', '')}"
    return [head.rstrip(", "), *(f"  {kind}" for kind in _types(card))]


def _generator_lines(card: dict[str, Any]) -> list[str]:
    lines = []
    for key, value in card.items():
        if key == "types":
            for entry in value:
                lines.append(f"type: {entry['name']}")
                lines += [f"  e.g. {text}" for text in entry.get("prompts", [])[:2]]
        elif isinstance(value, str | int | float):
            lines.append(f"{key.replace('_', ' ')}: {value}")
    return lines


def _dataset_lines(facts: dict[str, Any]) -> list[str]:
    rows = facts.get("rows", {})
    lines = [f"rows: {sum(rows.values())} ({', '.join(f'{k} {v}' for k, v in rows.items())})"]
    made = facts.get("generation", {})
    lines += [f"{key.replace('_', ' ')}: {value}" for key, value in made.items()]
    plain = {k: v for k, v in facts.items() if isinstance(v, str | int | float)}
    return lines + [f"{key.replace('_', ' ')}: {value}" for key, value in plain.items()]
