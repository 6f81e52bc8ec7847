from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from made_sources import write_volume

from synthmed.datasets import DatasetFolder, read_dataset
from synthmed.datasets.exporters import export
from synthmed.datasets.importers import import_dataset
from synthmed.datasets.importers.nifti_names import stem, subject_of
from synthmed.imaging import open_image, open_mask

VALUES = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6) * 7 - 100
LABELS = (VALUES > 200).astype(np.uint8) * 3


def run(source: Path, **options: Any) -> DatasetFolder:
    folder = source.parent if source.is_file() else source
    out = folder.with_name("out")
    import_dataset(source, out, format="nifti", name="ct", jobs=1, **options)
    return read_dataset(out)


def by_name(folder: DatasetFolder) -> list[Any]:
    return sorted(folder.rows, key=lambda row: row.file_name)


def test_slices_as_radiologists_see_them_with_their_units(tmp_path: Path) -> None:
    write_volume(tmp_path / "in/case.nii.gz", VALUES)
    folder = run(tmp_path / "in", unit="HU", window=(-160.0, 240.0), body_part="chest")
    rows = by_name(folder)
    assert [row.extra["slice"] for row in rows] == list(range(6))
    assert len({row.group_id for row in rows}) == 1
    for number, row in enumerate(rows):
        x, spec = open_image(row.file)
        assert spec.bits == 16
        units = np.rint(x[0] * row.extra["value_scale"] + row.extra["value_offset"])
        np.testing.assert_array_equal(units, VALUES[::-1, ::-1, number].T)
    assert (rows[0].extra["spacing_row"], rows[0].extra["spacing_column"]) == (3.0, 2.0)
    assert (rows[0].extra["window_low"], rows[0].extra["window_high"]) == (-160.0, 240.0)
    assert (rows[0].modality, rows[0].view, rows[0].image_type) == ("CT", "axial", "chest CT")


@pytest.mark.parametrize(
    ("axis", "count", "shape"),
    [("sagittal", 4, (6, 5)), ("coronal", 5, (6, 4)), ("axial", 6, (5, 4))],
)
def test_axis_step_and_range(tmp_path: Path, axis: str, count: int, shape: Any) -> None:
    write_volume(tmp_path / "in/case.nii", VALUES)
    rows = by_name(run(tmp_path / "in", axis=axis, start=1, step=2))
    assert [row.extra["slice"] for row in rows] == list(range(count))[1::2]
    assert open_image(rows[0].file)[0].shape[1:] == shape


@pytest.mark.parametrize(
    ("image", "label"),
    [("case.nii.gz", "case_seg.nii.gz"), ("imagesTr/case_0000.nii.gz", "labelsTr/case.nii.gz")],
)
def test_label_volumes_beside_become_masks(tmp_path: Path, image: str, label: str) -> None:
    write_volume(tmp_path / "in" / image, VALUES)
    write_volume(tmp_path / "in" / label, LABELS)
    write_volume(tmp_path / "in/lonely.nii.gz", VALUES)
    folder = run(tmp_path / "in")
    masked = [row for row in by_name(folder) if row.mask_file is not None]
    assert (len(folder.rows), len(masked)) == (12, 6)
    for number, row in enumerate(masked):
        np.testing.assert_array_equal(open_mask(row.mask_file), LABELS[::-1, ::-1, number].T)


def test_named_masks_and_those_that_do_not_fit(tmp_path: Path) -> None:
    write_volume(tmp_path / "in/a.nii.gz", VALUES)
    write_volume(tmp_path / "in/b.nii.gz", VALUES)
    write_volume(tmp_path / "masks/a.nii.gz", LABELS)
    write_volume(tmp_path / "masks/b.nii.gz", LABELS, np.diag([2.0, 3.0, 4.5, 1.0]))
    folder = run(tmp_path / "in", mask=tmp_path / "masks")
    assert len(folder.rows) == 6
    with (folder.path / "rejected.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == ["b.nii.gz"]
    assert "another size or place" in rows[0]["reason"]


def test_one_file_with_its_mask(tmp_path: Path) -> None:
    write_volume(tmp_path / "in/a.nii.gz", VALUES)
    write_volume(tmp_path / "in/organs.nii.gz", LABELS)
    folder = run(tmp_path / "in/a.nii.gz", mask=tmp_path / "in/organs.nii.gz")
    assert all(row.mask_file is not None for row in folder.rows)
    assert len(folder.rows) == 6


def test_names() -> None:
    assert stem("a/b/case_01.nii.gz") == "case_01"
    assert subject_of("sub-07/ses-1/anat/sub-07_ses-1_T1w.nii.gz") == "sub-07"
    assert subject_of("imagesTr/liver_12_0001.nii.gz") == "liver_12"


@pytest.mark.parametrize("axis", ["sagittal", "coronal", "axial"])
@pytest.mark.parametrize("step", [1, 2])
def test_an_exported_volume_has_the_source_s_voxel_sizes(
    tmp_path: Path, axis: str, step: int
) -> None:
    write_volume(tmp_path / "in/case.nii.gz", VALUES)  # voxels of 2 x 3 x 4 mm
    folder = run(tmp_path / "in", axis=axis, step=step)
    export(folder.path, "nifti", tmp_path / "volumes")
    (written,) = (tmp_path / "volumes").rglob("*.nii.gz")
    affine = nibabel.load(written).affine
    sizes = nibabel.affines.voxel_sizes(affine)
    found = dict(zip(nibabel.aff2axcodes(affine), sizes, strict=True))
    expected = {"R": 2.0, "A": 3.0, "S": 4.0}
    expected[{"sagittal": "R", "coronal": "A", "axial": "S"}[axis]] *= step
    same = {"L": "R", "P": "A", "I": "S"}
    assert {same.get(code, code): size for code, size in found.items()} == pytest.approx(expected)
