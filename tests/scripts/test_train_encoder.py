"""The training of the bundled encoder: who may be learnt from, what is learnt, continuing."""

from __future__ import annotations

import copy
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from synthmed.errors import SafetyError
from synthmed.measures.extractors.medical_encoder import MedicalEncoder

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import encoder_learner
import encoder_views
import train_encoder
from encoder_data import class_names, read_data

WIDTHS = (8, 8, 8, 8)
TASKS: list[dict[str, Any]] = [
    {
        "name": "finding",
        "image_type": "chest X-ray",
        "column": "labels",
        "classes": {"no finding": "none"},
        "other": "some",
    },
    {"name": "age", "image_type": "chest X-ray", "column": "age", "bins": [47, 60]},
    {"name": "absent", "image_type": "chest X-ray", "column": "view", "classes": {"LL": "LL"}},
]


@pytest.fixture
def recipe(small_dataset: Path, tmp_path: Path) -> dict[str, Any]:
    sources = [{"path": str(small_dataset), "licence": "CC0", "credit": "made"}]
    (tmp_path / "sources.yaml").write_text(yaml.safe_dump(sources))
    arrays = {}
    for split, n in (("train", 6), ("val", 4), ("test", 5)):
        arrays[f"{split}_images"] = np.random.default_rng(n).integers(0, 255, (n, 28, 28), np.uint8)
        arrays[f"{split}_labels"] = np.arange(n)[:, None] % 2
    np.savez(tmp_path / "small.npz", **arrays)
    npz = {"path": "small.npz", "splits": ["train", "val"], "image_type": "chest X-ray"}
    return {
        "name": "tiny",
        "version": 1,
        "seed": 0,
        "sources": {"path": "sources.yaml", "splits": ["val"]},
        "npz": [{**npz, "labels": ["no finding", "opacity"], "licence": "CC0", "credit": "made"}],
        "npz_share": 0.25,
        "licence": "CC0",
        "tasks": TASKS,
        "training": {
            "batch_size": 8,
            "steps": 4,
            "learning_rate": 1e-3,
            "weight_decay": 0.05,
            "temperature": 0.2,
            "weights": {"type": 1.0, "tasks": 1.0, "same_image": 1.0, "damage": 0.5},
        },
    }


def test_only_the_allowed_splits_are_read(recipe: dict[str, Any], tmp_path: Path) -> None:
    data = read_data(recipe, tmp_path)
    folder = [row for row, packed in zip(data.rows, data.from_npz, strict=True) if not packed]
    assert len(folder) == 16
    assert {row.split for row in folder} == {"val"}
    assert data.from_npz.sum() == 10
    assert len(data.groups) == 8
    assert [source["images"] for source in data.sources] == [16, 10]
    assert data.small_N3SS.shape == (26, 3, 64, 64)
    assert data.large_N3SS.shape == (26, 3, 96, 96)
    assert list(data.targets) == ["type", "finding", "age"]  # nobody has the third task's answer
    assert class_names(TASKS[1]) == ["below 47", "from 47", "from 60"]
    xrays = [i for i, row in enumerate(data.rows) if row.image_type == "chest X-ray"]
    for i in xrays:
        says = data.classes["finding"][data.targets["finding"][i]]
        assert says == ("none" if data.rows[i].labels == ("no finding",) else "some")
    others = sorted(set(range(26)) - set(xrays))
    assert set(data.targets["finding"][others]) == {-1}


