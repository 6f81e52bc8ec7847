"""From data of several domains and a recipe to a Generator that knows them."""

from __future__ import annotations

import hashlib
import json
import signal
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from domain_sets import DOMAINS, X_DIGISKULL, write_x_digiskull
from kill_runs import kill_and_compare
from tiny_runs import recipe_of, spied, write_recipe

from synthmed.datasets.folder import read_dataset
from synthmed.datasets.importers import import_dataset
from synthmed.errors import SynthmedError
from synthmed.models.codec import IdentityCodec
from synthmed.models.conditioners import LabelConditioner, TextConditioner
from synthmed.models.generator import Generator
from synthmed.training.data import TrainingImages
from synthmed.training.flow import FlowTask
from synthmed.training.run import train
from synthmed.training.watch import Watch

RECIPES = Path(__file__).parents[2] / "recipes"
FLOW = {"pairing": "transport", "latent_normalisation": "domain", "times": "logit-normal"}
QUICK = [
    "dtype=float32",
    "codec.schedule.steps=1",
    "flow.schedule.steps=1",
    "flow.watch_images=3",
]
TINY_UNET = [
    "denoiser.block_out_channels=[16, 32]",
    "denoiser.attention=[false, true]",
    "denoiser.layers_per_block=1",
    "denoiser.heads=2",
    "flow.batch_size=4",
]


