"""NIfTI: right affine, right order, values in their unit, sidecars; opens in nibabel, SimpleITK."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from synthmed.datasets import read_dataset
from synthmed.datasets.exporters import export
from synthmed.datasets.exporters.pixels import read_levels
from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.errors import SynthmedError
from synthmed.imaging.nifti import open_volume

from .conftest import SPEC_16, hounsfield, write_volume

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
HALF_STEP = 4095 / 65535 / 2 + 1e-3  # of a stored level, and float32 slopes


def exported(folder: Path, out: Path, **options: object) -> list[Path]:
    export(folder, "nifti", out, **options)
    return sorted(path for path in out.rglob("*.nii.gz") if "masks" not in path.parts)


def test_a_series_becomes_a_volume_in_its_order_and_unit(volume: Path, tmp_path: Path) -> None:
    (file,) = exported(volume, tmp_path / "out")
    image = nib.load(file)
    assert image.shape == (6, 5, 4)
    assert np.allclose(image.header.get_zooms(), (0.7, 0.8, 2.5))
    assert image.header.get_xyzt_units()[0] == "mm"
    assert nib.aff2axcodes(image.affine) == ("L", "P", "S")
    assert np.allclose(image.get_qform(), image.get_sform())
    values = image.get_fdata()
    for number in range(4):  # columns are x, rows are y
        assert abs(values[:, :, number].T - hounsfield(number)[0]).max() < HALF_STEP


def test_the_patients_right_stays_right(volume: Path, tmp_path: Path) -> None:
    """The slice shown on screen is the slice that went in: read by our own RAS reader."""
    (file,) = exported(volume, tmp_path / "out")
    again = open_volume(file, unit="HU")
    assert np.allclose(again.spacing, (0.7, 0.8, 2.5))
    for number in range(4):
        x, spec = again.slice("axial", number)
        assert abs(spec.to_value(x) - hounsfield(number)).max() < HALF_STEP
        assert spec.spacing == pytest.approx((0.8, 0.7))


@pytest.mark.parametrize("view", ["axial", "coronal", "sagittal"])
def test_a_volume_that_is_cut_and_stacked_is_the_volume_again(tmp_path: Path, view: str) -> None:
    values = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6) * 8 - 400
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    nib.save(nib.Nifti1Image(values, affine), tmp_path / "v.nii.gz")
    source = open_volume(tmp_path / "v.nii.gz", unit="HU")
    axis = ("sagittal", "coronal", "axial").index(view)
    writer = DatasetWriter(tmp_path / "d", SPEC_16)
    for index in range(values.shape[axis]):
        x, spec = source.slice(view, index)
        name = f"{index}.png"
        row = Row(Path(name), name, "train", "s:p", view=view, study_id="v1")
        row.extra = {"slice": float(index), "spacing_slice": source.spacing[axis]}
        row.extra |= {"value_scale": spec.scale, "value_offset": spec.offset, "unit": spec.unit}
        assert spec.spacing is not None
        row.extra |= {"spacing_row": spec.spacing[0], "spacing_column": spec.spacing[1]}
        writer.add(row, x)
    writer.finish()
    (file,) = exported(tmp_path / "d", tmp_path / "out")
    again = open_volume(file, unit="HU")
    assert abs(again.values - values).max() < HALF_STEP
    assert np.allclose(again.affine[:3, :3], affine[:3, :3])


def test_simpleitk_reads_the_same_voxels(volume: Path, tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    (file,) = exported(volume, tmp_path / "out")
    image = sitk.ReadImage(str(file))
    values = sitk.GetArrayFromImage(image)
    assert np.allclose(image.GetSpacing(), (0.7, 0.8, 2.5))
    assert np.allclose(image.GetDirection(), np.eye(3).ravel())  # LPS: as shown
    for number in range(4):
        assert abs(values[number] - hounsfield(number)[0]).max() < HALF_STEP


def test_unknown_slice_distance_is_said_and_can_be_given(tmp_path: Path) -> None:
    folder = write_volume(tmp_path / "d")
    result = export(folder, "nifti", tmp_path / "a")
    assert any("spacings are not known" in text for text in result.warnings)
    image = nib.load(next((tmp_path / "a").rglob("*.nii.gz")))
    assert image.header.get_xyzt_units()[0] == "unknown"
    (file,) = exported(folder, tmp_path / "b", slice_spacing=1.5)
    assert nib.load(file).header.get_zooms()[2] == pytest.approx(1.5)


def test_a_series_with_a_gap_is_rejected_or_written_by_itself(tmp_path: Path) -> None:
    folder = write_volume(tmp_path / "d", slices=5, spacing_slice=1.0)
    table = folder / "train" / "metadata.jsonl"
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join(lines[:2] + lines[3:]))
    with pytest.raises(SynthmedError, match="gaps"):
        export(folder, "nifti", tmp_path / "a")
    assert len(exported(folder, tmp_path / "b", volumes=False)) == 4


def test_2d_images_masks_and_colour(mixed: Path, tmp_path: Path) -> None:
    export(mixed, "nifti", tmp_path / "out")
    for row in read_dataset(mixed).rows:
        name = f"{row.split}/{Path(row.file_name).stem}"
        image = nib.load(tmp_path / "out" / f"{name}.nii.gz")
        levels, bits = read_levels(row.file)
        found = np.asarray(image.dataobj)
        if len(levels) == 1:
            assert np.array_equal(found[:, :, 0].T, levels[0])
        elif bits == 8:
            assert found.dtype.names == ("R", "G", "B")
            assert np.array_equal(np.stack([found[c][:, :, 0].T for c in "RGB"]), levels)
        else:
            assert np.array_equal(found[:, :, 0, 0].transpose(2, 1, 0), levels)
        sidecar = json.loads((tmp_path / "out" / f"{name}.json").read_text())
        assert sidecar["Synthetic"] == ("real" not in row.file_name)
        assert sidecar["SpacingKnown"] is False
        assert sidecar.get("CodecPSNR") == (
            "34.1 dB" if bits == 16 and "real" not in row.file_name else None
        )
        assert sidecar["Row"]["group_id"] == row.group_id
        if row.mask_file:
            mask = nib.load(tmp_path / "out" / "masks" / f"{name}.nii.gz")
            assert np.array_equal(mask.affine, image.affine)
            assert np.array_equal(np.asarray(mask.dataobj)[:, :, 0].T, np.eye(36, 40) * 3)


def test_the_files_hold_no_time(volume: Path, tmp_path: Path) -> None:
    (file,) = exported(volume, tmp_path / "out")
    assert file.read_bytes()[4:8] == b"\0\0\0\0"
    assert len(gzip.decompress(file.read_bytes())) == 352 + 6 * 5 * 4 * 2
