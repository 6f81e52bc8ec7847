"""What a run of renders says of files and patients: no place of this machine, no false patients."""

from __future__ import annotations

import csv
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
from ct_files import affine, change, phantom, write_ct, write_nifti, write_series

from synthmed.datasets.folder import read_dataset
from synthmed.errors import SynthmedError
from synthmed.imaging.files import shown
from synthmed.xray.place_names import without_places
from synthmed.xray.render import RenderResult, render
from synthmed.xray.scene import Scene

pytest.importorskip("nanodrr")
SMALL = Scene(size=(6, 6))
UNKNOWN = "nothing says whose volume"


def make(ct: Any, out: Path, **options: Any) -> tuple[RenderResult, list[str]]:
    """The result, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = render(ct, out, **{"scene": SMALL, **options})
    return result, [str(warning.message) for warning in caught]


def reasons(out: Path) -> dict[str, str]:
    with (out / "rejected.csv").open(newline="") as file:
        return {row[0]: row[1] for row in list(csv.reader(file))[1:]}


def bad_cts(folder: Path) -> None:
    """One good CT; files, slices and labels that are refused, each for another reason."""
    write_ct(folder, name="sub-1")
    (folder / "broken.nii.gz").write_bytes(b"xx")
    write_nifti(folder / "raw.nii.gz", phantom(2)[0] + 1024)
    write_nifti(folder / "labelled.nii.gz", phantom(3)[0])
    write_nifti(folder / "labelled_seg.nii.gz", phantom(3)[1][:-1])
    write_nifti(folder / "deep  er" / "flat.nii", phantom()[0][:, :, :1])
    for number, name in enumerate(("gap", "half", "torn", "raw")):
        files = write_series(folder / name, phantom()[0], series=str(number + 1))
        change(files[0], PatientID=f"MRN-{number}")
        if name == "gap":
            files[5].unlink()
        elif name == "half":
            change(files[3], NumberOfFrames=2)
        elif name == "torn":
            files[3].write_bytes(b"\0" * 128 + b"DICM")
        else:
            for file in files:
                change(file, RescaleIntercept=0)
    (folder / "gap" / "more").mkdir()
    shutil.move(files_of(folder / "gap")[-1], folder / "gap" / "more" / "last.dcm")
    change(folder / "gap" / "more" / "last.dcm", NumberOfFrames=3)


def files_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.dcm"))


@pytest.mark.parametrize("given", ["absolute", "relative", "link"])
def test_no_place_of_this_machine_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    home = tmp_path / "home" / "doe"
    bad_cts(home / "cts")
    folder = home / "cts"
    if given == "relative":
        (home / "work").mkdir()
        monkeypatch.chdir(home / "work")
        folder = Path("../cts")
    elif given == "link":
        folder = tmp_path / "cts"
        folder.symlink_to(home / "cts")
    result, told = make(folder, tmp_path / "out", series="all", organs={"spine": ["3"]})
    assert result.images == 1
    found = reasons(tmp_path / "out")
    assert sorted(found) == [
        *("cts/broken.nii.gz", "cts/deep  er/flat.nii", "cts/gap", "cts/half"),
        *("cts/labelled.nii.gz", "cts/raw", "cts/raw.nii.gz", "cts/torn"),
    ]
    assert "no known format [cts/broken.nii.gz]" in found["cts/broken.nii.gz"]
    assert "[cts/labelled_seg.nii.gz]" in found["cts/labelled.nii.gz"]
    assert "one slice is no volume" in found["cts/deep  er/flat.nii"]
    assert "[cts/half/" in found["cts/half"]
    assert "[cts/gap/more/last.dcm]" in found["cts/gap"]
    assert "may be one of them" in found["cts/torn"]
    assert "no HU calibration" in found["cts/raw"]
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    text = b"".join(path.read_bytes() for path in written).decode("latin-1") + "".join(told)
    for secret in (str(tmp_path), "doe", "../cts"):
        assert secret not in text


def test_labels_of_another_folder_are_named_shortly(tmp_path: Path) -> None:
    for n in range(2):
        write_nifti(tmp_path / "a" / "cts" / f"sub-{n}.nii", phantom(n)[0])
        grid = affine()
        grid[0, 3] += n
        write_nifti(tmp_path / "b" / "organs" / f"sub-{n}.nii", phantom(n)[1], grid)
    options: dict[str, Any] = {"labels": tmp_path / "b" / "organs", "organs": {"spine": ["3"]}}
    make(tmp_path / "a" / "cts", tmp_path / "out", **options)
    (reason,) = reasons(tmp_path / "out").values()
    assert "on another grid than the CT [organs/sub-1.nii]" in reason


def test_names_of_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here = Path("a") / "b.nii"
    text = f"bad [{tmp_path}/a/b.nii], [a/b.nii], [./a/b.nii]"
    assert without_places(text, {here: "x/b.nii"}) == "bad [x/b.nii], [x/b.nii], [./x/b.nii]"
    assert without_places("bad. b", {Path("."): "x", Path("b"): "x"}) == "bad. b"
    odd = tmp_path / "two  blanks\n"
    error = SynthmedError("bad", where=shown(odd))
    assert without_places(str(error), {odd: "odd"}) == "bad [odd]"
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert without_places(f"bad [{loop}]", {loop: "x"}) == "bad [x]"


# ------------------------------------------------------------------ patients


def test_files_that_name_no_patient_are_warned_of_and_recorded(tmp_path: Path) -> None:
    for year in (2019, 2021):
        write_ct(tmp_path / "cts", seed=year, name=f"DOE_JOHN_{year}")
    result, told = make(tmp_path / "cts", tmp_path / "out", split="0.5,0.25,0.25")
    (note,) = [text for text in told if UNKNOWN in text]
    assert "whose volumes these 2 are: each file counts as a patient" in note
    assert "sub-" in note
    assert result.warnings == (note,)
    info = read_dataset(tmp_path / "out").info["unknown_patients"]
    assert info["note"] == note
    rows = read_dataset(tmp_path / "out").rows
    assert sorted(info["groups"]) == sorted({row.group_id for row in rows})
    assert len(info["groups"]) == 2
    assert "DOE" not in json.dumps(info)
    again, told = make(tmp_path / "cts", tmp_path / "out", split="0.5,0.25,0.25")
    assert (again.made, again.warnings) == (0, (note,))
    assert note in told


def test_of_mixed_cts_only_those_without_a_patient_are_recorded(tmp_path: Path) -> None:
    write_ct(tmp_path / "cts", seed=1, name="sub-7_ct")
    write_ct(tmp_path / "cts", seed=2, name="case")
    write_series(tmp_path / "cts" / "dicom", phantom(3)[0])
    result, told = make(tmp_path / "cts", tmp_path / "out")
    assert result.groups == 3
    assert any("whose volume one of the 3 CTs is: it counts as a patient" in text for text in told)
    rows = {row.extra["pose_id"][:6]: row.group_id for row in read_dataset(tmp_path / "out").rows}
    assert read_dataset(tmp_path / "out").info["unknown_patients"]["groups"] == [rows["ct0000"]]


def test_a_series_without_any_id_is_of_no_known_patient(tmp_path: Path) -> None:
    for number in range(2):
        none = dict.fromkeys(("PatientID", "StudyInstanceUID", "SeriesInstanceUID"))
        write_series(tmp_path / f"{number}", phantom(number)[0], **none)
    _, told = make([tmp_path / "0", tmp_path / "1"], tmp_path / "out")
    assert any(f"{UNKNOWN}s these 2 are" in text for text in told)


@pytest.mark.parametrize(("split", "told"), [("train", False), ("0.5,0.3,0.2", True)])
def test_one_ct_is_warned_of_where_splits_are_by_patient(
    tmp_path: Path, split: str, told: bool
) -> None:
    path = write_ct(tmp_path / "cts")
    result, said = make(path, tmp_path / "out", split=split)
    assert any(UNKNOWN in text for text in said) is told
    assert bool(result.warnings) is told
    assert ("unknown_patients" in read_dataset(tmp_path / "out").info) is told


def test_known_patients_are_not_warned_of(tmp_path: Path) -> None:
    for number in range(2):
        write_ct(tmp_path / "cts" / f"sub-{number}", seed=number)
        write_series(tmp_path / "cts" / f"d{number}", phantom(7 + number)[0], series=str(number))
    result, told = make(tmp_path / "cts", tmp_path / "out", series="all", split="0.5,0.3,0.2")
    assert (result.groups, result.warnings, told) == (3, (), [])  # both series are of one patient
