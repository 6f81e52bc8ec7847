"""Cards: what they say, and that there is none without licence and intended use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from synthmed.datasets import read_dataset
from synthmed.datasets.cards import croissant, dataset_card, model_card
from synthmed.datasets.cards.header import licence_fields, plain, size_category
from synthmed.datasets.folder import DatasetFolder
from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.errors import SafetyError
from synthmed.imaging.spec import spec_8bit

MODEL: dict[str, Any] = {
    "name": "tiny",
    "licence": "CC0-1.0",
    "intended_use": "Tests.",
    "misuse": "No clinics.",
    "types": [{"name": "chest X-ray", "images": 8}],
    "training_images": 8,
    "training_groups": ["ab" * 32, "cd" * 32],
    "validation_groups": ["ef" * 32],
    "sources": [{"source": "made", "licence": "CC0", "credit": "nobody"}],
    "training": {
        "gate": {"types": [{"image_type": "chest X-ray", "n": 4, "psnr": 31.26, "power": 0.5}]}
    },
    "image_size": 16,
    "pipeline": "StableDiffusionPipeline",
    "hash": "12" * 32,
}


def header(card: str) -> dict[str, Any]:
    start, head, _ = card.split("---\n", 2)
    assert start == ""
    return dict(yaml.safe_load(head))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    """Three rows: generated, edited, real; the codec's PSNR measured."""
    folder = tmp_path_factory.mktemp("made") / "d"
    info = {
        "licences": ["CC BY 4.0"],
        "intended_use": "Tests | of `cards`.",
        "generation": {"generator": "tiny", "codec_psnr": 31.26},
    }
    writer = DatasetWriter(folder, spec_8bit(1, "PNG"), info)
    extras: list[dict[str, Any]] = [
        {"synthetic": True, "prompt": "p"},
        {"synthetic": True, "source_file": "x.png"},
        {},
    ]
    for number, extra in enumerate(extras):
        name = f"{number}.png"
        row = Row(Path(name), name, "train", f"s:{number}", text="t", image_type="chest X-ray")
        row.extra, row.modality, row.labels = extra, "X-ray", ("opacity",)
        writer.add(row, np.zeros((1, 4, 4)))
    writer.finish()
    return read_dataset(folder)


def test_a_datasets_header_and_text(made: DatasetFolder) -> None:
    card = dataset_card(made, title="Made")
    fields = header(card)
    assert fields["license"] == "cc-by-4.0"
    assert fields["pretty_name"] == "Made"
    assert fields["size_categories"] == ["n<1K"]
    assert fields["task_categories"] == ["text-to-image", "image-classification"]
    assert fields["tags"] == ["medical", "synthetic", "x-ray"]
    assert fields["modality"] == ["image", "text"]
    assert fields["configs"][0]["data_files"] == [{"split": "train", "path": "train/**"}]
    assert "3 medical images (1 generated, 1 edited from real images, 1 real) of 3 groups" in card
    assert "1 images are edited from real patients' images and not anonymous" in card
    assert "31.3 dB" in card
    assert "| chest X-ray | 3 | 0 | 0 |" in card
    assert r"Tests \| of \`cards\`." in card
    assert "by group; no group is in two splits" in card


def test_real_images_are_not_called_synthetic(small_dataset: Path) -> None:
    folder = read_dataset(small_dataset)
    card = dataset_card(folder, intended_use="Tests.")
    assert header(card)["license"] == "cc0-1.0"
    assert "synthetic" not in header(card)["tags"]
    assert "codec" not in card
    assert header(card)["task_categories"] == [
        "image-classification",
        "image-segmentation",
        "object-detection",
    ]


