from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_runs import recipe_of, spied
from torch import nn

from synthmed.models.codec import AutoencoderCodec, fold_normalisation
from synthmed.training.codec import CodecTask, gradient_distance, random_crops, spectral_distance
from synthmed.training.data import TrainingImages
from synthmed.training.latents import channel_statistics

CPU = torch.device("cpu")


def task_of(recipe: Path, images: TrainingImages, *overrides: str) -> CodecTask:
    return CodecTask(recipe_of(recipe, "dtype=float32", *overrides), images, CPU)


def test_the_numbers_of_the_first_steps_stay(tiny_recipe: Path, images: TrainingImages) -> None:
    # Kept at a fixed seed: a change here changes trainings that are to be resumed.
    task = task_of(tiny_recipe, images)
    found = [task.step(step) for step in range(3)]
    expected = [0.48984107, 0.59018940, 0.54591584]
    assert [losses["loss"] for losses in found] == pytest.approx(expected, rel=2e-4)
    assert found[0].keys() == {"absolute", "divergence", "spectral", "loss"}


def test_a_step_is_a_function_of_seed_and_step(tiny_recipe: Path, images: TrainingImages) -> None:
    one, other = task_of(tiny_recipe, images), task_of(tiny_recipe, images)
    torch.manual_seed(1)
    first = one.step(5)
    torch.manual_seed(2)
    assert other.step(5) == first
    weights = [p.detach() for p in one.vae.parameters()]
    assert all(map(torch.equal, weights, (p.detach() for p in other.vae.parameters())))


def test_training_lowers_the_loss(tiny_recipe: Path, images: TrainingImages) -> None:
    task = task_of(tiny_recipe, images, "codec.crop=0", "codec.learning_rate=3e-3")
    before = task.validate()
    for step in range(60):
        task.step(step)
    after = task.validate()
    assert after["loss"] < 0.6 * before["loss"]
    assert after["psnr"] > before["psnr"] + 3


