"""Privacy: does a synthetic set expose the patients whose images its generator was trained on?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from synthmed.errors import SynthmedError
from synthmed.evaluation import privacy_lights, privacy_shown
from synthmed.evaluation.context import Context
from synthmed.evaluation.privacy_called import called
from synthmed.evaluation.privacy_copies import run_searches
from synthmed.evaluation.privacy_copy_light import percent
from synthmed.evaluation.privacy_data import copies_data
from synthmed.evaluation.privacy_distances import measure_distances
from synthmed.evaluation.privacy_equal import equal_images
from synthmed.evaluation.privacy_generator import card_groups, codec_of, membership_of, opened
from synthmed.evaluation.privacy_guards import missing, warn_of_recall, warn_of_sides
from synthmed.evaluation.privacy_methods import methods
from synthmed.evaluation.privacy_neighbours import neighbours
from synthmed.evaluation.privacy_searches import Search, comparable, searched, searches
from synthmed.evaluation.sections import Section

_KEYS = (
    *("copies", "equal_images", "copy_rate", "expected_by_chance", "false_alarms", "threshold"),
    *("self_test", "unsearched", "borrowed", "by_type", "training_groups"),
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
    equal = {} if context.train is None else equal_images(searched(context), context.train)
    if (lacking := missing(context)) is not None:
        return _unmeasured(section, context, equal, *lacking)
    warn = _collector(section)
    warn_of_sides(context, warn)
    parts = searches(context, warn)
    generator = opened(context, warn)
    found = run_searches(context, parts, warn, codec_of(generator))
    if not found:
        reason = "no type has training and hold-out images that copies can be looked for among"
        return _unmeasured(section, context, equal, reason, *section.warnings)
    reasons: list[str] = []
    section.data = dict.fromkeys(_KEYS) | copies_data(context, found, equal)
    warn_of_recall(section.data, warn)
    section.data["training_groups"] = card_groups(context, generator, warn)
    alike = comparable(context, [one.search for one in found])
    nearest = _distances(context, alike, section.data, reasons)
    scores = membership_of(context, generator, section.data, reasons)
    section.data["not_measurable"] = "; ".join(reasons)
    for sentence in privacy_lights.below_chance(section.data):
        warn(sentence)
    section.lights = privacy_lights.lights(section.data)
    section.tables = privacy_shown.tables(context, section.data, found)
    section.plots = privacy_shown.plots(context, found, nearest)
    if scores is not None:
        section.plots.append(privacy_shown.membership_plot(scores))
    section.methods = methods(context, section.data, found)
    section.summary = _summary(section)
    return section


def _unmeasured(
    section: Section, context: Context, equal: dict[int, int], reason: str, *warnings: str
) -> Section:
    """Say that nothing was measured, but for images that equal training images."""
    section.data = dict.fromkeys(_KEYS) | {"not_measurable": reason}
    section.summary = f"Not measurable: {reason}. Nothing is said about privacy."
    section.lights = privacy_lights.unmeasured(reason)
    section.warnings = list(warnings)
    if equal:
        section.data |= {"copies": called(context, [], equal), "equal_images": len(equal)}
        section.summary = f"{len(equal)} synthetic images equal training images. {reason}."
        section.lights[0] = privacy_lights.equal_light(len(equal), reason)
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


def _summary(section: Section) -> str:
    data = section.data
    said = f"{len(data['copies'])} of {data['copy_rate']['n']} synthetic images are called copies "
    said += f"of training images ({percent(data['copy_rate'])}). "
    test = data["self_test"]
    said += f"The search found {test['found']} of {test['planted']} planted copies. "
    if data["closer_to_train"] is not None:
        share = percent(data["closer_to_train"])
        said += f"{share} are closer to training images than to others (half is no effect)."
    return said.strip()
