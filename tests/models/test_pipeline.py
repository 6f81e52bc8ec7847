"""A saved text Generator opened by plain diffusers gives the same images."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline
from tiny_models import (
    LENGTH,
    PROMPTS,
    SIZE,
    WIDTH,
    largest_difference,
    text_generator,
    tiny_labels,
    tiny_text,
    tiny_unet,
    tiny_vae,
)
from torch import Tensor
from transformers import BertConfig, BertModel, BertTokenizer

from synthmed.models.codec import AutoencoderCodec, IdentityCodec
from synthmed.models.conditioners import TextConditioner
from synthmed.models.generator import Generator
from synthmed.transport import LinearPath, batch_noise

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # diffusers'
SEEDS = [21, 22, 23, 24]
STEPS = 8


def open_pipeline(folder: Path, **options: Any) -> Any:
    pipeline = StableDiffusionPipeline.from_pretrained(folder, **options)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def diffusers_images(pipeline: Any, guidance: float, negative: str | None = None) -> Tensor:
    """Images by diffusers, with its scheduler at order 1 (Euler), from the seeds' noise."""
    scheduler = pipeline.scheduler
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(scheduler.config, solver_order=1)
    made = pipeline(
        PROMPTS,
        negative_prompt=None if negative is None else [negative] * 4,
        latents=batch_noise((4, SIZE // 2, SIZE // 2), SEEDS),
        num_inference_steps=STEPS,
        guidance_scale=guidance,
        output_type="np",
    ).images
    return 2 * torch.from_numpy(made).permute(0, 3, 1, 2) - 1


@dataclass(frozen=True)
class SchedulerPath(LinearPath):
    """The linear path with the timesteps that the scheduler tells the network: it cuts them."""

    labels: dict[float, int] = field(default_factory=dict)

    def timestep(self, t: Any) -> Any:
        assert 0 <= 1000 * (1 - t) - self.labels[t] < 1.001
        return float(self.labels[t])


def our_images(generator: Generator, pipeline: Any, **how: Any) -> Tensor:
    """Our images on the grid of diffusers' scheduler: its sigmas and its timesteps."""
    scheduler = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
    scheduler.set_timesteps(STEPS)
    grid = 1 - scheduler.sigmas.double()
    labels = dict(zip(grid.tolist(), scheduler.timesteps.tolist(), strict=False))
    generator = replace(generator, path=SchedulerPath(labels=labels))
    return generator.sample(PROMPTS, SEEDS, grid=grid, solver="euler", **how)


@pytest.mark.parametrize(
    ("stored", "opened", "guidance", "negative"),
    [
        ({}, {}, 1.0, None),  # diffusers' defaults
        ({}, {}, 3.0, None),
        ({"shard": "100KB"}, {"use_safetensors": True}, 2.0, "brain"),
        ({"half": True}, {"dtype": torch.float32}, 3.0, None),
        ({"half": True, "shard": "50KB"}, {"dtype": torch.float32}, 2.0, "brain"),
    ],
)
def test_diffusers_gives_the_same_images(
    tmp_path: Path,
    stored: dict[str, Any],
    opened: dict[str, Any],
    guidance: float,
    negative: str | None,
) -> None:
    vae = tiny_vae()
    vae.register_to_config(scaling_factor=0.7)
    folder = text_generator(codec=AutoencoderCodec(vae)).save(tmp_path / "generator", **stored)
    assert len(list(folder.glob("unet/*.safetensors"))) == 1 or "shard" in stored
    generator = Generator.load(folder, device="cpu", dtype="float32")
    pipeline = open_pipeline(folder, **opened)
    ours = our_images(generator, pipeline, guidance=guidance, negative=negative)
    theirs = diffusers_images(pipeline, guidance, negative)
    assert largest_difference(ours, theirs) <= 1
    assert (ours - theirs).abs().mean() * 127.5 < 0.05
    # and the comparison notices another prompt or guidance
    assert largest_difference(theirs, diffusers_images(pipeline, guidance + 2, "MRI")) > 5
    assert largest_difference(theirs[0], theirs[1]) > 5


def test_shards_are_no_larger_than_asked(tmp_path: Path) -> None:
    folder = text_generator().save(tmp_path / "generator", shard="100KB", half=True)
    sizes = {file: file.stat().st_size for file in folder.rglob("*.safetensors")}
    assert len(sizes) > 8
    # one tensor is never split: the largest here has 64 x 32 x 3 x 3 float16 numbers
    assert max(sizes.values()) < 110_000


def test_the_scheduler_asks_for_no_mending(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    folder = text_generator().save(tmp_path / "generator")
    capfd.readouterr()
    recwarn.clear()
    config = json.loads((folder / "scheduler" / "scheduler_config.json").read_text())
    pipeline = open_pipeline(folder)
    assert {key: pipeline.scheduler.config[key] for key in config} == config
    assert not [w for w in recwarn if "scheduler" in str(w.message)]
    assert "safety" not in capfd.readouterr().err


def test_the_flow_grid_is_the_same_without_the_offset(tmp_path: Path) -> None:
    folder = text_generator().save(tmp_path / "generator")
    ours = DPMSolverMultistepScheduler.from_pretrained(folder / "scheduler")
    plain = DPMSolverMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True)
    assert ours.config.steps_offset == 1
    for scheduler in (ours, plain):
        scheduler.set_timesteps(16)
    assert torch.equal(ours.timesteps, plain.timesteps)
    assert torch.equal(ours.sigmas, plain.sigmas)


def bert() -> TextConditioner:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "chest", "brain", "a", "normal"]
    tokenizer = BertTokenizer(
        vocab={word: number for number, word in enumerate(words)}, model_max_length=LENGTH
    )
    torch.manual_seed(4)
    model = BertModel(
        BertConfig(
            vocab_size=len(words),
            hidden_size=WIDTH,
            intermediate_size=WIDTH,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=LENGTH,
        )
    )
    return TextConditioner(tokenizer, model.eval())


def test_another_text_model_is_saved_and_opened_by_both(tmp_path: Path) -> None:
    made = text_generator(conditioners={"text": bert()})
    folder = made.save(tmp_path / "generator")
    generator, pipeline = Generator.load(folder, dtype="float32"), open_pipeline(folder)
    assert type(pipeline.text_encoder).__name__ == "BertModel"
    ours = our_images(generator, pipeline, guidance=2.0)
    assert largest_difference(ours, our_images(made, pipeline, guidance=2.0)) <= 1
    assert largest_difference(ours, diffusers_images(pipeline, 2.0)) <= 1


@pytest.mark.parametrize(
    "parts",
    [
        {"conditioners": {"label": tiny_labels()}},
        {"conditioners": {"text": tiny_text(), "domain": tiny_labels()}},
        {"conditioners": {"text": tiny_labels()}},
        {"conditioners": {"report": tiny_text()}},
        {"codec": IdentityCodec(), "unet": tiny_unet(3, 16)},
    ],
    ids=["labels", "text and labels", "labels named text", "text named report", "pixels"],
)
def test_others_have_no_pipeline_say_so_and_open_as_generators(
    tmp_path: Path, parts: dict[str, Any]
) -> None:
    made = text_generator(**parts)
    folder = made.save(tmp_path / "generator")
    assert json.loads((folder / "synthmed.json").read_text())["pipeline"] is None
    assert not (folder / "model_index.json").exists()
    generator = Generator.load(folder, dtype="float32")
    assert list(generator.conditioners) == list(made.conditioners)
    values = ["benign", "naevus", "", "malignant"]
    records = [dict.fromkeys(made.conditioners, value) for value in values]
    images = generator.sample(records, SEEDS, steps=2, guidance=2.0)
    assert largest_difference(images, made.sample(records, SEEDS, steps=2, guidance=2.0)) <= 1
    assert largest_difference(*generator.sample([records[0], records[1]], [1, 1], steps=2)) > 2