@pytest.mark.parametrize(
    ("licence", "use", "missing"),
    [
        ("", "x", "a licence"),
        ("MIT", " ", "an intended use"),
        ("", "", "a licence and an intended use"),
    ],
)
def test_no_card_without_licence_and_intended_use(
    tmp_path: Path, licence: str, use: str, missing: str
) -> None:
    writer = DatasetWriter(tmp_path / "d", spec_8bit(1, "PNG"))
    writer.add(Row(Path("a.png"), "a.png", "train", "s:1"), np.zeros((1, 4, 4)))
    writer.finish()
    folder = read_dataset(tmp_path / "d")
    stated = {"licence": licence, "intended_use": use}
    for write in (
        lambda: dataset_card(folder, **stated),
        lambda: croissant(folder, **stated),
        lambda: model_card({**MODEL, **stated}),
    ):
        with pytest.raises(SafetyError, match=f"no card without {missing} ") as caught:
            write()
        assert caught.value.exit_code == 3
    assert dataset_card(folder, licence="MIT", intended_use="x")


def test_a_models_card_counts_patients_and_names_none() -> None:
    card = model_card(MODEL)
    fields = header(card)
    assert fields["license"] == "cc0-1.0"
    assert (fields["library_name"], fields["pipeline_tag"]) == ("diffusers", "text-to-image")
    assert "- 2 groups (patients or such) for training, known by hash only" in card
    for name in ("training_groups", "validation_groups"):
        assert all(digest not in card for digest in MODEL[name])
    assert "| chest X-ray | 4 | 31.3 | 0.50 | passed |" in card
    assert "No clinics." in card
    assert "## Known limits" in card
    assert "can give back an image that it was trained on" in card
    bare = model_card({"licence": "x", "intended_use": "y"})
    assert "Its PSNR was not measured." in bare
    assert header(bare) == {
        "license": "other",
        "license_name": "x",
        "tags": ["medical", "synthetic", "synthmed"],
    }


@pytest.mark.parametrize(
    "broken",
    [
        {"types": 3, "sources": {"a": 1}, "training": [], "parameters": "x"},
        {"types": [1, {}], "sources": [None], "training": {"gate": {"types": [4, {"psnr": "x"}]}}},
        {"training_groups": None, "limits": "x", "misuse": 7, "name": ["a"]},
    ],
)
def test_a_broken_record_still_gives_a_card(broken: dict[str, Any]) -> None:
    assert model_card({"licence": "MIT", "intended_use": "x", **broken}).startswith("---\n")


def test_bundled_generator_has_a_card() -> None:
    from synthmed.models.bundled import bundled_models

    for folder in bundled_models().values():
        record = json.loads((folder / "synthmed.json").read_text())
        assert f"{len(record['training_groups'])} groups" in model_card(record)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CC BY-NC-SA 4.0", "cc-by-nc-sa-4.0"),
        ("cc0", "cc0-1.0"),
        ("Apache-2.0", "apache-2.0"),
        ("CC BY 4.0; CC BY-NC 4.0", "other"),
        ("CC BY 4.0 as reported", "other"),
    ],
)
def test_only_whole_names_are_taken_for_a_licence(text: str, expected: str) -> None:
    assert licence_fields(text)["license"] == expected


def test_sizes_and_markup() -> None:
    sizes = [size_category(count) for count in (999, 1000, 99_999, 10**6)]
    assert sizes == ["n<1K", "1K<n<10K", "10K<n<100K", "1M<n<10M"]
    assert plain("# a\n|<b>[c]") == r"\# a \|\<b\>\[c\]"


def test_domains_stand_in_a_models_card_with_their_labels() -> None:
    labels = {f"label {i:02d}": i / 20 for i in range(14)}
    facts = {"images": 40, "groups": 30}
    domains = {"render|a": {**facts, "labels": labels}, "real": {**facts, "labels": {}}, "x": 3}
    card = model_card({**MODEL, "domains": domains})
    assert r"| render\|a | 40 | 30 | label 00 0.00, label 01 0.05," in card
    assert "label 11 0.55 and 2 more |" in card
    assert "| real | 40 | 30 | none stated |" in card
    assert "## Domains" not in model_card(MODEL)
    assert "## Domains" not in model_card({**MODEL, "domains": {"x": 3}})


def test_further_sections_stand_before_the_known_limits() -> None:
    card = model_card(MODEL, more="## More\n\nWords.\n")
    assert card.index("## Codec") < card.index("## More") < card.index("## Known limits")
