"""Croissant: the keys that the specification requires; the official validator where it is there."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from synthmed.datasets import read_dataset
from synthmed.datasets.cards import croissant
from synthmed.datasets.cards.croissant import CONFORMS_TO, CONTEXT


def test_required_keys_and_hashes(small_dataset: Path) -> None:
    facts = croissant(read_dataset(small_dataset), intended_use="Tests.", url="https://x.org/d")
    assert facts["@context"] == CONTEXT
    assert facts["conformsTo"] == CONFORMS_TO == "http://mlcommons.org/croissant/1.0"
    for key in ("name", "description", "license", "url", "distribution", "recordSet"):
        assert facts[key]
    assert facts["license"] == "https://spdx.org/licenses/CC0-1.0.html"
    assert "synthetic" not in facts["keywords"]
    for file in facts["distribution"]:
        data = (small_dataset / file["contentUrl"]).read_bytes()
        assert file["sha256"] == hashlib.sha256(data).hexdigest()
    files = {file["@id"] for file in facts["distribution"]}
    assert files == {f"{split}/metadata.jsonl" for split in ("train", "val", "test")}
    for records in facts["recordSet"]:
        fields = {field["source"]["extract"]["column"]: field for field in records["field"]}
        assert fields["age"]["dataType"] == "sc:Float"
        assert fields["labels"]["repeated"] is True
        assert all(f["source"]["fileObject"]["@id"] in files for f in records["field"])
    json.dumps(facts)


def test_the_official_validator_finds_no_error(small_dataset: Path, tmp_path: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    shutil.copytree(small_dataset, tmp_path / "d")
    facts = croissant(read_dataset(tmp_path / "d"), intended_use="Tests.")
    (tmp_path / "d" / "croissant.json").write_text(json.dumps(facts))
    dataset = mlcroissant.Dataset(jsonld=str(tmp_path / "d" / "croissant.json"))
    assert not dataset.metadata.issues.errors
    records = list(dataset.records("train-metadata"))
    assert len(records) == 64
    broken = json.loads(json.dumps(facts))
    broken["recordSet"][0]["field"][0]["source"]["fileObject"]["@id"] = "nowhere"
    (tmp_path / "d" / "broken.json").write_text(json.dumps(broken))
    with pytest.raises(mlcroissant.ValidationError):
        mlcroissant.Dataset(jsonld=str(tmp_path / "d" / "broken.json"))
