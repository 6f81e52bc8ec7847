"""Drift: a constant shift of the transport, a property of the path.

Two readings of the drift of Latent Drift (counterfactual medical images) whose size does not depend
on the number of steps. With data of standard deviation s on the linear path:

- ``prior``: the noise is ``e + delta``; the mean of the result moves by ``delta * s``.
- ``field``: delta is added to the velocity; the mean moves by
  ``delta * integral_0^1 s / sqrt(t^2 s^2 + (1 - t)^2) dt``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from synthmed.errors import SynthmedError

DriftMode = Literal["prior", "field"]


@dataclass(frozen=True)
class Drift:
    """A drift delta, in units of the latents.

    Args:
        value: One number, or one a latent channel.
        mode: ``"prior"`` shifts the noise, ``"field"`` the velocity.

    Raises:
        SynthmedError: The mode is unknown.
    """

    value: float | tuple[float, ...] = 0.0
    mode: DriftMode = "prior"

    def __post_init__(self) -> None:
        """Check the mode; a list of values (from JSON or YAML) becomes a tuple."""
        if self.mode not in ("prior", "field"):
            raise SynthmedError(f"unknown drift mode {self.mode!r}", mend="Known: prior, field.")
        if not isinstance(self.value, (int, float)):
            object.__setattr__(self, "value", tuple(self.value))

    @property
    def values(self) -> tuple[float, ...]:
        """The drift as a tuple: one number, or one a channel."""
        return self.value if isinstance(self.value, tuple) else (self.value,)

    @property
    def is_zero(self) -> bool:
        """True where the drift changes nothing."""
        return all(v == 0 for v in self.values)

    def tensor(self, like: Tensor) -> Tensor:
        """The drift, ready to be added to latents.

        Args:
            like: Latents (B, C, H, W), which give type, device and number of channels.

        Returns:
            Tensor (1, C, 1, 1), or (1, 1, 1, 1) for one number.

        Raises:
            SynthmedError: There is one value a channel, but another number of channels.
        """
        if len(self.values) not in (1, like.shape[1]):
            raise SynthmedError(
                f"a drift of {len(self.values)} values for latents of {like.shape[1]} channels",
                mend="Give one number, or one a channel.",
            )
        return like.new_tensor(self.values).reshape(1, -1, 1, 1)

    def shift_noise(self, noise: Tensor) -> Tensor:
        """``noise + delta`` in prior mode; else, and for a drift of 0, the noise itself.

        Args:
            noise: Tensor (B, C, H, W).

        Returns:
            Tensor (B, C, H, W).
        """
        if self.mode != "prior" or self.is_zero:
            return noise
        return noise + self.tensor(noise)

    def shift_velocity(self, velocity: Tensor) -> Tensor:
        """``velocity + delta`` in field mode; else, and for a drift of 0, the velocity itself.

        Args:
            velocity: Tensor (B, C, H, W).

        Returns:
            Tensor (B, C, H, W).
        """
        if self.mode != "field" or self.is_zero:
            return velocity
        return velocity + self.tensor(velocity)
