"""Models of Stable Diffusion's type, in folders and single files, against diffusers itself."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    PNDMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from original_keys import write_single_file
from safetensors.torch import load_file, save_file
from tiny_models import (
    PROMPTS,
    SIZE,
    WIDTH,
    amplify_unet,
    amplify_vae,
    largest_difference,
    some_images,
    tiny_text,
    vae_of,
)
from torch import Tensor
from transformers import AutoModel, CLIPImageProcessorPil

from synthmed.errors import SafetyError, SynthmedError
from synthmed.models.generator import Generator
from synthmed.models.parts import open_network
from synthmed.models.quiet import quiet
from synthmed.transport import (
    Guidance,
    LinearPath,
    VariancePreservingPath,
    batch_noise,
    ddim_grid,
    ddim_steps,
    ddim_walk,
    guided,
)

SEEDS = [31, 32, 33, 34]
STEPS = 10
SCHEDULE: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
}
TRAILING: dict[str, Any] = {"timestep_spacing": "trailing", "steps_offset": 1}
PUBLISHED: dict[str, Any] = {"set_alpha_to_one": False, "steps_offset": 1}  # SD's own settings


def tiny_pipeline(scheduler: Any) -> Any:
    """As Stable Diffusion is built (attention in the autoencoder, scaling factor), but tiny."""
    torch.manual_seed(7)
    unet = UNet2DConditionModel(
        sample_size=SIZE // 2,
        layers_per_block=1,
        block_out_channels=(32, 64),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=2,
        norm_num_groups=16,
    )
    vae = AutoencoderKL(
        block_out_channels=(16, 32),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=8,
        sample_size=SIZE,
    )
    text = tiny_text()
    with quiet():
        pipeline: Any = StableDiffusionPipeline(
            vae=amplify_vae(vae),
            unet=amplify_unet(unet),
            text_encoder=text.module,
            tokenizer=text.tokenizer,
            scheduler=scheduler,
            safety_checker=None,
            feature_extractor=CLIPImageProcessorPil(),
            requires_safety_checker=False,
        )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def save(pipeline: Any, folder: Path, **options: Any) -> Path:
    with quiet():
        pipeline.save_pretrained(folder, **options)
    return folder


def load(source: Path, **options: Any) -> Generator:
    return Generator.load(source, device="cpu", dtype="float32", **options)


def diffusers_images(pipeline: Any, guidance: float) -> Tensor:
    made = pipeline(
        PROMPTS,
        latents=batch_noise((4, SIZE // 2, SIZE // 2), SEEDS),
        num_inference_steps=STEPS,
        guidance_scale=guidance,
        output_type="np",
    ).images
    return 2 * torch.from_numpy(made).permute(0, 3, 1, 2) - 1


PREDICTIONS = ["epsilon", "v_prediction"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder with SD's published scheduler settings for each prediction. Read only."""
    schedulers = {p: DDIMScheduler(**SCHEDULE, **PUBLISHED, prediction_type=p) for p in PREDICTIONS}
    place = tmp_path_factory.mktemp("published")
    return {p: save(tiny_pipeline(s), place / f"tiny-{p}") for p, s in schedulers.items()}


@pytest.fixture
def saved(folders: dict[str, Path]) -> Path:
    return folders["epsilon"]


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


# ------------------------------------------------------------------ the same images


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("guidance", [1.0, 4.0])
def test_sampling_on_ddims_grid_gives_diffusers_images(
    tmp_path: Path, prediction: str, guidance: float
) -> None:
    scheduler = DDIMScheduler(**SCHEDULE, **TRAILING, prediction_type=prediction)
    pipeline = tiny_pipeline(scheduler)
    generator = load(save(pipeline, tmp_path / "model"))
    path = generator.path
    assert isinstance(path, VariancePreservingPath)
    grid = ddim_grid(path, STEPS, "trailing")
    assert (float(grid[0]), float(grid[-1])) == (path.t_min, 1.0)
    ours = generator.sample(PROMPTS, SEEDS, grid=grid, solver="euler", guidance=guidance)
    theirs = diffusers_images(pipeline, guidance)
    assert largest_difference(ours, theirs) <= 1
    assert (ours - theirs).abs().mean() * 127.5 < 0.01
    assert largest_difference(ours, diffusers_images(pipeline, guidance + 2)) > 5