def test_a_picture_of_a_forbidden_split_is_refused(
    recipe: dict[str, Any], small_dataset: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "leaky"
    shutil.copytree(small_dataset, copied)
    one = next((copied / "val").rglob("xray*.png"))
    other = next((copied / "test").rglob("xray*.png"))
    shutil.copy(other, one)
    (tmp_path / "sources.yaml").write_text(yaml.safe_dump([{"path": str(copied)}]))
    with pytest.raises(SafetyError, match="same picture"):
        read_data(recipe, tmp_path)


def test_a_group_of_a_forbidden_split_is_refused(
    recipe: dict[str, Any], small_dataset: Path, tmp_path: Path
) -> None:
    more = {"path": str(small_dataset), "splits": ["test"], "columns": {}}
    recipe["more"] = [{**more, "licence": "CC0", "credit": "made"}]
    with pytest.raises(SafetyError, match="groups are also in splits"):
        read_data(recipe, tmp_path)


def test_types_and_packed_images_get_their_share(recipe: dict[str, Any], tmp_path: Path) -> None:
    data = read_data(recipe, tmp_path)
    chances = encoder_learner.shares(data, 0.25)
    assert chances.sum() == pytest.approx(1)
    assert chances[data.from_npz].sum() == pytest.approx(0.25)
    kinds = np.asarray([row.image_type for row in data.rows])[~data.from_npz]
    per_type = [chances[~data.from_npz][kinds == kind].sum() for kind in set(kinds)]
    assert per_type == pytest.approx([0.75 / 4] * 4)  # all types have as many images


def test_twins_are_what_the_loss_rewards() -> None:
    z = torch.randn(6, 16, generator=torch.Generator().manual_seed(0))
    rows = np.arange(6)
    alike = encoder_learner.same_image(torch.cat([z, z]), 0.2, rows)
    crossed = encoder_learner.same_image(torch.cat([z, z.roll(1, 0)]), 0.2, rows)
    assert alike < 0.5 < crossed
    drawn_twice = encoder_learner.same_image(torch.cat([z, z]), 0.2, np.zeros(6, np.int64))
    assert drawn_twice == pytest.approx(0.0, abs=1e-6)  # nothing to be told apart


def test_damage_is_what_it_says_and_grey_stays_grey() -> None:
    draw = torch.Generator().manual_seed(0)
    grey = torch.rand(32, 1, 64, 64, generator=draw).repeat(1, 3, 1, 1) - 0.5
    damaged, amount = encoder_views.damage(grey, 0.5, draw)
    assert torch.equal(damaged[:, 0], damaged[:, 2])
    untouched = amount.sum(dim=1) == 0
    assert 0 < untouched.sum() < 32
    torch.testing.assert_close(damaged[untouched], grey[untouched])
    moved = (damaged - grey).flatten(1).std(dim=1)
    assert np.corrcoef(moved, amount.max(dim=1).values)[0, 1] > 0.5
    toned = encoder_views.tones(grey, draw)
    torch.testing.assert_close(toned[:, 0], toned[:, 2])
    assert encoder_views.crop(grey, 48, draw).shape == (32, 3, 48, 48)
    flat = torch.full((1, 3, 8, 8), 0.3)
    torch.testing.assert_close(encoder_views.blurred(flat), flat)


def test_a_killed_run_continues_to_the_same_weights(
    recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = read_data(recipe, tmp_path)
    monkeypatch.setattr(train_encoder, "SAVE_EVERY", 2)
    whole, facts = train_encoder.train(recipe, data, tmp_path / "whole", widths=WIDTHS)
    assert facts["steps"] == 4
    assert facts["views"] == 64
    losses_of = train_encoder.losses_of

    def killed(*arguments: Any) -> Any:
        if arguments[-1] == 3:
            raise KeyboardInterrupt
        return losses_of(*arguments)

    monkeypatch.setattr(train_encoder, "losses_of", killed)
    with pytest.raises(KeyboardInterrupt):
        train_encoder.train(recipe, data, tmp_path / "cut", widths=WIDTHS)
    monkeypatch.setattr(train_encoder, "losses_of", losses_of)
    again, _ = train_encoder.train(recipe, data, tmp_path / "cut", widths=WIDTHS)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_it_learns(recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_encoder, "WARM_UP", 5)
    data = read_data(recipe, tmp_path)
    longer = copy.deepcopy(recipe)
    longer["training"] |= {"learning_rate": 5e-3}
    chances, weights = encoder_learner.shares(data, 0.25), encoder_learner.class_weights(data)
    losses = []
    for steps in (1, 60):
        longer["training"]["steps"] = steps
        learner, _ = train_encoder.train(longer, data, tmp_path / str(steps), widths=WIDTHS)
        found = [
            encoder_learner.losses_of(learner, data, chances, weights, longer, 1000 + i)["type"]
            for i in range(4)
        ]
        losses.append(float(torch.stack(found).mean().detach()))
    assert losses[1] < 0.8 * losses[0]


def test_the_clock_ends_a_run(recipe: dict[str, Any], tmp_path: Path) -> None:
    data = read_data(recipe, tmp_path)
    recipe["training"]["steps"] = 10**6
    _, facts = train_encoder.train(recipe, data, tmp_path / "out", minutes=0.01, widths=WIDTHS)
    assert 0 < facts["steps"] < 10**4
    assert facts["planned_steps"] == 10**6


def test_features_are_scaled_and_the_card_says_who_was_seen(
    recipe: dict[str, Any], tmp_path: Path
) -> None:
    data = read_data(recipe, tmp_path)
    learner, facts = train_encoder.train(recipe, data, tmp_path / "run", widths=WIDTHS)
    network = learner.network.eval()
    train_encoder.standardise(network, data)
    card = train_encoder.make_card(recipe, data, facts, network)
    assert card["widths"] == list(WIDTHS)
    encoder = MedicalEncoder(network, card)
    features = encoder(data.small_N3SS[:16] / 127.5 - 1)  # every type as often: plain moments
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(features.std(axis=0), 1, atol=0.05)
    encoder.save(tmp_path / "encoder")
    opened = MedicalEncoder.load(tmp_path / "encoder")
    assert opened.groups == tuple(data.groups)
    assert opened.card["sources"][1]["file_sha256"]
    assert opened.card["training"]["steps"] == 4
