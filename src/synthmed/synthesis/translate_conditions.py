"""What a row says besides its domain, as conditions that stay the same on both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from synthmed.datasets.captions import caption
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.models.conditioners import LabelConditioner, TextConditioner
from synthmed.training.captions import label_of
from synthmed.training.domains import without_domain

if TYPE_CHECKING:
    from synthmed.models.generator import Generator


def conditions_of(generator: Generator, row: Row) -> dict[str, str]:
    """Give the conditions of a row's image, its domain left out.

    Args:
        generator: The model; only what it reads is given.
        row: The row; `domain` says where its image comes from.

    Returns:
        "text" where the model reads text: the row's own text, else the caption that its columns
        give, without those that only repeat its domain, as in training; a text that is longer than
        the model reads makes way for the caption.
        "label" where the model reads labels: the row's labels, else its image type, if the model
        knows them. What cannot be given is left out, which is the model's null.
    """
    found: dict[str, str] = {}
    reader = generator.conditioners.get("text")
    plain = without_domain(row) if "domain" in generator.conditioners else row
    if isinstance(reader, TextConditioner) and (text := _text(reader, plain)):
        found["text"] = text
    labels = generator.conditioners.get("label")
    if isinstance(labels, LabelConditioner) and (value := label_of(row)) in labels.labels:
        found["label"] = value
    return found


def _text(reader: TextConditioner, row: Row) -> str:
    """The first that the model can read whole: the row's text, its caption, nothing."""
    described = row.image_type or row.body_part or row.labels or row.view
    texts = [row.text.strip(), caption(replace(row, text="")) if described else ""]
    return next((text for text in texts if text and _fits(reader, text)), "")


def _fits(reader: TextConditioner, text: str) -> bool:
    try:
        reader.token_ids([text])
    except SynthmedError:
        return False
    return True
