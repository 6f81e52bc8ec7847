"""What dataset.json says of a translation's patients."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synthmed.datasets.rows import Row
from synthmed.datasets.splits import group_hashes
from synthmed.synthesis.dial import Dial
from synthmed.synthesis.translate_plan import about_translation, edit_warnings


def rows(*groups: str) -> list[Row]:
    return [Row(Path("x"), "x", "test", group) for group in groups]


def images(given: list[Row], *, loose: bool = False) -> list[Any]:
    return [SimpleNamespace(row=row, loose=loose) for row in given]


@pytest.mark.parametrize(("codec", "expected"), [("bcd", 2), ("", 0), (None, 0)])
def test_patients_that_model_and_codec_saw_are_counted(codec: str | None, expected: int) -> None:
    seen = None if codec is None else group_hashes(rows(*codec))
    card = {"training_groups": group_hashes(rows(*"ax")), "codec_groups": seen}
    sources: Any = SimpleNamespace(images=images(rows(*"aabc")))
    generator: Any = SimpleNamespace(card=card)
    about = about_translation(generator, sources, {})["translation"]
    assert (about["groups"], about["groups_of_the_training_set"]) == (3, 1)
    assert about["groups_of_the_codec"] == expected


def test_of_loose_files_nobody_knows_the_patients() -> None:
    sources: Any = SimpleNamespace(images=images(rows(*"ab"), loose=True))
    generator: Any = SimpleNamespace(card={"training_groups": group_hashes(rows("a"))})
    about = about_translation(generator, sources, {})["translation"]
    assert about["groups"] is about["groups_of_the_training_set"] is about["groups_of_the_codec"]
    assert about["groups"] is None


@pytest.mark.parametrize(("trained", "warned"), [("ab", True), ("z", False)])
def test_patients_of_the_training_set_are_named(trained: str, warned: bool) -> None:
    generator: Any = SimpleNamespace(
        card={"training_groups": group_hashes(rows(*trained)), "domains": {}}, types=[]
    )
    sources: Any = SimpleNamespace(images=images(rows(*"abc")))
    found = edit_warnings(generator, sources, "b", {"b": Dial(0.5, "as given", ())})
    assert [sentence for sentence in found if "trained on 2 of these 3" in sentence] == found
    assert bool(found) is warned


def test_image_types_that_the_generator_never_saw_are_named() -> None:
    generator: Any = SimpleNamespace(card={}, types=[{"name": "chest X-ray", "grey": True}])
    skull, chest = rows("a", "b")
    skull.image_type, chest.image_type = "skull X-ray", "chest X-ray"
    dials = {"b": Dial(0.5, "as given", ())}
    sources: Any = SimpleNamespace(images=images([skull, chest]))
    (sentence,) = edit_warnings(generator, sources, "b", dials)
    assert sentence == "the generator was trained on chest X-ray, not on skull X-ray"
    assert not edit_warnings(generator, SimpleNamespace(images=images([chest])), "b", dials)  # type: ignore[arg-type]
