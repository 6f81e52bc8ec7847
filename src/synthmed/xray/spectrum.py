"""Spectra of X-ray tubes, and what is left of them behind a body."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.xray.attenuation import DENSITIES, mass_attenuation

FILTER_MM = 2.5  # of aluminium, where the name says none
_MONO = re.compile(r"mono-(\d+(?:\.\d+)?)keV")
_TUBE = re.compile(r"(\d+(?:\.\d+)?)kVp(?:-(\d+(?:\.\d+)?)mmAl)?")
_BIN = 2.0  # keV


@dataclass(frozen=True)
class Spectrum:
    """Photons by energy.

    Attributes:
        energies: (E,), in keV.
        weights: (E,), the share of the photons, sum 1.
    """

    energies: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]

    @property
    def mean_energy(self) -> float:
        """Mean energy of a photon, in keV."""
        return float(self.energies @ self.weights)


@lru_cache(maxsize=64)
def spectrum(name: str) -> Spectrum:
    """Give a spectrum by its name.

    A tube's: Kramers' law for thick targets (Philosophical Magazine 46, 1923), photons per energy
    proportional to (kVp - E) / E, behind the filter: times exp(-mu E's aluminium). Characteristic
    lines and the target's own absorption are left out. Bins of 2 keV from 10 keV on.

    Args:
        name: "mono-70keV" (10 to 150 keV), "120kVp" (40 to 150 kVp behind 2.5 mm of aluminium) or
            "120kVp-4mmAl" (0 to 20 mm).

    Raises:
        SynthmedError: A name of another form, or a number out of range.
    """
    mono, tube = _MONO.fullmatch(name), _TUBE.fullmatch(name)
    if mono and 10 <= float(mono[1]) <= 150:
        return Spectrum(np.array([float(mono[1])]), np.ones(1))
    if tube and 40 <= float(tube[1]) <= 150 and float(tube[2] or 0) <= 20:
        filter_mm = FILTER_MM if tube[2] is None else float(tube[2])
        return _tube(float(tube[1]), filter_mm)
    raise SynthmedError(
        f"no spectrum {name!r}",
        where="spectrum",
        mend="Write such as mono-70keV (10 to 150), 120kVp (40 to 150) or 120kVp-4mmAl (0 to 20).",
    )


def _tube(kvp: float, filter_mm: float) -> Spectrum:
    energies = np.arange(10 + _BIN / 2, kvp, _BIN)
    thickness = DENSITIES["aluminium"] * filter_mm / 10
    photons = (kvp / energies - 1) * np.exp(-thickness * mass_attenuation("aluminium", energies))
    return Spectrum(energies, photons / photons.sum())


def transmission(
    water: npt.NDArray[np.floating], bone: npt.NDArray[np.floating], beam: Spectrum
) -> npt.NDArray[np.float64]:
    """Give the share of the photons that pass: Beer and Lambert's law, summed over the energies.

    Args:
        water: Water-equivalent soft tissue along the ray, g/cm2, any shape.
        bone: Cortical bone along the ray, g/cm2, the same shape.
        beam: The spectrum.

    Returns:
        float64 of that shape, in [0, 1]. Each photon counts alike, whatever its energy.
    """
    passed = np.zeros(np.shape(water))
    coefficients = (mass_attenuation(name, beam.energies) for name in ("water", "bone"))
    for weight, of_water, of_bone in zip(beam.weights, *coefficients, strict=True):
        passed += weight * np.exp(-(of_water * water + of_bone * bone))
    return passed
