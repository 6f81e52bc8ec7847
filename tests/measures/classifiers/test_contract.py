"""What every registered classifier must do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from synthmed.errors import SynthmedError
from synthmed.measures.classifiers.registry import CLASSIFIERS, make_classifier

SPECS = ("small-cnn", "small-cnn:32", "densenet121", "resnet:18", "hf")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny transformers classifier of five classes that reads 40 pixels."""
    from transformers import ResNetConfig, ResNetForImageClassification

    torch.manual_seed(1)
    out = tmp_path_factory.mktemp("hf") / "tiny"
    config = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=5
    )
    ResNetForImageClassification(config).save_pretrained(out)
    processor = {"size": {"shortest_edge": 40}, "image_mean": [0.5] * 3, "image_std": [0.2] * 3}
    (out / "preprocessor_config.json").write_text(json.dumps(processor))
    return out


@pytest.fixture(params=SPECS)
def spec(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "densenet121":
        pytest.importorskip("monai")
    return f"hf:{folder}" if request.param == "hf" else str(request.param)


def images(n: int, side: int = 32, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_every_registered_name_is_under_contract() -> None:
    assert {spec.partition(":")[0] for spec in SPECS} == set(CLASSIFIERS)


def test_shapes_and_small_images(spec: str) -> None:
    classifier = make_classifier(spec, 3)
    for side in (28, 48):
        assert classifier(images(2, side)).shape == (2, 3)
    assert classifier.preprocessing
    assert classifier.learning_rate > 0
    assert classifier.spec.partition(":")[0] == spec.partition(":")[0]


def test_the_seed_alone_decides_the_weights(spec: str) -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, same, other = (make_classifier(spec, 2, seed=s).network.state_dict() for s in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_gradients_reach_every_parameter(spec: str) -> None:
    classifier = make_classifier(spec, 2)
    F.cross_entropy(classifier(images(4)), torch.tensor([0, 1, 0, 1])).backward()
    for name, parameter in classifier.network.named_parameters():
        assert parameter.requires_grad, name
        assert parameter.grad is not None, name


def test_it_learns_bright_from_dark(spec: str) -> None:
    classifier = make_classifier(spec, 2, seed=0)
    labels = torch.tensor([0, 1] * 8)
    x = images(16) * 0.2 + (labels * 1.0 - 0.5)[:, None, None, None]
    optimiser = torch.optim.AdamW(classifier.network.parameters(), classifier.learning_rate * 2)
    losses = []
    for _ in range(20):
        loss = F.cross_entropy(classifier(x), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert min(losses[-3:]) < 0.6 * losses[0]


@torch.no_grad()
def test_judging_an_image_does_not_depend_on_its_batch(spec: str) -> None:
    classifier = make_classifier(spec, 2)
    classifier.network.eval()
    x = images(5)
    together, alone = classifier(x), torch.cat([classifier(x[i : i + 1]) for i in range(5)])
    assert torch.allclose(together, alone, atol=1e-4)
    assert together.std(dim=0).min() > 0  # the images are told apart at all


def test_a_given_trunk_is_kept_and_its_head_is_new(folder: Path) -> None:
    one, other = (make_classifier(f"hf:{folder}", 2, seed=s).network.state_dict() for s in (0, 1))
    differing = [name for name in one if not torch.equal(one[name], other[name])]
    assert differing
    assert all("classifier" in name for name in differing)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("vgg", "Known: small-cnn"),
        ("resnet:7", "resnet:18"),
        ("resnet", "resnet:18"),
        ("small-cnn:20", "multiple of 8"),
        ("small-cnn:x", "multiple of 8"),
        ("densenet121:3", "densenet121"),
        ("hf:", "hf:FOLDER"),
        ("hf:/nowhere/at/all", "hf:FOLDER"),
    ],
)
def test_a_bad_spec_is_one_clear_error(bad: str, message: str) -> None:
    with pytest.raises(SynthmedError, match=message):
        make_classifier(bad, 2)


def test_one_class_is_refused() -> None:
    with pytest.raises(SynthmedError, match="tells nothing apart"):
        make_classifier("small-cnn", 1)


def test_preprocessing_must_be_stated(folder: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("config.json", "model.safetensors"):
        (bare / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(SynthmedError, match="preprocessing"):
        make_classifier(f"hf:{bare}", 2)


def test_pickled_weights_are_not_read(folder: Path, tmp_path: Path) -> None:
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    for name in ("config.json", "preprocessor_config.json"):
        (pickled / name).write_bytes((folder / name).read_bytes())
    (pickled / "pytorch_model.bin").write_bytes(b"never read")
    with pytest.raises(SynthmedError, match="cannot be opened"):
        make_classifier(f"hf:{pickled}", 2)


def test_densenet_without_monai_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "monai.networks.nets.densenet", None)
    with pytest.raises(SynthmedError, match=r"synthmed\[monai\]"):
        make_classifier("densenet121", 2)


@pytest.mark.slow
def test_no_extra_is_imported_until_it_is_asked_for() -> None:
    code = (
        "import sys; from synthmed.measures.classifiers.registry import make_classifier as m; "
        "m('small-cnn:16', 2); print({'monai', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