def test_only_training_rows_are_drawn(
    tiny_recipe: Path, images: TrainingImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of(tiny_recipe, images)
    seen: set[int] = set()
    tensor = TrainingImages.tensor
    monkeypatch.setattr(
        TrainingImages, "tensor", spied(tensor, lambda _, i: seen.update(i.tolist()))
    )
    for step in range(3):
        task.step(step)
    assert {images.rows[i].split for i in seen} == {"train"}
    seen.clear()
    task.validate()
    assert seen == set(images.indices("val").tolist())


def test_the_parts_of_the_loss(tiny_recipe: Path, images: TrainingImages) -> None:
    task = task_of(tiny_recipe, images, "codec.kl_weight=0.5")
    x = torch.zeros(2, 3, 32, 32)
    mean, logvar = torch.full((2, 4, 16, 16), 2.0), torch.full((2, 4, 16, 16), math.log(4.0))
    parts = task.losses(x, x + 0.25, mean, logvar)
    assert float(parts["absolute"]) == pytest.approx(0.25)
    # KL(N(2, 4) || N(0, 1)) = (4 + 4 - 1 - ln 4) / 2
    assert float(parts["divergence"]) == pytest.approx((7 - math.log(4)) / 2)
    expected = 0.25 + 0.5 * float(parts["divergence"]) + 0.1 * float(parts["spectral"])
    assert float(parts["loss"]) == pytest.approx(expected)
    assert "spectral" not in task_of(tiny_recipe, images, "codec.spectral_weight=0").losses(
        x, x, mean, logvar
    )


def test_psnr_of_a_known_error(
    tiny_recipe: Path, images: TrainingImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of(tiny_recipe, images, "codec.spectral_weight=0")
    monkeypatch.setattr(AutoencoderCodec, "encode", lambda self, x: x)
    monkeypatch.setattr(AutoencoderCodec, "decode", lambda self, z: z + 0.02)
    figures = task.validate()
    assert figures["psnr"] == pytest.approx(10 * math.log10(4 / 0.02**2), abs=1e-3)
    assert figures["loss"] == pytest.approx(0.02, rel=1e-4)


def test_the_spectral_distance_sees_texture_not_its_place() -> None:
    draw = torch.Generator().manual_seed(0)
    grain = torch.randn(1, 3, 32, 32, generator=draw)
    moved = torch.randn(1, 3, 32, 32, generator=draw)  # other grains of the same kind
    blank = torch.zeros(1, 3, 32, 32)
    assert float(spectral_distance(grain, grain)) == 0.0
    assert float(spectral_distance(grain, moved)) < 0.7 * float(spectral_distance(grain, blank))
    assert float((grain - moved).abs().mean()) > float((grain - blank).abs().mean())


def test_crops_lie_on_the_grid_of_four_and_cover_the_image() -> None:
    rows, columns = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    x = torch.stack([rows, columns]).float().expand(64, -1, -1, -1)
    crops = random_crops(x, 16, torch.Generator().manual_seed(0))
    assert crops.shape == (64, 2, 16, 16)
    corners = {(int(c[0, 0, 0]), int(c[1, 0, 0])) for c in crops}
    assert {y for y, _ in corners} == {z for _, z in corners} == {0, 4, 8, 12, 16}
    for crop in crops:
        y, z = int(crop[0, 0, 0]), int(crop[1, 0, 0])
        assert torch.equal(crop, x[0, :, y : y + 16, z : z + 16])


def test_crops_are_seen_in_the_first_steps_alone(
    tiny_recipe: Path, images: TrainingImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of(tiny_recipe, images, "codec.crop_steps=2")
    sides: list[int] = []
    encode = task.vae.encode
    monkeypatch.setattr(task.vae, "encode", spied(encode, lambda x: sides.append(x.shape[-1])))
    for step in range(4):
        task.step(step)
    assert sides == [16, 16, 32, 32]


def test_folding_gives_latents_mean_0_and_deviation_1(
    tiny_recipe: Path, images: TrainingImages
) -> None:
    task = task_of(tiny_recipe, images)
    codec = AutoencoderCodec(task.vae.eval())
    x = images.tensor(images.indices("val"))
    with torch.no_grad():
        before = codec.decode(codec.encode(x))
    fold_normalisation(task.vae, *channel_statistics(codec, images))
    mean, std = channel_statistics(codec, images)
    assert mean.tolist() == pytest.approx([0] * 4, abs=1e-4)
    assert std.tolist() == pytest.approx([1] * 4, abs=1e-4)
    with torch.no_grad():
        assert torch.allclose(codec.decode(codec.encode(x)), before, atol=1e-4)


def test_the_watch_shows_sources_above_reconstructions(
    tiny_recipe: Path, images: TrainingImages
) -> None:
    pictures: list[Any] = []

    class Log:
        def add_image(self, name: str, picture: Any, step: int) -> None:
            pictures.append((name, picture, step))

    assert task_of(tiny_recipe, images).watch(7, Log()) is None
    ((name, picture, step),) = pictures
    assert (name, step) == ("codec/source above reconstruction", 7)
    assert picture.shape == (3, 2 * 32 + 2, 16 * 34 - 2)
    first = images.pixels_N3SS[images.indices("val")[0]]
    assert (picture[:, :32, :32] == first).all()


def test_networks_are_what_the_loop_keeps(tiny_recipe: Path, images: TrainingImages) -> None:
    task = task_of(tiny_recipe, images)
    assert list(task.modules) == list(task.optimisers) == ["vae"]
    assert not task.helpers
    optimised = {p for g in task.optimisers["vae"].param_groups for p in g["params"]}
    assert optimised == set(task.modules["vae"].parameters())
    assert not any(isinstance(m, nn.Dropout) and m.p for m in task.vae.modules())


def test_the_gradient_distance_weighs_fine_errors_more_than_broad_ones() -> None:
    blank = torch.zeros(1, 1, 16, 16)
    stripes = blank + 0.1 * (-1.0) ** torch.arange(16)
    assert float(gradient_distance(blank, blank + 0.1)) == 0.0
    assert float(gradient_distance(blank, stripes)) == pytest.approx(0.2)
    assert float(gradient_distance(stripes, stripes)) == 0.0


def test_the_gradient_part_joins_the_loss_with_its_weight(
    tiny_recipe: Path, images: TrainingImages
) -> None:
    task = task_of(
        tiny_recipe,
        images,
        "codec.spectral_weight=0",
        "codec.kl_weight=0",
        "codec.gradient_weight=2",
    )
    x, y = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16)
    parts = task.losses(x, y, torch.zeros(2, 4, 8, 8), torch.zeros(2, 4, 8, 8))
    expected = float((x - y).abs().mean() + 2 * gradient_distance(x, y))
    assert float(parts["loss"]) == pytest.approx(expected, rel=1e-6)
