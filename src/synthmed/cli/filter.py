"""synthmed filter: a dataset without the images that a scorer rejects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synthmed.cli.shell import DebugOption, JsonOption, print_result, quiet_libraries, reporting

if TYPE_CHECKING:
    from synthmed.synthesis.filter import FilterResult


def filter_(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Dataset folder; only read.")],
    out: Annotated[Path, typer.Option(help="Folder of the new dataset: new or empty.")],
    checks: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="blank, broken, off-prompt, near-copy, duplicate; by default all that can be run.",
        ),
    ] = None,
    real: Annotated[
        Path | None,
        typer.Option(help="Real images, for broken and off-prompt; test rows are not read."),
    ] = None,
    train: Annotated[
        Path | None, typer.Option(help="The generator's training images, for near-copy.")
    ] = None,
    scorer: Annotated[
        Path | None, typer.Option(help="A trained classifier; by default one is fitted on --real.")
    ] = None,
    redraw: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Draw replacements with this generator.")
    ] = None,
    tries: Annotated[int, typer.Option(min=1, help="Rounds of replacements.")] = 3,
    seed: Annotated[
        int,
        typer.Option(min=0, help="Of the fit, and of new images if the source names none."),
    ] = 0,
    batch_size: Annotated[int, typer.Option(min=1, help="Replacements evaluated together.")] = 32,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = "auto",
    max_rejected: Annotated[
        int | None, typer.Option(min=0, help="More rejected images than this: exit code 1.")
    ] = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write a dataset again without the images that checks reject; say why in rejected.csv.

    Exit code: 0 done, 1 done and more images of the source rejected than --max-rejected.
    """
    with reporting(debug=debug):
        if redraw is not None:
            quiet_libraries()
        from synthmed.synthesis.filter import filter_dataset

        result = filter_dataset(
            dataset,
            out,
            checks=None if checks is None else _names(checks),
            real=real,
            train=train,
            scorer=scorer,
            redraw=redraw,
            tries=tries,
            seed=seed,
            batch_size=batch_size,
            device=device,
            dtype=dtype,
            progress=not json,
        )
        _print(result, as_json=json)
        if max_rejected is not None and result.rejected > max_rejected:
            raise typer.Exit(1)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _print(result: FilterResult, *, as_json: bool) -> None:
    facts = {
        "dataset": str(result.path),
        "images": result.images,
        "rejected": result.rejected,
        "redrawn": result.redrawn,
        "by_check": result.by_check,
        "models": list(result.models),
        "warnings": list(result.warnings),
        "checks": list(result.checks),
    }
    lines = [f"{result.images} images in {result.path}, {result.redrawn} of them redrawn"]
    said = ", ".join(f"{name} {count}" for name, count in result.by_check.items())
    lines.append(f"{result.rejected} rejected{f': {said}' if said else ''} (see rejected.csv)")
    lines.append(f"checks: {', '.join(result.checks)}")
    print_result(facts, lines, as_json=as_json)
