import pytest

from synthmed.datasets.words import known_content_words, unknown_words, vocabulary, words

KNOWN = vocabulary(
    ["chest X-ray, PA view, COVID-19", "brain MRI of a 56-year-old woman, T1 post-contrast"]
)


def test_vocabulary_is_case_folded_and_without_numbers() -> None:
    assert {
        *("chest", "x", "ray", "pa", "view", "covid", "brain", "mri", "of", "a", "year", "old"),
        *("woman", "t1", "post", "contrast"),
    } == KNOWN


@pytest.mark.parametrize(
    ("prompt", "unknown"),
    [
        ("CHEST x-ray; pa VIEW!", []),
        ("chest X-ray of a 73-year-old woman, COVID-19", []),
        ("a woman's chest, 3.5 12", []),
        ("Giraffe, chest x-ray, zebra and giraffe", ["Giraffe", "zebra", "and"]),
        ("T2 MRI", ["T2"]),
        ("chest_x-ray", []),
        ("", []),
    ],
)
def test_unknown_words(prompt: str, unknown: list[str]) -> None:
    assert unknown_words(prompt, KNOWN) == unknown


def test_composed_and_decomposed_letters_are_the_same_word() -> None:
    assert unknown_words("Ro\u0308ntgen", vocabulary(["r\u00f6ntgen"])) == []


def test_function_words_do_not_make_a_prompt_known() -> None:
    assert known_content_words("a giraffe of 56", KNOWN) == []
    assert known_content_words("a chest of a giraffe", KNOWN) == ["chest"]


def test_words_keep_their_order_and_case() -> None:
    assert words("PA view, 56-year-old") == ["PA", "view", "year", "old"]
