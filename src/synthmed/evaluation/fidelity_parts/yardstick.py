"""What the lights of realism and variety are judged by, on at most 2,048 real images a stratum.

The yardstick is the real set itself, blurred a little: no threshold has to be chosen for a
dataset or for an extractor. Blurred twice as much, it is the control that the same rule must
call red; of variety the control is half of the real variety, images on one side of the mean.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Context, Features
from synthmed.evaluation.fidelity_parts.excess import NEIGHBOUR, Sample, coverage_loss, kid_excess
from synthmed.evaluation.fidelity_parts.halves import cut
from synthmed.evaluation.fidelity_parts.samples import Samples, samples
from synthmed.evaluation.fidelity_parts.strata import Stratum
from synthmed.evaluation.sides import Side
from synthmed.measures.structure import high_frequency_ratio

BLUR, LEAST = 1 / 128, 0.5
"""The yardstick's blur: standard deviation in widths of the frame, and at least in pixels."""
MOST = 2048
_VALUES = 2**28  # of all images that are blurred, 512 MiB in half precision
_IMAGES = 256  # for the control of texture
KEYS = ("kid_excess", "kid_yardstick", "kid_control", "coverage_loss", "coverage_control")
Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Yardsticks:
    """Features of the real images that the lights are judged by.

    Attributes:
        rows: Rows of the real side that take part.
        plain: (N, D) their features.
        sigma: Standard deviation of the yardstick's blur, in pixels.
        small: Features of the images blurred by it.
        large: Features of the images blurred by twice as much.
        texture: High-frequency ratio of the latter images; None without any fine detail.
    """

    rows: Index
    plain: npt.NDArray[np.floating[Any]]
    sigma: float
    small: npt.NDArray[np.floating[Any]]
    large: npt.NDArray[np.floating[Any]]
    texture: float | None


def yardsticks(context: Context) -> Yardsticks:
    """Blur real images and compute their features.

    Args:
        context: The compared sides.

    Raises:
        SynthmedError: The extractor is unknown, or not there.
    """
    side = context.real
    most = min(MOST, max(64, _VALUES // int(np.prod(side.pixels.shape[1:]))))
    rows = cut(side.groups, most, context.settings.seed)
    part = side.take(rows)
    sigma = max(BLUR * side.size, LEAST)
    small, large = blurred(part, sigma), blurred(part, 2 * sigma)
    some = np.arange(min(_IMAGES, len(part)))
    try:
        texture = high_frequency_ratio(part.images(some), large.images(some))
    except SynthmedError:  # no fine detail at all
        texture = None
    plain = context.features(side).values[rows]
    features = [context.features(each).values for each in (small, large)]
    return Yardsticks(rows, plain, sigma, features[0], features[1], texture)


def blurred(side: Side, sigma: float) -> Side:
    """Give a side with Gaussian-blurred images.

    Args:
        side: The side.
        sigma: The blur's standard deviation in pixels.
    """
    pixels = np.empty((len(side), *side.pixels.shape[1:]), dtype=np.float16)
    for start in range(0, len(side), 64):
        part = np.arange(start, min(start + 64, len(side)))
        images = gaussian_filter(side.images(part), (0, 0, sigma, sigma))
        pixels[part] = np.clip(images, -1, 1)
    digests = np.asarray([f"{digest} blurred by {sigma:.4g}" for digest in side.digests])
    return replace(
        side, name="blurred real", pixels=pixels, index=np.arange(len(side)), digests=digests
    )


def judged(
    context: Context, part: Stratum, synthetic: Features, real: Yardsticks
) -> dict[str, Any]:
    """Measure what the lights of realism and variety need, for one stratum.

    Args:
        context: The compared sides.
        part: The stratum.
        synthetic: Features of all synthetic images.
        real: The yardsticks.

    Returns:
        With their intervals ``kid_excess``, ``kid_yardstick``, ``kid_control``,
        ``coverage_loss`` and ``coverage_control``; null, with the reason as
        ``not_measurable``, where the set is too small.
    """
    drawn = _drawn(context, part, real)
    if len(drawn.first.rows) <= NEIGHBOUR:
        reason = (
            "halves of the real images, no larger than the synthetic set, have "
            f"{len(drawn.first.rows)}: {NEIGHBOUR + 1} are needed"
        )
        return {**dict.fromkeys(KEYS), "not_measurable": reason}
    among = drawn.among[0].of(real.plain), drawn.among[1].of(real.plain)
    entry: dict[str, Any] = {}
    for name, given in _given(drawn, synthetic, real).items():
        measure = kid_excess if name.startswith("kid") else coverage_loss
        more = {"among": among} if name == "coverage_control" else {}
        try:
            found = asdict(measure(*given, **more, blocks=context.settings.blocks))
        except SynthmedError as error:
            entry |= {name: None, "not_measurable": str(error)}
            continue
        numbers = {"n_real": len(given[0][0]), "n_synthetic": len(given[2][0])}
        ids = {"extractor": synthetic.id, "preprocessing": synthetic.preprocessing}
        entry[name] = {**found, **numbers, **ids}
    return entry


def _given(drawn: Samples, synthetic: Features, real: Yardsticks) -> dict[str, tuple[Sample, ...]]:
    """By key the two halves of the real images, and what each is compared with."""
    first, second = drawn.first, drawn.second
    a, b, made = first.of(real.plain), second.of(real.plain), drawn.synthetic.of(synthetic.values)
    return {
        "kid_excess": (a, b, made),
        "kid_yardstick": (a, b, second.of(real.small), first.of(real.small)),
        "kid_control": (a, b, second.of(real.large), first.of(real.large)),
        "coverage_loss": (a, b, made),
        "coverage_control": (a, b, *(each.of(real.plain) for each in drawn.control)),
    }


def _drawn(context: Context, part: Stratum, real: Yardsticks) -> Samples:
    columns = context.real.groups[real.rows], context.real.kinds[real.rows]
    own = np.flatnonzero(np.isin(real.rows, part.real))
    made = part.synthetic, context.synthetic.groups
    return samples(own, real.plain, columns, made, MOST, context.settings.seed)