@pytest.fixture(scope="module")
def recipe(domain_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text and domain with all options; a few steps."""
    file = tmp_path_factory.mktemp("recipe") / "domains.yaml"
    kind = {"kind": "text+domain", "dropout": 0.3, "domain_dropout": 0.2}
    return write_recipe(file, domain_dataset, condition=kind, flow=FLOW)


@pytest.fixture(scope="module")
def folder(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Generator of that recipe. Read only."""
    return train(recipe, out=tmp_path_factory.mktemp("run") / "run", progress=False)


def card_of(generator: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((generator / "synthmed.json").read_text())
    return card


def test_a_generator_of_text_and_domain_samples(folder: Path) -> None:
    generator = Generator.load(folder, device="cpu", dtype="float32")
    assert list(generator.conditioners) == ["text", "domain"]
    assert isinstance(generator.conditioners["text"], TextConditioner)
    assert isinstance(generator.conditioners["domain"], LabelConditioner)
    text = "chest X-ray, PA view"
    records = [{"text": text, "domain": name} for name in DOMAINS]
    images = generator.sample(records, [1, 1, 1], steps=2)
    assert images.shape == (3, 3, 32, 32)
    assert bool(images.isfinite().all())
    assert not torch.equal(images[0], images[1])  # the domain alone differs
    with pytest.raises(SynthmedError, match=r"no label 'phone'.*high dose, low dose, tablet"):
        generator.sample([{"text": text, "domain": "phone"}], [1], steps=2)
    assert generator.channels("chest X-ray") == 1


def test_the_card_says_what_each_domain_holds(folder: Path) -> None:
    card = card_of(folder)
    assert card["conditions"] == ["text", "domain"]
    counts = dict.fromkeys(("images", "groups", "labelled", "labelled_groups"), 10)
    counts["shared_groups"] = 0
    assert card["domains"] == {
        "high dose": {**counts, "labels": {"no finding": 0.5, "opacity": 0.5}},
        **{
            name: {**counts, "labels": {"no finding": 0.8, "opacity": 0.2}}
            for name in ("low dose", "tablet")
        },
    }
    assert [kind["name"] for kind in card["types"]] == ["chest X-ray"]
    assert card["types"][0]["grey"]
    assert "shared_groups" not in card
    assert {"chest", "pa"} <= {word.casefold() for word in card["known_words"]}


def test_the_card_keeps_the_statistics_of_the_training_latents(
    folder: Path, domain_images: TrainingImages
) -> None:
    statistics = card_of(folder)["latent_normalisation"]
    assert set(statistics) == set(DOMAINS)
    codec = Generator.load(folder, device="cpu", dtype="float32").codec
    for name, found in statistics.items():
        train_rows = [
            i for i in domain_images.indices("train") if domain_images.rows[i].domain == name
        ]
        with torch.no_grad():
            z = codec.encode(domain_images.tensor(train_rows)).double()
        assert found["mean"] == pytest.approx(z.mean(dim=(0, 2, 3)).tolist(), abs=2e-3)
        std = z.std(dim=(0, 2, 3), unbiased=False)
        assert found["std"] == pytest.approx(std.tolist(), rel=2e-3)


def test_training_and_validation_see_normalised_latents(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[FlowTask] = []
    monkeypatch.setattr(FlowTask, "validate", spied(FlowTask.validate, seen.append))
    train(recipe, out=tmp_path / "run", overrides=QUICK, progress=False)
    data = seen[0].data
    assert len(data.types) == len(data.pairs) == 30
    assert set(data.types) == set(data.pairs) == set(DOMAINS)
    plain = data.train.plain()
    for name in DOMAINS:
        own = plain[[n for n, key in enumerate(data.types) if key == name]]
        assert own.mean(dim=(0, 2, 3)).tolist() == pytest.approx([0] * 4, abs=1e-4)
    val = data.val.plain()
    assert float(val.mean(dim=(0, 2, 3)).abs().max()) < 0.5  # other images, the same statistics
    assert float(val.std()) == pytest.approx(1, abs=0.3)


def test_kills_change_nothing_with_two_conditions(recipe: Path, tmp_path: Path) -> None:
    points = ["flow-step:4", "tensors-torn:3"]  # after the checkpoint of step 2; in that of step 4
    assert kill_and_compare(recipe, tmp_path, points) == [signal.SIGKILL] * 2


@pytest.mark.parametrize("kind", ["domain", "label+domain"])
def test_pixel_models_of_domains(kind: str, recipe: Path, tmp_path: Path) -> None:
    overrides = [*QUICK, "codec.path=identity", f"condition.kind={kind}"]
    made = train(recipe, out=tmp_path / "run", overrides=overrides, progress=False)
    generator = Generator.load(made, device="cpu", dtype="float32")
    assert isinstance(generator.codec, IdentityCodec)
    assert list(generator.conditioners) == kind.split("+")
    assert generator.sample([{"domain": "tablet"}], [1], steps=2).shape == (1, 3, 32, 32)
    card = card_of(made)
    assert card["pipeline"] is None
    mean = {name: values["mean"] for name, values in card["latent_normalisation"].items()}
    assert mean["high dose"][0] > mean["tablet"][0] > mean["low dose"][0]  # their brightness


def test_samples_are_watched_under_every_domain(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Watch] = []
    call = spied(Watch.__call__, lambda watch, *_: asked.append(watch))
    monkeypatch.setattr(Watch, "__call__", call)
    train(recipe, out=tmp_path / "run", overrides=QUICK, progress=False)
    records = asked[0].records
    assert {record["domain"] for record in records} == set(DOMAINS)  # type: ignore[index]
    assert all("chest" in record["text"] or record["text"] for record in records)  # type: ignore[index]
    assert asked[0].judged.all()


def test_a_domain_by_source(small_dataset: Path, recipe: Path, tmp_path: Path) -> None:
    sources = ", ".join(
        f"{{path: {small_dataset}, where: {{modality: {modality}}}, "
        f"columns: {{domain: {{const: {name}}}}}}}"
        for modality, name in (("X-ray", "a"), ("ultrasound", "b"))
    )
    overrides = [*QUICK, f"data.sources=[{sources}]", "codec.path=identity"]
    made = train(recipe, out=tmp_path / "run", overrides=overrides, progress=False)
    assert {name: facts["images"] for name, facts in card_of(made)["domains"].items()} == {
        "a": 16,
        "b": 16,
    }


def test_rows_without_a_domain_end_the_run_before_any_training(
    small_dataset: Path, recipe: Path, tmp_path: Path
) -> None:
    overrides = [*QUICK, f"data.sources={small_dataset}"]
    with pytest.raises(SynthmedError, match=r"80 of 80 .* rows have no domain"):
        train(recipe, out=tmp_path / "run", overrides=overrides, progress=False)
    assert not (tmp_path / "run" / "codec").exists()


# The recipes of the repository.


def imported(tmp_path: Path) -> Path:
    """Folders of X-DigiSkull's shape as a dataset folder, by the command of the recipe."""
    salt = tmp_path / "salt"
    salt.write_text("5a" * 32)  # the splits hang on it
    out = tmp_path / "x-digiskull"
    cells = (("modality", "X-ray"), ("body_part", "skull"))
    source = write_x_digiskull(tmp_path / "X-DigiSkull")
    import_dataset(source, out, format="domains", salt=salt, jobs=1, cells=cells)
    return out


def test_the_recipe_of_x_digiskull_trains_on_folders_of_its_shape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = read_dataset(imported(tmp_path)).rows
    assert {row.domain for row in rows} == set(X_DIGISKULL)
    monkeypatch.chdir(tmp_path)
    overrides = [
        *QUICK,
        *TINY_UNET,
        "data.image_size=32",
        "codec.block_out_channels=[8, 16]",
        "codec.layers_per_block=1",
        "codec.batch_size=4",
        "condition.width=32",
        "condition.heads=2",
        "codec.gate.psnr=1",
        "flow.watch_images=5",
    ]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = train(RECIPES / "x-digiskull.yaml", out="run", overrides=overrides, progress=False)
    texts = [str(warning.message) for warning in caught]
    domains = ", ".join(sorted(X_DIGISKULL))
    assert any(f"no held-out patients in {domains}. What is measured" in text for text in texts)
    assert any("of 0 groups are too few to look for copies" in text for text in texts)
    generator = Generator.load(made, device="cpu", dtype="float32")
    assert list(generator.conditioners) == ["domain"]
    card = card_of(made)
    assert set(card["domains"]) == set(X_DIGISKULL)
    hashes = sorted(hashlib.sha256(g).hexdigest() for g in (b"phantom", b"simulator"))
    assert card["shared_groups"] == hashes
    assert set(hashes) == set(card["training_groups"])
    assert [(kind["name"], kind["grey"]) for kind in card["types"]] == [("skull X-ray", True)]


def test_its_sizes_are_those_that_its_comments_name() -> None:
    recipe = recipe_of(RECIPES / "x-digiskull.yaml")
    assert recipe.condition.kind == "domain"
    assert recipe.denoiser.block_out_channels == (128, 256, 256, 256)
    assert recipe.denoiser.block_out_channels[1] // recipe.denoiser.heads == 64
    assert recipe.data.image_size // 2 ** (len(recipe.codec.block_out_channels) - 1) == 32


def test_the_recipe_of_medshift_64_trains_on_the_bundled_codec(
    domain_dataset: Path, tmp_path: Path
) -> None:
    overrides = [
        *QUICK,
        *TINY_UNET,
        f"data.sources={domain_dataset}",
        "data.variants=1",
        "condition.layers=1",
    ]
    made = train(
        RECIPES / "medshift-64.yaml", out=tmp_path / "run", overrides=overrides, progress=False
    )
    generator = Generator.load(made, device="cpu", dtype="float32")
    assert list(generator.conditioners) == ["text", "domain"]
    assert generator.codec.latent_channels == 10
    assert card_of(made)["training"]["codec"] == {"given": "base-64"}
    assert "CC BY-NC-SA" in card_of(made)["licence"]
