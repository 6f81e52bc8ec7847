"""NIfTI: orientation by the affine, spacing, slices as radiologists see them, hostile files."""

from __future__ import annotations

import gzip
import itertools
import struct
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest

from synthmed.errors import SynthmedError
from synthmed.imaging import open_image
from synthmed.imaging.nifti import open_volume, volume_shape
from synthmed.imaging.reading import image_frames, open_slice

# A body whose right, front and head are marked: x grows to the right, y to the front, z upwards.
BODY = np.zeros((4, 6, 8), np.int16)
BODY[3, :, :] += 1  # right
BODY[:, 5, :] += 10  # front
BODY[:, :, 7] += 100  # head
SPACING = (1.0, 2.0, 3.0)


def save(path: Path, values: npt.NDArray[Any], affine: Any = None, **header: Any) -> Path:
    image = nib.Nifti1Image(values, np.diag([*SPACING, 1]) if affine is None else affine)
    image.header.set_xyzt_units("mm")
    for name, value in header.items():
        image.header[name] = value
    nib.save(image, path)
    return path


ORIENTATIONS = [
    "".join(codes)
    for axes in itertools.permutations(("LR", "PA", "IS"))
    for codes in itertools.product(*axes)
]


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_every_orientation_gives_the_same_volume(tmp_path: Path, codes: str) -> None:
    image = nib.Nifti1Image(BODY, np.diag([*SPACING, 1]))
    turn = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(codes)
    )
    nib.save(image.as_reoriented(turn), tmp_path / "a.nii.gz")
    volume = open_volume(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(volume.values, BODY)
    np.testing.assert_allclose(volume.affine, np.diag([*SPACING, 1]), atol=1e-5)
    assert volume.spacing == SPACING
    assert volume_shape(tmp_path / "a.nii.gz") == BODY.shape


def test_slices_lie_as_radiologists_see_them(tmp_path: Path) -> None:
    volume = open_volume(save(tmp_path / "a.nii", BODY))

    def shown(axis: str, index: int) -> npt.NDArray[Any]:
        x, spec = volume.slice(axis, index)
        return np.rint(spec.to_value(x))[0]

    axial = shown("axial", 0)
    assert axial.shape == (6, 4)
    np.testing.assert_array_equal(axial[0], [11, 10, 10, 10])  # front on top, right on the left
    np.testing.assert_array_equal(axial[1:, 0], 1)
    coronal = shown("coronal", 0)
    assert coronal.shape == (8, 4)
    np.testing.assert_array_equal(coronal[0], [101, 100, 100, 100])  # head on top, right left
    sagittal = shown("sagittal", 0)
    assert sagittal.shape == (8, 6)
    np.testing.assert_array_equal(sagittal[0], [110, 100, 100, 100, 100, 100])  # front on the left
    np.testing.assert_array_equal(shown("axial", 7), axial + 100)  # the last slice is the head's
    assert [volume.slice(axis, 0)[1].spacing for axis in (0, 1, 2)] == [(3, 2), (3, 1), (2, 1)]
    np.testing.assert_array_equal(volume.labels("axial", 7), axial + 100)
    for axis, index in (("axial", 8), ("axial", -1), ("oblique", 0), (3, 0)):
        with pytest.raises(SynthmedError, match="no "):
            volume.slice(axis, index)


def test_open_image_gives_axial_slices(tmp_path: Path) -> None:
    path = save(tmp_path / "named.dcm.nii", BODY).rename(tmp_path / "named.dcm")
    assert image_frames(path) == 8
    x, spec = open_image(path, frame=7)
    other, _ = open_slice(path, "axial", 7)
    np.testing.assert_array_equal(x, other)
    assert (spec.source_format, spec.channels) == ("NIFTI", 1)
    with pytest.raises(SynthmedError, match=r"no axial slice 8.*named\.dcm"):
        open_image(path, frame=8)


def test_ranges_and_units(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", BODY)
    assert open_volume(path).value_range == (0, 111)
    hu = open_slice(path, "axial", 0, unit="HU")[1]
    assert (hu.unit, hu.modality, hu.scale, hu.offset) == ("HU", "CT", 2047.5, 1023.5)
    assert open_volume(save(tmp_path / "b.nii", BODY.astype(np.uint8))).value_range == (0, 255)
    constant = open_slice(save(tmp_path / "c.nii", BODY * 0), "axial", 0)[0]
    assert np.isfinite(constant).all()
    with pytest.raises(SynthmedError, match="no unit"):
        open_volume(path, unit="Gy")


def test_slope_and_intercept_are_applied_once(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", BODY)
    data = bytearray(path.read_bytes())
    struct.pack_into("<ff", data, 112, 2.0, -1024.0)
    path.write_bytes(data)
    np.testing.assert_array_equal(open_volume(path).values, BODY * 2.0 - 1024)
    np.testing.assert_array_equal(open_volume(path).values, nib.load(path).get_fdata())


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "f8", ">i2", ">f4"])
def test_types_and_byte_orders(tmp_path: Path, dtype: str) -> None:
    values = BODY.astype(dtype)
    image = nib.Nifti1Image(values, np.diag([*SPACING, 1]))
    if dtype.startswith(">"):
        image = nib.Nifti1Image(values, image.affine, image.header.as_byteswapped(">"))
    nib.save(image, tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(open_volume(tmp_path / "a.nii.gz").values, BODY)


def test_series_nifti2_and_micrometres(tmp_path: Path) -> None:
    series = np.stack([BODY, BODY * 2], axis=-1)
    path = save(tmp_path / "a.nii.gz", series)
    np.testing.assert_array_equal(open_volume(path, volume=1).values, BODY * 2)
    with pytest.raises(SynthmedError, match="no volume 2"):
        open_volume(path, volume=2)
    nib.save(nib.Nifti2Image(BODY, np.diag([*SPACING, 1])), tmp_path / "b.nii")
    np.testing.assert_array_equal(open_volume(tmp_path / "b.nii").values, BODY)
    path = save(tmp_path / "c.nii", BODY)
    data = bytearray(path.read_bytes())
    data[123] = 3
    path.write_bytes(data)
    assert open_volume(path).spacing == (0.001, 0.002, 0.003)


@pytest.mark.parametrize(
    ("place", "packed", "reason"),
    [
        (40, struct.pack("<4h", 3, 30000, 30000, 30000), "voxels|pixels"),
        (40, struct.pack("<4h", 3, 400, 400, 400), "too short"),
        (40, struct.pack("<4h", 3, -4, 6, 8), r"a\.nii"),
        (70, struct.pack("<h", 128), "type"),  # RGB
        (70, struct.pack("<h", 9999), r"a\.nii"),
        (108, struct.pack("<f", 1e9), "begin"),
        (108, struct.pack("<f", float("nan")), r"a\.nii"),
        (280, struct.pack("<12f", *[0.0] * 12), "affine"),
        (344, b"ni1\0", "two files"),
    ],
)
def test_lying_headers(tmp_path: Path, place: int, packed: bytes, reason: str) -> None:
    for name in ("a.nii", "a.nii.gz"):
        data = bytearray(save(tmp_path / "plain.nii", BODY).read_bytes())
        data[place : place + len(packed)] = packed
        zipped = gzip.compress(data) if name.endswith("gz") else bytes(data)
        (tmp_path / name).write_bytes(zipped)
        if reason == "too short" and name.endswith("gz"):
            reason = "too short|cut short"
        with pytest.raises(SynthmedError, match=reason):
            open_volume(tmp_path / name)


def test_truncated_volumes(tmp_path: Path) -> None:
    for name in ("a.nii", "a.nii.gz"):
        path = save(tmp_path / name, np.random.default_rng(0).integers(0, 999, (9, 9, 9), "i2"))
        data = path.read_bytes()
        for share in (0.2, 0.6, 0.95):
            path.write_bytes(data[: int(share * len(data))])
            with pytest.raises(SynthmedError, match=name):
                open_volume(path)


def test_values_that_are_not_finite(tmp_path: Path) -> None:
    values = BODY.astype(np.float32)
    values[0, 0, 0] = np.inf
    with pytest.raises(SynthmedError, match="not finite"):
        open_volume(save(tmp_path / "a.nii", values))


def test_shared_volumes(shared_data: Path) -> None:
    path = shared_data / "chest-ct" / "chest_ct_2mm.nii.gz"
    volume = open_volume(path, unit="HU")
    canonical = nib.as_closest_canonical(nib.load(path))
    np.testing.assert_array_equal(volume.values, canonical.get_fdata(dtype=np.float32))
    np.testing.assert_allclose(volume.affine, canonical.affine, atol=1e-4)
    labels = open_volume(shared_data / "chest-ct" / "organs_2mm.nii.gz")
    assert labels.values.shape == volume.values.shape
    assert len(np.unique(labels.labels("axial", 80))) > 5
