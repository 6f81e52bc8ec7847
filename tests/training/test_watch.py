from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from synthmed.errors import SafetyError
from synthmed.models.codec import IdentityCodec
from synthmed.models.conditioners import LabelConditioner
from synthmed.models.denoiser import build_unet
from synthmed.models.generator import Generator
from synthmed.training.data import TrainingImages
from synthmed.training.watch import Watch, watched_rows
from synthmed.transport.paths import LinearPath


class Log:
    """Keeps what a TensorBoard writer is given."""

    def __init__(self) -> None:
        self.scalars: dict[str, tuple[float, int]] = {}
        self.pictures: dict[str, tuple[Any, int]] = {}

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.scalars[name] = (value, step)

    def add_image(self, name: str, picture: Any, step: int) -> None:
        self.pictures[name] = (picture, step)


class Planted(Generator):
    """Returns given images; keeps what it was asked."""

    def give(self, images: Tensor) -> Planted:
        self.card = {"images": images, "asked": []}
        return self

    def sample(self, records: Any, seeds: Any, **options: Any) -> Tensor:
        first = len(self.card["asked"])
        self.card["asked"] += list(zip(records, seeds, strict=True))
        assert not self.unet.training
        return self.card["images"][first : first + len(records)]


def generator_of(cls: type[Generator] = Generator) -> Any:
    torch.manual_seed(0)
    unet = build_unet(
        sample_size=32,
        latent_channels=3,
        condition_width=32,
        block_out_channels=(16, 32),
        attention=(False, True),
        layers_per_block=1,
        heads=2,
    )
    labels = LabelConditioner(["benign", "malignant"], 32)
    return cls(IdentityCodec(), {"label": labels}, unet, LinearPath(), 32)


RECORDS = [{"label": "benign"}, {"label": "malignant"}]


def watch_of(
    images: TrainingImages, folder: Path, prompts: int = 40, most: float = 0.1, **options: Any
) -> Watch:
    return Watch(images, (RECORDS * prompts)[:prompts], 0, folder, most, **options)


def test_copies_end_the_training(images: TrainingImages, tmp_path: Path) -> None:
    watch, log = watch_of(images, tmp_path), Log()
    train = images.tensor(images.indices("train"))
    draw = torch.Generator().manual_seed(0)
    noisy = (train[:40] + 0.002 * torch.randn(train[:40].shape, generator=draw)).clamp(-1, 1)
    reason = watch(generator_of(Planted).give(noisy), 7, log)
    assert reason == "100% of the samples are copies of training images"
    assert log.scalars["flow/validation/copies"] == (1.0, 7)


def test_a_brighter_copy_is_a_copy(images: TrainingImages, tmp_path: Path) -> None:
    train = images.tensor(images.indices("train"))[:40]
    reason = watch_of(images, tmp_path)(
        generator_of(Planted).give((0.85 * train + 0.1).clamp(-1, 1)), 7, Log()
    )
    assert reason is not None
    assert "copies" in reason


def test_new_images_do_not(images: TrainingImages, tmp_path: Path) -> None:
    watch, log = watch_of(images, tmp_path), Log()
    others = images.tensor(images.indices("test"))
    draw = torch.Generator().manual_seed(0)
    fresh = torch.cat([others, torch.rand(24, 3, 32, 32, generator=draw) * 2 - 1])
    assert watch(generator_of(Planted).give(fresh), 7, log) is None
    rate, step = log.scalars["flow/validation/copies"]
    assert rate <= 0.2
    assert step == 7


def test_some_copies_are_suffered_up_to_the_recipes_share(
    images: TrainingImages, tmp_path: Path
) -> None:
    draw = torch.Generator().manual_seed(0)
    mixed = torch.rand(40, 3, 32, 32, generator=draw) * 2 - 1
    mixed[:20] = images.tensor(images.indices("train"))[:20]
    stop = watch_of(images, tmp_path, most=0.3)(generator_of(Planted).give(mixed), 1, Log())
    go_on = watch_of(images, tmp_path, most=0.4)(generator_of(Planted).give(mixed), 1, Log())
    assert stop is not None  # 20 of 40: the interval begins at .35
    assert go_on is None


def test_pictures_are_written_at_fixed_seeds(images: TrainingImages, tmp_path: Path) -> None:
    samples = images.tensor(images.indices("test"))[:10]
    seeds = []
    for step in (3, 12):
        planted, log = generator_of(Planted).give(samples), Log()
        watch_of(images, tmp_path, prompts=10)(planted, step, log)
        seeds.append([seed for _, seed in planted.card["asked"]])
        assert log.pictures["flow/samples"][1] == step
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == 10
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-00000003.png", "step-00000012.png"]
    picture = np.asarray(Image.open(tmp_path / "step-00000003.png"))
    assert picture.shape == (2 * (2 * 34 - 2), 2 * (8 * 34 - 2), 3)
    level = ((samples[0] + 1) * 127.5).round().numpy()
    assert (picture[:64:2, :64:2].transpose(2, 0, 1) == level).all()


