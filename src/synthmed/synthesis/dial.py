"""The dial between structure and realism: a depth by number, by structure, or by realism."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from synthmed.errors import SynthmedError
from synthmed.synthesis.calibration_curves import Curve, curve_of

_DIGITS = 4  # of a depth that was interpolated
_WAYS = "--depth NUMBER, --keep-structure NUMBER or --match-realism"


@dataclass(frozen=True)
class Dial:
    """A depth, and why this one.

    Attributes:
        depth: From 0 (least structure kept) to 1 (the codec alone).
        how: One sentence, for the record.
        warnings: What a user must know before trusting it.
    """

    depth: float
    how: str
    warnings: tuple[str, ...] = ()


def choose_depth(
    card: Mapping[str, Any],
    source: str,
    target: str,
    *,
    depth: float | None = None,
    keep_structure: float | None = None,
    match_realism: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> Dial:
    """Choose the depth of a translation, in one of three ways.

    - `depth`: this number.
    - `keep_structure`: the smallest depth at which, and above which, the calibrated mean SSIM to
      the source is at least this. Between calibrated depths it is interpolated on straight lines;
      where the curve falls with depth, its lowest value at this or a larger depth counts, so that
      noise in the curve never promises more than was measured.
    - `match_realism`: the largest calibrated depth whose KID to the target, over halves of the
      patients, is not above the upper end of the target's real-real interval; if there is none,
      the depth of the smallest KID, with a warning.

    Args:
        card: The contents of the Generator's synthmed.json.
        source: Domain of the images.
        target: Domain that they are brought to.
        depth: From 0 to 1.
        keep_structure: Mean SSIM, above 0 and at most 1.
        match_realism: Take the last of the three ways.
        settings: How images will be translated (`guidance`, `steps`, `solver`, `detail`,
            `inversion`, as far as they are known): the calibration holds for its own settings
            only, so every difference is a warning.

    Returns:
        The depth, the reason in words, and warnings.

    Raises:
        SynthmedError: None or several of the three ways, a number outside its range; for the last
            two: no calibration of this pair, or a structure that no depth below 1 reaches.
    """
    given = [depth is not None, keep_structure is not None, bool(match_realism)]
    if sum(given) != 1:
        what = "no depth" if not any(given) else f"{sum(given)} ways to choose the depth"
        raise SynthmedError(what, mend=f"Give one of {_WAYS}.")
    if depth is not None:
        if not 0 <= depth <= 1:
            raise SynthmedError(f"a depth of {depth}", mend="Give 0 (noise) to 1 (the image).")
        return Dial(float(depth), f"depth {depth:g}, as asked for")
    curve = curve_of(card, source, target)
    dial = _matching(curve) if keep_structure is None else _keeping(curve, keep_structure)
    differences = _differences(card["calibration"].get("settings"), settings or {})
    limits = curve.warnings if match_realism else ()
    return replace(dial, warnings=(*dial.warnings, *_useless(curve), *limits, *differences))


def _useless(curve: Curve) -> list[str]:
    """A warning where no depth brings the images nearer to the target than they are."""
    best = min(point.value for point in curve.realism)
    if curve.untouched is None or best < curve.untouched.value:
        return []
    return [
        f"no calibrated depth brings {curve.source} nearer to {curve.target} than the untouched"
        f" images are (KID {curve.untouched.value:.4g}, at best {best:.4g} after translation)"
    ]


def _keeping(curve: Curve, wanted: float) -> Dial:
    """The smallest depth from which on the structure is kept."""
    if not 0 < wanted <= 1:
        raise SynthmedError(f"a structure of {wanted}", mend="Give a mean SSIM above 0, at most 1.")
    depths, kept = curve.depths, _running_minimum([point.value for point in curve.structure])
    place = next((i for i, value in enumerate(kept) if value >= wanted), None)
    found = 1.0 if place is None else depths[place]
    if place:  # between two calibrated depths
        share = (wanted - kept[place - 1]) / (kept[place] - kept[place - 1])
        found = depths[place - 1] + share * (depths[place] - depths[place - 1])
    found = min(math.ceil(round(found * 10**_DIGITS, 6)) / 10**_DIGITS, 1.0)
    if found >= 1:
        raise SynthmedError(
            f"no depth below 1 keeps a mean SSIM of {wanted:g} from {curve.source} to"
            f" {curve.target}: {_reached(curve)}",
            mend="Ask for less structure, or translate with --detail keep and calibrate so.",
        )
    how = (
        f"depth {found:g}: the smallest from which on the mean SSIM to the source is {wanted:g} or"
        f" more, between calibrated depths ({_measured(curve)})"
    )
    told: tuple[str, ...] = ()
    if place == 0 and kept[0] > wanted:
        told = (
            f"every calibrated depth keeps more structure than {wanted:g}: at depth {found:g}, the"
            f" smallest, the mean SSIM is {curve.structure[0].value:.3f}",
        )
    return Dial(found, how, told)


def _matching(curve: Curve) -> Dial:
    """The largest depth that is as near to the target as the target to itself."""
    values, limit = [point.value for point in curve.matched], curve.real_real.high
    within = [i for i, value in enumerate(values) if value <= limit]
    if not within:
        best = min(range(len(values)), key=lambda i: (values[i], -curve.depths[i]))
        text = (
            f"no depth brings {curve.source} as near to {curve.target} as {curve.target} is to"
            f" itself: its real-real KID reaches up to {limit:.4g}, the smallest KID is"
            f" {values[best]:.4g} at depth {curve.depths[best]:g}, which is taken"
        )
        how = f"depth {curve.depths[best]:g}: the smallest KID, outside the real-real interval"
        return Dial(curve.depths[best], f"{how} ({_measured(curve)})", (text,))
    best = within[-1]
    told: tuple[str, ...] = ()
    if curve.depths[best] == 1:
        told = (
            f"{curve.source} lies within the real-real interval of {curve.target} without any"
            " translation: at depth 1 only the codec acts",
        )
    return Dial(
        curve.depths[best],
        f"depth {curve.depths[best]:g}: the largest whose KID to {curve.target}, over halves,"
        f" ({values[best]:.4g}) is not above its real-real interval's upper end ({limit:.4g};"
        f" {_measured(curve)})",
        told,
    )


def _running_minimum(values: list[float]) -> list[float]:
    """The lowest value at each place or after it: rising."""
    return [min(values[i:]) for i in range(len(values))]


def _reached(curve: Curve) -> str:
    pairs = list(zip(curve.depths, curve.structure, strict=True))
    shown = [(depth, point) for depth, point in pairs if depth < 1][-1:] + pairs[-1:]
    return ", ".join(
        f"{point.value:.3f} is reached at depth {depth:g}" for depth, point in dict(shown).items()
    )


def _measured(curve: Curve) -> str:
    return (
        f"calibrated on {curve.n_source} images of {curve.groups_source} groups to"
        f" {curve.n_target} of {curve.groups_target}"
    )


def _differences(calibrated: Any, settings: Mapping[str, Any]) -> list[str]:
    """One warning that names every setting that is not the calibration's."""
    known = calibrated if isinstance(calibrated, Mapping) else {}
    other = [
        f"{name} {settings[name]} instead of {known[name]}"
        for name in known
        if name in settings and settings[name] != known[name]
    ]
    if not other:
        return []
    return [f"the calibration holds for other settings than these: {', '.join(other)}"]
