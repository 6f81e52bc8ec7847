"""Render: CT volumes to a dataset folder of synthetic X-rays, resumable at any point."""

from __future__ import annotations

import importlib.util
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from synthmed.datasets.importers import source_name
from synthmed.datasets.importers.pseudonyms import Pseudonyms, open_salt
from synthmed.datasets.importers.splitting import Shares, parse_shares
from synthmed.datasets.rows import SPLITS
from synthmed.errors import SynthmedError
from synthmed.xray.exposure import Exposure
from synthmed.xray.organ_names import read_names
from synthmed.xray.render_finish import RenderResult, fill, finished
from synthmed.xray.render_journal import claim, give_up
from synthmed.xray.render_plan import digest, make_plan
from synthmed.xray.render_run import Progress, Run
from synthmed.xray.scene import PoseRanges, Scene
from synthmed.xray.sources import Source, list_sources
from synthmed.xray.unknown_patients import RECORD, unknown_patients

__all__ = ["RenderResult", "render"]

Path_ = str | os.PathLike[str]


def render(
    ct: Path_ | Sequence[Path_],
    out: Path_,
    *,
    views: Sequence[str | tuple[float, ...]] = ("PA",),
    count: int = 1,
    exposures: Sequence[str | Exposure] | Path_ = ("standard",),
    pairs: bool = False,
    scene: Scene | None = None,
    ranges: PoseRanges | None = None,
    labels: Path_ | None = None,
    names: Path_ | Mapping[int, str] | None = None,
    organs: Mapping[str, Sequence[str | int]] | None = None,
    series: str | None = None,
    keep_table: bool = False,
    seed: int = 0,
    bits: int = 8,
    invert: bool = False,
    split: str = "train",
    body_part: str = "",
    image_type: str = "",
    name: str = "ct",
    salt: Path_ | None = None,
    licences: Sequence[str] = (),
    progress: Progress | None = None,
) -> RenderResult:
    """Render CT volumes as synthetic X-rays into a dataset folder.

    The same call with the same salt gives the same bytes. After a kill it continues where it
    stopped. A CT that cannot be used is listed in rejected.csv, and the rest is done.

    Args:
        ct: A NIfTI file in HU, a folder of DICOM slices, a folder of such, or several.
        out: The dataset folder: new, empty, or one that the same call began.
        views: Names of `scene.VIEWS`, or (azimuth, elevation) or (azimuth, elevation, roll).
        count: Poses of a CT and view; without `pairs`, of a CT, view and exposure.
        exposures: Presets' names and exposures, or a YAML file of them; each is one domain.
        pairs: Render every pose at every exposure, with one `pose_id`. Otherwise every exposure has
            poses of its own, so that no two images of different domains are aligned.
        scene: Geometry, size and tissues in the middle of the ranges; its view counts for nothing.
        ranges: How far a pose may lie from it, all uniform.
        labels: Organ labels in NIfTI, or a folder of them for several CTs.
        names: Organ name by label number, or a JSON or CSV file of them.
        organs: Masks to project: name to label numbers, ranges ("13-17") or organs' names.
        series: Series Instance UID where a folder holds several; "all" takes each.
        keep_table: Leave the scanner's table in the CT; by default all outside the body is air.
        seed: Seed of the run; a pose's is a hash of it, of the volume and the pose's name.
        bits: 8 or 16.
        invert: Store the images as MONOCHROME1, bone dark.
        split: "train", "val" or "test", or shares such as "0.8,0.1,0.1" by patient.
        body_part: For the column; by default what a DICOM header says.
        image_type: For the column; by default the body part and "X-ray".
        name: First part of each `group_id`.
        salt: File of the key that makes pseudonyms, `<out>.salt` by default; as in `import_dataset`
            the same file gives the same pseudonyms.
        licences: Licences of the CTs, for dataset.json.
        progress: Told (poses done, poses).

    Returns:
        What was made.

    Raises:
        SynthmedError: A wrong setting, no CT, a folder of something else or of other settings, no
            usable CT, a full disk, or nanodrr is not installed.
    """
    shares = _check(bits, seed, split)
    base, spread = scene or Scene(), ranges or PoseRanges()
    plan = make_plan(base, spread, views, exposures, count=count, pairs=pairs, invert=invert)
    paths = [Path(ct)] if isinstance(ct, str | os.PathLike) else [Path(path) for path in ct]
    folder = Path(out)
    _check_apart(paths, folder)
    known = dict(names) if isinstance(names, Mapping) else read_names(names) if names else {}
    wanted = {group: tuple(map(str, parts)) for group, parts in (organs or {}).items()}
    sources = list_sources(paths, None if labels is None else Path(labels), series)
    key = Path(salt) if salt is not None else folder.with_name(folder.name + ".salt")
    new_key = not key.exists()
    pseudonyms = Pseudonyms(open_salt(key, folder), source_name(name))
    cells = {"body_part": body_part, "image_type": image_type}
    settings = {
        **plan.settings(),
        "organs": {group: list(parts) for group, parts in wanted.items()},
        "keep_table": keep_table,
        "seed": seed,
        "bits": bits,
        "split": split,
        **cells,
    }
    secret = {
        "names": digest({str(number): organ for number, organ in known.items()}),
        "salt": f"{pseudonyms.source} {pseudonyms.fingerprint()}",
        "licences": list(licences),
        "CTs": pseudonyms.of("listing", _listing(sources)),
    }
    claim(folder, {**settings, **secret})
    unknown = unknown_patients(sources, pseudonyms, by_patient=not isinstance(shares, str))
    run = Run(
        *(folder, plan, sources, pseudonyms, shares, seed, bits, wanted, known, cells),
        keep_table=keep_table,
        progress=progress,
    )
    notes = [unknown["note"]] if unknown else []
    if labels is not None and not wanted:
        notes.append("there are organ labels, but no organs are named (--organs): no masks")
    for note in notes:
        run.notes.append(note)
        warnings.warn(note, stacklevel=2)
    if (folder / "dataset.json").exists():
        return finished(run)
    recorded = {RECORD: unknown} if unknown else {}
    try:
        return fill(run, {"rendering": settings, "licences": list(licences), **recorded})
    except SynthmedError:
        if give_up(folder) and new_key:
            key.unlink(missing_ok=True)
        raise


def _check(bits: int, seed: int, split: str) -> str | Shares:
    if bits not in (8, 16):
        raise SynthmedError(f"files of {bits} bits are not written", mend="Give 8 or 16.")
    if seed < 0:
        raise SynthmedError(f"the seed {seed} is negative", mend="Give 0 or more.")
    if importlib.util.find_spec("nanodrr") is None:
        raise SynthmedError("nanodrr is not installed", mend='pip install "synthmed[xray]"')
    return split if split in SPLITS else parse_shares(split)


def _check_apart(paths: Sequence[Path], out: Path) -> None:
    for path in paths:
        if path.is_dir() and out.resolve().is_relative_to(path.resolve()):
            raise SynthmedError(
                "the dataset may not lie inside its source", where=out, mend="Name another folder."
            )


def _listing(sources: Sequence[Source]) -> str:
    return "\n".join(
        f"{s.name}\x1f{s.subject}\x1f{len(s.files)}\x1f{s.labels.name if s.labels else ''}"
        for s in sources
    )
