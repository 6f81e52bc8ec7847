"""synthmed train: a recipe to a trained generator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synthmed.cli.shell import DebugOption, JsonOption, print_result, quiet_libraries, reporting


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="Recipe, a YAML file.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; by default runs/ and the recipe's name.")
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a setting of the recipe."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in the folder.")
    ] = False,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Train a generator on dataset folders, as a recipe says."""
    with reporting(debug=debug):
        quiet_libraries()
        from synthmed.training.run import train as run

        folder = run(recipe, out=out, overrides=override or [], resume=resume, progress=not json)
        print_result({"generator": str(folder)}, [f"Generator: {folder}"], as_json=json)
