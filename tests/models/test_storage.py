"""Saving and opening Generators: the same bytes back, whole or not at all, clear errors."""

from __future__ import annotations

import json
import logging
import resource
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diffusers.utils.logging as diffusers_logging
import pytest
import torch
import transformers.utils.logging as transformers_logging
from safetensors.torch import load_file, save_file
from tiny_models import (
    CARD,
    PROMPTS,
    largest_difference,
    text_generator,
    tiny_labels,
    tiny_text,
    vae_of,
)

from synthmed.errors import SynthmedError
from synthmed.models import bundled
from synthmed.models.bundled import bundled_models
from synthmed.models.generator import Generator
from synthmed.models.hashing import generator_hash
from synthmed.models.storage import load_generator, save_generator, weights_hash
from synthmed.transport import Drift, LinearPath, VariancePreservingPath

SEEDS = [1, 2, 3, 4]


def load(folder: Path | str) -> Generator:
    return Generator.load(folder, device="cpu", dtype="float32")


def images(generator: Generator) -> torch.Tensor:
    return generator.sample(PROMPTS, SEEDS, steps=2, guidance=2.0)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only."""
    return text_generator().save(tmp_path_factory.mktemp("saved") / "generator")


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(saved, tmp_path / "generator"))


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


# ------------------------------------------------------------------ there and back


def test_a_saved_generator_opens_as_it_was(tmp_path: Path) -> None:
    path = LinearPath(Drift((0.1, 0.0, -0.1, 0.2), "field"))
    both = {"text": tiny_text(), "domain": tiny_labels()}
    made = text_generator(path=path, conditioners=both)
    folder = made.save(tmp_path / "generator")
    opened = load(folder)
    assert largest_difference(images(opened), images(made)) <= 1
    weights = opened.unet.state_dict()
    assert all(torch.equal(weights[k], v) for k, v in made.unet.state_dict().items())
    assert opened.path == path
    assert (opened.image_size, opened.parameters) == (16, made.parameters)
    assert opened.card.items() >= CARD.items()
    assert opened.hash == made.hash == weights_hash(folder)
    assert len(opened.hash) == 64
    assert made.card == CARD  # saving adds nothing to it
    again = opened.save(tmp_path / "again")
    assert weights_hash(again) == opened.hash
    assert load(again).card == opened.card


def test_the_card_says_what_is_needed_to_use_the_folder(saved: Path) -> None:
    card = json.loads((saved / "synthmed.json").read_text(encoding="utf-8"))
    assert card["known_words"][-1] == "café"
    assert {key: card[key] for key in card.keys() - CARD.keys()} == {
        "format_version": 1,
        "image_size": 16,
        "parameters": text_generator().parameters,
        "conditions": ["text"],
        "pipeline": "StableDiffusionPipeline",
        "dtype": "float32",
        "drift": {"value": 0.0, "mode": "prior"},
        "hash": weights_hash(saved),
    }


def test_the_hash_is_that_of_the_weights(folder: Path) -> None:
    digest = weights_hash(folder)
    (folder / "README.md").write_text("not a weight")
    assert weights_hash(folder) == digest
    file = folder / "vae" / "diffusion_pytorch_model.safetensors"
    file.rename(file.with_name("other.safetensors"))
    assert weights_hash(folder) != digest
    file.with_name("other.safetensors").rename(file)
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert weights_hash(folder) != digest


@pytest.mark.parametrize("name", sorted(bundled_models()))
def test_a_bundled_generator_has_the_hash_of_its_weights(name: str) -> None:
    folder = bundled_models()[name]
    card = json.loads((folder / "synthmed.json").read_text(encoding="utf-8"))
    assert card["format_version"] == 1
    assert generator_hash(folder, card.get("latent_normalisation")) == card["hash"]


def test_float16_takes_half_the_space_and_changes_images_little(
    tmp_path: Path, saved: Path
) -> None:
    half = text_generator().save(tmp_path / "half", half=True)
    sizes = [sum(f.stat().st_size for f in d.rglob("*.safetensors")) for d in (half, saved)]
    assert sizes[0] < 0.55 * sizes[1]
    opened = load(half)
    assert {p.dtype for p in opened.unet.parameters()} == {torch.float32}
    assert {p.dtype for p in vae_of(opened).parameters()} == {torch.float32}
    assert largest_difference(images(opened), images(load(saved))) <= 3


def test_saving_changes_neither_the_networks_nor_the_random_state(tmp_path: Path) -> None:
    made = text_generator()
    before = {name: value.clone() for name, value in made.unet.state_dict().items()}
    state = torch.random.get_rng_state()
    made.save(tmp_path / "generator", half=True)
    assert torch.equal(torch.random.get_rng_state(), state)
    after = made.unet.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert {value.dtype for value in after.values()} == {torch.float32}


def test_nothing_says_where_a_folder_was_and_others_may_read_it(
    saved: Path, tmp_path: Path
) -> None:
    folder = load(saved).save(tmp_path / "again")
    for name, data in contents(folder).items():
        assert str(tmp_path.parent).encode() not in data, name
    assert all(file.stat().st_mode & stat.S_IRUSR for file in folder.rglob("*"))
    modes = {stat.S_IMODE(file.stat().st_mode) for file in folder.rglob("*") if file.is_file()}
    assert len(modes) == 1  # weights like every other file


# ------------------------------------------------------------------ precision and device


def test_bfloat16_is_close_to_float32_and_the_codec_stays_float32(saved: Path) -> None:
    exact = load(saved)
    rounded = Generator.load(saved, device="cpu", dtype="bfloat16")
    assert (rounded.dtype, rounded.unet.dtype) == ("bfloat16", torch.bfloat16)
    assert {p.dtype for p in vae_of(rounded).parameters()} == {torch.float32}
    how: dict[str, Any] = {"steps": 8, "guidance": 2.0}
    ours, theirs = (g.sample(PROMPTS, SEEDS, **how) for g in (rounded, exact))
    assert ours.dtype == torch.float32
    difference = (ours - theirs).abs() * 127.5
    assert 0 < difference.mean() < 1.0  # grey levels
    assert difference.max() < 8


def test_a_network_rounded_to_bfloat16_is_not_saved(saved: Path, tmp_path: Path) -> None:
    rounded = Generator.load(saved, device="cpu", dtype="bfloat16")
    with pytest.raises(SynthmedError, match='with dtype="float32"'):
        rounded.save(tmp_path / "generator")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float16"}, "unknown dtype 'float16'"),
        ({"device": "abacus"}, "no device 'abacus' here"),
    ],
)
def test_an_unknown_device_or_dtype(saved: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(SynthmedError, match=message):
        Generator.load(saved, **options)


# ------------------------------------------------------------------ quiet


def test_saving_and_opening_print_nothing_and_leave_logging_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    libraries = (diffusers_logging, transformers_logging)
    old = [library.get_verbosity() for library in libraries]
    try:
        for library in libraries:
            library.set_verbosity_info()
            library.enable_progress_bar()
        made = text_generator(conditioners={"text": tiny_text()})
        folder = made.save(tmp_path / "generator", shard="100KB", half=True)
        load(folder)
        assert [library.get_verbosity() for library in libraries] == [logging.INFO] * 2
        assert all(library.is_progress_bar_enabled() for library in libraries)
    finally:
        for library, level in zip(libraries, old, strict=True):
            library.set_verbosity(level)
    assert capfd.readouterr() == ("", "")
    assert not [str(warning.message) for warning in recwarn]


# ------------------------------------------------------------------ names


def test_a_bundled_name_opens_unless_such_a_path_exists(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(saved, weights / "tiny-16")
    (weights / "unfinished").mkdir()
    monkeypatch.setattr(bundled, "WEIGHTS", weights)
    monkeypatch.chdir(tmp_path)
    assert list(bundled.bundled_models()) == ["tiny-16"]
    assert load("tiny-16").name == "tiny"
    with pytest.raises(SynthmedError, match=r"no generator here \[other\]. .*\(tiny-16\)\.$"):
        load("other")
    (tmp_path / "tiny-16").mkdir()
    with pytest.raises(SynthmedError, match="no generator here"):
        load("tiny-16")


# ------------------------------------------------------------------ folders that cannot be opened


def test_a_folder_of_something_else_is_no_generator(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    for source in (tmp_path, tmp_path / "notes.txt", tmp_path / "missing"):
        with pytest.raises(SynthmedError, match="no generator here") as caught:
            load(source)
        assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 3}, "format version 3, this release reads 2.*Install a newer synthmed"),
        ({"format_version": None}, "card cannot be read"),
        ({"conditions": ...}, "card lacks conditions"),
        ({"hash": ..., "image_size": ...}, "card lacks hash, image_size"),
        ("{", "card cannot be read"),
        ("[]", "card cannot be read"),
    ],
)
def test_a_card_that_cannot_be_used(folder: Path, change: Any, message: str) -> None:
    file = folder / "synthmed.json"
    card = json.loads(file.read_text())
    if isinstance(change, str):
        file.write_text(change)
    else:
        card = {k: v for k, v in (card | change).items() if v is not ...}
        file.write_text(json.dumps(card))
    with pytest.raises(SynthmedError, match=message):
        load(folder)


def drop_weight(file: Path) -> None:
    weights = load_file(file)
    weights.pop(sorted(weights)[0])
    save_file(weights, file)


def reshape_weight(file: Path) -> None:
    weights = load_file(file)
    weights[sorted(weights)[0]] = torch.zeros(3)
    save_file(weights, file)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "cut short": lambda file: file.write_bytes(file.read_bytes()[:-100]),
    "no safetensors": lambda file: file.write_bytes(b"PK\x03\x04 a pickle in disguise"),
    "a weight missing": drop_weight,
    "a weight of another shape": reshape_weight,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(
    "name",
    [
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
        "text_encoder/model.safetensors",
    ],
)
def test_damaged_weights_are_one_clear_error(
    folder: Path, name: str, damage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    DAMAGE[damage](folder / name)
    with pytest.raises(SynthmedError) as caught:
        load(folder)
    assert str(folder / name.partition("/")[0]) in str(caught.value)
    assert capfd.readouterr() == ("", "")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["unet", "vae", "text_encoder"])
def test_a_torn_configuration_is_one_clear_error(folder: Path, name: str) -> None:
    (folder / name / "config.json").write_text('{"_class_name":')
    with pytest.raises(SynthmedError, match="cannot be opened"):
        load(folder)


def test_a_missing_tokenizer_is_one_clear_error(folder: Path) -> None:
    shutil.rmtree(folder / "tokenizer")
    with pytest.raises(SynthmedError, match="cannot be opened"):
        load(folder)


# ------------------------------------------------------------------ whole or not at all


def test_only_the_linear_path_is_saved(tmp_path: Path) -> None:
    path = VariancePreservingPath(torch.linspace(0.99, 0.01, 10))
    with pytest.raises(SynthmedError, match="only Generators on the linear path"):
        text_generator(path=path).save(tmp_path / "generator")
    assert not list(tmp_path.iterdir())


def test_an_older_generator_is_replaced(folder: Path) -> None:
    newer = text_generator(conditioners={"text": tiny_text(seed=99)}, card={"name": "newer"})
    (folder / "stale.txt").write_text("of the older one")
    newer.save(folder)
    opened = load(folder)
    assert opened.name == "newer"
    assert largest_difference(images(opened), images(newer)) <= 1
    assert not (folder / "stale.txt").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["generator"]


def test_a_folder_of_something_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("years of work")
    (tmp_path / "file").write_text("a file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SynthmedError, match="not empty and holds no generator"):
        text_generator().save(tmp_path / "thesis")
    with pytest.raises(SynthmedError, match="generator's folder is a file"):
        text_generator().save(tmp_path / "file")
    text_generator().save(tmp_path / "empty")
    assert (tmp_path / "thesis" / "chapter1.tex").read_text() == "years of work"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file", "thesis"]


def test_a_folder_given_as_a_link_or_a_dot(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder.parent / "link").symlink_to(folder, target_is_directory=True)
    text_generator(card={"name": "by link"}).save(folder.parent / "link")
    assert (folder.parent / "link").is_symlink()
    assert load(folder).name == "by link"
    (folder.parent / "here").mkdir()
    monkeypatch.chdir(folder.parent / "here")
    text_generator(card={"name": "by dot"}).save(".")
    assert load(folder.parent / "here").name == "by dot"


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Like a disk that is nearly full: every file ends with an error at this size."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


# the unet's weights take 1.5 MB, the vae's 230 kB, the text model's 140 kB, its tokenizer 11 kB
@pytest.mark.parametrize("size", [0, 200, 5_000, 100_000, 180_000, 1_000_000])
def test_a_full_disk_is_one_error_and_keeps_the_older_generator(folder: Path, size: int) -> None:
    before = contents(folder)
    newer = text_generator(card={"name": "newer"})
    with (
        files_of_at_most(size),
        pytest.raises(SynthmedError, match="the generator cannot be written") as caught,
    ):
        newer.save(folder)
    assert "\n" not in str(caught.value)
    assert contents(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["generator"]
    assert newer.hash == ""
    newer.save(folder)
    assert load(folder).name == "newer"


@pytest.mark.parametrize("failing", [1, 2])
def test_a_rename_that_fails_keeps_the_older_generator(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    before, calls, rename = contents(folder), 0, Path.rename

    def fail(path: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise OSError(5, "Input/output error")
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        with pytest.raises(SynthmedError, match="Input/output error"):
            text_generator().save(folder)
    assert contents(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["generator"]


def test_an_error_in_the_card_keeps_the_older_generator(folder: Path) -> None:
    before = contents(folder)
    with pytest.raises(TypeError):
        text_generator(card={"name": torch}).save(folder)
    assert contents(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["generator"]


def test_a_save_killed_between_its_renames_is_undone_by_the_next(folder: Path) -> None:
    before = contents(folder)
    folder.rename(folder.with_name(".generator.old"))
    (folder.with_name(".generator.tmp")).mkdir()
    with files_of_at_most(1000), pytest.raises(SynthmedError):
        text_generator().save(folder)
    assert contents(folder) == before
    # killed after them, only the older one's remains are left
    shutil.copytree(folder, folder.with_name(".generator.old"))
    text_generator(card={"name": "newer"}).save(folder)
    assert load(folder).name == "newer"
    assert [path.name for path in folder.parent.iterdir()] == ["generator"]


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SynthmedError, match="the generator cannot be written"):
        text_generator().save(tmp_path / "file" / "generator")


def test_the_functions_behind_load_and_save(tmp_path: Path) -> None:
    made = text_generator()
    folder = save_generator(made, tmp_path / "generator", half=False, shard="2GB")
    assert folder == tmp_path / "generator"
    assert load_generator(str(folder), device="cpu", dtype="float32").hash == made.hash
