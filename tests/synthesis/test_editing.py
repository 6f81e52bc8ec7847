"""Edits on tensors: exact identity, known shifts, what the network is asked, what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from tiny_translators import (
    STATISTICS,
    card,
    gaussian_translator,
    levels,
    smooth_images,
    tiny_unet,
    translator,
)
from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.models.codec import IdentityCodec
from synthmed.models.generator import Generator
from synthmed.synthesis.editing import EditSettings, edit, evaluations
from synthmed.transport import VariancePreservingPath

SOLVERS = ("euler", "heun", "multistep")
RENDER, SITE_A, SITE_B = ([{"domain": name}] * 4 for name in ("render", "site a", "site b"))


@pytest.fixture(scope="module")
def generator() -> Generator:
    return translator()


@pytest.fixture(scope="module")
def normalised() -> Generator:
    return translator(card=card(latent_normalisation=STATISTICS))


@torch.no_grad()
def round_trip(generator: Generator, images: Tensor) -> Tensor:
    return generator.codec.decode(generator.codec.encode(images)).clamp(-1, 1)


def spied(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float]]:
    """Rows and timestep of every pass through the network from now on."""
    calls: list[tuple[int, float]] = []
    forward = generator.unet.forward

    def spy(z: Tensor, timestep: Tensor, **rest: Any) -> Any:
        calls.append((len(z), float(timestep[0])))
        return forward(z, timestep, **rest)

    monkeypatch.setattr(generator.unet, "forward", spy)
    return calls


# ------------------------------------------------------------------ nothing changes


@pytest.mark.parametrize("guidance", [0.0, 1.0, 2.0, -3.0])
@pytest.mark.parametrize("solver", SOLVERS)
def test_source_to_source_is_the_codecs_round_trip_bit_for_bit(
    generator: Generator, solver: str, guidance: float
) -> None:
    images = smooth_images()
    for depth, steps in ((0.0, 3), (0.6, 1)):
        how = EditSettings(depth, guidance, steps, solver)
        assert torch.equal(
            edit(generator, images, RENDER, RENDER, how), round_trip(generator, images)
        )
        kept = edit(generator, images, RENDER, RENDER, replace(how, detail="keep"))
        assert torch.equal(kept, images.expand(-1, 3, -1, -1))


def test_the_same_with_latents_normalised_per_domain(normalised: Generator) -> None:
    images, how = smooth_images(), EditSettings(0.2, 2.0, 3)
    target = round_trip(normalised, images)
    assert torch.equal(edit(normalised, images, SITE_A, SITE_A, how), target)
    assert torch.equal(edit(normalised, images, SITE_A, SITE_B, replace(how, depth=1.0)), target)
    assert not torch.equal(edit(normalised, images, SITE_A, SITE_B, how), target)


def test_an_image_that_stays_is_exact_beside_others_that_change(generator: Generator) -> None:
    images, how = smooth_images(), EditSettings(0.2, 1.7, 4)
    target = [*SITE_A[:2], *RENDER[:2]]
    made, plain = edit(generator, images, RENDER, target, how), round_trip(generator, images)
    assert torch.equal(made[2:], plain[2:])
    assert abs(levels(made[:2]) - levels(plain[:2])).max() > 3


def test_plain_inversion_stays_near_and_comes_nearer_with_steps(generator: Generator) -> None:
    images = smooth_images(1)
    errors = []
    for steps in (6, 18):
        how = EditSettings(0.3, 2.0, steps, "heun", inversion="plain")
        made = edit(generator, images, RENDER[:1], RENDER[:1], how)
        errors.append(float((made - round_trip(generator, images)).abs().max()))
    assert 0 < errors[1] < 0.3 * errors[0]
    assert errors[1] * 127.5 < 1


@pytest.mark.parametrize("inversion", ["difference", "plain"])
def test_depth_1_changes_nothing_whatever_the_target(generator: Generator, inversion: str) -> None:
    images, how = smooth_images(), EditSettings(1.0, 3.0, inversion=inversion)
    assert torch.equal(edit(generator, images, RENDER, SITE_A, how), round_trip(generator, images))
    kept = edit(generator, images, RENDER, SITE_A, replace(how, detail="keep"))
    assert torch.equal(kept, images.expand(-1, 3, -1, -1))


# ------------------------------------------------------------------ what changes


@pytest.mark.parametrize(("solver", "steps"), [("euler", 50), ("heun", 12), ("multistep", 20)])
def test_both_inversions_agree_with_many_steps(
    generator: Generator, solver: str, steps: int
) -> None:
    images, how = smooth_images(1), EditSettings(0.5, 1.5, steps, solver)
    made = [
        edit(generator, images, RENDER[:1], SITE_A[:1], replace(how, inversion=inversion))
        for inversion in ("difference", "plain")
    ]
    assert abs(levels(made[0]) - levels(made[1])).max() <= 2
    assert abs(levels(made[0]) - levels(round_trip(generator, images))).max() > 5


@pytest.mark.parametrize("inversion", ["difference", "plain"])
@pytest.mark.parametrize("depth", [0.0, 0.3, 0.7])
def test_the_mean_moves_by_the_known_share(depth: float, inversion: str) -> None:
    """1 - s tau / sqrt((1 - tau)^2 + (s tau)^2) of the shift, times the guidance."""
    generator, images = gaussian_translator(std=0.2), 0.2 * smooth_images()
    share = 1 - 0.2 * depth / math.sqrt((1 - depth) ** 2 + (0.2 * depth) ** 2)
    for guidance in (1.0, 1.5):
        how = EditSettings(depth, guidance, 60, "heun", inversion=inversion)
        made = edit(generator, images, RENDER, SITE_A, how)
        torch.testing.assert_close(
            made, (images + 0.5 * guidance * share).expand(-1, 3, -1, -1), atol=4e-3, rtol=0
        )


def test_normalisation_replaces_the_sources_statistics_by_the_targets() -> None:
    """With a field that is the same for all domains only the statistics change the image."""
    statistics = {
        "render": {"mean": [0.1, 0.0, 0.0], "std": [0.5, 0.5, 0.5]},
        "site a": {"mean": [-0.2, 0.1, 0.0], "std": [1.0, 0.5, 0.25]},
        "site b": {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]},
    }
    generator = gaussian_translator(std=1.0, means=(0.0, 0.0, 0.0))
    generator.card["latent_normalisation"] = statistics
    images = 0.3 * smooth_images(channels=3)
    mean, std = torch.tensor([0.1, 0.0, 0.0]), torch.tensor([0.5, 0.5, 0.5])
    new_mean, new_std = torch.tensor([-0.2, 0.1, 0.0]), torch.tensor([1.0, 0.5, 0.25])
    shape = (1, 3, 1, 1)
    expected = (images - mean.reshape(shape)) / std.reshape(shape)
    expected = expected * new_std.reshape(shape) + new_mean.reshape(shape)
    for inversion, off in (("difference", 1e-6), ("plain", 3e-3)):
        how = EditSettings(0.4, 2.0, 40, "heun", inversion=inversion)
        made = edit(generator, images, RENDER, SITE_A, how)
        torch.testing.assert_close(made, expected, atol=off, rtol=0)


def test_kept_detail_adds_only_the_difference(generator: Generator) -> None:
    images, how = smooth_images(), EditSettings(0.3, 1.0, 4)
    made = edit(generator, images, RENDER, SITE_A, how)
    kept = edit(generator, images, RENDER, SITE_A, replace(how, detail="keep"))
    expected = (images + made - round_trip(generator, images)).clamp(-1, 1)
    torch.testing.assert_close(kept, expected, atol=1e-6, rtol=0)
    assert kept.min() >= -1
    assert kept.max() <= 1


def test_text_stays_and_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    generator, images = translator(text=True), smooth_images()
    how = EditSettings(0.2, 1.0, 3)
    texts = ["chest X-ray, no finding", "pneumonia"]
    made = []
    for text in texts:
        sides = ([{"text": text, "domain": d}] * 4 for d in ("render", "site a"))
        made.append(edit(generator, images, *sides, how))
        stays = [{"text": text, "domain": "render"}] * 4
        assert torch.equal(
            edit(generator, images, stays, stays, how), round_trip(generator, images)
        )
    assert abs(levels(made[0]) - levels(made[1])).max() >= 1


# ------------------------------------------------------------------ how it is computed


@pytest.mark.parametrize("inversion", ["difference", "plain"])
@pytest.mark.parametrize("guidance", [1.0, 1.5])
@pytest.mark.parametrize("solver", SOLVERS)
def test_evaluations_are_images_through_the_denoiser(
    generator: Generator,
    solver: str,
    guidance: float,
    inversion: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = spied(generator, monkeypatch)
    how = EditSettings(0.3, guidance, 5, solver, inversion=inversion)
    edit(generator, smooth_images(), RENDER, SITE_A, how)
    assert sum(rows for rows, _ in calls) == 4 * evaluations(how)
    # one pass a condition: a network may round otherwise in a batch of another size
    assert {rows for rows, _ in calls} == (
        {4, 8} if guidance != 1 and inversion == "plain" else {4}
    )
    steps = 10 if solver == "heun" else 5
    extra = inversion == "difference"
    assert evaluations(how) == steps + extra + steps * (2 if guidance != 1 else 1)


def test_depth_0_goes_to_the_paths_first_time(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = translator()
    calls = spied(generator, monkeypatch)
    edit(generator, smooth_images(), RENDER, SITE_A, EditSettings(0.0, steps=2))
    assert max(t for _, t in calls) == 1000
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    generator.path = VariancePreservingPath(torch.cumprod(1 - betas, 0))
    calls.clear()
    made = edit(generator, smooth_images(), RENDER, RENDER, EditSettings(0.0, 2.0, steps=2))
    assert max(t for _, t in calls) == 999
    assert torch.equal(made, round_trip(generator, smooth_images()))


def test_at_depth_1_the_network_is_not_asked(
    generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = spied(generator, monkeypatch)
    edit(generator, smooth_images(), RENDER, SITE_A, EditSettings(1.0))
    assert not calls
    assert evaluations(EditSettings(1.0)) == 0


def test_the_batch_changes_no_image(generator: Generator) -> None:
    images, how = smooth_images(6), EditSettings(0.2, 1.5, 4)
    source, target = [{"domain": "render"}] * 6, [{"domain": "site a"}] * 6
    whole = edit(generator, images, source, target, how)
    parts = [
        edit(generator, images[i : i + n], source[i : i + n], target[i : i + n], how)
        for i, n in ((0, 1), (1, 5))
    ]
    off = abs(levels(whole) - levels(torch.cat(parts)))
    assert off.max() <= 1
    assert (off > 0).mean() < 1e-3
    assert torch.equal(whole, edit(generator, images, source, target, how))


def test_pixels_can_be_the_latents() -> None:
    generator = translator(codec=IdentityCodec(), unet=tiny_unet(3, 16))
    images = smooth_images(channels=3)
    made = edit(generator, images, RENDER, RENDER, EditSettings(0.2, 4.0, 2))
    assert torch.equal(made, images)
    assert made.dtype == torch.float32
    assert not made.requires_grad


# ------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"depth": -0.1}, "a depth of -0.1"),
        ({"depth": math.nan}, "a depth of nan"),
        ({"guidance": math.inf}, "guidance is inf"),
        ({"steps": 0}, "steps is 0"),
        ({"solver": "rk4"}, "unknown solver 'rk4'\\. Known: euler, heun, multistep"),
        ({"detail": "own"}, "unknown detail 'own'\\. Known: model, keep"),
        ({"inversion": "none"}, "unknown inversion 'none'\\. Known: difference, plain"),
    ],
)
def test_settings_without_a_meaning(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SynthmedError, match=message):
        EditSettings(**{"depth": 0.5, **values})


def test_conditions_and_sizes_are_checked(generator: Generator, normalised: Generator) -> None:
    images, how = smooth_images(), EditSettings(0.5, steps=1)
    with pytest.raises(
        SynthmedError, match=r"knows no label 'site c'\. Known: render, site a, site b\."
    ):
        edit(generator, images, RENDER, [{"domain": "site c"}] * 4, how)
    with pytest.raises(SynthmedError, match="3 conditions for 4 images"):
        edit(generator, images, RENDER, RENDER[:3], how)
    with pytest.raises(SynthmedError, match=r"20 x 20 pixels\. This model edits 16 x 16"):
        edit(generator, smooth_images(size=20), RENDER, SITE_A, how)
    with pytest.raises(SynthmedError, match="needs a domain for every image"):
        edit(normalised, images, RENDER, [{}] * 4, how)
