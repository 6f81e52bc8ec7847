"""Checks of exported files by other people's programs and libraries: "" is good, else a reason."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Levels = npt.NDArray[Any]
Check = Callable[[Path, Levels], str]
"""Given an exported file and the stored levels (C, H, W) that it must hold."""

# dciodvfy of 2022 does not know Synthetic Data (0008,001C), which DICOM has had since 2023.
TOOL_GAP = "not a recognized standard attribute - (0x0008,0x001c)"
NEEDS = {
    "pydicom": "pydicom",
    "dcmdump": "dcmdump",
    "dciodvfy": "dciodvfy",
    "dcm2pnm": "dcm2pnm",
    "SimpleITK": "SimpleITK",
    "Pillow": "PIL",
    "nibabel": "nibabel",
    "datasets": "datasets",
    "webdataset": "webdataset",
}


def missing(check: str) -> bool:
    """Whether a check's program or library is not here."""
    return shutil.which(NEEDS[check]) is None and find_spec(NEEDS[check]) is None


def _run(*words: object) -> tuple[int, str]:
    command = [str(word) for word in words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def _compare(found: Levels, levels: Levels) -> str:
    """Compare pixels (H, W), (1, H, W), (H, W, 3) or (3, H, W) with the levels."""
    found = np.squeeze(np.asarray(found))
    if found.ndim == 3 and found.shape[-1] == 3:
        found = found.transpose(2, 0, 1)
    expected = levels[0] if len(levels) == 1 else levels
    if found.shape != expected.shape:
        return f"shape {found.shape}, not {expected.shape}"
    off = int((found.astype(np.int64) != expected).sum())
    return f"{off} pixels differ" if off else ""


def with_pydicom(file: Path, levels: Levels) -> str:
    """Read the pixels with pydicom."""
    import pydicom

    return _compare(pydicom.dcmread(file).pixel_array, levels)


def with_dcmdump(file: Path, _: Levels) -> str:
    """Parse with dcmtk."""
    code, text = _run("dcmdump", "-q", file)
    return "" if code == 0 else f"exit code {code}: {text[-80:]}"


def with_dciodvfy(file: Path, _: Levels) -> str:
    """Check the object against its definition with dicom3tools."""
    lines = _run("dciodvfy", file)[1].splitlines()
    errors = [line for line in lines if "Error" in line and TOOL_GAP not in line]
    return "; ".join(errors)


def with_dcm2pnm(file: Path, levels: Levels) -> str:
    """Draw with dcmtk, all bits, without the modality LUT."""
    target = file.with_suffix(".pnm")
    depth = ["+opw"] if levels.dtype == np.uint16 or _deep(file) else ["+opb"]
    code, text = _run("dcm2pnm", "-q", "-M", *depth, file, target)
    if code:
        return f"exit code {code}: {' '.join(text.split())[-80:]}"
    found = _read_pnm(target.read_bytes())
    target.unlink()
    return _compare(found, levels)


def _read_pnm(data: bytes) -> Levels:
    """Read a PNM in ASCII (P2, P3): Pillow would cut its 16-bit colour to 8 bits."""
    kind, width, height, _, *values = data.split()
    channels = 3 if kind == b"P3" else 1
    return np.array(values, np.int64).reshape(int(height), int(width), channels)


def _deep(file: Path) -> bool:
    import pydicom

    return int(pydicom.dcmread(file, stop_before_pixels=True).BitsStored) > 8


def with_simpleitk(file: Path, levels: Levels) -> str:
    """Read with SimpleITK, rescale undone."""
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(file))
    found = SimpleITK.GetArrayFromImage(reader.Execute())
    return _compare(_stored(file, found), levels)


def _stored(file: Path, values: Levels) -> Levels:
    """Undo a rescale that a reader applied."""
    slope, intercept = 1.0, 0.0
    if file.suffix == ".dcm":
        import pydicom

        header = pydicom.dcmread(file, stop_before_pixels=True)
        slope, intercept = (
            float(header.get("RescaleSlope", 1)),
            float(header.get("RescaleIntercept", 0)),
        )
    return np.rint((values - intercept) / slope) if (slope, intercept) != (1, 0) else values


def with_pillow(file: Path, levels: Levels) -> str:
    """Read with Pillow, which cuts 16-bit colour to 8 bits: there the high bytes are compared."""
    with Image.open(file) as image:
        found = np.asarray(image)
    if found.dtype == np.uint8 and levels.dtype == np.uint16:
        levels = (levels >> 8).astype(np.uint8)
    return _compare(found, levels)


def with_nibabel(file: Path, levels: Levels) -> str:
    """Read with nibabel: voxels as stored, columns first."""
    import nibabel as nib

    image = nib.load(file)
    found = np.asarray(image.dataobj.get_unscaled())
    if found.dtype.names:
        found = np.stack([found[name] for name in found.dtype.names], axis=-1)
    found = found[:, :, 0, 0] if found.ndim == 5 else found[:, :, 0]
    return _compare(np.moveaxis(found, 0, 1), levels)


def parquet_images(folder: Path) -> Iterator[tuple[str, Levels]]:
    """Open a Parquet export with `datasets`; give name and pixels."""
    import datasets

    loaded = datasets.load_dataset(str(folder), cache_dir=str(folder.parent / "cache"))
    for item in (item for split in loaded.values() for item in split):
        yield item["file_name"], np.asarray(item["image"])


def tar_images(folder: Path) -> Iterator[tuple[str, Levels]]:
    """Open a WebDataset export with `webdataset`; give name and pixels."""
    import webdataset

    for tar in sorted(folder.glob("*.tar")):
        for sample in webdataset.WebDataset(str(tar), shardshuffle=False):
            with Image.open(io.BytesIO(sample["png"])) as image:
                yield json.loads(sample["json"])["file_name"], np.asarray(image)


def same_pixels(found: Levels, levels: Levels) -> str:
    """Compare what Pillow decoded; see `with_pillow`."""
    if found.dtype == np.uint8 and levels.dtype == np.uint16:
        levels = (levels >> 8).astype(np.uint8)
    return _compare(found, levels)


FILE_CHECKS: dict[str, dict[str, Check]] = {
    "dicom": {
        "pydicom": with_pydicom,
        "dcmdump": with_dcmdump,
        "dciodvfy": with_dciodvfy,
        "dcm2pnm": with_dcm2pnm,
        "SimpleITK": with_simpleitk,
    },
    "nifti": {"nibabel": with_nibabel, "SimpleITK": with_simpleitk},
    "png": {"Pillow": with_pillow},
}
FOLDER_CHECKS = {
    "parquet": ("datasets", parquet_images),
    "webdataset": ("webdataset", tar_images),
}
