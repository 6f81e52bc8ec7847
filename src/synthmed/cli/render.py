"""synthmed render: CT volumes to synthetic X-rays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from synthmed.cli.shell import DebugOption, JsonOption, print_result, reporting


def render(
    ct: Annotated[
        list[Path],
        typer.Argument(metavar="CT...", help="NIfTI files, folders of them, or DICOM series."),
    ],
    out: Annotated[Path, typer.Option(help="Dataset folder: new, empty, or one to continue.")],
    views: Annotated[
        str | None,
        typer.Option(
            help="PA (default), AP, left lateral, right lateral; several separated by commas."
        ),
    ] = None,
    oblique: Annotated[
        list[str] | None,
        typer.Option(metavar="AZIMUTH,ELEVATION", help="A view by its angles in degrees."),
    ] = None,
    count: Annotated[
        int, typer.Option(min=1, help="Poses of a CT and view (and exposure, without --pairs).")
    ] = 1,
    exposures: Annotated[
        str, typer.Option(help="Presets separated by commas, or a YAML file of your own.")
    ] = "standard",
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Render every pose at every exposure.")
    ] = False,
    projection: Annotated[str, typer.Option(help="cone or parallel.")] = "cone",
    size: Annotated[
        str, typer.Option(metavar="N or ROWS,COLUMNS", help="Pixels of an image.")
    ] = "256",
    field_mm: Annotated[
        str | None,
        typer.Option(
            metavar="MM or HEIGHT,WIDTH",
            help="Detector; one number is the longer side. By default 430.",
        ),
    ] = None,
    source_detector: Annotated[
        float, typer.Option(help="Distance of source and detector in mm.")
    ] = 1800.0,
    source_isocentre: Annotated[
        float | None,
        typer.Option(help="Distance of source and isocentre in mm; by default 200 mm less."),
    ] = None,
    jitter_degrees: Annotated[
        str, typer.Option(metavar="A,E,R", help="Largest change of azimuth, elevation, roll.")
    ] = "5,3,3",
    jitter_mm: Annotated[
        str, typer.Option(metavar="X,Y,Z", help="Largest shift of the patient, or one for all.")
    ] = "10",
    jitter_field: Annotated[
        str, typer.Option(metavar="LOW,HIGH", help="Factors on the detector's size.")
    ] = "0.9,1.1",
    deform: Annotated[
        float, typer.Option(min=0, help="Largest elastic displacement in mm; 0 is none.")
    ] = 0.0,
    deform_spacing: Annotated[
        float, typer.Option(help="Distance of its control points in mm.")
    ] = 60.0,
    density: Annotated[
        str | None,
        typer.Option(
            metavar="TISSUE=LOW:HIGH,...", help="Factors on the density of soft, bone, lung."
        ),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Organ labels in NIfTI, or a folder of them.")
    ] = None,
    names: Annotated[
        Path | None, typer.Option(help="JSON or CSV of organ names by label number.")
    ] = None,
    organs: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PART,...",
            help='Mask to project, such as "lungs=10-14" or "lungs=lung_*".',
        ),
    ] = None,
    series: Annotated[
        str | None, typer.Option(help="Series Instance UID where there are several, or all.")
    ] = None,
    keep_table: Annotated[
        bool, typer.Option("--keep-table", help="Leave the scanner's table in the CT.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the run.")] = 0,
    bits: Annotated[int, typer.Option(help="Bits of the PNG files, 8 or 16.")] = 8,
    invert: Annotated[bool, typer.Option("--invert", help="Store MONOCHROME1: bone dark.")] = False,
    split: Annotated[
        str, typer.Option(help="train, val, test, or shares by patient such as 0.8,0.1,0.1.")
    ] = "train",
    body_part: Annotated[
        str, typer.Option(help="Such as chest; by default what a DICOM header says.")
    ] = "",
    image_type: Annotated[
        str, typer.Option(help="Such as chest X-ray; by default body part and X-ray.")
    ] = "",
    name: Annotated[str, typer.Option(help="First part of group_id.")] = "ct",
    salt: Annotated[
        Path | None, typer.Option(help="Key of the pseudonyms; by default OUT.salt. Keep it apart.")
    ] = None,
    licence: Annotated[
        list[str] | None, typer.Option(help="Licence of the CTs, for dataset.json.")
    ] = None,
    max_rejected: Annotated[
        int | None, typer.Option(min=0, help="More rejected CTs and poses than this: exit code 1.")
    ] = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Make synthetic X-rays of CT volumes: a dataset folder with a domain per exposure.

    The same command continues a run that was killed. CTs that cannot be used are listed in
    rejected.csv with their reasons.
    """
    given = dict(locals())
    with reporting(debug=debug):
        from synthmed.cli.render_options import render_options
        from synthmed.training.bars import stage
        from synthmed.xray.render import render as run

        options = render_options(given)
        with stage("poses", shown=not json) as report:
            result = run(ct, out, **options, progress=lambda done, total: report(done, total, {}))
        _report(result, max_rejected, as_json=json)


def _report(result: Any, max_rejected: int | None, *, as_json: bool) -> None:
    facts = {
        "dataset": str(result.path),
        "images": result.images,
        "made": result.made,
        "groups": result.groups,
        "domains": result.domains,
        "splits": result.splits,
        "rejected": len(result.rejected),
        "warnings": list(result.warnings),
    }
    domains = ", ".join(f"{name} {count}" for name, count in result.domains.items())
    lines = [f"{result.images} images of {result.groups} groups in {result.path}: {domains}"]
    if result.rejected:
        lines.append(f"{len(result.rejected)} rejected: see {result.path / 'rejected.csv'}")
    print_result(facts, lines, as_json=as_json)
    if max_rejected is not None and len(result.rejected) > max_rejected:
        raise typer.Exit(1)
