"""Long texts are split by sentences or refused with their length, and never cut."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest

from synthmed.datasets.long_texts import Count, check_length, split_text, token_counter
from synthmed.errors import SynthmedError
from synthmed.models.bundled import bundled_models


def by_words(text: str) -> int:
    return len(text.split()) + 2


@cache
def bundled() -> tuple[Count, int]:
    """The counter and the length of the bundled generator's tokenizer."""
    from transformers import AutoTokenizer

    folder = bundled_models()["base-64"] / "tokenizer"
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return token_counter(tokenizer), int(tokenizer.model_max_length)


def test_sentences_stay_together_as_long_as_they_fit() -> None:
    text = "One two three. Four five. Six seven eight nine. Ten."
    assert split_text(text, by_words, 7) == [
        "One two three. Four five.",
        "Six seven eight nine. Ten.",
    ]
    assert split_text(text, by_words, 100) == [text]
    assert split_text("", by_words, 7) == []


def test_a_long_sentence_is_split_at_its_commas() -> None:
    text = "Heart normal, lungs clear; no effusion, no mass. End."
    parts = split_text(text, by_words, 6)
    assert parts == ["Heart normal, lungs clear;", "no effusion, no mass.", "End."]
    assert " ".join(parts).split() == text.split()


def test_what_cannot_be_split_is_refused_with_its_length() -> None:
    message = r"^the text has 10 tokens, the model reads 6 \[row 3\]\. Shorten it, or split"
    with pytest.raises(SynthmedError, match=message):
        split_text("one two three four five six seven eight", by_words, 6, "row 3")
    with pytest.raises(SynthmedError, match=r"has 9 tokens.*\[one two three four five six seven\]"):
        check_length("one two three four five six seven", by_words, 6)
    check_length("one two three four", by_words, 6)


def test_the_bundled_tokenizer_counts_what_the_conditioner_counts() -> None:
    count, limit = bundled()
    assert limit == 48
    assert count("chest X-ray, PA view, no finding") <= limit
    long = "The heart is normal in size. " * 12
    assert count(long) > limit
    with pytest.raises(
        SynthmedError, match=rf"^the text has {count(long)} tokens, the model reads 48"
    ):
        check_length(long, count, limit)
    parts = split_text(long, count, limit)
    assert all(count(part) <= limit for part in parts)
    assert " ".join(parts).split() == long.split()


def test_open_i_reports_are_split_without_loss(shared_data: Path) -> None:
    file = shared_data / "openi-reports" / "indiana_reports.csv"
    if not file.is_file():
        pytest.skip("the Open-i reports are not there")
    count, limit = bundled()
    with open(file, newline="", encoding="utf-8") as stream:
        texts = [row["findings"] for row in csv.DictReader(stream)][:200]
    refused = 0
    for text in texts:
        try:
            parts = split_text(text, count, limit)
        except SynthmedError:
            refused += 1
            continue
        assert all(count(part) <= limit for part in parts)
        assert "".join(" ".join(parts).split()) == "".join(text.split())
    assert refused <= len(texts) // 4
