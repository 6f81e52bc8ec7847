"""The small classifier: it learns several tasks with gaps, is repeatable, and reopens."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from synthmed.errors import DivergedError, SafetyError, SynthmedError
from synthmed.measures.agreement import auroc
from synthmed.measures.classifier import Classifier, fit_classifier
from synthmed.measures.features import load_extractor
from synthmed.measures.small_cnn import SmallCNN


def toy(n, seed):
    """Type: horizontal or vertical stripes. Finding: a bright spot, known for type 0 only."""
    rng = np.random.default_rng(seed)
    kind, finding = rng.integers(0, 2, n), rng.integers(0, 2, n)
    wave = 0.3 * np.sin(np.arange(64) / 2 + rng.uniform(0, 6, (n, 1)))
    images = np.where(kind[:, None, None] == 0, wave[:, None, :], wave[:, :, None])
    images = images + 0.1 * rng.normal(size=(n, 64, 64))
    for i in np.flatnonzero(finding):
        y, x = rng.integers(8, 32, 2)
        images[i, y : y + 24, x : x + 24] += 0.6
    images = np.clip(np.repeat(images[:, None], 3, axis=1), -1, 1).astype(np.float32)
    return images, {"type": kind, "finding": np.where(kind == 0, finding, -1)}, finding


def fit(images, targets, **changes):
    settings = {"groups": ["b", "a", "a"], "epochs": 3, "batch_size": 16, **changes}
    return fit_classifier(images, targets, **settings)


@pytest.fixture(scope="module")
def trained():
    images, targets, _ = toy(160, 0)
    names = {"type": ["across", "down"], "finding": ["none", "spot"]}
    return fit(images, targets, epochs=6, classes=names)


def test_it_learns_both_tasks_from_partly_labelled_images(trained):
    images, targets, _ = toy(150, 1)
    chances = trained.predict(images)
    known = targets["finding"] >= 0
    assert (chances["type"].argmax(axis=1) == targets["type"]).mean() > 0.95
    assert auroc(targets["finding"][known], chances["finding"][known, 1]) > 0.9
    for values in chances.values():
        np.testing.assert_allclose(values.sum(axis=1), 1.0, atol=1e-9)


def test_the_network_has_about_the_stated_size(trained):
    assert 300_000 < sum(p.numel() for p in trained.network.parameters()) < 500_000


def test_an_images_features_do_not_depend_on_its_batch_or_on_training_mode(trained):
    images, _, _ = toy(12, 2)
    features = trained.features(images)
    assert features.shape == (12, 128)
    np.testing.assert_allclose(trained.features(images[3:4]), features[3:4], atol=1e-5)
    before = trained.id
    trained.network.train()
    np.testing.assert_array_equal(trained.features(images), features)
    trained.network.eval()
    assert trained.id == before


def test_the_same_seed_gives_the_same_weights_and_touches_no_global_generator():
    images, targets, _ = toy(32, 0)
    state = torch.get_rng_state()
    first = fit(images, targets, epochs=1)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(3)
    assert fit(images, targets, epochs=1).id == first.id
    assert fit(images, targets, epochs=1, seed=1).id != first.id


def test_a_saved_classifier_predicts_the_same(trained, tmp_path):
    trained.save(tmp_path)
    reopened = Classifier.load(tmp_path)
    images, _, _ = toy(8, 3)
    np.testing.assert_array_equal(
        reopened.predict(images)["finding"], trained.predict(images)["finding"]
    )
    assert reopened.classes == {"type": ("across", "down"), "finding": ("none", "spot")}
    assert reopened.groups == ("a", "b")
    assert reopened.training["images"] == 160
    assert load_extractor("small-cnn", tmp_path).id == trained.id
    assert sorted(f.name for f in tmp_path.iterdir()) == ["classifier.json", "model.safetensors"]


def test_changed_weights_foreign_formats_and_empty_folders_are_refused(trained, tmp_path):
    with pytest.raises(SynthmedError, match="no readable classifier"):
        Classifier.load(tmp_path)
    trained.save(tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    state["stem.bias"] += 1
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(SafetyError, match="not those that the card names"):
        Classifier.load(tmp_path)
    save_file({"other": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(SynthmedError, match="do not fit"):
        Classifier.load(tmp_path)
    card = json.loads((tmp_path / "classifier.json").read_text())
    (tmp_path / "classifier.json").write_text(json.dumps({**card, "format": 99}))
    with pytest.raises(SynthmedError, match="format 99"):
        Classifier.load(tmp_path)


def test_augmentation_gets_each_row_and_draws_repeatably():
    images, targets, _ = toy(20, 0)
    rows = []

    def augment(x, row, draw):
        rows.append(row)
        assert torch.equal(x, torch.from_numpy(images[row]))
        return x + 0.1 * torch.rand((), generator=draw)

    first = fit(images, targets, epochs=1, augment=augment)
    assert sorted(rows) == list(range(20))
    assert fit(images, targets, epochs=1, augment=augment).id == first.id
    assert fit(images, targets, epochs=1).id != first.id


def test_rare_classes_count_as_much_as_common_ones():
    """9 to 1 and no signal: a balanced classifier says one half, an unbalanced one 10 %."""
    rng = np.random.default_rng(0)
    images = 0.1 * rng.normal(size=(200, 1, 64, 64))
    rare = (np.arange(200) % 10 == 0).astype(int)
    chances = fit(images, {"rare": rare}, epochs=3).predict(images[:50])["rare"][:, 1]
    assert 0.3 < chances.mean() < 0.7


def test_grey_and_larger_images_are_taken(trained):
    images, _, _ = toy(4, 4)
    large = np.repeat(np.repeat(images[:, :1], 2, axis=2), 2, axis=3)
    np.testing.assert_allclose(trained.features(large), trained.features(images), atol=1e-5)


def test_labels_that_do_not_fit_are_refused():
    images = np.zeros((6, 3, 64, 64), np.float32)
    with pytest.raises(SynthmedError, match="6 integers"):
        fit(images, {"type": np.zeros(5, int)})
    with pytest.raises(SynthmedError, match="6 integers"):
        fit(images, {"type": np.array([0.0, 1, 0, 1, 0, 1])})
    with pytest.raises(SynthmedError, match="two classes"):
        fit(images, {"type": np.array([0, 0, -1, -1, 0, 0])})
    with pytest.raises(SynthmedError, match="label 2 of 2 classes"):
        fit(images, {"type": np.array([0, 1, 2, 0, 1, 2])}, classes={"type": ["a", "b"]})
    with pytest.raises(SynthmedError, match="at least one task"):
        fit(images, {})


def test_a_loss_that_is_no_number_stops():
    images, targets, _ = toy(16, 0)
    with pytest.raises(DivergedError, match="at step"):
        fit(images, targets, learning_rate=1e30)


def test_missing_labels_give_no_gradient():
    """A batch with no known label of a task leaves its loss at 0, not at not-a-number."""
    images, targets, _ = toy(40, 0)
    targets["finding"] = np.full(40, -1)
    targets["finding"][:2] = [0, 1]
    trained = fit(images, targets, batch_size=4, epochs=1)
    assert all(torch.isfinite(p).all() for p in trained.network.parameters())
    assert isinstance(trained.network, SmallCNN)
