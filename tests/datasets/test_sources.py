import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from synthmed.datasets import concepts
from synthmed.datasets.captions import STYLES, caption, fits
from synthmed.datasets.folder import read_dataset
from synthmed.datasets.prompts import prompt_examples
from synthmed.datasets.rows import Row
from synthmed.datasets.words import unknown_words, vocabulary

SOURCES = Path(__file__).parents[2] / "recipes" / "sources"
TABLES = (
    concepts.CHEST_FINDINGS,
    concepts.BRAIN_FINDINGS,
    concepts.BREAST_ULTRASOUND_FINDINGS,
    concepts.MAMMOGRAPHY_ABNORMALITIES,
    concepts.BREAST_TISSUES,
    concepts.SKIN_DIAGNOSES,
    concepts.SKIN_SITES,
)


@cache
def shared_rows(shared_data: Path, name: str = "base-64") -> list[Row]:
    rows = []
    for source in yaml.safe_load((SOURCES / f"{name}.yaml").read_text(encoding="utf-8")):
        folder = shared_data / Path(source["path"]).name
        rows += read_dataset(folder, columns=source.get("columns"), where=source.get("where")).rows
    return rows


@pytest.mark.parametrize("name", ["base-64", "free-64"])
def test_captions_of_shared_rows(shared_data: Path, name: str) -> None:
    wrong = re.compile(r"nan\b|none|null|_|  | ,|,,|,$|^,|\bwith$|\bof$|/|\(\)", re.IGNORECASE)
    rows = shared_rows(shared_data, name)
    assert len(rows) > 1000
    for one in rows:
        for style in STYLES:
            for seed in range(2):
                text = caption(one, style, seed)
                assert text
                assert not wrong.search(text), text
                assert fits(text), text
                assert text == text.strip()


def test_every_label_of_the_shared_rows_has_a_name(shared_data: Path) -> None:
    known = {key for table in TABLES for key in table}
    for one in shared_rows(shared_data):
        if one.image_type != "mammography":
            for label in one.labels:
                assert label.replace("_", " ").casefold() in known
        else:
            assert one.extra["abnormality"] in concepts.MAMMOGRAPHY_ABNORMALITIES
            assert one.extra["tissue"] in concepts.BREAST_TISSUES


def test_source_lists_meet_their_rule(shared_data: Path) -> None:
    licences = {"CC BY", "CC BY 3.0", "CC BY 4.0", "CC BY-NC-SA", "CC BY-NC-SA 4.0"}
    rows = shared_rows(shared_data)
    train = [one for one in rows if one.split == "train"]
    types = {one.image_type for one in train}
    assert len(types) == 8
    for image_type in types:
        of_type = [one for one in train if one.image_type == image_type]
        assert len(of_type) >= 75
        assert len({one.group_id for one in of_type}) >= 40
    covid = [one for one in rows if one.group_id.startswith("covid-cxr:")]
    assert {one.extra["licence"] for one in covid} <= licences
    assert not [one for one in covid if one.view == "L"]
    splits: dict[str, set[str]] = {}
    for one in rows:
        splits.setdefault(one.group_id, set()).add(one.split)
    assert all(len(names) == 1 for names in splits.values())
    free = shared_rows(shared_data, "free-64")
    assert not [one for one in free if "NC" in one.extra.get("licence", "")]
    assert {one.file for one in free} < {one.file for one in rows}


def test_examples_use_only_words_of_the_captions(shared_data: Path) -> None:
    rows = [row for row in shared_rows(shared_data) if row.split == "train"]
    for image_type, prompts in prompt_examples().items():
        of_type = [row for row in rows if row.image_type == image_type]
        known = vocabulary(caption(row, "diverse+patient", s) for row in of_type for s in range(8))
        assert not [word for prompt in prompts for word in unknown_words(prompt, known)]
