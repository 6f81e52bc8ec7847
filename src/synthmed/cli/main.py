"""The command `synthmed`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from synthmed.cli.calibrate import calibrate
from synthmed.cli.card import card
from synthmed.cli.demo import demo
from synthmed.cli.detect import detect
from synthmed.cli.evaluate import evaluate
from synthmed.cli.export import export
from synthmed.cli.filter import filter_
from synthmed.cli.generate import generate
from synthmed.cli.import_ import import_
from synthmed.cli.info import info
from synthmed.cli.prompts import prompts
from synthmed.cli.render import render
from synthmed.cli.train import train
from synthmed.cli.translate import translate
from synthmed.cli.validate import validate


class _OneLineErrors(TyperGroup):
    """Says what is wrong with a command line in one line, with exit code 2."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """Run the command line; see `click.Group.main`."""
        given = sys.argv[1:] if args is None else list(args)
        options["standalone_mode"] = False
        try:
            code = super().main(given or ["--help"], *rest, **options)
        except Exception as error:
            if not hasattr(error, "format_message"):  # not an error of the command line
                raise
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "synthmed"
            message = " ".join(error.format_message().split()).rstrip(".")
            print(f"synthmed: error: {message}. See '{command} --help'.", file=sys.stderr)
            code = 2
        sys.exit(code if isinstance(code, int) else 0)


app = typer.Typer(
    name="synthmed",
    cls=_OneLineErrors,
    help="Synthetic medical images: import, render, train, generate, translate, evaluate, export.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("import")(import_)
app.command("filter")(filter_)
_MAKE = (validate, prompts, render, train, generate, translate, calibrate)
_JUDGE = (evaluate, detect, export, card, info, demo)
for _verb in (*_MAKE, *_JUDGE):
    app.command()(_verb)


if __name__ == "__main__":
    app()
