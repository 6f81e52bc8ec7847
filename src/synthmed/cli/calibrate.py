"""synthmed calibrate: what translation between a model's domains keeps and reaches by depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import permutations
from pathlib import Path
from typing import Annotated, Any

import typer

from synthmed.cli.shell import DebugOption, JsonOption, print_result, quiet_libraries, reporting
from synthmed.errors import SynthmedError


def calibrate(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Folder of a generator that has domains.")
    ],
    dataset: Annotated[
        Path, typer.Argument(metavar="DATASET", help="Dataset folder, or YAML of sources.")
    ],
    pairs: Annotated[
        str | None,
        typer.Option(metavar="A:B,C:D,...", help="Ordered pairs of domains; by default all."),
    ] = None,
    depths: Annotated[
        str, typer.Option(metavar="N,N,...", help="Depths to measure, from 0 to 1.")
    ] = "0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1",
    split: Annotated[str, typer.Option(help="Split of the images: val or test.")] = "val",
    extractor: Annotated[
        str, typer.Option(help="Features of KID: medical-64, hf:FOLDER, pixels-16, ...")
    ] = "medical-64",
    most: Annotated[int, typer.Option(min=1, help="Images a domain, drawn by patient.")] = 200,
    guidance: Annotated[
        float | None, typer.Option(help="Guidance scale, as translate will be given it.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Solver steps each way.")] = None,
    solver: Annotated[str | None, typer.Option(help="euler, heun or multistep.")] = None,
    detail: Annotated[str | None, typer.Option(help="model or keep.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images evaluated together.")] = 16,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all draws.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = "auto",
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Measure structure and realism against depth, for the dial of translate.

    The curves are stored in the model's synthmed.json, pair by pair: the same command continues
    a run that was killed. Images of the model's training patients are refused (exit code 3).
    """
    with reporting(debug=debug):
        quiet_libraries()
        from synthmed.synthesis.calibration import calibrate as run

        result = run(
            model,
            dataset,
            split=split,
            depths=_numbers(depths),
            pairs=None if pairs is None else _pairs(pairs, model),
            extractor=extractor,
            most=most,
            guidance=guidance,
            steps=steps,
            solver=solver,
            detail=detail,
            batch_size=batch_size,
            seed=seed,
            device=device,
            dtype=dtype,
            progress=not json,
        )
        facts: dict[str, Any] = {**asdict(result), "card": str(result.card)}
        lines = [f"{source} to {target}: calibrated" for source, target in result.pairs]
        lines += [
            f"{bad['source']} to {bad['target']}: left out: {bad['reason']}"
            for bad in result.left_out
        ]
        lines += [f"rejected: {bad['file_name']}: {bad['reason']}" for bad in result.rejected]
        lines.append(f"{result.card}; synthmed card {model} draws the curves")
        print_result(facts, lines, as_json=json)


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise SynthmedError(
            "the depths are not numbers", where=text, mend="Such as --depths 0,0.5,1."
        ) from None


def _pairs(text: str, model: Path) -> list[tuple[str, str]]:
    """Read pairs such as "A:B,C:D"; names of the model's domains may hold colons."""
    known = _domains(model)
    by_name = {f"{one}:{other}": (one, other) for one, other in permutations(known, 2)}
    found = []
    for part in (part.strip() for part in text.split(",")):
        if part and part not in by_name:
            raise SynthmedError(
                f"no pair of the model's domains is called {part!r}",
                mend=f"Write A:B with two of {', '.join(known) or 'none'}.",
            )
        found += [by_name[part]] if part else []
    return found


def _domains(model: Path) -> Sequence[str]:
    """The domains of a model by its labels' file, without opening its weights."""
    import json as json_module

    file = model / "conditioners" / "domain" / "labels.json"
    try:
        return [str(name) for name in json_module.loads(file.read_text("utf-8"))["labels"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SynthmedError(
            "no generator that has domains",
            where=model,
            mend="Give the folder of one that was trained with a domain condition.",
        ) from error
