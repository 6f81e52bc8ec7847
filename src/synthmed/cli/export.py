"""synthmed export: a dataset folder to the formats of hospitals and of machine learning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from synthmed.cli.shell import DebugOption, JsonOption, print_result, reporting
from synthmed.errors import SynthmedError


def export(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Dataset folder; only read.")],
    format: Annotated[
        str, typer.Option(help="png, dicom, nifti, parquet, webdataset or csv.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Folder: new, empty, or one to continue.")],
    bits: Annotated[
        int | None, typer.Option(help="png: 8 or 16; by default each image's own.")
    ] = None,
    sop: Annotated[
        str | None,
        typer.Option(help="dicom: sc (Secondary Capture, the default), dx, cr, ct or mr."),
    ] = None,
    compress: Annotated[
        str | None, typer.Option(help="dicom: rle or jpeg2000, both without loss.")
    ] = None,
    spacing: Annotated[
        str | None,
        typer.Option(metavar="ROW,COLUMN", help="dicom: pixel spacing in mm where rows have none."),
    ] = None,
    link_source: Annotated[
        bool,
        typer.Option("--link-source", help="dicom: edited images name the original's own UID."),
    ] = False,
    embed_prompt: Annotated[
        bool, typer.Option("--embed-prompt", help="dicom: prompts into the files.")
    ] = False,
    volumes: Annotated[
        bool, typer.Option("--volumes/--slices", help="nifti: stack the slices of a series.")
    ] = True,
    slice_spacing: Annotated[
        float | None, typer.Option(help="nifti: distance of slices in mm where rows have none.")
    ] = None,
    shard_size: Annotated[
        int | None, typer.Option(help="parquet, webdataset: megabytes of a shard, at most.")
    ] = None,
    max_rejected: Annotated[
        int | None, typer.Option(min=0, help="More rejected rows than this: exit code 1.")
    ] = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write a dataset in another format; every file whole, the same command the same bytes.

    The same command continues an export that was killed. A finished one is never overwritten.
    """
    with reporting(debug=debug):
        from synthmed.datasets.exporters import export as run
        from synthmed.training.bars import stage

        given: dict[str, Any] = {
            "bits": bits,
            "sop": sop,
            "compress": compress,
            "spacing": None if spacing is None else _spacing(spacing),
            "link_source": link_source or None,
            "embed_prompt": embed_prompt or None,
            "volumes": None if volumes else False,
            "slice_spacing": slice_spacing,
            "shard_size": shard_size,
        }
        options = {name: value for name, value in given.items() if value is not None}
        with stage("export", shown=not json) as report:
            result = run(
                *(dataset, format, out),
                progress=lambda done, total: report(done, total, {}),
                **options,
            )
        facts = {
            "export": str(result.path),
            "format": result.format,
            "images": result.images,
            "rejected": len(result.rejected),
            "warnings": list(result.warnings),
        }
        print_result(facts, [f"{result.images} images in {result.path}"], as_json=json)
        if max_rejected is not None and len(result.rejected) > max_rejected:
            raise typer.Exit(1)


def _spacing(text: str) -> tuple[float, float]:
    try:
        rows, columns = (float(part) for part in text.split(","))
    except ValueError as error:
        raise SynthmedError(
            f"--spacing {text} is not two numbers", mend="Write ROW,COLUMN in mm, such as 0.2,0.2."
        ) from error
    return rows, columns
