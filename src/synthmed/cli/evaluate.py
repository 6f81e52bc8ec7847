"""synthmed evaluate: what a synthetic dataset is worth, and whom it might expose."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from synthmed.cli.shell import DebugOption, JsonOption, print_result, quiet_libraries, reporting


def evaluate(
    real: Annotated[
        Path, typer.Option(metavar="R", help="Real images: dataset folder, or YAML of sources.")
    ],
    synthetic: Annotated[Path, typer.Option(metavar="S", help="Synthetic dataset folder.")],
    out: Annotated[Path, typer.Option(metavar="REPORT", help="Folder of the report.")],
    train: Annotated[
        Path | None,
        typer.Option(metavar="T", help="What the generator was trained on; needed for privacy."),
    ] = None,
    real_split: Annotated[
        str | None, typer.Option(help="Split of R: train, val, test, all; test if there is one.")
    ] = None,
    train_split: Annotated[
        str | None, typer.Option(help="Split of T; train if there is one.")
    ] = None,
    sections: Annotated[
        str | None,
        typer.Option(help="Such as fidelity,alignment,edits,privacy; by default all."),
    ] = None,
    extractor: Annotated[
        str, typer.Option(help="Features of distances: medical-64, hf:FOLDER, pixels-16, ...")
    ] = "medical-64",
    generator: Annotated[
        str | None,
        typer.Option(help="The generator: leaves its training patients out; membership test."),
    ] = None,
    text_model: Annotated[
        str | None, typer.Option(help="Image-text model (folder, hub id), for CLIP score.")
    ] = None,
    utility: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Train classifiers of this column, too.")
    ] = None,
    utility_classifier: Annotated[
        str, typer.Option(help="small-cnn, densenet121, resnet:18, hf:FOLDER, ...")
    ] = "small-cnn",
    utility_steps: Annotated[int, typer.Option(help="Training steps of each classifier.")] = 400,
    utility_batch_size: Annotated[int, typer.Option(help="Images a training step.")] = 32,
    utility_seeds: Annotated[
        str, typer.Option(metavar="N,N,...", help="A classifier for each seed and table row.")
    ] = "0,1,2",
    utility_device: Annotated[
        str, typer.Option(help="Where classifiers are trained: auto, cpu, cuda, ...")
    ] = "auto",
    size: Annotated[
        int | None, typer.Option(min=16, help="Pixels a side; by default the synthetic size.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all draws.")] = 0,
    with_real_images: Annotated[
        bool, typer.Option("--with-real-images", help="Also write report-private.html.")
    ] = False,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Judge a synthetic dataset against real images, and write report.html and report.json.

    Real images that the generator was trained on are left out. Exit code 1: a light is red.
    """
    with reporting(debug=debug):
        quiet_libraries()
        from synthmed.cli.progress import status
        from synthmed.evaluation.context import Settings
        from synthmed.evaluation.evaluate import evaluate as run
        from synthmed.evaluation.utility_parts.options import seeds_of

        settings = Settings(
            extractor=extractor,
            seed=seed,
            generator=generator,
            text_model=text_model,
            utility_label=utility,
            utility_classifier=utility_classifier,
            utility_steps=utility_steps,
            utility_batch_size=utility_batch_size,
            utility_seeds=seeds_of(utility_seeds),
            utility_device=utility_device,
            with_real_images=with_real_images,
        )
        with status(shown=not json) as progress:
            result = run(
                real,
                synthetic,
                out,
                train=train,
                real_split=real_split,
                train_split=train_split,
                sections=[name.strip() for name in sections.split(",")] if sections else None,
                size=size,
                settings=settings,
                command=_command(),
                progress=progress,
            )
        facts = {
            "report": str(result.report),
            "lights": [
                {"title": light.title, "state": light.state, "reason": light.reason}
                for light in result.lights
            ],
            "warnings": list(result.warnings),
        }
        lines = [f"{light.state:5}  {light.title}: {light.reason}" for light in result.lights]
        lines += [f"warning: {text}" for text in result.warnings]
        print_result(facts, [*lines, str(result.report)], as_json=json)
        if any(light.state == "red" for light in result.lights):
            raise typer.Exit(1)


def _command() -> str:
    """Give the command as it was typed, without the place of the program."""
    import shlex

    return shlex.join(["synthmed", *sys.argv[1:]])
