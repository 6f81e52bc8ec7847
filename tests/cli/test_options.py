"""The options of every verb. A verb is stable: change this list on purpose only."""

from __future__ import annotations

import typer

from synthmed.cli.main import app

GOLDEN = {
    "import": [
        "SOURCE",
        *("--allow-burned-in", "--allow-captures", "--axis", "--body-part", "--columns", "--debug"),
        *("--frames", "--from", "--group", "--images", "--jobs", "--json", "--keep-column"),
        *("--keep-description", "--licence", "--map", "--mask", "--max-rejected", "--modality"),
        *("--name", "--out", "--range", "--salt", "--seed", "--split", "--step", "--table"),
        *("--unit", "--window"),
    ],
    "evaluate": [
        *("--debug", "--extractor", "--generator", "--json", "--out", "--real", "--real-split"),
        *("--sections", "--seed", "--size", "--synthetic", "--text-model", "--train"),
        *("--train-split", "--utility", "--utility-batch-size", "--utility-classifier"),
        *("--utility-device", "--utility-seeds", "--utility-steps", "--with-real-images"),
    ],
    "detect": [
        "[IMAGES]...",
        *("--debug", "--detector", "--fit", "--json", "--max-rejected", "--out", "--real"),
        *("--seed", "--size", "--synthetic"),
    ],
    "filter": [
        "DATASET",
        *("--batch-size", "--checks", "--debug", "--device", "--dtype", "--json"),
        *("--max-rejected", "--out", "--real", "--redraw", "--scorer", "--seed", "--train"),
        "--tries",
    ],
    "validate": ["DATASET", "--debug", "--json", "--leakage-only", "--show"],
    "prompts": [
        "DATASET|CONCEPTS",
        *("--allow", "--cap", "--count", "--debug", "--json", "--out", "--patients", "--seed"),
        *("--split", "--type"),
    ],
    "render": [
        "CT...",
        *("--bits", "--body-part", "--count", "--debug", "--deform", "--deform-spacing"),
        *("--density", "--exposures", "--field-mm", "--image-type", "--invert"),
        *(
            "--jitter-degrees",
            "--jitter-field",
            "--jitter-mm",
            "--json",
            "--keep-table",
            "--labels",
            "--licence",
        ),
        *("--max-rejected", "--name", "--names", "--oblique"),
        *(
            "--organs",
            "--out",
            "--pairs",
            "--projection",
            "--salt",
            "--seed",
            "--series",
            "--size",
            "--source-detector",
        ),
        *("--source-isocentre", "--split", "--views"),
    ],
    "translate": [
        *("IMAGES", "MODEL"),
        *("--batch-size", "--debug", "--depth", "--detail", "--device", "--dtype", "--from"),
        *("--guidance", "--json", "--keep-structure", "--match-realism", "--max-rejected"),
        *("--out", "--solver", "--split", "--steps", "--to"),
    ],
    "calibrate": [
        *("DATASET", "MODEL"),
        *("--batch-size", "--debug", "--depths", "--detail", "--device", "--dtype"),
        *("--extractor", "--guidance", "--json", "--most", "--pairs", "--seed", "--solver"),
        *("--split", "--steps"),
    ],
    "train": ["RECIPE", "--debug", "--json", "--out", "--resume", "--set"],
    "generate": [
        "MODEL",
        "--batch-size",
        "--count",
        "--debug",
        "--device",
        "--domain",
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
    "export": [
        "DATASET",
        *("--bits", "--compress", "--debug", "--embed-prompt", "--format", "--json"),
        *("--link-source", "--max-rejected", "--out", "--shard-size", "--slice-spacing"),
        *("--slices", "--sop", "--spacing", "--volumes"),
    ],
    "card": [
        "DATASET|MODEL",
        *("--croissant", "--debug", "--intended-use", "--json", "--licence", "--out"),
        *("--replace", "--title", "--url"),
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
