"""The options of every verb. A verb is stable: change this list on purpose only."""

from __future__ import annotations

import typer

from synthmed.cli.main import app

GOLDEN = {
    "train": ["RECIPE", "--debug", "--json", "--out", "--resume", "--set"],
    "generate": [
        "MODEL",
        "--batch-size",
        "--count",
        "--debug",
        "--device",
        "--dtype",
        "--embed-prompt",
        "--guidance",
        "--json",
        "--negative",
        "--out",
        "--prompt",
        "--prompts",
        "--seed",
        "--solver",
        "--split",
        "--steps",
        "--strict",
    ],
    "info": ["[MODEL|DATASET]", "--debug", "--json"],
    "demo": ["--debug", "--images", "--json", "--out"],
}


def test_verbs_and_their_options_are_frozen() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    found = {}
    for verb, command in commands.items():
        names = []
        for parameter in command.params:
            option = parameter.param_type_name == "option"
            names += [*parameter.opts, *parameter.secondary_opts] if option else [parameter.metavar]
        found[verb] = sorted(names, key=lambda name: (name.startswith("-"), name))
    assert found == GOLDEN
