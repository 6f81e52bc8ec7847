"""Guidance on the difference of two conditions, within an interval of time.

``v = v_base + w (v_target - v_base)``. For generation the base is the null condition
(classifier-free guidance: Ho & Salimans 2022, arXiv:2207.12598, eq. 6); for translation and
counterfactuals it is the source condition, so that source = target is the identity for every w.
The interval follows Kynkäänniemi et al. 2024, arXiv:2404.07724, eq. 6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from synthmed.errors import SynthmedError

Field = Callable[[Tensor, float], Tensor]
"""A velocity field: latents (B, C, H, W) and a time to velocities (B, C, H, W)."""

Velocities = Callable[[Tensor, float, tuple[Any, ...]], tuple[Tensor, ...]]
"""Latents (B, C, H, W), a time and some conditions to one velocity a condition."""


@dataclass(frozen=True)
class Guidance:
    """How strongly, and when, the target condition is amplified.

    Args:
        scale: The factor w; 1 follows the target alone.
        start: First time, in [0, 1], at which guidance acts.
        stop: Last time at which it acts; outside [start, stop] the scale is 1.

    Raises:
        SynthmedError: The interval is not within [0, 1], or empty.
    """

    scale: float = 1.0
    start: float = 0.0
    stop: float = 1.0

    def __post_init__(self) -> None:
        """Check the interval."""
        if not 0 <= self.start <= self.stop <= 1:
            raise SynthmedError(
                f"guidance from t = {self.start} to {self.stop}",
                mend="Give 0 <= start <= stop <= 1; t = 0 is noise, t = 1 the image.",
            )

    def at(self, t: float) -> float:
        """The scale at time t."""
        return self.scale if self.start <= t <= self.stop else 1.0


def guided(velocities: Velocities, target: Any, base: Any, guidance: Guidance) -> Field:
    """The guided velocity field; evaluates the base only where the scale is not 1.

    Args:
        velocities: The model's velocities under several conditions; it may batch them.
        target: Condition to follow (opaque to this function).
        base: Condition to move away from: null, or the source of a translation.
        guidance: Scale and interval.

    Returns:
        The field ``(z, t) -> v_base + w (v_target - v_base)``.
    """

    def field(z: Tensor, t: float) -> Tensor:
        scale = guidance.at(t)
        if scale == 1:
            return velocities(z, t, (target,))[0]
        v_target, v_base = velocities(z, t, (target, base))
        return v_base + scale * (v_target - v_base)

    return field
