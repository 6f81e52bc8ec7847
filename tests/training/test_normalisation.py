from __future__ import annotations

import numpy as np
import pytest
import torch

from synthmed.errors import SynthmedError
from synthmed.training import normalisation
from synthmed.training.latents import LatentCache
from synthmed.training.normalisation import domain_statistics, normalised

DOMAINS = ["a", "b"] * 10
LEVELS = {"a": (2.0, 0.5), "b": (-1.0, 3.0)}


def cache(seed: int, domains: list[str]) -> LatentCache:
    """Latents (n, 2 versions, 3 channels, 4, 4) of a mean and deviation for each domain."""
    draw = np.random.default_rng(seed)
    mean, std = (np.asarray([LEVELS[name][k] for name in domains]) for k in (0, 1))
    shape = (len(domains), 2, 3, 4, 4)
    channel = np.arange(3)[None, None, :, None, None]
    values = (mean[:, None, None, None, None] + channel) + std[
        :, None, None, None, None
    ] * draw.normal(size=shape)
    return LatentCache(values.astype(np.float16), np.arange(len(domains)))


def test_statistics_are_those_of_the_images_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    latents = cache(0, DOMAINS)
    found = domain_statistics(latents, DOMAINS)
    assert list(found) == ["a", "b"]
    for name in found:
        own = latents.latents_NVChw[np.asarray(DOMAINS) == name, 0].astype(np.float64)
        assert found[name]["mean"] == pytest.approx(own.mean(axis=(0, 2, 3)).tolist(), rel=1e-9)
        assert found[name]["std"] == pytest.approx(own.std(axis=(0, 2, 3)).tolist(), rel=1e-6)
    monkeypatch.setattr(normalisation, "_CHUNK", 3)  # in parts, the same
    for name, values in domain_statistics(latents, DOMAINS).items():
        assert values["std"] == pytest.approx(found[name]["std"], rel=1e-9)


def test_each_domain_is_given_at_mean_0_and_deviation_1() -> None:
    latents = cache(0, DOMAINS)
    given = normalised(latents, DOMAINS, domain_statistics(latents, DOMAINS)).plain()
    assert given.dtype == torch.float32
    for start in (0, 1):
        own = given[start::2]
        assert own.mean(dim=(0, 2, 3)).tolist() == pytest.approx([0.0] * 3, abs=1e-5)
        assert own.std(dim=(0, 2, 3), unbiased=False).tolist() == pytest.approx([1.0] * 3, abs=1e-5)


def test_validation_and_augmented_versions_have_the_training_images_statistics() -> None:
    train, val = cache(0, DOMAINS), cache(1, DOMAINS[:6])
    statistics = domain_statistics(train, DOMAINS)
    mean, std = (
        torch.tensor([statistics[name][key] for name in DOMAINS])[:, :, None, None]
        for key in ("mean", "std")
    )
    given = normalised(val, DOMAINS[:6], statistics).plain()
    assert torch.allclose(given * std[:6] + mean[:6], val.plain(), atol=1e-4)
    entries = torch.tensor([3, 0, 3, 19])
    drawn, plain = (
        each.draw(entries, torch.Generator().manual_seed(4))
        for each in (normalised(train, DOMAINS, statistics), train)
    )
    assert torch.allclose(drawn * std[entries] + mean[entries], plain, atol=1e-4)
    assert not torch.allclose(drawn, plain, atol=0.1)


def test_a_constant_channel_is_named_with_its_domain() -> None:
    latents = cache(0, DOMAINS)
    values = np.array(latents.latents_NVChw)
    values[1::2, :, 2] = 0.25
    with pytest.raises(SynthmedError, match=r"channel 2 .* constant in the domain 'b'.*none"):
        domain_statistics(LatentCache(values, latents.rows), DOMAINS)
