"""What the section on privacy asks of the generator: its codec, its card, its losses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Context
from synthmed.evaluation.membership_card import known_groups, unexpected_groups
from synthmed.evaluation.overlap import generator_card

if TYPE_CHECKING:
    from synthmed.models.generator import Generator


def opened(context: Context, warn: Callable[[str], None]) -> Generator | None:
    """Open the generator; None where none was named, or where it cannot be opened."""
    if context.settings.generator is None:
        return None
    from synthmed.models.generator import Generator

    try:
        return Generator.load(context.settings.generator, dtype="float32")
    except SynthmedError as error:
        where = context.settings.generator  # the report names no path
        warn(f"the generator cannot be opened: {error}".replace(where, Path(where).name))
        return None


def codec_of(generator: Generator | None) -> Callable[[Any], Any] | None:
    """Give the round trip through a generator's codec; None without one."""
    if generator is None:
        return None
    from synthmed.evaluation.membership_losses import through_codec

    return through_codec(generator)


def card_groups(
    context: Context, generator: Generator | None, warn: Callable[[str], None]
) -> dict[str, int] | None:
    """Compare the sides with the generator's card, given or known by its hash."""
    assert context.train is not None
    assert context.holdout is not None
    if generator is not None:
        card: dict[str, Any] | None = generator.card
    else:
        try:
            card = generator_card(context.settings.generator, context.synthetic)
        except SynthmedError:  # it was named already where the generator was opened
            return None
    known = known_groups(card, context.train, context.holdout)
    for sentence in unexpected_groups(known):
        warn(sentence)
    return None if known is None else known.to_dict()


def membership_of(
    context: Context,
    generator: Generator | None,
    data: dict[str, Any],
    reasons: list[str],
) -> dict[str, Any] | None:
    """Run the membership test if there is a generator; give its scores for the plot."""
    assert context.train is not None
    assert context.holdout is not None
    if generator is None:
        reasons.append("membership: the generator was not given (--generator)")
        return None
    from synthmed.evaluation.membership import membership

    try:
        found = membership(
            *(generator, context.train, context.holdout),
            seed=context.settings.seed,
            bootstraps=context.settings.bootstraps,
            progress=context.progress,
        )
    except SynthmedError as error:
        reasons.append(f"membership: {error}")
        return None
    data["membership"] = found.to_dict()
    return {"training": found.scores[0], "hold-out": found.scores[1]}
