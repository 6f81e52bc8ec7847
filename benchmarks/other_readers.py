"""Readers to compare synthmed's with: dcmtk's dcm2pnm and SimpleITK, and pydicom's plain header."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

LIMIT = 20.0  # seconds for one call of dcm2pnm
LOSSY = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.91"}
Values = npt.NDArray[np.float64]


def ours(path: str, frame: int) -> dict[str, Any]:
    """Read a frame by synthmed: values in the file's unit (C, H, W), and what describes them."""
    from synthmed.imaging.dicom import dicom_frames
    from synthmed.imaging.reading import open_image

    count = dicom_frames(path)
    x, spec = open_image(path, frame=frame if frame >= 0 else count - 1)
    return {"values": spec.to_value(x), "spec": spec.to_dict(), "frames": count}


def simple_itk(path: str, frame: int, spec: dict[str, Any]) -> tuple[Values, float]:
    """Read a frame by SimpleITK (GDCM within ITK): values after rescale (C, H, W), size of a level.

    Its conventions are translated into the file's values: it inverts MONOCHROME1 within the range
    of the stored bits, gives 1-bit images as 0 and 255, and palettes of 16 bits with 8.

    Raises:
        Exception: SimpleITK cannot read the file.
    """
    import SimpleITK as Sitk

    Sitk.ProcessObject.SetGlobalWarningDisplay(False)
    reader = Sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(path)
    image = reader.Execute()
    values = np.asarray(Sitk.GetArrayFromImage(image), dtype=np.float64)
    if image.GetDimension() == 3:
        values = values[frame]
    colour = image.GetNumberOfComponentsPerPixel() > 1
    values = values.transpose(2, 0, 1) if colour else values[None]
    if spec["bits"] == 1:
        return values / 255, 1.0
    if spec["bits"] == 16 and image.GetPixelIDTypeAsString().endswith("8-bit unsigned integer"):
        return values * 256, 510.0
    return (2 * spec["offset"] - values if spec["scale"] < 0 else values), 0.0


def dcm2pnm(path: str, frame: int, spec: dict[str, Any]) -> tuple[Values, float] | None:
    """Read a frame by dcm2pnm of dcmtk.

    Grey images are rendered through a linear window over the whole range, 65536 levels, so that
    the values can be had back; colour as it comes.

    Args:
        path: The file.
        frame: Number of the frame, from 0.
        spec: The spec that our reader gave; only its range, bits and polarity are used.

    Returns:
        Values (C, H, W) and the size of a level, or None where dcm2pnm refuses the file.
    """
    command = ["dcm2pnm", "-q", "-O", "+F", str(frame + 1)]
    low = min(spec["offset"] - spec["scale"], spec["offset"] + spec["scale"])
    low, width = (-32768.0, 65536.0) if spec["unit"] == "HU" else (low, 2 * abs(spec["scale"]) + 1)
    width = max(65536.0, width)
    if spec["channels"] == 1:
        command += ["+Ww", str(low + width / 2), str(width)]
    with tempfile.TemporaryDirectory(prefix="synthmed-benchmark-") as folder:
        out = Path(folder) / "out.pnm"
        command += ["+opw" if spec["bits"] > 8 or spec["channels"] == 1 else "+opb", path, str(out)]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=LIMIT)
            words = [w for s in out.read_text().splitlines() if s[:1] != "#" for w in s.split()]
        except (subprocess.SubprocessError, OSError):
            return None
    kind, columns, rows, most = words[0], *(int(word) for word in words[1:4])
    shape = (rows, columns, 3 if kind == "P3" else 1)
    levels = np.array(words[4:], dtype=np.float64).reshape(shape).transpose(2, 0, 1)
    if spec["channels"] == 3:
        return levels * ((2 ** spec["bits"] - 1) / most), (2 ** spec["bits"] - 1) / most
    if spec["scale"] < 0:
        levels = most - levels
    return levels * ((width - 1) / most) + low, (width - 1) / most


def disagreement(a: Values, b: Values, level: float, span: float, lossy: bool) -> str | None:
    """Compare two readings of a frame; None where they agree.

    Lossless coding: no value differs by more than 0.51 levels (rounding; 1.01 where a rescale
    gives fractions, which dcm2pnm cuts off), and 2^-22 of the range (float32). Lossy coding, whose
    decoders may round: 99 % of the values differ by at most 1.6 % of the range (four grey levels
    of 255), the median by at most 0.8 %.
    """
    if a.shape != b.shape:
        return f"shapes {a.shape} and {b.shape}"
    difference = np.abs(a - b)
    if not lossy:
        most = float(difference.max())
        fractions = np.abs(a - np.rint(a)).max() > span * 2**-22
        allowed = (1.01 if fractions else 0.51) * level + span * 2**-22
        return None if most <= allowed else f"differs by up to {most:g}"
    middle, high = np.percentile(difference, (50, 99)) / span
    return None if middle <= 0.008 and high <= 0.016 else f"99 % differ by up to {high:.1%}"


def header_facts(path: str) -> dict[str, Any]:
    """What pydicom's own full read says of a file that our reader refused."""
    import pydicom

    try:
        data = pydicom.dcmread(path, force=True)
    except Exception as error:
        return {"unreadable": str(error)[:200]}
    keys = (
        "PhotometricInterpretation",
        "BitsStored",
        "BitsAllocated",
        "Rows",
        "Columns",
        "SamplesPerPixel",
        "NumberOfFrames",
    )
    facts: dict[str, Any] = {key: data.get(key) for key in keys}
    with open(path, "rb") as file:
        facts["magic"] = file.read(132)[128:] == b"DICM"
    pixels = data.get("PixelData") or b""
    facts["pixel_bytes"] = len(pixels)
    facts["syntax"] = str(data.file_meta.get("TransferSyntaxUID", ""))
    facts["head"] = pixels[:600].hex()
    return facts
