"""Whether a model can know what a prompt says: it knows the words of its training captions."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from synthmed.datasets.words import known_content_words, unknown_words
from synthmed.errors import SynthmedError
from synthmed.synthesis.prompts import Prompt


def check_words(prompts: Sequence[Prompt], known: Collection[str], *, strict: bool) -> list[str]:
    """Find the words of prompts that a model never saw.

    Args:
        prompts: The prompts; one that is blank (only a domain) has no words.
        known: Case-folded words of the training captions; empty if nobody recorded them, and then
            nothing is checked.
        strict: An unknown word is an error.

    Returns:
        One sentence for each prompt with unknown words, of which each word is named once.

    Raises:
        SynthmedError: A prompt without any known word; with `strict`, an unknown word.
    """
    if not known:
        return []
    named: set[str] = set()
    findings = []
    places: dict[str, str] = {}
    for prompt in (prompt for prompt in prompts if prompt.text):
        places.setdefault(prompt.text, prompt.where or repr(prompt.text))
    for text, place in places.items():
        if not known_content_words(text, known):
            raise SynthmedError(
                "the model knows no word of the prompt",
                where=place,
                mend="Name a type of image that it was trained on: synthmed info lists them.",
            )
        new = [word for word in unknown_words(text, known) if word.casefold() not in named]
        named.update(word.casefold() for word in new)
        if new:
            findings.append(f"words that the model never saw: {', '.join(new)} [{place}]")
    if strict and findings:
        raise SynthmedError(findings[0], mend="Change the prompt, or leave out --strict.")
    return findings
