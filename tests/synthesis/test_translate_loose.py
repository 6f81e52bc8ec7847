"""Files without a table: nothing of their names is passed on; burned-in text is refused."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from tiny_translators import card, translator
from translation_sets import grey, small_set

from synthmed.datasets import read_dataset
from synthmed.datasets.exporters import export
from synthmed.datasets.exporters.kinds import kind_of
from synthmed.errors import SynthmedError
from synthmed.imaging.writing import write_png
from synthmed.models.generator import Generator
from synthmed.synthesis.translate import translate
from synthmed.synthesis.translate_sources import read_sources

KNOWN = ["render", "site a", "site b"]


@pytest.fixture(scope="module")
def model() -> Generator:
    return translator(card=card(sampling={"steps": 1, "guidance": 1.0}))


def run(model: Any, images: Path, out: Path, **options: Any) -> Any:
    how = {"target": "site b", "source": "render", "depth": 0.5, "progress": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return translate(model, images, out, **{**how, **options})


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_no_name_of_a_file_is_passed_on(model: Generator, tmp_path: Path) -> None:
    secret = "DOE^JOHN 1950-01-01"
    folder = tmp_path / "in"
    write_png(folder / f"{secret}.png", grey(1))
    write_png(folder / secret / "x.png", grey(2))
    run(model, folder, tmp_path / "out")
    rows = read_dataset(tmp_path / "out").rows
    digests = [sha256(folder / f"{secret}.png"), sha256(folder / secret / "x.png")]
    assert sorted(row.extra["source_hash"] for row in rows) == sorted(digests)
    for row in rows:
        assert not row.extra.get("source_file")
        assert row.file_name == f"images/{row.extra['source_hash'][:16]}.png"
        assert row.group_id == f"file:{row.extra['source_hash'][:16]}"
        assert kind_of(row) == "edited"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        export(tmp_path / "out", "dicom", tmp_path / "dicom")
    for path in [*(tmp_path / "out").rglob("*"), *(tmp_path / "dicom").rglob("*")]:
        name = path.relative_to(tmp_path).as_posix()
        text = name.encode() + (path.read_bytes() if path.is_file() else b"")
        for part in (b"DOE", b"JOHN", b"1950"):
            assert part not in text, name


def test_twins_and_files_that_cannot_be_read_have_names_of_their_own(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c/a.png"):
        write_png(tmp_path / "in" / name, grey(1))
    digest = sha256(tmp_path / "in" / "a.png")[:16]
    found = read_sources(tmp_path / "in", "render", "site b", KNOWN)
    names = [source.row.file_name for source in found.images]
    assert names == [f"images/{digest}{end}.png" for end in ("", "-2", "-3")]
    assert len({source.row.group_id for source in found.images}) == 1


def test_a_file_without_a_hash_is_not_called_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(_: Path) -> str:
        raise PermissionError(13, "Permission denied")

    for name in ("doe.png", "roe.png"):
        write_png(tmp_path / "in" / name, grey(1))
    monkeypatch.setattr("synthmed.synthesis.translate_items.file_hash", closed)
    found = read_sources(tmp_path / "in", "render", "site b", KNOWN)
    assert [source.sha256 for source in found.images] == ["", ""]
    places = {(source.row.file_name, source.row.group_id) for source in found.images}
    assert len(places) == 2
    for file_name, group in places:
        assert re.fullmatch(r"images/[0-9a-f]{16}\.png", file_name)
        assert re.fullmatch(r"file:[0-9a-f]{16}", group)


def test_a_dataset_folder_keeps_the_names_of_its_table(model: Generator, tmp_path: Path) -> None:
    folder = small_set(tmp_path / "in")
    run(model, folder, tmp_path / "out")
    (row, *_) = read_dataset(tmp_path / "out").rows
    assert (row.file_name, row.extra["source_file"]) == ("images/000.png", "train/images/000.png")


# ------------------------------------------------------------------ rows and reasons


def test_rows_without_a_domain_are_listed_where_others_name_one(
    model: Generator, tmp_path: Path
) -> None:
    folder = small_set(tmp_path / "in")
    table = folder / "train" / "metadata.jsonl"
    lines = [json.loads(line) for line in table.read_text().splitlines()]
    lines[0]["domain"] = None
    table.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = run(model, folder, tmp_path / "out")
    assert result.images == 4
    assert result.rejected == (("train/images/000.png", "the row names no domain"),)
    with (tmp_path / "out" / "rejected.csv").open() as listed:
        assert len(list(csv.DictReader(listed))) == 1
    with pytest.raises(SynthmedError, match="no row of this dataset is of the domain 'site b'"):
        run(model, folder, tmp_path / "none", source="site b")


@pytest.mark.parametrize("given", ["absolute", "relative", "link"])
def test_no_place_of_this_machine_is_written(
    model: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    home = tmp_path / "home" / "doe"
    bad = small_set(home / "set")
    (bad / "train" / "images" / "001.png").write_bytes(b"junk")
    (bad / "val" / "images" / "002.png").unlink()
    write_png(home / "files" / "good.png", grey(1))
    (home / "files" / "bad.png").write_bytes(b"junk")
    place = home
    if given == "relative":
        (home / "work").mkdir()
        monkeypatch.chdir(home / "work")
        place = Path("..")
    elif given == "link":
        place = tmp_path / "link"
        place.symlink_to(home)
    for name, expected in (
        ("set", {"train/images/001.png", "val/images/002.png"}),
        ("files", {"bad.png"}),
    ):
        out = tmp_path / f"{name}-out"
        result = run(model, place / name, out)
        assert {file for file, _ in result.rejected} == expected
        assert any("[bad.png]" in r or "[train/images/001.png]" in r for _, r in result.rejected)
        for path in filter(Path.is_file, out.rglob("*")):
            for secret in (str(tmp_path), "doe", "../"):
                assert secret.encode() not in path.read_bytes(), path


def test_what_an_import_or_a_render_knew_of_patients_is_carried_on(
    model: Generator, tmp_path: Path
) -> None:
    folder = small_set(tmp_path / "in")
    known = json.loads((folder / "dataset.json").read_text())
    said = {"import": {"format": "classes"}, "unknown_patients": {"groups": ["made:p0"]}}
    (folder / "dataset.json").write_text(json.dumps({**known, **said}))
    run(model, folder, tmp_path / "out")
    made = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert {name: made.get(name) for name in said} == said


# ------------------------------------------------------------------ DICOM files


def film(file: Path, **tags: Any) -> Path:
    """A small radiograph."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset(str(file), {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, "1.2.3.4.5"
    ds.Modality, ds.Rows, ds.Columns, ds.SamplesPerPixel = "CR", 30, 20, 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    row, column = np.mgrid[:30, :20]
    ds.PixelData = (row * 100 + column * 37).astype("<u2").tobytes()
    for keyword, value in tags.items():
        setattr(ds, keyword, value)
    file.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(file, enforce_file_format=True)
    return file


CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        (
            {"BurnedInAnnotation": "YES"},
            "Burned In Annotation is YES: the pixels may name the patient "
            "(synthmed import --allow-burned-in)",
        ),
        (
            {"SOPClassUID": CAPTURE},
            "secondary capture: a screen or a scan, often with text "
            "(synthmed import --allow-captures)",
        ),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "screen save or dose report"),
    ],
)
def test_what_an_import_refuses_is_refused(
    model: Generator, tmp_path: Path, tags: dict[str, Any], reason: str
) -> None:
    folder = tmp_path / "in"
    film(folder / "good.dcm", BurnedInAnnotation="NO")
    film(folder / "bad", **tags)  # told by its content, not by its name
    result = run(model, folder, tmp_path / "out")
    assert result.images == 1
    ((name, said),) = result.rejected
    assert name == "bad"
    assert said.startswith(reason)
    with pytest.raises(SynthmedError, match="no image can be translated; the first: "):
        run(model, folder / "bad", tmp_path / "alone")


def test_a_row_of_a_dataset_folder_was_chosen_by_its_maker(
    model: Generator, tmp_path: Path
) -> None:
    folder = small_set(tmp_path / "in")
    file = folder / "train" / "images" / "000.png"
    film(file, BurnedInAnnotation="YES")
    assert pydicom.dcmread(file).BurnedInAnnotation == "YES"
    assert run(model, folder, tmp_path / "out").images == 5
