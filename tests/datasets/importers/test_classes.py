from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from synthmed.datasets import DatasetFolder, read_dataset
from synthmed.datasets.importers import import_dataset
from synthmed.errors import SynthmedError


def make(root: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 5), 10 + number, np.uint8)).save(path)
    return root


def run(source: Path, kind: str = "classes", **options: Any) -> DatasetFolder:
    out = source.parent / "out"
    import_dataset(source, out, format=kind, name="c", jobs=1, **options)
    return read_dataset(out)


def test_one_folder_a_class_grouped_by_pattern(tmp_path: Path) -> None:
    names = ["benign/p1_a.png", "benign/p1_b.png", "very_bad/p2/x/p2_a.bmp", "very_bad/p3_a.webp"]
    folder = run(make(tmp_path / "in", *names), group=r"(p\d+)_", cells=(("modality", "US"),))
    rows = sorted(folder.rows, key=lambda row: row.file_name)
    assert [row.labels for row in rows] == [("benign",), ("benign",), ("very bad",), ("very bad",)]
    assert rows[0].group_id == rows[1].group_id
    assert len({row.group_id for row in rows}) == 3
    assert rows[0].modality == "US"


def test_splits_and_domains(tmp_path: Path) -> None:
    names = ["train/site A/1.png", "validation/site A/2.png", "test/site B/3.png"]
    folder = run(make(tmp_path / "in", *names), "domains")
    assert {(row.split, row.domain) for row in folder.rows} == {
        ("train", "site A"),
        ("val", "site A"),
        ("test", "site B"),
    }


def test_files_outside_a_class_or_the_pattern_are_named(tmp_path: Path) -> None:
    source = make(tmp_path / "in", "loose.png", "a/p1.png", "a/other.png")
    folder = run(source, group=r"p\d+")
    reasons = (folder.path / "rejected.csv").read_text()
    assert len(folder.rows) == 1
    assert "no folder of a class" in reasons
    assert "pattern of the group" in reasons
    with pytest.raises(SynthmedError, match="no regular expression"):
        import_dataset(source, tmp_path / "o", format="classes", group="(")
