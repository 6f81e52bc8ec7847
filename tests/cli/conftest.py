"""A tiny real generator with random weights, and a way to run the command in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from synthmed.datasets.prompts import prompt_examples
from synthmed.datasets.words import vocabulary
from synthmed.models.codec import AutoencoderCodec, build_autoencoder
from synthmed.models.denoiser import build_unet
from synthmed.models.generator import Generator
from synthmed.training.recipe import ConditionSettings
from synthmed.training.text import build_text_conditioner
from synthmed.transport.paths import LinearPath

KINDS = ("chest X-ray", "dermatoscopy")
Command = Callable[..., list[str]]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a text generator of 16 x 16 pixels."""
    torch.manual_seed(0)
    texts = [text for kind in KINDS for text in prompt_examples()[kind]]
    settings = ConditionSettings(vocabulary=520, width=32, layers=1, heads=2, max_length=48)
    vae = build_autoencoder(
        image_size=16, latent_channels=4, block_out_channels=(16, 16), layers_per_block=1
    )
    unet = build_unet(
        sample_size=8,
        latent_channels=4,
        condition_width=32,
        block_out_channels=(16, 32),
        attention=(False, True),
        layers_per_block=1,
        heads=2,
    )
    card = {
        "name": "tiny",
        "types": [
            {"name": "chest X-ray", "grey": True, "images": 8, "words": ["chest", "x", "ray"]},
            {"name": "dermatoscopy", "grey": False, "images": 8, "words": ["dermatoscopy"]},
        ],
        "known_words": sorted(vocabulary(texts)),
        "licence": "CC0-1.0",
        "sampling": {"steps": 3, "guidance": 1.5},
    }
    generator = Generator(
        codec=AutoencoderCodec(vae),
        conditioners={"text": build_text_conditioner(texts, settings, 0)},
        unet=unet,
        path=LinearPath(),
        image_size=16,
        card=card,
    )
    return generator.save(tmp_path_factory.mktemp("generator") / "tiny")


@pytest.fixture(scope="session")
def synthmed_command() -> Command:
    """Gives the words of a command line that runs `synthmed` in a process of its own."""
    return lambda *words: [sys.executable, "-m", "synthmed.cli.main", *map(str, words)]


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Environment of those processes: one thread, the package that is under test."""
    paths = os.pathsep.join(path for path in sys.path if path)
    return {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "COLUMNS": "100"}


@pytest.fixture(scope="session")
def synthmed(
    synthmed_command: Command, environment: dict[str, str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `synthmed` with the given words in a process of its own."""

    def run(*words: object, check: bool = False) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            synthmed_command(*words),
            env=environment,
            capture_output=True,
            text=True,
            check=check,
            timeout=300,
        )

    return run
