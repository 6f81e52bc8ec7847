"""synthmed translate: images of one domain to another domain of the same model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synthmed.cli.shell import DebugOption, JsonOption, print_result, quiet_libraries, reporting

if TYPE_CHECKING:
    from synthmed.synthesis.translate import TranslateResult


def translate(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A generator with domains: folder or name.")
    ],
    images: Annotated[
        Path,
        typer.Argument(metavar="IMAGES", help="Image file, folder of images, or dataset folder."),
    ],
    out: Annotated[Path, typer.Option(help="Dataset folder: new, empty, or one to continue.")],
    to: Annotated[str, typer.Option("--to", help="Domain to bring the images to.")],
    from_: Annotated[
        str | None,
        typer.Option("--from", help="Domain they come from; by default each row's own."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Split of a dataset folder to take; by default all.")
    ] = None,
    depth: Annotated[
        float | None,
        typer.Option(help="How far to go back: 0 keeps least of the structure, 1 changes nothing."),
    ] = None,
    keep_structure: Annotated[
        float | None,
        typer.Option(metavar="SSIM", help="In place of --depth: the similarity to keep."),
    ] = None,
    match_realism: Annotated[
        bool,
        typer.Option("--match-realism", help="In place of --depth: as realistic as the target."),
    ] = False,
    detail: Annotated[
        str, typer.Option(help="model, or keep: add only the difference to the source.")
    ] = "model",
    guidance: Annotated[
        float | None, typer.Option(help="Scale of the difference; by default the model's own.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Solver steps each way; by default the model's own.")
    ] = None,
    solver: Annotated[
        str | None, typer.Option(help="euler, heun or multistep; by default the model's own.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images evaluated together.")] = 16,
    max_rejected: Annotated[
        int | None, typer.Option(min=0, help="More rejected images than this: exit code 1.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = "auto",
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Translate images between two domains of a model; labels, masks and boxes are kept.

    The same command continues a run that was killed, and gives the same files again. Images that
    cannot be translated are listed in rejected.csv with their reasons.
    """
    with reporting(debug=debug):
        quiet_libraries()
        from synthmed.synthesis.translate import translate as run

        result = run(
            *(model, images, out),
            target=to,
            source=from_,
            split=split,
            depth=depth,
            keep_structure=keep_structure,
            match_realism=match_realism,
            guidance=guidance,
            steps=steps,
            solver=solver,
            detail=detail,
            batch_size=batch_size,
            device=device,
            dtype=dtype,
            progress=not json,
        )
        _print(result, to, as_json=json)
        if max_rejected is not None and len(result.rejected) > max_rejected:
            raise typer.Exit(1)


def _print(result: TranslateResult, target: str, *, as_json: bool) -> None:
    facts = {
        "dataset": str(result.path),
        "images": result.images,
        "made": result.made,
        "rejected": len(result.rejected),
        "left_out": result.left_out,
        "target": target,
        "depths": result.depths,
        "generator": result.generator,
        "generator_hash": result.generator_hash,
        "warnings": list(result.warnings),
    }
    earlier = result.images - result.made
    note = f", {earlier} of them from an earlier run" if earlier else ""
    lines = [f"{result.images} images in {result.path}{note}"]
    lines += [f"{source} to {target} at depth {at:g}" for source, at in result.depths.items()]
    if result.rejected:
        lines.append(f"{len(result.rejected)} rejected: see {result.path / 'rejected.csv'}")
    print_result(facts, lines, as_json=as_json)
