"""synthmed generate: prompts to a synthetic dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synthmed.cli.shell import DebugOption, JsonOption, print_result, quiet_libraries, reporting
from synthmed.errors import SynthmedError

_MEND = "Give either --prompt TEXT or --prompts CSV."


def generate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="Bundled model (see synthmed info), folder, or checkpoint."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Dataset folder: new, empty, or one to continue.")],
    prompt: Annotated[str | None, typer.Option(help="Prompt.")] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(
            help="CSV of prompts: prompt, and if you like count, id, guidance, domain, ..."
        ),
    ] = None,
    domain: Annotated[
        str | None,
        typer.Option(help="Domain of the images, for a model that was trained with domains."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Images of a prompt that states none.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the run.")] = 0,
    negative: Annotated[str | None, typer.Option(help="What the images should not be.")] = None,
    guidance: Annotated[
        float | None, typer.Option(min=0, help="Guidance scale; by default the model's own.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Solver steps; by default the model's own.")
    ] = None,
    solver: Annotated[
        str | None, typer.Option(help="euler, heun or multistep; by default the model's own.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images evaluated together.")] = 32,
    split: Annotated[str, typer.Option(help="Split of the images: train, val or test.")] = "train",
    strict: Annotated[
        bool, typer.Option("--strict", help="A word that the model never saw is an error.")
    ] = False,
    embed_prompt: Annotated[
        bool, typer.Option("--embed-prompt", help="Write the prompt into the image files.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = "auto",
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Make images from prompts and write them as a labelled dataset folder.

    The same command continues a run that was killed, and gives the same files again.
    """
    with reporting(debug=debug):
        if prompt is not None and prompts is not None:
            raise SynthmedError("two sources of prompts", mend=_MEND)
        if prompt is None and prompts is None and domain is None:
            raise SynthmedError("no prompt", mend=_MEND)
        quiet_libraries()
        from synthmed.synthesis.generate import generate as run

        result = run(
            model,
            [prompt] if prompt is not None else prompts,
            out,
            domain=domain,
            count=count,
            seed=seed,
            steps=steps,
            guidance=guidance,
            negative=negative,
            solver=solver,
            batch_size=batch_size,
            split=split,
            strict=strict,
            embed_prompt=embed_prompt,
            device=device,
            dtype=dtype,
            progress=not json,
        )
        facts = {
            "dataset": str(result.path),
            "images": result.images,
            "made": result.made,
            "types": result.types,
            **({"domains": result.domains} if result.domains else {}),
            "generator": result.generator,
            "generator_hash": result.generator_hash,
            "warnings": list(result.warnings),
        }
        earlier = result.images - result.made
        note = f", {earlier} of them from an earlier run" if earlier else ""
        print_result(facts, [f"{result.images} images in {result.path}{note}"], as_json=json)
