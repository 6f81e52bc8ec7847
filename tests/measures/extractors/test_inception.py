"""Inception-v3 from weights alone: the network of the usual FID, on weights drawn at random."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from synthmed.errors import SynthmedError
from synthmed.measures.extractors.inception_network import (
    FEATURES,
    POOLS,
    InceptionNetwork,
    bilinear,
)
from synthmed.measures.extractors.inception_weights import check_state
from synthmed.measures.features import load_extractor


@pytest.fixture(scope="module")
def network():
    """Weights of a size that keeps the values alive through all layers (He et al. 2015)."""
    draw = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        made = InceptionNetwork()
    for name, tensor in made.state_dict().items():
        if tensor.ndim == 4:
            fan = tensor[0].numel()
            tensor.copy_(torch.randn(tensor.shape, generator=draw) * (2 / fan) ** 0.5)
        elif name.endswith(("bn.bias", "running_mean")):
            tensor.copy_(0.1 * torch.randn(tensor.shape, generator=draw))
        elif name.endswith(("bn.weight", "running_var")):
            tensor.copy_(0.8 + 0.4 * torch.rand(tensor.shape, generator=draw))
    return made.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def file(network, tmp_path_factory):
    """As converters write it: with the classifier, without the counters."""
    state = {n: t for n, t in network.state_dict().items() if not n.endswith("tracked")}
    state |= {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    path = tmp_path_factory.mktemp("inception") / "inception.safetensors"
    save_file(state, path)
    return path


@pytest.fixture(scope="module")
def extract(file):
    before = torch.random.get_rng_state()
    found = load_extractor(f"inception:{file}")
    assert torch.equal(before, torch.random.get_rng_state())  # nothing is drawn
    return found


def images(n=2, size=24):
    return np.random.default_rng(0).uniform(-1, 1, (n, 3, size, size)).astype(np.float32)


def test_the_network_has_the_layers_of_the_published_weights(network):
    """94 convolutions; numbers as in other libraries' Inception-v3 without its classifier."""
    state = network.state_dict()
    convolutions = [tensor for name, tensor in state.items() if name.endswith(".conv.weight")]
    assert len(convolutions) == 94
    assert sum(tensor.numel() for tensor in convolutions) == 21_751_136
    assert sum(len(tensor) for tensor in convolutions) == 17_216
    norms = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    assert len(state) == 94 * (1 + len(norms))
    for name, shape in {
        "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
        "Conv2d_4a_3x3.bn.running_var": (192,),
        "Mixed_5b.branch_pool.conv.weight": (32, 192, 1, 1),
        "Mixed_6a.branch3x3dbl_3.conv.weight": (96, 96, 3, 3),
        "Mixed_6b.branch7x7dbl_4.conv.weight": (128, 128, 7, 1),
        "Mixed_6e.branch7x7_2.conv.weight": (192, 192, 1, 7),
        "Mixed_7a.branch7x7x3_4.bn.bias": (192,),
        "Mixed_7c.branch3x3dbl_3b.conv.weight": (384, 384, 3, 1),
    }.items():
        assert tuple(state[name].shape) == shape


def test_the_sides_of_the_maps_are_those_of_the_paper(network):
    x, sides = torch.zeros(1, 3, 299, 299), []
    hooks = [
        module.register_forward_hook(lambda _m, _i, out: sides.append(tuple(out.shape[1:])))
        for name, module in network.named_children()
        if name in ("Conv2d_2b_3x3", "Mixed_5d", "Mixed_6e", "Mixed_7c")
    ]
    assert network(x).shape == (1, FEATURES) == (1, 2048)
    for hook in hooks:
        hook.remove()
    assert sides == [(64, 147, 147), (288, 35, 35), (768, 17, 17), (2048, 8, 8)]


def test_mean_pools_leave_the_padding_out():
    ones = torch.ones(1, 1, 4, 5)
    torch.testing.assert_close(POOLS["mean"](ones), ones)
    torch.testing.assert_close(POOLS["maximum"](-ones), -ones)
    assert POOLS["halve"](torch.zeros(1, 1, 147, 147)).shape[-1] == 73


