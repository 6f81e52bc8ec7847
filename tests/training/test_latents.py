from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_runs import largest_file

from synthmed.models.codec import AutoencoderCodec, IdentityCodec, build_autoencoder
from synthmed.training import latents
from synthmed.training.augment import augment, operations_of
from synthmed.training.data import TrainingImages
from synthmed.training.latents import LatentCache, cache_latents, channel_statistics
from synthmed.training.settings import DataSettings, Recipe
from synthmed.transport.seeds import step_generator

RECIPE = Recipe(data=DataSettings(image_size=32))


@pytest.fixture(scope="session")
def codec() -> AutoencoderCodec:
    torch.manual_seed(0)
    vae = build_autoencoder(
        image_size=32, latent_channels=4, block_out_channels=(8, 16), layers_per_block=1
    )
    return AutoencoderCodec(vae.eval())


def cache(given: TrainingImages, folder: Path, **changes: Any) -> LatentCache:
    arguments: dict[str, Any] = {
        "recipe": RECIPE,
        "images": given,
        "codec": IdentityCodec(),
        "codec_hash": "identity",
        "split": "train",
        "versions": 3,
        "folder": folder,
        "progress": lambda *_: None,
    }
    return cache_latents(**(arguments | changes))


def test_version_0_is_the_image_itself_to_half_precision(
    images: TrainingImages, codec: AutoencoderCodec, tmp_path: Path
) -> None:
    found = cache(images, tmp_path, codec=codec, codec_hash="x")
    train = images.indices("train")
    with torch.no_grad():
        z = torch.cat([codec.encode(part) for part in images.tensor(train).split(64)])
    assert found.latents_NVChw.shape == (64, 3, 4, 16, 16)
    assert found.latents_NVChw.dtype == np.float16
    assert np.array_equal(found.rows, train)
    error = (found.plain() - z).abs()
    assert bool((error <= z.abs() * 2**-11 + 2**-25).all())  # rounding to float16, no more


def test_the_other_versions_are_augmented_by_row_and_version(
    images: TrainingImages, tmp_path: Path
) -> None:
    recipe = dataclasses.replace(
        RECIPE, data=DataSettings(image_size=32, augment={"chest X-ray": ["shift"]})
    )
    found = cache(images, tmp_path, recipe=recipe)
    for n in (0, 7, 20, 63):
        kind = images.rows[found.rows[n]].image_type
        names = operations_of(kind, recipe.data.augment)
        assert names or kind == "blood smear microscopy"
        for version in (1, 2):
            draw = step_generator(recipe.seed, n, f"augmentation {version}")
            x = augment(images.tensor([found.rows[n]])[0], names, draw)
            z = torch.from_numpy(found.latents_NVChw[n, version].astype(np.float32))
            assert torch.allclose(z, x, atol=2**-11)


def test_batches_change_nothing(
    images: TrainingImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = cache(images, tmp_path / "one")
    monkeypatch.setattr(latents, "_BATCH", 5)
    assert np.array_equal(cache(images, tmp_path / "two").latents_NVChw, whole.latents_NVChw)


class Killed(BaseException):
    """Stands for a kill."""


@pytest.mark.parametrize("moment", ["written", "counted"])
@pytest.mark.parametrize("batch", [1, 2, 6])
def test_a_killed_caching_continues_at_the_last_counted_batch(
    moment: str, batch: int, images: TrainingImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latents, "_BATCH", 10)
    whole = cache(images, tmp_path / "whole")
    name = {"written": "fsync_stream", "counted": "write_json"}[moment]
    function, calls = getattr(latents, name), 0

    def dying(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        function(*arguments)
        if calls == batch:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(latents, name, dying)
        with pytest.raises(Killed):
            cache(images, tmp_path / "cut")
    told: list[int] = []
    rest = cache(images, tmp_path / "cut", progress=lambda done, *_: told.append(done))
    kept = batch if moment == "counted" else batch - 1
    assert told == [min(64, 10 * n) for n in range(kept + 1, 8)]
    assert np.array_equal(rest.latents_NVChw, whole.latents_NVChw)
    (one,), (other,) = (list((tmp_path / f).glob("*.npy")) for f in ("whole", "cut"))
    assert one.read_bytes() == other.read_bytes()


def test_a_finished_cache_is_opened_not_encoded(
    images: TrainingImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = cache(images, tmp_path)
    monkeypatch.setattr(IdentityCodec, "encode", None)
    assert np.array_equal(cache(images, tmp_path).latents_NVChw, first.latents_NVChw)


def test_codec_rows_and_settings_have_caches_of_their_own(
    images: TrainingImages, tmp_path: Path
) -> None:
    def data(**changes: Any) -> Recipe:
        return dataclasses.replace(RECIPE, data=DataSettings(image_size=32, **changes))

    other_images = dataclasses.replace(images, key="changed")
    fewer = [dataclasses.replace(row) for row in images.rows]
    fewer[0].split = "test"
    variants: list[dict[str, Any]] = [
        {},
        {"codec_hash": "another"},
        {"images": other_images},
        {"images": dataclasses.replace(images, rows=fewer)},
        {"versions": 2},
        {"split": "val"},
        {"recipe": dataclasses.replace(RECIPE, seed=1)},
        {"recipe": data(augment={"dermatoscopy": []})},
    ]
    for number, changes in enumerate(variants, start=1):
        cache(images, tmp_path, **changes)
        assert len(list(tmp_path.glob("latents-*.npy"))) == number
    cache(images, tmp_path, recipe=data(balance=0.1, captions=3))  # plays no part
    assert len(list(tmp_path.glob("latents-*.npy"))) == len(variants)


def test_versions_are_drawn_evenly_by_the_given_generator(
    images: TrainingImages, tmp_path: Path
) -> None:
    found = cache(images, tmp_path, versions=4)
    marked = LatentCache(np.arange(64 * 4, dtype=np.float16).reshape(64, 4, 1, 1, 1), np.arange(64))
    entries = torch.arange(64).repeat(50)
    one = marked.draw(entries, torch.Generator().manual_seed(1)).flatten()
    same = marked.draw(entries, torch.Generator().manual_seed(1)).flatten()
    assert torch.equal(one, same)
    assert torch.equal(one // 4, entries.float())
    shares = torch.bincount((one % 4).long(), minlength=4) / len(one)
    assert shares.tolist() == pytest.approx([0.25] * 4, abs=0.03)
    assert found.draw(torch.tensor([3, 3]), torch.Generator()).shape == (2, 3, 32, 32)


def test_statistics_are_those_of_all_latents(
    images: TrainingImages, codec: AutoencoderCodec
) -> None:
    mean, std = channel_statistics(codec, images)
    with torch.no_grad():
        z = codec.encode(images.tensor(images.indices("train"))).double()
    assert torch.allclose(mean, z.mean(dim=(0, 2, 3)).float(), atol=1e-5)
    assert torch.allclose(std, z.std(dim=(0, 2, 3), unbiased=False).float(), atol=1e-5)


def test_a_full_disk_leaves_a_cache_that_continues(
    images: TrainingImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latents, "_BATCH", 10)
    whole = cache(images, tmp_path / "whole")
    size = next((tmp_path / "whole").glob("*.npy")).stat().st_size
    with largest_file(size // 2), pytest.raises(OSError, match="File too large"):
        cache(images, tmp_path / "cut")
    told: list[int] = []
    rest = cache(images, tmp_path / "cut", progress=lambda done, *_: told.append(done))
    assert told[0] > 10
    assert np.array_equal(rest.latents_NVChw, whole.latents_NVChw)
