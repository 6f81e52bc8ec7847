"""synthmed import: data from hospitals and public sets to a dataset folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from synthmed.cli.import_options import importer_options
from synthmed.cli.shell import DebugOption, JsonOption, print_result, reporting


def import_(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Folder or file to import.")],
    out: Annotated[Path, typer.Option(help="Dataset folder: new, empty, or one to continue.")],
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="dicom, nifti, table, classes, domains, medmnist or openi; else found out.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the source in group_id; by default the folder's.")
    ] = None,
    split: Annotated[
        str, typer.Option(help="Shares of train, val, test, by patient, unless the source splits.")
    ] = "0.8,0.1,0.1",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the splits.")] = 0,
    salt: Annotated[
        Path | None, typer.Option(help="Key of the pseudonyms; by default OUT.salt. Keep it apart.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default one a processor.")
    ] = None,
    max_rejected: Annotated[
        int | None, typer.Option(min=0, help="More rejected files than this: exit code 1.")
    ] = None,
    licence: Annotated[
        list[str] | None, typer.Option(help="Licence of the source, for dataset.json.")
    ] = None,
    frames: Annotated[
        str | None, typer.Option(help="DICOM, classes: all, first, middle, or how many frames.")
    ] = None,
    allow_burned_in: Annotated[
        bool, typer.Option("--allow-burned-in", help="DICOM: take Burned In Annotation YES.")
    ] = False,
    allow_captures: Annotated[
        bool, typer.Option("--allow-captures", help="DICOM: take secondary captures.")
    ] = False,
    keep_description: Annotated[
        bool, typer.Option("--keep-description", help="DICOM: keep descriptions, names removed.")
    ] = False,
    axis: Annotated[
        str | None, typer.Option(help="NIfTI: axial (default), coronal or sagittal.")
    ] = None,
    step: Annotated[int | None, typer.Option(min=1, help="NIfTI: every so many slices.")] = None,
    slices: Annotated[
        str | None, typer.Option("--range", metavar="START:STOP", help="NIfTI: which slices.")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="NIfTI: HU if it is CT in Hounsfield units.")
    ] = None,
    window: Annotated[
        str | None, typer.Option(help="NIfTI: window to record: LOW,HIGH or a preset's name.")
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(help="NIfTI: label volume, or a folder of them.")
    ] = None,
    modality: Annotated[str | None, typer.Option(help="NIfTI, classes: such as MRI.")] = None,
    body_part: Annotated[str | None, typer.Option(help="NIfTI, classes: such as brain.")] = None,
    table: Annotated[
        Path | None, typer.Option(help="Table: a .csv or .jsonl other than metadata.*.")
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="TO=COLUMN", help="Table: where a column comes from."),
    ] = None,
    columns: Annotated[
        Path | None, typer.Option(help="Table: JSON or YAML file of columns and where.")
    ] = None,
    keep_column: Annotated[
        list[str] | None, typer.Option(help="Table: keep a column in spite of its heading.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Classes, domains: regular expression of the patient.")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Open-i: folder of the images.")] = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Import medical images as a dataset folder, de-identified and split by patient.

    The same command continues a run that was killed. Files that cannot be used are listed in
    rejected.csv with their reasons.
    """
    given = dict(locals())
    with reporting(debug=debug):
        from synthmed.datasets.importers import import_dataset
        from synthmed.datasets.importers.detect import detect

        chosen = from_ or ("table" if table is not None else None)
        if chosen is None:
            chosen, reason = detect(source)
            print(
                f"synthmed: taken for {chosen} ({reason}); --from says otherwise", file=sys.stderr
            )
        with _bar(shown=not json) as progress:
            result = import_dataset(
                *(source, out),
                format=chosen,
                name=name,
                split=split,
                seed=seed,
                salt=salt,
                jobs=jobs,
                info={"licences": licence} if licence else {},
                progress=progress,
                **importer_options(given, chosen),
            )
        _report(result, max_rejected, as_json=json)


@contextmanager
def _bar(*, shown: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Show a progress bar with the time left on standard error, where that is a terminal."""
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("importing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _report(result: Any, max_rejected: int | None, *, as_json: bool) -> None:
    facts = {
        "dataset": str(result.path),
        "images": result.images,
        "reports": result.reports,
        "groups": result.groups,
        "rejected": result.rejected,
        "groups_in_several_splits": result.torn,
        "rows_with_possible_identifiers": result.flagged,
        "continued": result.continued,
    }
    made = [f"{result.images} images"] if result.images else []
    made += [f"{result.reports} reports"] if result.reports else []
    lines = [f"{' and '.join(made)} of {result.groups} groups in {result.path}"]
    if result.rejected:
        lines.append(f"{result.rejected} rejected: see {result.path / 'rejected.csv'}")
    if result.torn:
        lines.append(f"{result.torn} groups lie in several splits: run synthmed validate")
    if result.flagged:
        lines.append(f"{result.flagged} rows may hold identifiers: see identifiers_found")
    print_result(facts, lines, as_json=as_json)
    if max_rejected is not None and result.rejected > max_rejected:
        raise typer.Exit(1)
