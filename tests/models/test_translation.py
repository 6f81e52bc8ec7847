"""Encode and decode: the round trip, and that a source translated to itself stays what it is."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_models import PROMPTS, largest_difference, some_images, text_generator

from synthmed.errors import SynthmedError
from synthmed.models.generator import Generator
from synthmed.transport import Drift


@pytest.fixture(scope="module")
def generator() -> Generator:
    return text_generator()


def round_trip(generator: Generator, **how: Any) -> torch.Tensor:
    depth = how.pop("depth", 0.4)
    z = generator.encode(some_images(), PROMPTS, depth=depth, **how)
    return generator.decode(z, PROMPTS, PROMPTS, depth=depth, **how)


@torch.no_grad()
def reconstruction(generator: Generator) -> torch.Tensor:
    return generator.codec.decode(generator.codec.encode(some_images())).clamp(-1, 1)


def error(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).square().mean().sqrt() * 127.5)


def test_at_depth_1_only_the_codec_acts(generator: Generator) -> None:
    assert torch.equal(round_trip(generator, depth=1), reconstruction(generator))


@pytest.mark.parametrize("guidance", [0.0, 1.0, 2.0, 7.5, -3.0])
def test_source_to_source_is_the_identity_of_the_round_trip_at_every_guidance(
    generator: Generator, guidance: float
) -> None:
    z = generator.encode(some_images(), PROMPTS, depth=0.3, steps=6)
    plain = generator.decode(z, PROMPTS, PROMPTS, depth=0.3, steps=6)
    guided = generator.decode(z, PROMPTS, PROMPTS, depth=0.3, steps=6, guidance=guidance)
    assert (guided - plain).abs().max() < 1e-4
    other = generator.decode(z, PROMPTS[::-1], PROMPTS, depth=0.3, steps=6, guidance=guidance)
    assert guidance == 0 or largest_difference(other, plain) > 5


@pytest.mark.parametrize(("solver", "most"), [("euler", 3.0), ("heun", 0.1), ("multistep", 1.0)])
def test_the_round_trip_converges_to_the_codecs_reconstruction(
    generator: Generator, solver: str, most: float
) -> None:
    target = reconstruction(generator)
    coarse, fine = (
        error(round_trip(generator, solver=solver, steps=steps), target) for steps in (10, 20)
    )
    assert coarse > 0.01  # it is a measurement
    assert fine < 0.75 * coarse  # the orders are tested on smoother fields
    assert fine < most  # grey levels


def test_the_round_trip_from_pure_noise(generator: Generator) -> None:
    difference = round_trip(generator, depth=0, solver="heun", steps=24) - reconstruction(generator)
    assert difference.abs().max() * 127.5 < 2


def test_encoding_has_no_guidance_and_an_own_condition(generator: Generator) -> None:
    z = generator.encode(some_images(), PROMPTS, depth=0.3, steps=4)
    other = generator.encode(some_images(), PROMPTS[::-1], depth=0.3, steps=4)
    assert z.shape == (4, 4, 8, 8)
    assert not z.requires_grad
    assert (z - other).abs().max() > 0.05


@pytest.mark.parametrize("mode", ["field", "prior"])
def test_drift_is_undone_on_the_way_back(generator: Generator, mode: Any) -> None:
    drift = Drift((0.3, -0.2, 0.1, 0.4), mode)
    difference = round_trip(generator, drift=drift, solver="heun", steps=10)
    assert error(difference, reconstruction(generator)) < 0.2
    z = generator.encode(some_images(), PROMPTS, depth=0.3, drift=drift)
    plain = generator.encode(some_images(), PROMPTS, depth=0.3)
    assert ((z - plain).abs().max() > 0.1) == (mode == "field")


def test_grey_images_are_encoded_like_their_repetition(generator: Generator) -> None:
    grey = some_images(channels=1)
    z = generator.encode(grey, PROMPTS, depth=0.5, steps=2)
    assert torch.equal(z, generator.encode(grey.expand(-1, 3, -1, -1), PROMPTS, depth=0.5, steps=2))


def test_counts_and_depths_are_checked(generator: Generator) -> None:
    images, z = some_images(), torch.zeros(4, 4, 8, 8)
    with pytest.raises(SynthmedError, match="1 conditions for 4 images"):
        generator.encode(images, ["a"], depth=0.5)
    with pytest.raises(SynthmedError, match="3 conditions for 4 latents"):
        generator.decode(z, ["a"] * 3, ["a"] * 4, depth=0.5)
    with pytest.raises(SynthmedError, match="5 conditions for 4 latents"):
        generator.decode(z, ["a"] * 4, ["a"] * 5, depth=0.5)
    for depth in (-0.1, 1.01, float("nan")):
        with pytest.raises(SynthmedError, match="a depth of"):
            generator.encode(images, PROMPTS, depth=depth)
        with pytest.raises(SynthmedError, match="a depth of"):
            generator.decode(z, PROMPTS, PROMPTS, depth=depth)
