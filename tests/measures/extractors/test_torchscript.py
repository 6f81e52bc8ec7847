"""An Inception that the user gives as a TorchScript file; weights alone: test_inception.py."""

import warnings

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from synthmed.errors import SynthmedError
from synthmed.measures.features import load_extractor


class WithOption(nn.Module):
    """Like the common file of the FID's Inception: features only on demand."""

    def forward(self, img: Tensor, return_features: bool = False) -> Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(img, 2).flatten(1)
        return pooled if return_features else pooled[:, :3]


class Plain(nn.Module):
    def forward(self, img: Tensor) -> Tensor:
        return img.mean(dim=(2, 3))


class Maps(nn.Module):
    def forward(self, img: Tensor) -> Tensor:
        return img


class Empty(nn.Module):
    def forward(self, img: Tensor) -> Tensor:
        return img.mean(dim=(2, 3)) / (img.sum() * 0)


class Choosy(nn.Module):
    def forward(self, img: Tensor) -> Tensor:
        return img.mean(dim=(2, 3)) @ torch.ones(7, 7)


def saved(module, file):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(module.eval()).save(str(file))
    return file


def images(n=40):
    return np.random.default_rng(0).uniform(-1, 1, (n, 3, 16, 16)).astype(np.float32)


@pytest.mark.parametrize(("module", "width"), [(WithOption, 12), (Plain, 3)])
def test_it_gets_8_bit_values_and_gives_features(module, width, tmp_path):
    extract = load_extractor(f"inception:{saved(module(), tmp_path / 'net.pt')}")
    x = images()
    features = extract(x)
    assert features.shape == (40, width)
    assert features.dtype == np.float64
    np.testing.assert_allclose(extract(x[35:36]), features[35:36], atol=1e-4)
    assert extract.id.startswith("inception/1:")
    assert "0 to 255" in extract.preprocessing
    if module is Plain:
        levels = np.rint((x + 1) * 127.5)
        np.testing.assert_allclose(features, levels.mean(axis=(2, 3)), rtol=1e-5)
    grey = extract(x[:, :1])
    np.testing.assert_allclose(grey, extract(np.repeat(x[:, :1], 3, axis=1)), rtol=1e-6)
    with pytest.raises(SynthmedError, match="from -1 to 1"):
        extract(x * 128)


def test_other_files_have_another_id(tmp_path):
    files = [saved(m(), tmp_path / f"{m.__name__}.pt") for m in (WithOption, Plain)]
    assert len({load_extractor("inception", file).id for file in files}) == 2


@pytest.mark.parametrize("module", [Maps, Empty])
def test_a_network_without_rows_of_finite_features_is_refused(module, tmp_path):
    extract = load_extractor(f"inception:{saved(module(), tmp_path / 'net.pt')}")
    with pytest.raises(SynthmedError, match="no rows of finite features"):
        extract(images(2))


def test_a_network_that_fails_is_one_line(tmp_path):
    extract = load_extractor(f"inception:{saved(Choosy(), tmp_path / 'net.pt')}")
    with pytest.raises(SynthmedError, match="Inception network fails") as caught:
        extract(images(2))
    assert "\n" not in str(caught.value)


def test_no_file_and_no_torchscript(tmp_path):
    with pytest.raises(SynthmedError, match="no such file"):
        load_extractor(f"inception:{tmp_path / 'none.pt'}")
    (tmp_path / "weights.pth").write_bytes(b"nonsense")
    with pytest.raises(SynthmedError, match="no TorchScript"):
        load_extractor(f"inception:{tmp_path / 'weights.pth'}")
    torch.save({"a": torch.zeros(2)}, tmp_path / "state.pth")
    with pytest.raises(SynthmedError, match="no TorchScript"):
        load_extractor(f"inception:{tmp_path / 'state.pth'}")


def test_pickled_weights_are_told_how_they_are_read(tmp_path):
    torch.save({"a": torch.zeros(2)}, tmp_path / "pt_inception.pth")
    with pytest.raises(SynthmedError, match="convert them to safetensors"):
        load_extractor(f"inception:{tmp_path / 'pt_inception.pth'}")
