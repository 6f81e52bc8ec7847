"""Render: what the dataset folder holds, replaying a render, continuing a run."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ct_files import NAMES, change, phantom, write_ct, write_nifti, write_series

from synthmed.datasets.exporters.kinds import kind_of
from synthmed.datasets.folder import read_dataset
from synthmed.datasets.rows import Row
from synthmed.datasets.validation import validate
from synthmed.errors import SynthmedError
from synthmed.imaging.reading import open_image, open_mask
from synthmed.imaging.writing import to_uint8, to_uint16
from synthmed.xray import render_run
from synthmed.xray.ct import read_ct
from synthmed.xray.exposure import Exposure
from synthmed.xray.render import RenderResult, render
from synthmed.xray.render_journal import JOURNAL
from synthmed.xray.scene import PoseRanges, Scene
from synthmed.xray.simulate import simulate
from synthmed.xray.table import without_table

pytest.importorskip("nanodrr")
SMALL = Scene(size=(24, 20), detector_mm=(420.0, 350.0))
LOW = Exposure("low", photons=500.0, spectrum="80kVp")
ORGANS = {"lungs": ["1-2"], "spine": ["vertebrae_*"]}


pytestmark = pytest.mark.filterwarnings("ignore:nothing says whose")  # see test_render_names.py


def make(ct: Any, out: Path, **options: Any) -> RenderResult:
    (out.parent / "key").write_text("5a" * 32)  # the same pseudonyms, and so splits, in every run
    options = {"scene": SMALL, "salt": out.parent / "key", **options}
    return render(ct, out, **options)


def tree(folder: Path) -> dict[str, str]:
    """The hash of every file."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rejected(out: Path) -> list[list[str]]:
    with (out / "rejected.csv").open(newline="") as file:
        return list(csv.reader(file))[1:]


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CT with labels, as NIfTI."""
    return write_ct(tmp_path_factory.mktemp("ct"))


@pytest.fixture(scope="module")
def pairs(scan: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four poses at two exposures, with masks."""
    out = tmp_path_factory.mktemp("pairs") / "set"
    make(
        *(scan.parent, out),
        views=["PA", (20, 5)],
        count=2,
        exposures=["standard", LOW],
        pairs=True,
        names=NAMES,
        organs=ORGANS,
        body_part="chest",
        licences=["CC0-1.0"],
        ranges=PoseRanges(deformation_mm=9.0, tissue={"soft": (0.8, 1.2)}),
    )
    return out


def test_rows_say_what_an_image_is(pairs: Path) -> None:
    folder = read_dataset(pairs)
    assert len(folder.rows) == 8
    assert not folder.rejected
    assert {r.domain for r in folder.rows} == {"standard", "low"}
    assert {r.view for r in folder.rows} == {"PA", "oblique"}
    assert {r.split for r in folder.rows} == {"train"}
    assert len({r.group_id for r in folder.rows}) == 1
    for row in folder.rows:
        facts = (row.modality, row.body_part, row.image_type)
        assert facts == ("X-ray", "chest", "chest X-ray")
        assert row.extra["synthetic"] is True
        assert row.extra["derived_from_patient"] is True
        assert kind_of(row) == "edited"
        scene = Scene.from_dict(json.loads(row.extra["scene"]))
        assert row.extra["spacing_row"] == pytest.approx(scene.detector_mm[0] / 24)
        assert row.extra["spacing_column"] == pytest.approx(scene.detector_mm[1] / 20)
        assert row.extra["magnification"] == 1.125
        assert scene.deformation is not None
        assert 0.8 <= scene.tissue_scale["soft"] <= 1.2
        image, spec = open_image(row.file)
        assert image.shape == (1, 24, 20)
        assert spec.bits == 8
        assert image.std() > 0.2


def test_dataset_json_says_how_all_was_made(pairs: Path) -> None:
    info = read_dataset(pairs).info
    assert info["licences"] == ["CC0-1.0"]
    assert info["derived_from_patient"] is True
    assert "not anonymous" in info["notice"]
    assert info["digital_source_type"].endswith("/dataDrivenMedia")
    made = info["rendering"]
    assert [e["photons"] for e in made["exposures"]] == [2e5, 500.0]
    assert made["scene"]["size"] == [24, 20]
    assert made["ranges"]["deformation_mm"] == 9.0
    assert made["seed"] == 0


