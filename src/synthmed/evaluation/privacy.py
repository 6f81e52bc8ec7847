"""Privacy: does a synthetic set expose the patients whose images its generator was trained on?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from synthmed.errors import SynthmedError
from synthmed.evaluation import privacy_lights, privacy_shown
from synthmed.evaluation.context import Context
from synthmed.evaluation.privacy_copies import run_searches
from synthmed.evaluation.privacy_data import copies_data
from synthmed.evaluation.privacy_distances import measure_distances, neighbours
from synthmed.evaluation.privacy_guards import missing, warn_of_recall, warn_of_sides
from synthmed.evaluation.privacy_methods import methods
from synthmed.evaluation.privacy_searches import Search, searches
from synthmed.evaluation.sections import Section

if TYPE_CHECKING:
    from synthmed.models.generator import Generator

_KEYS = (
    *("copies", "equal_images", "copy_rate", "expected_by_chance", "false_alarms", "threshold"),
    *("self_test", "by_type"),
    *("closer_to_train", "authenticity", "c_t", "membership", "distances"),
)


def privacy(context: Context) -> Section:
    """Audit a synthetic set against its generator's training images.

    Needs the training images and real images of other patients. Without either the section says
    that it is not measurable; it never passes.

    Args:
        context: The sides and settings.

    Returns:
        `copies` ({synthetic, train, score, image_type, equal}), `equal_images`, `copy_rate`,
        `expected_by_chance`, `false_alarms`, `threshold`, `self_test`, `by_type`,
        `closer_to_train`, `authenticity`, `c_t`, `membership`, `distances`; None, with the reason
        in `not_measurable`, for what cannot be measured.
    """
    section = Section("privacy", "Privacy", "")
    if (lacking := missing(context)) is not None:
        return _unmeasured(section, *lacking)
    warn = _collector(section)
    warn_of_sides(context, warn)
    parts = searches(context, warn)
    generator = _generator(context, warn)
    found = run_searches(context, parts, warn, _codec(generator))
    if not found:
        reason = "no type has training and hold-out images that copies can be looked for among"
        return _unmeasured(section, reason, *section.warnings)
    reasons: list[str] = []
    section.data = dict.fromkeys(_KEYS) | copies_data(context, found)
    warn_of_recall(section.data, warn)
    nearest = _distances(context, [one.search for one in found], section.data, reasons)
    scores = _membership(context, generator, section.data, reasons, warn)
    section.data["not_measurable"] = "; ".join(reasons)
    section.lights = privacy_lights.lights(section.data)
    section.tables = privacy_shown.tables(context, section.data, found)
    section.plots = privacy_shown.plots(context, found, nearest)
    if scores is not None:
        section.plots.append(privacy_shown.membership_plot(scores))
    section.methods = methods(context, section.data, found)
    section.summary = _summary(section)
    return section


def _unmeasured(section: Section, reason: str, *warnings: str) -> Section:
    section.data = dict.fromkeys(_KEYS) | {"not_measurable": reason}
    section.summary = f"Not measurable: {reason}. Nothing is said about privacy."
    section.lights = privacy_lights.unmeasured(reason)
    section.warnings = list(warnings)
    return section


def _collector(section: Section) -> Callable[[str], None]:
    def warn(text: str) -> None:
        if text not in section.warnings:
            section.warnings.append(text)

    return warn


def _distances(
    context: Context, parts: list[Search], data: dict[str, Any], reasons: list[str]
) -> dict[str, Any] | None:
    """Measure distances in feature space; give nearest and second-nearest ones for the plot."""
    context.progress("privacy: distances")
    try:
        found = neighbours(context, parts)
    except SynthmedError as error:
        reasons.append(f"distances: {error}")
        return None
    measured, why = measure_distances(context, parts, found)
    data.update(measured)
    reasons += why
    return found.nearest


def _generator(context: Context, warn: Callable[[str], None]) -> Generator | None:
    if context.settings.generator is None:
        return None
    from synthmed.models.generator import Generator

    try:
        return Generator.load(context.settings.generator, dtype="float32")
    except SynthmedError as error:
        warn(f"the generator cannot be opened: {error}")
        return None


def _codec(generator: Generator | None) -> Callable[[Any], Any] | None:
    if generator is None:
        return None
    from synthmed.evaluation.membership_losses import through_codec

    return through_codec(generator)


def _membership(
    context: Context,
    generator: Generator | None,
    data: dict[str, Any],
    reasons: list[str],
    warn: Callable[[str], None],
) -> dict[str, Any] | None:
    """Run the membership test if there is a generator; give its scores for the plot."""
    assert context.train is not None
    assert context.holdout is not None
    if generator is None:
        reasons.append("membership: the generator was not given (--generator)")
        return None
    from synthmed.evaluation.membership import membership, unexpected_groups

    for sentence in unexpected_groups(generator, context.train, context.holdout):
        warn(sentence)
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


def _summary(section: Section) -> str:
    data = section.data
    said = f"{len(data['copies'])} of {data['copy_rate']['n']} synthetic images are called copies "
    said += f"of training images ({privacy_lights.percent(data['copy_rate'])}). "
    test = data["self_test"]
    said += f"The search found {test['found']} of {test['planted']} planted copies. "
    if data["closer_to_train"] is not None:
        share = privacy_lights.percent(data["closer_to_train"])
        said += f"{share} are closer to training images than to others (half is no effect)."
    return said.strip()
