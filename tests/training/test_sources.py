from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml

from synthmed.errors import SafetyError, SynthmedError
from synthmed.training.sources import read_sources


def change(dataset: Path, out: Path, split: str, edit: Any) -> Path:
    """A copy of a dataset with the rows of one split edited."""
    shutil.copytree(dataset, out)
    file = out / split / "metadata.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows = [row for row in map(edit, rows) if row is not None]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return out


def test_a_folder_a_list_and_a_file_of_sources(small_dataset: Path, tmp_path: Path) -> None:
    listing = [
        {"path": str(small_dataset), "where": {"modality": "X-ray"}, "licence": "CC0"},
        {"path": str(small_dataset), "where": {"modality": "ultrasound"}, "credit": " Made. "},
    ]
    (tmp_path / "sources.yaml").write_text(yaml.safe_dump(listing))
    whole = read_sources(str(small_dataset), tmp_path)
    assert len(whole.rows) == 96
    assert whole.credits == [{"source": "dataset", "licence": "not stated", "credit": ""}]
    some = read_sources(listing, tmp_path)
    assert [row.image_type for row in some.rows].count("chest X-ray") == 24
    assert len(some.rows) == 48
    assert [c["licence"] for c in some.credits] == ["CC0", "not stated"]
    assert some.credits[1]["credit"] == "Made."
    assert read_sources("sources.yaml", tmp_path).rows == some.rows


def test_paths_are_relative_to_the_list(small_dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "near").symlink_to(small_dataset)
    (tmp_path / "lists" / "all.yaml").write_text("- path: ../near\n")
    assert len(read_sources("lists/all.yaml", tmp_path).rows) == 96


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ("", "no data is named"),
        ([], "no data is named"),
        (None, "no data is named"),
        ([{"columns": {}}], "a source has no path"),
        ([{"path": "x", "column": {}}], r"unknown key 'column'.*Known keys: path, columns"),
        ("nowhere.yaml", "no such list of sources"),
        ("nowhere", "no such dataset folder"),
    ],
)
def test_what_is_no_source(sources: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match=message):
        read_sources(sources, tmp_path)


def test_a_list_that_is_no_yaml(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("- path: [")
    with pytest.raises(SynthmedError, match="not valid YAML"):
        read_sources("bad.yaml", tmp_path)


def test_a_patient_in_two_splits_is_refused_for_safety(small_dataset: Path, tmp_path: Path) -> None:
    def leak(row: dict[str, Any]) -> dict[str, Any]:
        return row | {"group_id": row["group_id"].replace("xray:p08", "xray:p03")}

    leaking = change(small_dataset, tmp_path / "leaking", "val", leak)
    with pytest.raises(
        SafetyError, match=r"^1 groups are both in train and in val \[xray:p03\]"
    ) as caught:
        read_sources(str(leaking), tmp_path)
    assert caught.value.exit_code == 3


def test_a_patient_of_the_test_split_may_not_be_seen_either(
    small_dataset: Path, tmp_path: Path
) -> None:
    leaking = change(
        small_dataset, tmp_path / "leaking", "test", lambda row: row | {"group_id": "smear:p00"}
    )
    with pytest.raises(SafetyError, match="both in train and in test"):
        read_sources(str(leaking), tmp_path)


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_missing_split_is_named(split: str, small_dataset: Path, tmp_path: Path) -> None:
    poor = tmp_path / "poor"
    shutil.copytree(small_dataset, poor)
    shutil.rmtree(poor / split)
    with pytest.raises(SynthmedError, match=f"no image has split {split}"):
        read_sources(str(poor), tmp_path)


def test_a_type_without_validation_images_is_named(small_dataset: Path, tmp_path: Path) -> None:
    def drop(row: dict[str, Any]) -> dict[str, Any] | None:
        return None if row["image_type"] == "dermatoscopy" else row

    poor = change(small_dataset, tmp_path / "poor", "val", drop)
    with pytest.warns(UserWarning, match="'dermatoscopy' has no validation image"):
        read_sources(str(poor), tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_sources(str(small_dataset), tmp_path)


def test_rejected_rows_come_with_their_source_and_reason(
    small_dataset: Path, tmp_path: Path
) -> None:
    poor = tmp_path / "poor"
    shutil.copytree(small_dataset, poor)
    bad = sorted((poor / "train").rglob("*.png"))[:2]
    bad[0].write_bytes(b"no image")
    bad[1].unlink()
    sources = read_sources(str(poor), tmp_path)
    assert len(sources.rows) == 94
    assert {row["source"] for row in sources.rejected} == {"poor"}
    assert {Path(row["file_name"]).name for row in sources.rejected} == {b.name for b in bad}
    assert any("missing" in row["reason"] for row in sources.rejected)


def leaking(dataset: Path, out: Path) -> Path:
    """A dataset whose patient xray:p03 of train is in val too, in place of xray:p08."""

    def leak(row: dict[str, Any]) -> dict[str, Any]:
        return row | {"group_id": row["group_id"].replace("xray:p08", "xray:p03")}

    return change(dataset, out, "val", leak)


def test_a_shared_group_may_stand_in_several_splits_and_is_said(
    small_dataset: Path, tmp_path: Path
) -> None:
    poor = leaking(small_dataset, tmp_path / "leaking")
    with pytest.warns(
        UserWarning,
        match=r"1 groups stand in several splits.*: not only held-out patients in chest X-ray\. "
        "What is measured there says nothing of new patients",
    ):
        sources = read_sources(str(poor), tmp_path, ["xray:p03"])
    assert sources.shared == {"xray:p03"}
    assert len(sources.rows) == 96


def test_a_domain_of_shared_groups_alone_has_no_held_out_patients(
    small_dataset: Path, tmp_path: Path
) -> None:
    def one(row: dict[str, Any]) -> dict[str, Any]:
        domain = row["group_id"].split(":")[0]
        group = "the CT" if domain == "xray" else row["group_id"]
        return row | {"group_id": group, "domain": domain}

    poor = small_dataset
    for split in ("train", "val", "test"):
        poor = change(poor, tmp_path / split, split, one)
    with pytest.warns(UserWarning, match=r": no held-out patients in xray\. What"):
        sources = read_sources(str(poor), tmp_path, ["the CT"])
    assert sources.shared == {"the CT"}


def test_all_other_groups_are_still_refused(small_dataset: Path, tmp_path: Path) -> None:
    poor = leaking(small_dataset, tmp_path / "leaking")
    with pytest.raises(SafetyError, match=r"^1 groups are both in train and in val \[xray:p03\]"):
        read_sources(str(poor), tmp_path, ["xray:p04"])


def test_a_shared_group_that_no_row_has_is_named(small_dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match=r"shared_groups names 'xray:p3', which no row has"):
        read_sources(str(small_dataset), tmp_path, ["xray:p03", "xray:p3"])


def test_a_shared_group_in_one_split_is_none(small_dataset: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_sources(str(small_dataset), tmp_path, ["xray:p03"]).shared == frozenset()