def test_pairs_show_the_same_pose(pairs: Path) -> None:
    rows = read_dataset(pairs).rows
    poses: dict[str, list[Row]] = {}
    for row in rows:
        poses.setdefault(row.extra["pose_id"], []).append(row)
    assert len(poses) == 4
    for standard, low in poses.values():
        assert (standard.domain, low.domain) == ("standard", "low")
        for column in ("scene", "seed", "source_hash"):
            assert standard.extra[column] == low.extra[column]
        for organ in ORGANS:
            assert standard.masks[organ].read_bytes() == low.masks[organ].read_bytes()
        a, b = (open_image(row.file)[0].ravel() for row in (standard, low))
        assert not np.array_equal(a, b)
        assert np.corrcoef(a, b)[0, 1] > 0.8
    assert len({row.extra["scene"] for row in rows}) == 4


def test_masks_lie_on_their_organs(pairs: Path) -> None:
    row = next(r for r in read_dataset(pairs).rows if r.view == "PA" and r.domain == "standard")
    lungs, spine = (open_mask(row.masks[name]) for name in ("lungs", "spine"))
    assert set(np.unique(lungs)) == set(np.unique(spine)) == {0, 255}
    assert row.masks["lungs"].parent == row.file.parent / "masks"
    image = open_image(row.file)[0][0]
    middle = np.s_[6:18]  # rows at the height of the lungs
    only_lungs = (lungs[middle] > 0) & (spine[middle] == 0)
    assert image[middle][only_lungs].mean() < image[middle][spine[middle] > 0].mean() - 0.3
    # A PA X-ray shows the patient's right on the left; the right lung is the larger one here.
    columns = (lungs > 0).sum(0)
    assert columns[:8].sum() > columns[12:].sum()


@pytest.mark.parametrize("bits", [8, 16])
def test_a_render_can_be_replayed_from_its_row(scan: Path, tmp_path: Path, bits: int) -> None:
    make(scan, tmp_path / "set", exposures=[LOW], bits=bits, seed=5)
    (row,) = read_dataset(tmp_path / "set").rows
    scene = Scene.from_dict(json.loads(row.extra["scene"]))
    fields = json.loads(row.extra["exposure"])
    exposure = Exposure(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})
    ct = read_ct(scan)
    ct = replace(ct, hu_XYZ=without_table(ct.hu_XYZ, ct.affine))
    (again,) = simulate(ct, scene, [exposure], int(row.extra["seed"]))
    image, spec = open_image(row.file)
    assert spec.bits == bits
    levels = (to_uint8 if bits == 8 else to_uint16)(again.image)
    np.testing.assert_array_equal(np.rint(spec.to_value(image)), levels)
    assert row.extra["display_low"] == pytest.approx(again.window[0])
    assert ("value_scale" in row.extra) is (bits == 16)


def test_the_table_is_air_unless_it_is_kept(tmp_path: Path) -> None:
    hu, _ = phantom()
    hu[:, 0] = 300  # one row of voxels behind the body, apart from it
    scan = write_nifti(tmp_path / "ct" / "scan.nii.gz", hu)
    dense = []
    for keep in (False, True):
        result = make(scan, tmp_path / f"set-{keep}", views=["left lateral"], keep_table=keep)
        info = json.loads((result.path / "dataset.json").read_text())
        assert info["rendering"]["keep_table"] is keep
        (row,) = read_dataset(result.path).rows
        dense.append(open_image(row.file)[0])
    assert not np.array_equal(*dense)


def test_without_pairs_no_pose_is_seen_twice(scan: Path, tmp_path: Path) -> None:
    result = make(scan, tmp_path / "set", exposures=["standard", LOW], count=2)
    rows = read_dataset(tmp_path / "set").rows
    assert result.domains == {"standard": 2, "low": 2}
    assert (result.images, result.made, result.groups, result.splits) == (4, 4, 1, {"train": 4})
    assert len({row.extra["pose_id"] for row in rows}) == 4
    assert len({row.extra["scene"] for row in rows}) == 4


def test_the_same_call_gives_the_same_bytes(pairs: Path, scan: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"count": 2, "exposures": [LOW], "names": NAMES, "organs": ORGANS}
    for name in ("a", "b"):
        make(scan.parent, tmp_path / name, **options)
    first = tree(tmp_path / "a")
    assert tree(tmp_path / "b") == first
    again = make(scan.parent, tmp_path / "a", **options)
    assert (again.images, again.made) == (2, 0)
    assert tree(tmp_path / "a") == first
    other = make(scan.parent, tmp_path / "c", **options, seed=1)
    assert other.images == 2
    assert not set(first.values()) & {
        digest for name, digest in tree(tmp_path / "c").items() if name.endswith("_low.png")
    }


