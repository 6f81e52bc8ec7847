"""synthmed card: the card of a dataset or a generator; none without licence and intended use."""

from __future__ import annotations

import json as json_module
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from synthmed.cli.shell import DebugOption, JsonOption, print_result, reporting
from synthmed.errors import SynthmedError

_CARD = "synthmed.json"
_PLOT = "calibration.svg"  # beside the card


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

    The curves of a calibrated generator are drawn beside it, as calibration.svg.
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
            kind, (text, plot) = "generator", _model(folder / _CARD, given)
        else:
            text, plot = _dataset(folder, croissant, url, {**given, "title": title}), None
            kind = "dataset"
        if target.exists() and not replace:
            raise SynthmedError(
                "a card is there already", where=target, mend="Give --replace, or name --out FILE."
            )
        facts, lines = {"card": str(target), "kind": kind}, [f"Card: {target}"]
        if plot is not None:
            file = target.parent / _PLOT
            write_atomic(file, plot)
            facts["plot"], lines = str(file), [*lines, f"Plot: {file}"]
        write_atomic(target, text.encode("utf-8", "replace"))
        print_result(facts, lines, as_json=json)


def _model(record: Path, given: dict[str, str]) -> tuple[str, bytes | None]:
    """Give the text of a generator's card, and the plot of its calibration where it has one."""
    from synthmed.datasets.cards import model_card

    try:
        facts = json_module.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        facts = None
    if not isinstance(facts, dict):
        raise SynthmedError("not a readable JSON object", where=record)
    if not facts.get("calibration"):
        return model_card(facts, **given), None
    from synthmed.synthesis.calibration_plot import calibration_svg
    from synthmed.synthesis.calibration_table import calibration_text

    try:
        more, plot = calibration_text(facts, _PLOT), calibration_svg(facts)
    except SynthmedError as error:
        warnings.warn(f"the card has no curves: {error}", stacklevel=1)
        return model_card(facts, **given), None
    return model_card(facts, **given, more=more), plot


def _dataset(folder: Path, croissant: bool, url: str, given: dict[str, Any]) -> str:
    from synthmed.datasets import cards, read_dataset

    dataset = read_dataset(folder)
    if croissant:
        facts = cards.croissant(dataset, url=url, **given)
        return json_module.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    return cards.dataset_card(dataset, **given)