def test_records_are_for_the_generators_condition(images: TrainingImages, tmp_path: Path) -> None:
    planted = generator_of(Planted).give(images.tensor(images.indices("test"))[:2])
    watch_of(images, tmp_path, prompts=2)(planted, 1, Log())
    assert [record for record, _ in planted.card["asked"]] == [
        {"label": "benign"},
        {"label": "malignant"},
    ]


def test_a_real_generator_samples_and_is_left_as_it_was(
    images: TrainingImages, tmp_path: Path
) -> None:
    generator = generator_of()
    generator.unet.train()
    generator.conditioners["label"].module.eval()
    codec = generator.codec
    with torch.autocast("cpu", dtype=torch.bfloat16):
        watch_of(images, tmp_path, prompts=2)(generator, 1, Log())
    assert generator.unet.training
    assert not generator.conditioners["label"].module.training
    assert generator.codec is codec


def test_the_codec_decodes_in_float32_under_autocast(
    images: TrainingImages, tmp_path: Path
) -> None:
    kinds = []

    class Codec(IdentityCodec):
        def decode(self, z_BCHW: Tensor) -> Tensor:
            kinds.append((z_BCHW.dtype, torch.mm(torch.ones(2, 2), torch.ones(2, 2)).dtype))
            return z_BCHW

    generator = dataclasses.replace(generator_of(), codec=Codec())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        watch_of(images, tmp_path, prompts=2)(generator, 1, Log())
    assert kinds == [(torch.float32, torch.float32)]


def test_few_held_out_groups_are_said_and_give_pictures_alone(
    images: TrainingImages, tmp_path: Path
) -> None:
    rows = [dataclasses.replace(row) for row in images.rows]
    for row in rows:
        row.group_id = "one" if row.split == "val" else row.group_id
    with pytest.warns(UserWarning, match="of 1 groups are too few to look for copies"):
        watch = watch_of(dataclasses.replace(images, rows=rows), tmp_path, prompts=2)
    log = Log()
    train = images.tensor(images.indices("train"))[:2]
    assert watch(generator_of(Planted).give(train), 1, log) is None
    assert not log.scalars
    assert (tmp_path / "step-00000001.png").is_file()


def test_validation_images_that_are_training_images_are_refused_at_once(
    images: TrainingImages, tmp_path: Path
) -> None:
    pixels = np.array(images.pixels_N3SS)
    pixels[images.indices("val")] = pixels[images.indices("train")[:16]]
    with pytest.raises(SafetyError, match="hold-out images equal training images"):
        watch_of(dataclasses.replace(images, pixels_N3SS=pixels), tmp_path)


def shared_with(images: TrainingImages, *kinds: str) -> TrainingImages:
    """The images as if the patients of these types stood in all splits."""
    groups = {row.group_id for row in images.rows if row.image_type in kinds}
    return dataclasses.replace(images, shared=frozenset(groups))


def test_groups_of_all_splits_tell_nothing_of_copies(
    images: TrainingImages, tmp_path: Path
) -> None:
    shared = shared_with(images, "chest X-ray", "dermatoscopy")
    watch = watch_of(shared, tmp_path, prompts=2)
    kept = {row.image_type for row in images.rows if row.group_id in set(watch.groups)}
    assert kept == {"breast ultrasound", "blood smear microscopy"}
    assert len(watch.holdout) == len(watch.groups) == 8
    assert len(watch.train) == 64  # copies of any training image are copies
    few = shared_with(images, *(set(images.types()) - {"dermatoscopy"}))
    with pytest.warns(UserWarning, match="of 2 groups are too few to look for copies"):
        assert not watch_of(few, tmp_path, prompts=2).calibrated


def test_only_judged_samples_count_as_copies(images: TrainingImages, tmp_path: Path) -> None:
    draw = torch.Generator().manual_seed(0)
    mixed = torch.rand(40, 3, 32, 32, generator=draw) * 2 - 1
    mixed[::2] = images.tensor(images.indices("train"))[:20]
    log = Log()
    copied = [n % 2 == 0 for n in range(40)]
    stop = watch_of(images, tmp_path, judged=copied)(generator_of(Planted).give(mixed), 1, log)
    assert stop == "100% of the samples are copies of training images"
    others = watch_of(images, tmp_path, judged=[not judged for judged in copied])
    assert others(generator_of(Planted).give(mixed), 1, log) is None
    none, quiet = watch_of(images, tmp_path, judged=[False] * 40), Log()
    assert none(generator_of(Planted).give(mixed), 1, quiet) is None
    assert not quiet.scalars
    assert quiet.pictures  # the picture shows all of them


def test_watched_rows_take_the_types_in_turn() -> None:
    keys = ["a", "b", "b", "c", "b", "c"]  # b is the most frequent, then c
    assert watched_rows(keys, 9) == [1, 3, 0, 2, 5, 0, 4, 3, 0]  # rows are taken again
    assert watched_rows(keys, 0) == []
    assert len(watched_rows(keys, 500)) == 500
