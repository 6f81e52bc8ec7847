"""CycleGAN (Zhu et al. 2017, arXiv:1703.10593): its networks, and translation by trained ones.

As in the paper: ResNet generator with reflection padding and instance norm, PatchGAN. For 64 pixels
the generator has 6 residual blocks (the paper's number for 128 pixels and below), and the
discriminator judges patches of 34 pixels, because the paper's 70 are more than the image.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from benchmarks.data import eight_bits
from synthmed.models.hashing import weights_hash

BLOCKS = 6
BATCH = 32
FAMILY = "CycleGAN"
Pixels = npt.NDArray[np.float32]


class Residual(nn.Module):
    """Two 3 × 3 convolutions beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_layer(nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect"), width),
            nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(width),
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """`(B, C, H, W)` to the same shape."""
        out: Tensor = x_BCHW + self.body(x_BCHW)
        return out


def _layer(convolution: nn.Module, width: int) -> list[nn.Module]:
    return [convolution, nn.InstanceNorm2d(width), nn.ReLU(inplace=True)]


def generator(channels: int, width: int, blocks: int = BLOCKS) -> nn.Sequential:
    """The paper's generator: c7s1-w, d2w, d4w, R4w × blocks, u2w, uw, c7s1, tanh."""
    last = nn.Conv2d(width, channels, 7, padding=3, padding_mode="reflect")
    return _initialised(
        nn.Sequential(
            *_layer(nn.Conv2d(channels, width, 7, padding=3, padding_mode="reflect"), width),
            *_layer(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), 2 * width),
            *_layer(nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1), 4 * width),
            *(Residual(4 * width) for _ in range(blocks)),
            *_layer(_up(4 * width, 2 * width), 2 * width),
            *_layer(_up(2 * width, width), width),
            last,
            nn.Tanh(),
        )
    )


def _up(wide: int, narrow: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(wide, narrow, 3, stride=2, padding=1, output_padding=1)


def discriminator(channels: int, width: int) -> nn.Sequential:
    """A PatchGAN with a receptive field of 34 pixels: scores `(B, 1, h, w)`, 1 for real."""

    def layer(before: int, after: int, stride: int, norm: bool = True) -> list[nn.Module]:
        convolution = nn.Conv2d(before, after, 4, stride=stride, padding=1)
        return [
            convolution,
            *([nn.InstanceNorm2d(after)] if norm else []),
            nn.LeakyReLU(0.2, inplace=True),
        ]

    return _initialised(
        nn.Sequential(
            *layer(channels, width, 2, norm=False),
            *layer(width, 2 * width, 2),
            *layer(2 * width, 4 * width, 1),
            nn.Conv2d(4 * width, 1, 4, padding=1),
        )
    )


def _initialised(network: nn.Sequential) -> nn.Sequential:
    """Weights from N(0, 0.02²), as in the paper."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network


def count(network: nn.Module) -> int:
    """Number of parameters."""
    return sum(p.numel() for p in network.parameters())


@dataclass
class CycleGAN:
    """A trained pair of generators, as a `Method` of `translate_methods`.

    Attributes:
        networks: Generator by target domain.
        trained_parameters: Of everything that was trained, discriminators too.
        views: Images that the training saw.
        hash: Of the weights.
        device: Where to compute.
    """

    networks: dict[str, nn.Sequential]
    trained_parameters: int
    views: int
    hash: str
    device: torch.device
    name: str = FAMILY
    family: str = FAMILY
    evaluations: float = 0

    @property
    def parameters(self) -> int:
        """Of the one generator that runs when an image is translated."""
        return count(next(iter(self.networks.values())))

    @property
    def key(self) -> str:
        """What decides the output beside images and domains."""
        return f"{self.name} {self.hash}"

    @torch.no_grad()
    def translate(self, images_N1SS: Pixels, source: str, target: str) -> Pixels:
        """Images to the target domain: one pass of its generator; 8 bits deep."""
        network = self.networks[target]
        parts = torch.from_numpy(np.ascontiguousarray(images_N1SS)).split(BATCH)
        made = [network(part.to(self.device)).float().cpu() for part in parts]
        return eight_bits(torch.cat(made).numpy())

    @classmethod
    def trained(
        cls,
        a_N1SS: Pixels,
        b_N1SS: Pixels,
        names: tuple[str, str],
        work: Path,
        views: int,
        tiny: bool,
        device: str,
        seed: int = 0,
        width: int = 0,
    ) -> CycleGAN:
        """Train on two unpaired sets of images, or continue, or open what was trained.

        Args:
            a_N1SS: Images of the first domain in [-1, 1].
            b_N1SS: Images of the second one.
            names: The domains' names.
            work: Folder of checkpoints and weights.
            views: Images of both domains that the networks see.
            tiny: Networks that only prove that the script works.
            device: Where to compute.
            seed: Seeds everything random.
            width: Channels of the first layer; 0 takes 8 for tiny networks, else 16.
        """
        from benchmarks.translate_cyclegan_training import Setup, fit

        width = width or (8 if tiny else 16)
        setup = Setup(names, views, width, 1 if tiny else BLOCKS, seed)
        if not (work / "cyclegan.json").is_file():
            fit(a_N1SS, b_N1SS, setup, work, device)
        return cls.load(work, device)

    @classmethod
    def load(cls, folder: Path, device: str) -> CycleGAN:
        """Open what `trained` wrote."""
        card = json.loads((folder / "cyclegan.json").read_text(encoding="utf-8"))
        place, networks = torch.device(device), {}
        state = load_file(folder / "cyclegan.safetensors")
        for number, name in enumerate(card["names"]):
            network = generator(card["channels"], card["width"], card["blocks"])
            start = f"{number}."
            own = {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
            network.load_state_dict(own)
            networks[name] = network.to(place).eval().requires_grad_(False)
        weights = weights_hash(folder / "cyclegan.safetensors")
        return cls(networks, card["parameters"], card["views"], weights, place)
