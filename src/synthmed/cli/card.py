"""synthmed card: the card of a dataset or a generator; none without licence and intended use."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer

from synthmed.cli.shell import DebugOption, JsonOption, print_result, reporting
from synthmed.errors import SynthmedError

_CARD = "synthmed.json"


def card(
    what: Annotated[
        str,
        typer.Argument(metavar="DATASET|MODEL", help="Dataset folder, generator, bundled name."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="File to write; by default README.md (croissant.json) in the folder."),
    ] = None,
    licence: Annotated[str, typer.Option(help="Licence; by default the one on record.")] = "",
    intended_use: Annotated[
        str, typer.Option(help="What it is for; by default what is on record.")
    ] = "",
    title: Annotated[str, typer.Option(help="Name of the dataset; by default the folder's.")] = "",
    croissant: Annotated[
        bool, typer.Option("--croissant", help="Write Croissant 1.0 metadata instead (dataset).")
    ] = False,
    url: Annotated[str, typer.Option(help="--croissant: where the dataset is published.")] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a card that is there already.")
    ] = False,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write a card: what it is, what it was made of, what it is for and not for.

    Refused (exit code 3) where no licence or no intended use is stated.
    """
    with reporting(debug=debug):
        from synthmed.imaging.writing import write_atomic
        from synthmed.models.bundled import bundled_models

        bundled = bundled_models()
        folder = Path(what) if Path(what).exists() else bundled.get(what, Path(what))
        target = out or folder / ("croissant.json" if croissant else "README.md")
        given = {"licence": licence, "intended_use": intended_use}
        if (folder / _CARD).is_file():
            if croissant:
                raise SynthmedError("Croissant metadata describe datasets", where=what)
            if out is None and folder in bundled.values():
                raise SynthmedError(
                    "a bundled generator stays as it is", mend="Name a file by --out."
                )
            kind, text = "generator", _model(folder / _CARD, given)
        else:
            kind, text = "dataset", _dataset(folder, croissant, url, {**given, "title": title})
        if target.exists() and not replace:
            raise SynthmedError(
                "a card is there already", where=target, mend="Give --replace, or name --out FILE."
            )
        write_atomic(target, text.encode("utf-8", "replace"))
        print_result({"card": str(target), "kind": kind}, [f"Card: {target}"], as_json=json)


def _model(record: Path, given: dict[str, str]) -> str:
    from synthmed.datasets.cards import model_card

    try:
        facts = json_module.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        facts = None
    if not isinstance(facts, dict):
        raise SynthmedError("not a readable JSON object", where=record)
    return model_card(facts, **given)


def _dataset(folder: Path, croissant: bool, url: str, given: dict[str, Any]) -> str:
    from synthmed.datasets import cards, read_dataset

    dataset = read_dataset(folder)
    if croissant:
        facts = cards.croissant(dataset, url=url, **given)
        return json_module.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    return cards.dataset_card(dataset, **given)