@pytest.mark.parametrize(("name", "pool"), [("Mixed_7b", "mean"), ("Mixed_7c", "maximum")])
def test_the_last_blocks_join_their_branches_in_order(network, name, pool):
    block = network.get_submodule(name)
    width = {"Mixed_7b": 1280, "Mixed_7c": 2048}[name]
    x = torch.randn(1, width, 8, 8, generator=torch.Generator().manual_seed(1))

    def unit(layer, value):
        conv, bn = block.get_submodule(layer).conv, block.get_submodule(layer).bn
        padding = tuple(side // 2 for side in conv.weight.shape[2:])
        y = F.conv2d(value, conv.weight, padding=padding)
        y = (y - bn.running_mean[:, None, None]) / torch.sqrt(bn.running_var + 0.001)[:, None, None]
        return (y * bn.weight[:, None, None] + bn.bias[:, None, None]).clamp(min=0)

    middle = unit("branch3x3_1", x)
    double = unit("branch3x3dbl_2", unit("branch3x3dbl_1", x))
    if pool == "mean":
        ones = torch.ones(1, 1, 8, 8)
        pooled = F.avg_pool2d(x, 3, 1, 1) / F.avg_pool2d(ones, 3, 1, 1)
    else:
        pooled = F.max_pool2d(x, 3, 1, 1)
    expected = [
        unit("branch1x1", x),
        unit("branch3x3_2a", middle),
        unit("branch3x3_2b", middle),
        unit("branch3x3dbl_3a", double),
        unit("branch3x3dbl_3b", double),
        unit("branch_pool", pooled),
    ]
    torch.testing.assert_close(block(x), torch.cat(expected, 1), rtol=1e-4, atol=1e-4)


def test_lines_are_resized_as_tensorflow_1_did():
    """New pixel i is at i · source / target: the first ones coincide, the last is repeated."""
    line = torch.tensor([0.0, 10.0, 20.0, 30.0])
    found = bilinear(4, 8) @ line
    assert found.tolist() == [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 30.0]
    assert (bilinear(8, 4) @ torch.arange(8.0)).tolist() == [0.0, 2.0, 4.0, 6.0]
    assert torch.equal(bilinear(299), torch.eye(299))
    for source in (1, 28, 512):
        torch.testing.assert_close(bilinear(source).sum(1), torch.ones(299))


def test_features_of_weights_alone(extract, network):
    x = images()
    features = extract(x)
    assert features.shape == (2, 2048)
    assert features.dtype == np.float64
    assert (features >= 0).all()
    assert features.std(axis=0).mean() > 1e-3  # the images differ, and so do their features
    np.testing.assert_allclose(extract(x[1:]), features[1:], rtol=1e-4, atol=1e-5)
    levels = torch.from_numpy(np.rint((x + 1) * 127.5)).float()
    np.testing.assert_allclose(network(levels).double().numpy(), features, rtol=1e-5, atol=1e-6)
    grey = extract(x[:1, :1])
    np.testing.assert_allclose(grey, extract(np.repeat(x[:1, :1], 3, axis=1)), rtol=1e-5)
    assert extract.id.startswith("inception-fid/1:")
    assert "299 × 299 as in TensorFlow 1" in extract.preprocessing


def test_the_same_network_as_torchscript_gives_the_same_features(extract, network, tmp_path):
    x = images()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(network, torch.zeros(1, 3, 24, 24), check_trace=False)
        traced.save(str(tmp_path / "inception.pt"))
    other = load_extractor(f"inception:{tmp_path / 'inception.pt'}")
    assert other.id != extract.id
    np.testing.assert_allclose(other(x), extract(x), rtol=1e-4, atol=1e-5)


def without(name):
    return lambda state: {key: value for key, value in state.items() if key != name}


def with_(name, tensor):
    return lambda state: {**state, name: tensor}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("Mixed_6c.branch7x7_2.bn.running_mean"), r"'Mixed_6c\.branch7x7_2\.bn\.running_m"),
        (with_("Mixed_8a.conv.weight", torch.zeros(1)), "'Mixed_8a.conv.weight' belongs to no"),
        (with_("fc.weight", torch.zeros(1000, 2048)), "weights of torchvision's Inception-v3"),
        (with_("AuxLogits.fc.bias", torch.zeros(3)), "weights of torchvision's Inception-v3"),
        (with_("Conv2d_2b_3x3.bn.bias", torch.zeros(63)), r"'Conv2d_2b_3x3.bn.bias' is \(63,\) f"),
        (with_("Conv2d_2b_3x3.bn.bias", torch.zeros(64, dtype=torch.int64)), r"is \(64,\) int64"),
    ],
)
def test_other_weights_are_refused_by_the_name_of_the_tensor(network, change, message):
    own = network.state_dict()
    check_state(own, own, "inception:x")
    with pytest.raises(SynthmedError, match=message) as caught:
        check_state(change(own), own, "inception:x")
    assert "\n" not in str(caught.value)


def test_a_few_tensors_and_no_safetensors(tmp_path):
    save_file({"fc.bias": torch.zeros(1008)}, tmp_path / "few.safetensors")
    with pytest.raises(SynthmedError, match=r"missing \(470 of 470 are\)"):
        load_extractor(f"inception:{tmp_path / 'few.safetensors'}")
    (tmp_path / "no.safetensors").write_bytes(b"nonsense")
    with pytest.raises(SynthmedError, match="no safetensors file"):
        load_extractor(f"inception:{tmp_path / 'no.safetensors'}")
    torch.save({"a": torch.zeros(2)}, tmp_path / "pickle.safetensors")
    with pytest.raises(SynthmedError, match="no safetensors file"):
        load_extractor(f"inception:{tmp_path / 'pickle.safetensors'}")
