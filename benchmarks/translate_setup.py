"""What the rows of `translate` are about: names, methods and the judge, opened once each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from benchmarks.common import Row
from benchmarks.translate_data import DOMAINS, REAL
from benchmarks.translate_frame import Bench, Pair
from benchmarks.translate_methods import (
    DDIB,
    DEPTHS,
    OURS,
    OURS_KEPT,
    SDEDIT,
    CycleGAN,
    Method,
    Ours,
    cyclegan,
    ours,
    standard,
)
from benchmarks.translate_points import Judge
from benchmarks.translate_renders import RENDERED

CONTROL = "control: ours towards a wrong domain"
UNRANKED = ("codec round trip", CONTROL)
REFERENCE = "real images of other patients"
SINGLE = ("identity", "codec round trip", "histogram matching", "Fourier domain adaptation")
Known = Mapping[str, Row]
"""The rows measured so far; it grows while the benchmark runs."""


class WrongTarget(Ours):
    """Ours, towards a domain that is not the target: what the tests must find worse."""

    def __init__(self, method: Ours) -> None:
        depth = f"{CONTROL}, depth {method.settings.depth:g}"
        super().__init__(method.generator, method.settings, depth, CONTROL)

    @property
    def key(self) -> str:
        """As of ours, and that the target is another one."""
        return f"wrong target {super().key}"

    def translate(self, images_N1SS: Any, source: str, target: str) -> Any:
        """Images to a domain that is neither source nor target."""
        return super().translate(images_N1SS, source, wrong_target(source, target))


def wrong_target(source: str, target: str) -> str:
    """A domain of the other kind than the target, not the source's."""
    others = RENDERED[::-1] if target in REAL else REAL
    return next(name for name in others if name not in (source, target))


def title(pair: Pair) -> str:
    """How a pair is named in rows and folders."""
    return f"{pair[0]} to {pair[1]}"


def has_gan(bench: Bench, pair: Pair) -> bool:
    """Whether the profile trains a CycleGAN for a pair."""
    return pair in bench.profile.gans or pair[::-1] in bench.profile.gans


def method_names(bench: Bench, pair: Pair) -> list[str]:
    """The methods of a pair, in the order of the table, the control last."""
    dials = [
        f"{family}, depth {depth:g}" for family in (SDEDIT, OURS, OURS_KEPT) for depth in DEPTHS
    ]
    gan = ["CycleGAN"] if has_gan(bench, pair) else []
    wrong = [f"{CONTROL}, depth {depth:g}" for depth in DEPTHS]
    return [*SINGLE, *dials[: len(DEPTHS)], DDIB, *dials[len(DEPTHS) :], *wrong, *gan]


def guidance(known: Known) -> tuple[float, float]:
    """The scales that validation images chose, of ours and of SDEdit."""
    own, other = (known[f"choice: {family}"]["chosen"] for family in (OURS, SDEDIT))
    return float(own), float(other)


@cache
def judge(bench: Bench, split: str = "test") -> Judge:
    """The judge of a split; validation patients are known to the extractor, so pixels decide."""
    parts = {name: bench.data.part(name, split, bench.profile.images) for name in DOMAINS}
    return Judge.of(parts) if split == "test" else Judge.of(parts, "statistics")


@cache
def _standard(bench: Bench, scales: tuple[float, float]) -> dict[str, Method]:
    train = {name: bench.data.part(name, "train").images for name in DOMAINS}
    model, steps = bench.generator(), bench.profile.steps
    found = standard(model, train, scales, steps)
    wrong = [WrongTarget(method) for method in ours(model, scales[0], steps)]
    return {method.name: method for method in (*found, *wrong)}


def method(bench: Bench, known: Known, pair: Pair, name: str) -> Method:
    """A method of a pair by its name."""
    if name == "CycleGAN":
        return _gan(bench, tuple(sorted(pair)))
    return _standard(bench, guidance(known))[name]


@cache
def _gan(bench: Bench, pair: Pair) -> CycleGAN:
    return cyclegan(bench, *pair)


def families(bench: Bench, pair: Pair) -> dict[str, list[str]]:
    """The settings of each family, by name."""
    found: dict[str, list[str]] = {}
    for name in method_names(bench, pair):
        found.setdefault(name.partition(", depth ")[0], []).append(name)
    return found