def walk_images(generator: Generator, guidance: float) -> Tensor:
    """Euler as DDIMScheduler walks with SD's settings, from and to beside the path's ends."""
    path = generator.path
    assert isinstance(path, VariancePreservingPath)
    strength = Guidance(guidance)
    field = guided(generator.velocities, generator.condition(PROMPTS), generator.null(4), strength)
    steps = ddim_steps(path, STEPS, "leading", 1, set_alpha_to_one=False)
    noise = batch_noise((4, SIZE // 2, SIZE // 2), SEEDS)
    with torch.no_grad():
        return generator.codec.decode(ddim_walk(path, field, noise, steps)).clamp(-1, 1)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_the_published_settings_give_diffusers_images(
    folders: dict[str, Path], prediction: str
) -> None:
    saved = folders[prediction]
    generator = load(saved)
    with quiet():
        pipeline = StableDiffusionPipeline.from_pretrained(saved, use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)
    theirs = diffusers_images(pipeline, 4.0)
    assert largest_difference(walk_images(generator, 4.0), theirs) <= 1
    # what is sampled by default is near, and the network is told the path's timesteps
    default = generator.sample(PROMPTS, SEEDS, steps=32, guidance=4.0)
    assert (default - theirs).abs().mean() < 0.5 * (default - default.flip(0)).abs().mean()


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_a_single_file_checkpoint_gives_diffusers_images(
    folders: dict[str, Path], prediction: str, tmp_path: Path
) -> None:
    saved = folders[prediction]
    with quiet():
        pipeline = StableDiffusionPipeline.from_pretrained(saved, use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)
    file = write_single_file(pipeline, tmp_path / "tiny-v1.safetensors")
    config = configuration(saved, tmp_path / "config")
    generator = load(file, config=str(config))
    assert largest_difference(walk_images(generator, 4.0), diffusers_images(pipeline, 4.0)) <= 1
    assert (generator.name, generator.image_size, len(generator.hash)) == ("tiny-v1", SIZE, 64)
    # without config= it is looked for beside the file, as in published repositories
    file.rename(config / file.name)
    beside = load(config / file.name)
    assert torch.equal(walk_images(beside, 4.0), walk_images(generator, 4.0))


def configuration(folder: Path, out: Path) -> Path:
    """A pipeline's folder without its weights."""
    return Path(shutil.copytree(folder, out, ignore=shutil.ignore_patterns("*.safetensors")))


def test_translation_works_on_such_a_model(saved: Path) -> None:
    generator = load(saved)
    with torch.no_grad():
        target = generator.codec.decode(generator.codec.encode(some_images())).clamp(-1, 1)
    how: dict[str, Any] = {"depth": 0.5, "steps": 24, "solver": "heun"}
    z = generator.encode(some_images(), PROMPTS, **how)
    back = generator.decode(z, PROMPTS, PROMPTS, guidance=3.0, **how)
    assert (back - target).abs().max() * 127.5 < 3
    other = generator.decode(z, PROMPTS[::-1], PROMPTS, guidance=3.0, **how)
    assert largest_difference(other, back) > 5


# ------------------------------------------------------------------ what the folder says


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_name_size_hash_and_path(folders: dict[str, Path], prediction: str) -> None:
    generator = load(folders[prediction])
    assert (generator.name, generator.image_size) == (f"tiny-{prediction}", SIZE)
    assert len(generator.hash) == 64
    assert isinstance(generator.path, VariancePreservingPath)
    assert generator.path.prediction == prediction
    assert generator.path.t_min == pytest.approx(0.064, abs=5e-4)  # Stable Diffusion's
    assert (generator.types, generator.known_words) == ([], set())


def test_any_scheduler_of_the_family_describes_the_path(tmp_path: Path) -> None:
    options = {key: value for key, value in SCHEDULE.items() if key != "clip_sample"}
    pipeline = tiny_pipeline(PNDMScheduler(**options, skip_prk_steps=True, steps_offset=1))
    path = load(save(pipeline, tmp_path / "model")).path
    assert isinstance(path, VariancePreservingPath)
    assert torch.equal(path.alphas_cumprod, pipeline.scheduler.alphas_cumprod)


def test_float16_weights_are_opened_in_float32(tmp_path: Path) -> None:
    pipeline = tiny_pipeline(DDIMScheduler(**SCHEDULE, **PUBLISHED))
    with quiet():
        generator = load(save(pipeline.to(torch.float16), tmp_path / "model"))
    assert {weight.dtype for weight in generator.unet.parameters()} == {torch.float32}
    assert {weight.dtype for weight in vae_of(generator).parameters()} == {torch.float32}


def test_a_pipeline_that_diffusers_saved_anew_from_our_folder_opens(tmp_path: Path) -> None:
    from tiny_models import text_generator

    made = text_generator()
    with quiet():
        pipeline = StableDiffusionPipeline.from_pretrained(made.save(tmp_path / "ours"))
    generator = load(save(pipeline, tmp_path / "theirs"))
    assert isinstance(generator.path, LinearPath)
    ours, theirs = (g.sample(PROMPTS, SEEDS, steps=3, guidance=2.0) for g in (made, generator))
    assert largest_difference(ours, theirs) <= 1


# ------------------------------------------------------------------ what is refused


def change_json(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_opening_prints_nothing(
    folder: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
) -> None:
    with quiet():
        pipeline = StableDiffusionPipeline.from_pretrained(folder, use_safetensors=True)
    # an old scheduler, of which diffusers' pipeline warns
    change_json(folder / "scheduler" / "scheduler_config.json", steps_offset=0, clip_sample=True)
    file = write_single_file(pipeline, tmp_path / "model.safetensors")
    capfd.readouterr()
    recwarn.clear()
    load(folder)
    load(file, config=str(folder))
    assert capfd.readouterr() == ("", "")
    assert not [str(warning.message) for warning in recwarn]


def test_another_pipeline_is_named(tmp_path: Path) -> None:
    parts = tiny_pipeline(DDIMScheduler(**SCHEDULE, **PUBLISHED)).components
    with quiet():
        other = StableDiffusionImg2ImgPipeline(**parts, requires_safety_checker=False)
    with pytest.raises(SynthmedError, match="holds a StableDiffusionImg2ImgPipeline, not a"):
        load(save(other, tmp_path / "model"))


@pytest.mark.parametrize("index", ["{", "[]", "{}"])
def test_a_broken_index(folder: Path, index: str) -> None:
    (folder / "model_index.json").write_text(index)
    with pytest.raises(SynthmedError, match="names no pipeline"):
        load(folder)


def test_a_network_for_more_channels_such_as_inpainting(folder: Path) -> None:
    change_json(folder / "unet" / "config.json", in_channels=9)
    file = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    weights["conv_in.weight"] = torch.zeros(32, 9, 3, 3)
    save_file(weights, file)
    with pytest.raises(SynthmedError, match="reads 9 channels, latents have 4"):
        load(folder)


def test_latents_that_are_not_square(folder: Path) -> None:
    change_json(folder / "unet" / "config.json", sample_size=[8, 16])
    with pytest.raises(SynthmedError, match=r"not square: \[8, 16\]"):
        load(folder)


def test_a_missing_or_unknown_schedule(folder: Path) -> None:
    config = folder / "scheduler" / "scheduler_config.json"
    change_json(config, prediction_type="sample")
    with pytest.raises(SynthmedError, match="unknown prediction type 'sample'"):
        load(folder)
    change_json(config, beta_schedule="mystery")
    with pytest.raises(SynthmedError, match="scheduler's configuration is unreadable"):
        load(folder)
    config.unlink()
    with pytest.raises(SynthmedError, match="scheduler's configuration is unreadable"):
        load(folder)


def test_a_single_file_without_its_configuration(saved: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    shutil.copy(saved / "unet" / "diffusion_pytorch_model.safetensors", file)
    with pytest.raises(SynthmedError, match="no configuration of the checkpoint"):
        load(file)
    with pytest.raises(SynthmedError, match=re.escape(f"[{tmp_path / 'elsewhere'}]")):
        load(file, config=str(tmp_path / "elsewhere"))


def test_files_that_are_no_whole_checkpoint(saved: Path, tmp_path: Path) -> None:
    config = configuration(saved, tmp_path / "config")
    with quiet():
        pipeline = StableDiffusionPipeline.from_pretrained(saved, use_safetensors=True)
    file = write_single_file(pipeline, tmp_path / "model.safetensors")
    weights = load_file(file)
    single = (
        "model.diffusion_model.middle_block.0.in_layers.2.weight",
        "first_stage_model.decoder.conv_in.bias",
        "cond_stage_model.transformer.text_model.final_layer_norm.weight",
    )
    contents: list[Any] = [
        *({k: v for k, v in weights.items() if k != name} for name in single),
        {k: v for k, v in weights.items() if not k.startswith("cond_stage_model")},
        {k: v for k, v in weights.items() if not k.startswith("first_stage_model")},
        {"weight": torch.zeros(3)},
    ]
    for content in contents:
        save_file(content, file)
        with pytest.raises(SynthmedError) as caught:
            load(file, config=str(config))
        assert f"[{file}]" in str(caught.value)
    file.write_bytes(b"not safetensors")
    with pytest.raises(SynthmedError, match="cannot be opened"):
        load(file, config=str(config))


# ------------------------------------------------------------------ safety


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.file,))


@pytest.mark.parametrize("name", ["model.ckpt", "model.bin", "model.pt", "model.PTH", "model.pkl"])
def test_a_pickled_checkpoint_is_refused_unopened(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(SafetyError, match="pickled weights can run code") as caught:
        load(tmp_path / name)
    assert caught.value.exit_code == 3
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("part", "card"),
    [("unet", False), ("vae", False), ("text_encoder", False), ("unet", True), ("vae", True)],
)
def test_a_folder_with_pickles_only_is_refused_unopened(
    folder: Path, tmp_path: Path, part: str, card: bool
) -> None:
    if card:
        generator_card = {"format_version": 1, "conditions": ["text"], "image_size": 16, "hash": ""}
        (folder / "synthmed.json").write_text(json.dumps(generator_card))
    weights = next((folder / part).glob("*.safetensors"))
    pickled = "pytorch_model.bin" if part == "text_encoder" else "diffusion_pytorch_model.bin"
    trap = pickle.dumps(Trap(tmp_path / "sprung"))
    (folder / part / pickled).write_bytes(trap)
    load(folder)  # beside safetensors they lie unused
    weights.unlink()
    with pytest.raises(SafetyError, match=re.escape(str(folder / part / pickled))) as caught:
        load(folder)
    assert caught.value.exit_code == 3
    weights.write_bytes(trap)  # nor does another name help
    (folder / part / pickled).unlink()
    with pytest.raises(SynthmedError):
        load(folder)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("part", "cls", "pickled"),
    [
        ("unet", UNet2DConditionModel, "diffusion_pytorch_model.bin"),
        ("text_encoder", AutoModel, "pytorch_model.bin"),
    ],
)
def test_not_even_harmless_pickles_are_opened(
    folder: Path, part: str, cls: Any, pickled: str
) -> None:
    weights = next((folder / part).glob("*.safetensors"))
    open_network(cls, folder / part)
    torch.save(load_file(weights), folder / part / pickled)
    weights.unlink()
    with pytest.raises(SynthmedError, match="cannot be opened"):
        open_network(cls, folder / part)


def test_pickles_that_are_not_opened_do_no_harm(folder: Path) -> None:
    (folder / "v1-5-pruned.ckpt").write_bytes(b"")
    (folder / "safety_checker").mkdir()
    (folder / "safety_checker" / "pytorch_model.bin").write_bytes(b"")
    assert load(folder).image_size == SIZE


def test_code_in_a_folder_is_not_run(folder: Path, tmp_path: Path) -> None:
    code = f"from pathlib import Path\nPath({str(tmp_path / 'sprung')!r}).touch()\n"
    for part, name in (("unet", "my_unet"), ("text_encoder", "modeling"), ("", "pipeline")):
        (folder / part / f"{name}.py").write_text(code)
    change_json(folder / "model_index.json", unet=["my_unet", "MyUNet"])
    change_json(folder / "text_encoder" / "config.json", auto_map={"AutoModel": "modeling.Model"})
    load(folder)
    assert not (tmp_path / "sprung").exists()
    change_json(folder / "text_encoder" / "config.json", model_type="mine")
    with pytest.raises(SynthmedError):
        load(folder)
    assert not (tmp_path / "sprung").exists()
