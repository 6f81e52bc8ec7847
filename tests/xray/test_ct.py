"""CT volumes from NIfTI and DICOM: the same numbers from both, and one clear error for the rest."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ct_files import (
    NAMES,
    SHAPE,
    UID,
    affine,
    change,
    phantom,
    write_ct,
    write_nifti,
    write_series,
)

from synthmed.errors import SynthmedError
from synthmed.xray.ct import read_ct

HU, LABELS = phantom()


def refused(path: Path, **options: Any) -> str:
    with pytest.raises(SynthmedError) as caught:
        read_ct(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_nifti_with_labels_and_names(tmp_path: Path) -> None:
    path = write_ct(tmp_path)
    ct = read_ct(path, tmp_path / "scan_seg.nii.gz", NAMES)
    np.testing.assert_array_equal(ct.hu_XYZ, HU)
    assert ct.hu_XYZ.dtype == np.float32
    np.testing.assert_allclose(ct.affine, affine(), atol=1e-4)
    assert ct.labels_XYZ is not None
    assert ct.labels_XYZ.dtype == np.uint16
    np.testing.assert_array_equal(ct.labels_XYZ, LABELS)
    assert ct.names == NAMES


@pytest.mark.parametrize("plane", ["axial", "coronal"])
def test_a_series_gives_what_the_nifti_file_gives(tmp_path: Path, plane: str) -> None:
    write_series(tmp_path / "dicom" / "deeper", HU, plane=plane)
    (tmp_path / "dicom" / "readme.txt").write_text("not a slice")
    ct, nifti = read_ct(tmp_path / "dicom"), read_ct(write_ct(tmp_path))
    np.testing.assert_array_equal(ct.hu_XYZ, nifti.hu_XYZ)
    np.testing.assert_allclose(ct.affine, nifti.affine, atol=1e-4)


def test_labels_stored_in_another_orientation_lie_on_the_series(tmp_path: Path) -> None:
    write_series(tmp_path / "dicom", HU)
    turned = affine() @ np.array(
        [[-1, 0, 0, SHAPE[0] - 1], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]]
    )
    labels = write_nifti(tmp_path / "l.nii", LABELS[::-1].transpose(0, 2, 1).copy(), turned)
    ct = read_ct(tmp_path / "dicom", labels)
    np.testing.assert_array_equal(ct.labels_XYZ, LABELS)


def test_the_key_is_of_the_volume_and_tells_no_name(tmp_path: Path) -> None:
    first, again = write_ct(tmp_path / "a"), write_ct(tmp_path / "b", name="jane-doe")
    other = write_ct(tmp_path / "c", seed=1)
    keys = [read_ct(path).key for path in (first, again, other)]
    assert keys[0] == keys[1] != keys[2]
    assert re.fullmatch(r"ct:[0-9a-f]{32}", keys[0])


def test_padding_below_minus_1024_is_cut(tmp_path: Path) -> None:
    hu = HU.copy()
    hu[0] = -2048
    assert read_ct(write_nifti(tmp_path / "a.nii", hu)).hu_XYZ[0].max() == -1024


def test_a_little_air_or_lung_is_enough(tmp_path: Path) -> None:
    """4 voxels of 4,256 are fewer than 0.1 %, 5 are more; padding counts for nothing."""
    for count in (4, 5):
        hu = np.maximum(HU, -299)
        hu[0] = -2048
        hu[5, 5, :count] = -700
        path = write_nifti(tmp_path / f"{count}.nii", hu)
        if count == 4:
            assert "no HU calibration" in refused(path)
        else:
            assert read_ct(path).hu_XYZ.min() == -1024


BAD_VOLUMES: list[tuple[str, Callable[[], tuple[Any, dict[str, Any]]]]] = [
    ("no HU calibration: the values go from 15", lambda: (HU + 1024, {})),
    ("no HU calibration: the values go from 0 to 25", lambda: (_bytes(), {})),
    ("no HU calibration", lambda: (HU.astype(np.float32) / 1000, {})),
    ("no HU calibration", lambda: (np.full(SHAPE, -1000, np.int16), {})),
    ("no HU calibration.*16 bits", lambda: (HU.astype(np.float32) * 50, {})),
    ("no HU calibration: the values go from -2000 to 17.*as air and lung do", lambda: (_raw(), {})),
    ("no HU calibration.*as air and lung do", lambda: (_scores(), {})),
    ("no HU calibration.*some air or lung in it", lambda: (_centred(), {})),
    ("no HU calibration.*some air or lung in it", lambda: (np.maximum(HU, -299), {})),
    (r"several volumes \(20 x 14 x 16 x 2\)", lambda: (np.stack([HU, HU], -1), {})),
    ("one slice is no volume: 20 x 14 x 1", lambda: (HU[:, :, :1], {})),
    ("right angle .gantry tilt", lambda: (HU, {"grid": _sheared()})),
    ("how the patient lies", lambda: (HU, {"sform_code": 0, "qform_code": 0})),
    ("not finite", lambda: (np.where(HU > 600, np.nan, HU).astype(np.float32), {})),
]


def _bytes() -> Any:
    return np.interp(HU, [-1009, 709], [0, 255]).astype(np.uint8)


def _raw() -> Any:
    """Stored values of a scanner without their rescale, padding outside the circle."""
    raw = HU + 1024
    raw[0] = -2000
    return raw


def _scores() -> Any:
    return ((HU - HU.mean()) / HU.std() * 60).astype(np.float32)


def _centred() -> Any:
    """An MR volume around 0."""
    return np.random.default_rng(0).normal(0, 50, SHAPE).astype(np.float32)


def _sheared() -> Any:
    grid = affine()
    grid[1, 2] = 5.0
    return grid


@pytest.mark.parametrize(("message", "make"), BAD_VOLUMES)
def test_volumes_that_are_no_ct(tmp_path: Path, message: str, make: Any) -> None:
    values, options = make()
    path = write_nifti(tmp_path / "bad.nii.gz", values, **options)
    assert re.search(message, refused(path))
    assert str(path) in refused(path)


def test_files_that_are_no_volume(tmp_path: Path) -> None:
    (tmp_path / "cut.nii").write_bytes(write_nifti(tmp_path / "a.nii", HU).read_bytes()[:900])
    assert "too short" in refused(tmp_path / "cut.nii")
    (tmp_path / "text.nii.gz").write_text("hello")
    assert "no known format" in refused(tmp_path / "text.nii.gz")
    assert "no such" in refused(tmp_path / "missing.nii")
    (tmp_path / "empty").mkdir()
    assert "no CT series in this folder" in refused(tmp_path / "empty")


def _drop(files: list[Path]) -> None:
    files[5].unlink()
    files[6].unlink()


def _move(files: list[Path], index: int, z: float, y: float = 0.0) -> None:
    x0, y0 = (affine() @ [SHAPE[0] - 1, SHAPE[1] - 1, 0, 1.0])[:2]
    change(files[index], ImagePositionPatient=[-x0, -y0 + y, z])


BAD_SERIES: list[tuple[str, Callable[[list[Path]], Any]]] = [
    ("2 slices are missing in 1 gaps", _drop),
    ("1 slices lie where another one lies", lambda f: _move(f, 4, 900.0 + 15 * 5)),
    (r"their distances go from 7.50 to 22.50 mm", lambda f: _move(f, 4, 900.0 + 15 * 4.5)),
    (r"beside each other", lambda f: _move(f, 4, 900.0 + 15 * 4, y=3.0)),
    (
        "tilted by about 14.9 degrees",
        lambda f: [_move(f, k, 900.0 + 15 * k, y=4.0 * k) for k in range(len(f))],
    ),
    ("one slice is no volume", lambda f: [file.unlink() for file in f[1:]]),
    ("differ in pixel spacing", lambda f: change(f[3], PixelSpacing=[14.0, 15.0])),
    ("differ in direction", lambda f: change(f[3], ImageOrientationPatient=[0, 1, 0, -1, 0, 0])),
    ("not at right angles", lambda f: change(f[3], ImageOrientationPatient=[1, 0, 0, 1, 0, 0])),
    ("multi-frame", lambda f: change(f[3], NumberOfFrames=2)),
    ("lacks ImagePositionPatient", lambda f: change(f[3], ImagePositionPatient=None)),
    ("cannot be read, and may be one of them", lambda f: f[3].write_bytes(b"\0" * 128 + b"DICM")),
    ("pixel data are cut short", lambda f: f[3].write_bytes(f[3].read_bytes()[:-50])),
]


@pytest.mark.parametrize(("message", "spoil"), BAD_SERIES, ids=[m for m, _ in BAD_SERIES])
def test_series_that_are_no_volume(tmp_path: Path, message: str, spoil: Any) -> None:
    spoil(write_series(tmp_path / "s", HU))
    assert message in refused(tmp_path / "s")


def test_a_series_without_rescale_has_no_hu(tmp_path: Path) -> None:
    write_series(tmp_path / "s", HU, RescaleSlope=None, RescaleIntercept=None)
    assert "no HU calibration: the pixels are in 'stored value'" in refused(tmp_path / "s")
    write_series(tmp_path / "t", HU, RescaleIntercept=0)
    assert "no HU calibration: the values go from 15" in refused(tmp_path / "t")


def test_of_several_series_one_is_named(tmp_path: Path) -> None:
    write_series(tmp_path / "p" / "a", HU, series="1")
    write_series(tmp_path / "p" / "b", phantom(1)[0][:, :, :9], series="2")
    message = refused(tmp_path / "p")
    assert f"{UID}1 (16 slices), {UID}2 (9 slices)" in message
    assert "--series" in message
    assert read_ct(tmp_path / "p", series=f"{UID}2").hu_XYZ.shape == (20, 14, 9)
    assert f"no CT series '{UID}3'" in refused(tmp_path / "p", series=f"{UID}3")


def test_localizers_and_other_modalities_are_left_aside(tmp_path: Path) -> None:
    write_series(tmp_path / "p", HU)
    write_series(tmp_path / "p", HU[:, :, :2], series="5", ImageType=["ORIGINAL", "X", "LOCALIZER"])
    write_series(tmp_path / "p", HU[:, :, :2], series="6", Modality="PT")
    assert read_ct(tmp_path / "p").hu_XYZ.shape == SHAPE
    write_series(tmp_path / "q", HU[:, :, :2], Modality="PT")
    assert "modality PT (2)" in refused(tmp_path / "q")


def test_labels_of_another_grid_or_kind(tmp_path: Path) -> None:
    path = write_ct(tmp_path)
    shifted = affine()
    shifted[0, 3] += 1
    for labels, message in (
        (write_nifti(tmp_path / "a.nii", LABELS, shifted), "another grid"),
        (write_nifti(tmp_path / "b.nii", LABELS[:-1]), "another grid"),
        (write_nifti(tmp_path / "c.nii", LABELS * np.float32(0.5)), "whole numbers"),
        (write_nifti(tmp_path / "d.nii", LABELS.astype(np.int16) - 1), "whole numbers"),
    ):
        assert message in refused(path, labels=labels)


def test_the_real_chest_ct_with_its_organs(shared_data: Path) -> None:
    folder = shared_data / "chest-ct"
    ct = read_ct(folder / "chest_ct_2mm.nii.gz", folder / "organs_2mm.nii.gz")
    assert ct.hu_XYZ.shape == (180, 180, 166)
    np.testing.assert_allclose(np.linalg.norm(ct.affine[:3, :3], axis=0), 2.0, atol=5e-3)
    assert ct.labels_XYZ is not None
    assert len(np.unique(ct.labels_XYZ)) == 90
    assert "no HU calibration" in refused(folder / "organs_2mm.nii.gz")


def test_the_real_head_ct_is_tilted_and_uneven_as_dicom(shared_data: Path) -> None:
    folder = shared_data / "head-ct"
    message = refused(folder / "dicom")
    assert "gantry was tilted by about 18.5 degrees" in message
    assert re.search(r"distances go from 1\.08 to 7\.00 mm", message)
    assert read_ct(folder / "head_ct_1p5mm.nii.gz").hu_XYZ.max() > 1000