class Killed(BaseException):
    """In place of SIGKILL: nothing in the package catches it."""


@pytest.mark.parametrize("where", ["simulate", "write_image", "write_masks"])
def test_a_killed_run_continues(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    options: dict[str, Any] = {"count": 3, "exposures": ["standard", LOW], "pairs": True}
    options |= {"names": NAMES, "organs": ORGANS}
    make(scan.parent, tmp_path / "whole", **options)
    calls = 0
    real = getattr(render_run, where)

    def killer(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Killed
        return real(*given, **named)

    monkeypatch.setattr(render_run, where, killer)
    with pytest.raises(Killed):
        make(scan.parent, tmp_path / "cut", **options)
    monkeypatch.undo()
    assert not (tmp_path / "cut" / "dataset.json").exists()
    with (tmp_path / "cut" / JOURNAL).open("ab") as file:
        file.write(b'{"ct": 0, "jo')  # a torn line
    (tmp_path / "cut" / "train" / ".x.png.1.tmp").write_bytes(b"half")
    result = make(scan.parent, tmp_path / "cut", **options)
    assert result.images == 6
    assert result.made == {"simulate": 2, "write_image": 4, "write_masks": 4}[where]
    assert tree(tmp_path / "cut") == tree(tmp_path / "whole")


def test_a_damaged_image_of_a_killed_run_is_made_again(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(scan, tmp_path / "whole", count=3)
    monkeypatch.setattr("synthmed.xray.render_finish.DatasetWriter", _raise)
    with pytest.raises(Killed):
        make(scan, tmp_path / "cut", count=3)
    monkeypatch.undo()
    (tmp_path / "cut" / "train" / "ct0000_PA_0001_standard.png").write_bytes(b"")
    assert make(scan, tmp_path / "cut", count=3).made == 1
    assert tree(tmp_path / "cut") == tree(tmp_path / "whole")


def _raise(*_: object) -> None:
    raise Killed


def test_a_folder_of_other_settings_or_of_something_else(scan: Path, tmp_path: Path) -> None:
    make(scan, tmp_path / "set")
    for change_, name in (
        ({"seed": 1}, "seed"),
        ({"exposures": [LOW]}, "exposures"),
        ({"bits": 16}, "bits"),
        ({"scene": Scene(size=(20, 20))}, "scene"),
        ({"salt": tmp_path / "key2"}, "CTs, salt"),
        ({"licences": ["MIT"]}, "licences"),
    ):
        with pytest.raises(SynthmedError, match=f"made with other settings: {name}"):
            make(scan, tmp_path / "set", **change_)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(SynthmedError, match="not empty and holds no renders"):
        make(scan, tmp_path / "mine")
    with pytest.raises(SynthmedError, match="inside its source"):
        make(scan.parent, scan.parent / "set", salt=tmp_path / "key")
    (tmp_path / "set" / "train" / "ct0000_PA_0000_standard.png").unlink()
    with pytest.raises(SynthmedError, match=r"lacks 1 of its images|no usable row"):
        make(scan, tmp_path / "set")


@pytest.mark.filterwarnings("ignore:cts/")  # one for each; the first is checked
def test_one_bad_ct_does_not_stop_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "cts"
    write_ct(folder, name="a")
    write_nifti(folder / "b.nii.gz", phantom()[0] + 1024)
    (folder / "c.nii.gz").write_bytes(b"\x1f\x8bnothing")
    write_ct(folder / "again", name="d")
    write_series(folder / "e", phantom(2)[0])
    with pytest.warns(UserWarning, match="no HU calibration"):
        result = make(folder, tmp_path / "set", count=2)
    assert (result.images, result.groups) == (4, 2)
    reasons = dict(rejected(tmp_path / "set"))
    assert list(reasons) == ["cts/again/d.nii.gz", "cts/b.nii.gz", "cts/c.nii.gz"]
    assert result.rejected == tuple(reasons.items())
    assert "no HU calibration" in reasons["cts/b.nii.gz"]
    assert reasons["cts/again/d.nii.gz"] == "the same volume as cts/a.nii.gz"
    assert make(folder, tmp_path / "set", count=2).rejected == result.rejected


def test_a_ct_that_cannot_be_read_leaves_nothing_behind(tmp_path: Path) -> None:
    bad = tmp_path / "ct" / "scan.nii.gz"
    bad.parent.mkdir()
    bad.write_bytes(b"no NIfTI")
    with pytest.raises(SynthmedError):
        render(bad, tmp_path / "set", scene=SMALL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ct"]


def test_when_nothing_can_be_rendered(tmp_path: Path) -> None:
    bad = [write_nifti(tmp_path / f"{n}.nii", phantom(n)[0] + 1024) for n in range(2)]
    with pytest.raises(SynthmedError, match="no HU calibration"):
        make(bad[0], tmp_path / "one")
    with (
        pytest.warns(UserWarning, match="no HU calibration"),
        pytest.raises(SynthmedError, match="nothing could be rendered; the first reason: no HU"),
    ):
        make(bad, tmp_path / "two")
    assert len(rejected(tmp_path / "two")) == 2
    assert not (tmp_path / "two" / "dataset.json").exists()


def test_a_pose_that_cannot_be_rendered_is_listed(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def once(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise SynthmedError("the source is inside the volume")
        return simulate(*given, **named)

    monkeypatch.setattr(render_run, "simulate", once)
    with pytest.warns(UserWarning, match="inside the volume"):
        result = make(scan, tmp_path / "set", count=3)
    assert result.images == 2
    assert result.rejected[0][1] == "pose PA_0001: the source is inside the volume"


def test_a_ct_that_changed_under_a_killed_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_ct(tmp_path)
    monkeypatch.setattr(render_run.Journal, "append", _append_and_die(2))
    with pytest.raises(Killed):
        make(path, tmp_path / "set", count=3)
    monkeypatch.undo()
    write_ct(tmp_path, seed=9)
    with pytest.raises(SynthmedError, match="has changed since the run began"):
        make(path, tmp_path / "set", count=3)


def _append_and_die(after: int) -> Any:
    real, calls = render_run.Journal.append, 0

    def append(self: Any, *given: Any) -> None:
        nonlocal calls
        real(self, *given)
        calls += 1
        if calls == after:
            raise Killed

    return append


def test_all_series_of_a_patient_are_one_group(tmp_path: Path) -> None:
    for number in range(2):
        write_series(tmp_path / "p" / f"jane{number}", phantom(number)[0], series=str(number + 1))
    other = write_series(tmp_path / "p" / "other", phantom(7)[0], series="7")
    for file in other:
        change(file, PatientID="MRN-0815")
    with pytest.raises(SynthmedError, match="3 CT series"):
        make(tmp_path / "p", tmp_path / "none")
    result = make(tmp_path / "p", tmp_path / "set", series="all", split="0.5,0.3,0.2", seed=3)
    rows = read_dataset(tmp_path / "set").rows
    assert (result.images, result.groups) == (3, 2)
    splits: dict[str, set[str]] = {}
    for row in rows:
        splits.setdefault(row.group_id, set()).add(row.split)
        facts = (row.age, row.sex, row.body_part, row.image_type)
        assert facts == (61.0, "F", "chest", "chest X-ray")
    assert all(len(names) == 1 for names in splits.values())
    written = b"".join(path.read_bytes() for path in tmp_path.joinpath("set").rglob("*.*"))
    for secret in (b"4711", b"Doe", b"1.2.826", b"jane"):
        assert secret not in written
    assert not [f for f in validate(tmp_path / "set").findings if f.kind == "header"]


def test_shares_send_groups_to_all_splits(tmp_path: Path) -> None:
    paths = [write_ct(tmp_path / f"{n}", seed=n) for n in range(8)]
    result = make(paths, tmp_path / "set", split="0.4,0.3,0.3", scene=Scene(size=(4, 4)))
    assert sum(result.splits.values()) == result.groups == 8
    assert len(result.splits) > 1


def test_organs_that_a_ct_lacks(scan: Path, tmp_path: Path) -> None:
    organs = {"lungs": [1, 2], "heart": [51]}
    with pytest.warns(UserWarning, match="has no heart: its rows lack these masks"):
        result = make(scan.parent, tmp_path / "set", organs=organs)
    (row,) = read_dataset(tmp_path / "set").rows
    assert list(row.masks) == ["lungs"]
    assert result.warnings
    with pytest.raises(SynthmedError, match="none of the organs"):
        make(scan.parent, tmp_path / "b", organs={"heart": [51]})
    with pytest.raises(SynthmedError, match="no organ labels for this CT"):
        make(scan, tmp_path / "c", organs=organs)
    with pytest.raises(SynthmedError, match="no organ is called 'heart'"):
        make(scan.parent, tmp_path / "d", organs={"h": ["heart"]}, names=NAMES)
    assert make(
        scan, tmp_path / "e", organs=ORGANS, names=NAMES, labels=scan.parent / "scan_seg.nii.gz"
    ).images


def test_labels_without_organs_are_said_to_give_no_masks(scan: Path, tmp_path: Path) -> None:
    labels = scan.parent / "scan_seg.nii.gz"
    with pytest.warns(UserWarning, match="no organs are named"):
        result = make(scan, tmp_path / "set", labels=labels)
    assert any("no masks" in note for note in result.warnings)


def test_labels_from_a_folder_of_their_own(tmp_path: Path) -> None:
    for n in range(2):
        hu, labels = phantom(n)
        write_nifti(tmp_path / "ct" / f"p{n}.nii.gz", hu)
        write_nifti(tmp_path / "labels" / f"p{n}.nii.gz", labels)
    write_series(tmp_path / "dicom" / "p7", phantom(7)[0])
    write_nifti(tmp_path / "labels" / "p7.nii.gz", phantom(7)[1])
    both = [tmp_path / "ct", tmp_path / "dicom"]
    make(both, tmp_path / "set", labels=tmp_path / "labels", organs={"spine": [3]})
    assert [list(row.masks) for row in read_dataset(tmp_path / "set").rows] == [["spine"]] * 3
    with pytest.raises(SynthmedError, match="one file of organ labels for 3 CTs"):
        make(both, tmp_path / "no", labels=tmp_path / "labels" / "p0.nii.gz")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bits": 12}, "12 bits"),
        ({"seed": -1}, "seed -1 is negative"),
        ({"split": "training"}, "not three shares"),
        ({"labels": Path("missing")}, "no such organ labels"),
        ({"names": Path("missing.json")}, "cannot read it"),
    ],
)
def test_settings_that_cannot_be(
    scan: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SynthmedError, match=message):
        make(scan, tmp_path / "set", **options)
    assert not (tmp_path / "set").exists()


def test_paths_that_hold_no_ct(scan: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for paths, message in (
        (tmp_path / "missing.nii", "no such file or folder"),
        (tmp_path / "empty", "no CT series in this folder"),
        ([], "no CT was given"),
    ):
        with pytest.raises(SynthmedError, match=message):
            make(paths, tmp_path / "set")


def test_without_nanodrr(scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SynthmedError, match=r"nanodrr is not installed.*synthmed\[xray\]"):
        make(scan, tmp_path / "set")


def test_the_real_chest_ct(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "chest-ct"
    result = make(
        *(folder / "chest_ct_2mm.nii.gz", tmp_path / "set"),
        labels=folder / "organs_2mm.nii.gz",
        organs={"left": ["10-11"], "right": ["12-14"]},
        scene=Scene(size=(64, 64)),
    )
    assert result.images == 1
    (row,) = read_dataset(tmp_path / "set").rows
    image = open_image(row.file)[0]
    assert image.std() > 0.2
    left, right = (open_mask(row.masks[side]) > 0 for side in ("left", "right"))
    assert all(0.1 < lung.mean() < 0.5 for lung in (left, right))
    assert np.nonzero(right)[1].mean() < 32 < np.nonzero(left)[1].mean()  # as in every PA film


def test_of_the_real_head_ct_the_nifti_file_is_rendered(shared_data: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="gantry was tilted"):
        result = make(
            *(shared_data / "head-ct", tmp_path / "set"),
            views=["left lateral"],
            scene=Scene(size=(48, 48), detector_mm=(300.0, 300.0)),
        )
    assert result.images == 1
    assert "no regular stack" in result.rejected[0][1]


def test_a_full_disk_is_one_clear_error(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("synthmed.xray.render_journal.append_lines", full)
    with pytest.raises(SynthmedError, match="cannot write: No space left"):
        make(scan, tmp_path / "set")
    monkeypatch.undo()
    assert make(scan, tmp_path / "set").images == 1
