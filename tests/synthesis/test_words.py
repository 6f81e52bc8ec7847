from __future__ import annotations

import re

import pytest

from synthmed.errors import SynthmedError
from synthmed.synthesis.prompts import Prompt
from synthmed.synthesis.words import check_words

KNOWN = {"chest", "x", "ray", "pneumonia", "of", "a"}


def test_known_words_and_models_without_a_list_pass() -> None:
    assert check_words([Prompt("Chest X-ray, pneumonia, 56")], KNOWN, strict=True) == []
    assert check_words([Prompt("anything")], set(), strict=True) == []


def test_unknown_words_are_named_once_each() -> None:
    prompts = [
        Prompt("chest zebra", where="p.csv, row 2"),
        Prompt("chest zebra"),
        Prompt("chest Zebra unicorn", where="p.csv, row 4"),
    ]
    assert check_words(prompts, KNOWN, strict=False) == [
        "words that the model never saw: zebra [p.csv, row 2]",
        "words that the model never saw: unicorn [p.csv, row 4]",
    ]


def test_strict_makes_them_an_error() -> None:
    message = (
        "words that the model never saw: zebra ['chest zebra']. "
        "Change the prompt, or leave out --strict."
    )
    with pytest.raises(SynthmedError, match=f"^{re.escape(message)}$"):
        check_words([Prompt("chest zebra")], KNOWN, strict=True)


@pytest.mark.parametrize("text", ["zebra crossing", "of a", "12 34", "?!"])
def test_a_prompt_without_any_known_word_is_an_error(text: str) -> None:
    message = (
        "the model knows no word of the prompt [p.csv, row 9]. "
        "Name a type of image that it was trained on: synthmed info lists them."
    )
    with pytest.raises(SynthmedError, match=f"^{re.escape(message)}$"):
        check_words([Prompt("chest"), Prompt(text, where="p.csv, row 9")], KNOWN, strict=False)
