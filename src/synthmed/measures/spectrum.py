"""Do the spectra of two sets agree: fine detail, and the texture of the noise.

Each image's power over rings of equal spatial frequency is computed once; a set's spectrum is
the mean over its images, so that leaving images out is cheap.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_images
from synthmed.measures.blocks import (
    WHOLE,
    Dealt,
    LeftOut,
    Pass,
    block_count,
    frame_of,
    indicator,
    kept_blocks,
)
from synthmed.measures.structure import hann

BANDS = ((0.0, 0.0625), (0.0625, 0.125), (0.125, 0.25), (0.25, 0.5))
"""Cycles per pixel, above the first and up to the second; the last holds the noise's texture."""
BATCH = 64


def spectrum_difference(real: Any, synthetic: Any) -> float:
    """Root mean square difference of two log power spectra, over rings of frequency.

    ``sqrt(mean over rings of (10 log10(P_synthetic / P_real))²)``; the power P is averaged over
    images, channels and the coefficients of a ring (see ``radial_power``, Hann window). Random
    differences count too, so it is above 0 even for equal distributions and falls with N.

    Args:
        real: (N, C, H, W) floats.
        synthetic: (M, C, H, W) floats of the same height and width.

    Returns:
        Decibels, at least 0.

    Raises:
        SynthmedError: Integers, sizes that differ, or a ring in which one side has no power.
    """
    sides = Dealt.whole(real), Dealt.whole(synthetic)
    name = "spectrum-difference"
    return float(spectrum_family(*sides, WHOLE, [name]).values[name][0])


def band_differences(real: Any, synthetic: Any) -> dict[str, float]:
    """How much more power synthetic images hold in each of ``BANDS``.

    Args:
        real: (N, C, H, W) floats.
        synthetic: (M, C, H, W) floats of the same height and width.

    Returns:
        ``10 log10`` of the ratio of the mean powers, in decibels, by band, as ``"0.25 to 0.5"``
        (cycles per pixel). Above 0: noisier or sharper; below 0: blurred.

    Raises:
        SynthmedError: Integers, sizes that differ, or a band in which one side has no power.
    """
    sides = Dealt.whole(real), Dealt.whole(synthetic)
    values = spectrum_family(*sides, WHOLE, ["spectrum-difference"]).values
    return {name.split(": ")[1]: float(x[0]) for name, x in values.items() if ": " in name}


def spectrum_family(
    real: Dealt, synthetic: Dealt, left_out: LeftOut, names: Collection[str]
) -> Pass:
    """Spectrum difference, its bands, and high-frequency ratio without each set of blocks.

    Args:
        real: Images (N, C, H, W), floats.
        synthetic: Images (M, C, H, W), floats of the same height and width.
        left_out: Sets of blocks to leave out.
        names: Of ``spectrum-difference`` and ``high-frequency-ratio``.

    Returns:
        The values; the bands as parts of the spectrum difference.

    Raises:
        SynthmedError: Integers, sizes that differ, or no power on one side.
    """
    height, width = frame_of(real, synthetic)
    keep = kept_blocks(left_out, block_count(real, synthetic)).astype(np.float64)
    averages, bands = _averages(height, width)
    powers = [_mean_powers(side, keep, averages) for side in (real, synthetic)]
    values: dict[str, Array] = {}
    if "high-frequency-ratio" in names:
        if powers[0][:, -1].min() <= 0.0:
            raise SynthmedError("the real images hold no detail above half the Nyquist frequency")
        values["high-frequency-ratio"] = powers[1][:, -1] / powers[0][:, -1]
    if "spectrum-difference" in names:
        if min(power.min() for power in powers) <= 0.0:
            raise SynthmedError("images without power at some frequency have no log spectrum")
        decibels = 10.0 * np.log10(powers[1] / powers[0])
        rings = decibels[:, : -len(bands)]
        values["spectrum-difference"] = np.sqrt((rings**2).mean(axis=1))
        for (low, high), band in zip(bands, decibels[:, -len(bands) :].T, strict=True):
            values[f"spectrum-difference: {low:g} to {high:g}"] = band
    return Pass(values)


def _mean_powers(side: Dealt, keep: Array, averages: csr_array) -> Array:
    """(L, rings + bands) mean power over the images that remain without each set of blocks."""
    height, width = side.rows.shape[2:]
    taper = hann(height)[:, None] * hann(width)
    member = indicator(side.blocks, keep.shape[1])
    sums = np.zeros((keep.shape[1], averages.shape[0]))
    for start in range(0, len(side.rows), BATCH):
        part = as_images(side.rows[start : start + BATCH])
        spectrum = np.fft.rfft2((part - part.mean(axis=(2, 3), keepdims=True)) * taper)
        power = (np.abs(spectrum) ** 2).mean(axis=1).reshape(len(part), -1) / (taper**2).sum()
        sums += member[start : start + BATCH].T @ (averages @ power.T).T
    return np.asarray(keep @ sums / (keep @ member.sum(axis=0))[:, None])


def _averages(height: int, width: int) -> tuple[csr_array, list[tuple[float, float]]]:
    """(rings + bands, coefficients of rfft2) weights of the mean over each ring and band.

    The transform of a real image holds half of the plane: a coefficient whose mirror image is
    not there counts twice. Small images have no coefficient in the lowest bands; the bands that
    there are come along.
    """
    columns = np.arange(width // 2 + 1)
    twice = np.where((columns == 0) | (2 * columns == width), 1.0, 2.0)
    radius = np.hypot(np.fft.fftfreq(height)[:, None], columns / width)
    weight = np.broadcast_to(twice, radius.shape)
    step = 1.0 / min(height, width)
    ring = np.rint(radius / step).astype(int)
    sets = [ring == i for i in range(1, int(0.5 / step) + 1)]
    inside = {(low, high): (radius > low) & (radius <= high) for low, high in BANDS}
    bands = [band for band, x in inside.items() if x.any()]
    sets += [inside[band] for band in bands]
    if BANDS[-1] not in bands:
        raise SynthmedError(f"images of {height} × {width} pixels are too small for a spectrum")
    table = np.stack([(x * weight / (x * weight).sum()).ravel() for x in sets])
    return csr_array(table), bands
