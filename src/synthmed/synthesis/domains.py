"""Prompts with a domain: what a generator is given, and what is refused before the first image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from synthmed.errors import SynthmedError
from synthmed.synthesis.prompts import Prompt

if TYPE_CHECKING:
    from synthmed.models.generator import Generator

_DOMAIN = "domain"


def domains_of(model: Generator) -> list[str]:
    """The domains that a model knows; [] without a domain condition."""
    return list(model.domains) if _DOMAIN in model.conditioners else []


def record_of(model: Generator, text: str, domain: str = "") -> dict[str, str]:
    """Give the condition of an image.

    Args:
        model: The generator.
        text: Its prompt: what the text conditioner reads, else the label of a model that reads
            labels, else the domain of a model that reads nothing but domains.
        domain: Its domain; "" is the null.
    """
    field = _field(model)
    if field == _DOMAIN:
        return {field: domain or text}
    return {field: text, _DOMAIN: domain} if domain else {field: text}


def check_records(model: Generator, records: Iterable[dict[str, str]]) -> None:
    """Find out before the first image whether the model can read every condition.

    Raises:
        SynthmedError: A text is too long for the model, or a label that it does not know.
    """
    distinct = list({tuple(record.items()): record for record in records}.values())
    for start in range(0, len(distinct), 32):
        model.condition(distinct[start : start + 32])


def check_domains(model: Generator, prompts: Sequence[Prompt]) -> None:
    """Find prompts and domains that do not go with the model.

    Args:
        model: The generator.
        prompts: The rows of the order.

    Raises:
        SynthmedError: A domain for a model without domains, or one that it does not know (the
            known ones are listed); no domain where the model needs one; a blank prompt for a model
            that reads prompts, or a prompt beside a domain for one that does not.
    """
    known = domains_of(model)
    field = _field(model)
    for prompt in prompts:
        where = prompt.where or None
        if prompt.domain and not known:
            raise SynthmedError(
                f"the model has no domains, and {prompt.domain!r} was asked for",
                where=where,
                mend="Leave out --domain and the column domain, or take a model with domains.",
            )
        if prompt.domain and prompt.domain not in known:
            raise _unknown(f"the model knows no domain {prompt.domain!r}", where, known)
        if field != _DOMAIN and not prompt.domain and model.card.get("latent_normalisation"):
            raise _unknown("this model needs a domain for every image", where, known)
        if field != _DOMAIN and not prompt.text:
            raise SynthmedError(
                f"the model reads a {field} beside the domain, and there is no prompt",
                where=where,
                mend="Give --prompt TEXT, or a column prompt.",
            )
        if field == _DOMAIN and prompt.domain and prompt.text:
            raise SynthmedError(
                "the model reads a domain and no prompt, and both were given",
                where=where,
                mend="Give the domain alone.",
            )


def _field(model: Generator) -> str:
    """What a model reads of a prompt: text, else its first condition that is no domain, else it."""
    names = list(model.conditioners)
    if "text" in names:
        return "text"
    return next((name for name in names if name != _DOMAIN), names[0])


def _unknown(what: str, where: str | None, known: Sequence[str]) -> SynthmedError:
    return SynthmedError(what, where=where, mend=f"Known: {', '.join(known)}.")
