"""What a row says besides its domain, as a model can read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_translators import WIDTH, translator

from synthmed.datasets.rows import Row
from synthmed.models.conditioners import LabelConditioner
from synthmed.models.generator import Generator
from synthmed.synthesis.translate_conditions import conditions_of


def row(**facts: Any) -> Row:
    return Row(Path("a.png"), "a.png", "test", "made:1", **facts)


@pytest.fixture(scope="module")
def reader() -> Generator:
    return translator(text=True)


def test_a_model_of_domains_alone_is_told_nothing_else() -> None:
    facts: dict[str, Any] = {"text": "pneumonia", "labels": ("pneumonia",)}
    assert conditions_of(translator(), row(**facts)) == {}


def test_the_rows_own_text_comes_first(reader: Generator) -> None:
    facts: dict[str, Any] = {"image_type": "chest X-ray", "labels": ("pneumonia",)}
    assert conditions_of(reader, row(text=" a film ", **facts)) == {"text": "a film"}
    assert conditions_of(reader, row(**facts)) == {"text": "chest X-ray, pneumonia"}


def test_a_text_that_is_too_long_makes_way_for_the_caption(reader: Generator) -> None:
    text = "a very long report " * 9
    assert conditions_of(reader, row(text=text, image_type="CT")) == {"text": "CT"}
    assert conditions_of(reader, row(text=text)) == {}


def test_a_bare_file_has_no_text(reader: Generator) -> None:
    assert conditions_of(reader, row(domain="render")) == {}


def test_the_caption_does_not_name_the_domain(reader: Generator) -> None:
    facts: dict[str, Any] = {"image_type": "chest X-ray", "labels": ("pneumonia",)}
    told = conditions_of(reader, row(domain="AP", view="AP", **facts))
    assert told == {"text": "chest X-ray, pneumonia"}
    other = conditions_of(reader, row(domain="site a", view="AP", **facts))
    assert "AP" in other["text"]


def test_labels_that_the_model_knows() -> None:
    labels = LabelConditioner(["opacity, effusion", "chest X-ray"], WIDTH)
    domains = translator().conditioners["domain"]
    generator = translator(conditioners={"label": labels, "domain": domains})
    told = [
        conditions_of(generator, row(labels=("opacity", "effusion"))),
        conditions_of(generator, row(image_type="chest X-ray")),
        conditions_of(generator, row(labels=("nodule",), image_type="chest X-ray")),
    ]
    assert told == [{"label": "opacity, effusion"}, {"label": "chest X-ray"}, {}]
