"""The project's own encoder: its network, its folder, and the one that is bundled."""

import hashlib
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from synthmed.errors import SafetyError, SynthmedError
from synthmed.measures.extractors.encoder_network import EncoderNetwork
from synthmed.measures.extractors.medical_encoder import (
    BUNDLED,
    CARD,
    WEIGHTS,
    MedicalEncoder,
    open_bundled,
)

TINY = (8, 8, 16, 8)


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    network = EncoderNetwork(TINY)
    network.mean.uniform_(-1, 1)
    network.spread.uniform_(0.5, 2)
    card = {"name": "tiny", "version": 3, "widths": list(TINY), "training_groups": ["b", "a"]}
    return MedicalEncoder(network, card)


def images(n=6, size=64, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, 3, size, size)).astype(np.float32)


def test_the_network_has_the_stated_size():
    network = EncoderNetwork()
    assert 1_000_000 < sum(p.numel() for p in network.parameters()) < 1_200_000
    assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 336)
    assert network.dimensions == 336


def test_features_are_shifted_and_scaled_and_keep_to_their_image(tiny):
    x = torch.from_numpy(images())
    raw = tiny.network.raw(x)
    expected = (raw - tiny.network.mean) / tiny.network.spread
    np.testing.assert_allclose(tiny(images()), expected.numpy(), atol=1e-5)
    np.testing.assert_allclose(tiny(images(300))[3:5], tiny(images(300)[3:5]), atol=1e-5)
    tiny.network.train()
    np.testing.assert_allclose(tiny(images()), expected.numpy(), atol=1e-5)


def test_the_stream_knows_brightness(tiny):
    flat = np.stack([np.full((3, 64, 64), v, np.float32) for v in (-0.5, 0.0, 0.5)])
    a, b, c = tiny(flat)
    assert min(np.linalg.norm(a - b), np.linalg.norm(b - c), np.linalg.norm(a - c)) > 1e-3


def test_a_saved_encoder_reopens_with_rounded_weights(tiny, tmp_path):
    tiny.save(tmp_path / "e")
    opened = MedicalEncoder.load(tmp_path / "e")
    np.testing.assert_allclose(opened(images()), tiny(images()), atol=0.02)
    assert opened.groups == ("a", "b")
    assert opened.id.startswith("tiny/3:")
    stored = load_file(tmp_path / "e" / WEIGHTS)
    assert stored["stem.weight"].dtype == torch.float16
    assert stored["spread"].dtype == torch.float32
    opened.save(tmp_path / "again")
    assert MedicalEncoder.load(tmp_path / "again").id == opened.id


def test_changed_weights_are_refused(tiny, tmp_path):
    tiny.save(tmp_path)
    state = load_file(tmp_path / WEIGHTS)
    state["stem.bias"] += 1
    save_file(state, tmp_path / WEIGHTS)
    with pytest.raises(SafetyError, match="not those"):
        MedicalEncoder.load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"format": 9}, "format 9"), ({"widths": [8, 8, 8, 8]}, "do not fit")],
)
def test_other_cards_are_refused(changes, message, tiny, tmp_path):
    tiny.save(tmp_path)
    card = json.loads((tmp_path / CARD).read_text())
    (tmp_path / CARD).write_text(json.dumps({**card, **changes}))
    with pytest.raises(SynthmedError, match=message):
        MedicalEncoder.load(tmp_path)


def test_no_encoder_there(tmp_path, monkeypatch):
    with pytest.raises(SynthmedError, match="no readable encoder"):
        MedicalEncoder.load(tmp_path)
    monkeypatch.setattr("synthmed.measures.extractors.medical_encoder.BUNDLED", tmp_path)
    with pytest.raises(SynthmedError, match="not part of this installation"):
        open_bundled("medical-64")


def test_the_bundled_encoder_is_small_and_says_where_it_comes_from():
    encoder = open_bundled("medical-64")
    folder = BUNDLED / "medical-64"
    assert sum(file.stat().st_size for file in folder.iterdir()) < 3_000_000
    assert encoder.id.startswith("medical-64/1:")
    assert encoder.card["parameters"] == sum(p.numel() for p in encoder.network.parameters())
    assert len(encoder.groups) > 100
    assert all(len(group) == 64 for group in encoder.groups)
    assert "Attribution-NonCommercial-ShareAlike" in (folder / "LICENSE").read_text()
    notice = (folder / "NOTICE").read_text()
    for source in encoder.card["sources"]:
        assert f"{source['source']}: {source['images']} images" in notice
        assert source["licence"]
        assert "test" not in source["splits"]


def test_the_bundled_encoder_was_not_trained_on_who_it_judges(shared_data):
    """Patients of split = train belong to the generator, those of split = test are judged."""
    import csv

    groups = set(open_bundled("medical-64").groups)
    found = {"train": 0, "val": 0, "test": 0}
    with (shared_data / "nih-cxr64" / "metadata.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            name = f"nih:{row['patient_id']}"
            found[row["split"]] += hashlib.sha256(name.encode()).hexdigest() in groups
    assert found["val"] > 0
    assert (found["train"], found["test"]) == (0, 0)


def test_the_bundled_encoder_sees_blur_and_noise():
    """Its distance to the clean images grows with the damage."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(-0.7, 0.7, (8, 1, 16, 16))
    clean = np.kron(coarse, np.ones((1, 1, 4, 4))) + rng.normal(0, 0.05, (8, 1, 64, 64))
    clean = np.clip(clean, -1, 1)
    encoder = open_bundled("medical-64")
    base = encoder(clean)
    grain = rng.normal(0, 1, clean.shape)
    noisy = [encoder(np.clip(clean + s * grain, -1, 1)) for s in (0.05, 0.1, 0.2)]
    moved = [np.linalg.norm(x - base, axis=1).mean() for x in noisy]
    assert moved == sorted(moved)
    assert moved[0] > 0.1
