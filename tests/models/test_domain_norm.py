"""Latents normalised per domain: there and back, in the Generator, in the folder, and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import CARD, WIDTH, some_images, text_generator, tiny_text

from synthmed.errors import SynthmedError
from synthmed.models.conditioners import LabelConditioner
from synthmed.models.domain_norm import carry, check_statistics, normalise, restore
from synthmed.models.generator import Generator
from synthmed.models.hashing import weights_hash

DOMAINS = ["render", "site a"]
STATISTICS: dict[str, dict[str, list[float]]] = {
    "render": {"mean": [0.3, -0.2, 0.1, 0.0], "std": [0.5, 0.7, 1.1, 0.9]},
    "site a": {"mean": [-0.4, 0.1, 0.2, 0.3], "std": [1.3, 0.6, 0.8, 1.0]},
}
BOTH = [{"domain": "render"}, {"text": "chest", "domain": "site a"}]
TURNED = BOTH[::-1]


def generator(**card: Any) -> Generator:
    torch.manual_seed(4)
    conditioners = {"text": tiny_text(), "domain": LabelConditioner(DOMAINS, WIDTH)}
    return text_generator(conditioners=conditioners, card={**CARD, **card})


@pytest.fixture(scope="module")
def plain() -> Generator:
    return generator()


@pytest.fixture(scope="module")
def normalised() -> Generator:
    return generator(latent_normalisation=STATISTICS)


def latents(seed: int = 0) -> torch.Tensor:
    return torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(seed))


# ------------------------------------------------------------------ the arithmetic


def test_each_image_gets_its_own_domains_statistics() -> None:
    z = normalise(latents(), BOTH, STATISTICS)
    for i, name in enumerate(("render", "site a")):
        for c in range(4):
            mean, std = STATISTICS[name]["mean"][c], STATISTICS[name]["std"][c]
            torch.testing.assert_close(z[i, c], (latents()[i, c] - mean) / std)
    torch.testing.assert_close(restore(z, BOTH, STATISTICS), latents())
    assert z.dtype == torch.float32
    assert (restore(z, TURNED, STATISTICS) - latents()).abs().max() > 0.1


def test_without_statistics_nothing_is_touched() -> None:
    z = latents()
    assert normalise(z, ["a", {}], {}) is z
    assert restore(z, ["a", {}], {}) is z
    assert torch.equal(carry(z, latents(1), ["a"] * 2, ["b"] * 2, {}), z + latents(1))


def test_a_change_is_carried_as_by_normalising_and_restoring() -> None:
    z, change = latents(), latents(1)
    expected = restore(normalise(z, BOTH, STATISTICS) + change, TURNED, STATISTICS)
    torch.testing.assert_close(carry(z, change, BOTH, TURNED, STATISTICS), expected)


def test_no_change_within_a_domain_is_exact() -> None:
    z, none = latents(), torch.zeros(2, 4, 3, 3)
    assert torch.equal(carry(z, none, BOTH, BOTH, STATISTICS), z)
    assert not torch.equal(restore(normalise(z, BOTH, STATISTICS), BOTH, STATISTICS), z)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({}, r"there is no domain in a condition\. Known: render, site a\."),
        ("chest X-ray", "there is no domain in a condition"),
        ({"domain": "ct"}, r"no latent statistics of domain 'ct'\. Known: render, site a\."),
    ],
)
def test_a_condition_without_a_known_domain_is_refused(record: Any, message: str) -> None:
    for function in (normalise, restore):
        with pytest.raises(SynthmedError, match=message):
            function(latents(), [BOTH[0], record], STATISTICS)


# ------------------------------------------------------------------ in the Generator


def test_a_generator_names_its_domains(plain: Generator) -> None:
    assert plain.domains == DOMAINS
    assert plain.latent_normalisation == {}
    assert text_generator().domains == []


def test_encoding_normalises_and_decoding_restores_by_the_target(
    plain: Generator, normalised: Generator
) -> None:
    images = some_images(2)
    with torch.no_grad():
        coded = plain.codec.encode(images)
    # a step of no length but for rounding: what is left is the normalisation
    z = normalised.encode(images, BOTH, depth=0.999999, steps=1)
    torch.testing.assert_close(z, normalise(coded, BOTH, STATISTICS), atol=1e-4, rtol=0)
    made = normalised.decode(z, TURNED, BOTH, depth=0.999999, steps=1)
    with torch.no_grad():
        expected = plain.codec.decode(carry(coded, 0 * coded, BOTH, TURNED, STATISTICS))
    torch.testing.assert_close(made, expected.clamp(-1, 1), atol=1e-3, rtol=0)


def test_at_depth_1_there_is_only_the_codec(normalised: Generator) -> None:
    images = some_images(2)
    z = normalised.encode(images, BOTH, depth=1)
    with torch.no_grad():
        assert torch.equal(z, normalised.codec.encode(images))
        expected = normalised.codec.decode(z).clamp(-1, 1)
    assert torch.equal(normalised.decode(z, TURNED, BOTH, depth=1), expected)


def test_the_round_trip_of_a_domain(normalised: Generator) -> None:
    images = some_images(2)
    z = normalised.encode(images, BOTH, depth=0.3, steps=16, solver="heun")
    made = normalised.decode(z, BOTH, BOTH, depth=0.3, steps=16, solver="heun", guidance=2.0)
    z = normalised.encode(images, BOTH, depth=1)
    expected = normalised.decode(z, BOTH, BOTH, depth=1)
    assert float((made - expected).abs().max()) * 127.5 < 2


def test_samples_are_restored(
    plain: Generator, normalised: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []
    decode = plain.codec.decode

    def spy(z: torch.Tensor) -> torch.Tensor:
        seen.append(z)
        return decode(z)

    for model in (plain, normalised):
        monkeypatch.setattr(model.codec, "decode", spy)
        model.sample(BOTH, [1, 2], steps=2)
    torch.testing.assert_close(seen[1], restore(seen[0], BOTH, STATISTICS))
    with pytest.raises(SynthmedError, match="needs a domain for every image"):
        normalised.sample([{"text": "chest"}], [1], steps=1)


# ------------------------------------------------------------------ in the folder


def test_format_2_is_written_only_where_it_is_needed(tmp_path: Path) -> None:
    folders = [
        generator(**more).save(tmp_path / name)
        for name, more in (("one", {}), ("two", {"latent_normalisation": STATISTICS}))
    ]
    cards = [json.loads((folder / "synthmed.json").read_text()) for folder in folders]
    assert [card["format_version"] for card in cards] == [1, 2]
    assert cards[1]["latent_normalisation"] == STATISTICS
    opened = Generator.load(folders[1], device="cpu", dtype="float32")
    assert opened.latent_normalisation == STATISTICS
    assert opened.domains == DOMAINS
    opened.card.pop("latent_normalisation")
    again = json.loads((opened.save(tmp_path / "three") / "synthmed.json").read_text())
    assert again["format_version"] == 1


def test_the_hash_tells_statistics_apart(tmp_path: Path) -> None:
    def stored(name: str, **card: Any) -> tuple[str, str]:
        made = generator(**card)
        weights = weights_hash(made.save(tmp_path / name))
        opened = Generator.load(tmp_path / name, device="cpu", dtype="float32")
        assert made.hash == opened.hash
        opened.save(tmp_path / "again")
        assert opened.hash == made.hash  # what was read hashes as what was written
        return weights, made.hash

    turned = {name: STATISTICS[name] for name in reversed(STATISTICS)}
    other = {**STATISTICS, "site a": {**STATISTICS["site a"], "mean": [1.0, -1.0, 0.5, 0.0]}}
    plain, one, same, two = (
        stored("plain"),
        stored("one", latent_normalisation=STATISTICS),
        stored("same", latent_normalisation=turned),
        stored("two", latent_normalisation=other),
    )
    assert len({weights for weights, _ in (plain, one, same, two)}) == 1
    assert plain[1] == plain[0]  # format 1: the hash of the weights
    assert one[1] == same[1]  # the order in which the domains stand is nothing
    assert len({plain[1], one[1], two[1]}) == 3
    assert {len(digest) for _, digest in (plain, one, two)} == {64}


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {"mean": [0.0] * 4},
        {"mean": [0.0] * 4, "std": [1.0] * 3},
        {"mean": [0.0] * 4, "std": [1.0, 1.0, 0.0, 1.0]},
        {"mean": [0.0, "a", 0.0, 0.0], "std": [1.0] * 4},
        {"mean": [float("nan"), 0.0, 0.0, 0.0], "std": [1.0] * 4},
    ],
)
def test_statistics_that_cannot_be_used_are_refused(entry: Any, tmp_path: Path) -> None:
    bad = {**STATISTICS, "site a": entry}
    with pytest.raises(SynthmedError, match="no usable latent statistics of domain 'site a'"):
        check_statistics(bad, DOMAINS, 4, "here")
    with pytest.raises(SynthmedError, match="no usable latent statistics"):
        generator(latent_normalisation=bad).save(tmp_path / "bad")
    assert not list(tmp_path.iterdir())


def test_a_folder_with_unusable_statistics_is_not_opened(tmp_path: Path) -> None:
    folder = generator(latent_normalisation=STATISTICS).save(tmp_path / "model")
    card = json.loads((folder / "synthmed.json").read_text())
    del card["latent_normalisation"]["render"]
    (folder / "synthmed.json").write_text(json.dumps(card))
    with pytest.raises(SynthmedError, match=r"of domain 'render' \[.*synthmed.json\]"):
        Generator.load(folder, device="cpu")
    for other in ([], "none", 3):
        if other:
            with pytest.raises(SynthmedError, match="no usable latent statistics"):
                check_statistics(other, DOMAINS, 4, "here")
