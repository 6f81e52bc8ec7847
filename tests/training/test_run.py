from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import math
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tiny_runs import contents, largest_file, mapping, recipe_of, spied

from synthmed.errors import DivergedError, SafetyError, SynthmedError
from synthmed.models.bundled import bundled_models
from synthmed.models.codec import AutoencoderCodec, IdentityCodec
from synthmed.models.conditioners import LabelConditioner, TextConditioner
from synthmed.models.generator import Generator
from synthmed.training import codec_stage
from synthmed.training.claim import CHANGEABLE, claim
from synthmed.training.codec import CodecTask
from synthmed.training.conditions import ready_conditions
from synthmed.training.data import TrainingImages
from synthmed.training.flow import FlowTask
from synthmed.training.given_codec import codec_folder, codec_groups
from synthmed.training.recipe import load_recipe
from synthmed.training.run import train
from synthmed.training.settings import Recipe

QUICK = ["dtype=float32", "codec.schedule.steps=1", "flow.schedule.steps=1", "flow.watch_images=0"]


def run(recipe: Path, out: Path, *overrides: str, resume: bool = False) -> Path:
    return train(recipe, out=out, overrides=[*QUICK, *overrides], resume=resume, progress=False)


def card_of(folder: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / "generator" / "synthmed.json").read_text())
    return card


# From a recipe to a Generator.


def test_a_run_leaves_a_generator_that_samples(tiny_run: Path) -> None:
    generator = Generator.load(tiny_run / "generator", device="cpu", dtype="float32")
    assert isinstance(generator.codec, AutoencoderCodec)
    assert isinstance(generator.conditioners["text"], TextConditioner)
    images = generator.sample(["chest X-ray, PA view", "dermatoscopy"], [1, 2], steps=2)
    assert images.shape == (2, 3, 32, 32)
    assert bool(images.isfinite().all())
    assert generator.channels("chest X-ray") == 1
    assert generator.channels("dermatoscopy") == 3


def test_what_a_run_leaves_beside_it(tiny_run: Path, tiny_recipe: Path) -> None:
    assert load_recipe(tiny_run / "recipe.yaml") == load_recipe(tiny_recipe)
    names = {p.name for p in tiny_run.iterdir() if not p.name.startswith(".")}
    assert names == {"recipe.yaml", "cache", "codec", "flow", "generator"}
    assert len(list((tiny_run / "codec" / "gate").glob("*.png"))) == 4
    samples = sorted(p.name for p in (tiny_run / "flow" / "samples").iterdir())
    assert samples == ["step-00000002.png", "step-00000004.png"]
    for stage in ("codec", "flow"):
        assert list((tiny_run / stage / "logs").iterdir())
        kept = sorted(p.name for p in (tiny_run / stage / "checkpoints").iterdir())
        assert kept == ["step-00000002", "step-00000004"]


def test_the_card_says_who_was_seen_and_how_it_was_made(
    tiny_run: Path, images: TrainingImages
) -> None:
    card = card_of(tiny_run)

    def hashes(split: str) -> list[str]:
        groups = {images.rows[i].group_id for i in images.indices(split)}
        return sorted(hashlib.sha256(group.encode()).hexdigest() for group in groups)

    assert card["training_groups"] == hashes("train")
    assert card["validation_groups"] == hashes("val")
    assert not set(card["training_groups"]) & set(hashes("test"))
    assert not any(row.group_id in json.dumps(card) for row in images.rows)  # hashes, no names
    assert card["training_images"] == 64
    assert [(kind["name"], kind["grey"], kind["images"]) for kind in card["types"]] == [
        ("chest X-ray", True, 16),
        ("breast ultrasound", True, 16),
        ("blood smear microscopy", False, 16),
        ("dermatoscopy", False, 16),
    ]
    assert {"chest", "melanoma"} <= set(card["known_words"])
    gate = card["training"]["gate"]
    assert gate["passed"]
    assert not gate["settings"]["go_on"]
    assert len(gate["types"]) == 4
    assert card["training"]["codec"]["step"] == card["training"]["flow"]["step"] == 4
    assert "diagnosis" in card["misuse"]


def test_what_the_recipe_says_of_the_card_wins(tiny_recipe: Path, tmp_path: Path) -> None:
    run(tiny_recipe, tmp_path / "run", "card={licence: mine, intended_use: for tests}")
    card = card_of(tmp_path / "run")
    assert (card["licence"], card["intended_use"]) == ("mine", "for tests")


def test_pixel_models_have_no_codec_to_train(tiny_recipe: Path, tmp_path: Path) -> None:
    folder = run(tiny_recipe, tmp_path / "run", "codec.path=identity", "flow.watch_images=2")
    generator = Generator.load(folder, device="cpu", dtype="float32")
    assert isinstance(generator.codec, IdentityCodec)
    assert generator.unet.config["in_channels"] == 3
    assert generator.sample(["dermatoscopy"], [1], steps=2).shape == (1, 3, 32, 32)
    assert not (tmp_path / "run" / "codec").exists()
    assert card_of(tmp_path / "run")["training"]["codec"] == "identity"


def test_labels_alone(tiny_recipe: Path, tmp_path: Path) -> None:
    folder = run(
        tiny_recipe, tmp_path / "run", "condition.kind=label", "flow.watch_images=2", "seed=3"
    )
    generator = Generator.load(folder, device="cpu", dtype="float32")
    conditioner = generator.conditioners["label"]
    assert isinstance(conditioner, LabelConditioner)
    assert {"benign", "malignant", "melanoma", "blood smear microscopy"} <= set(conditioner.labels)
    assert generator.sample([{"label": "benign"}], [1], steps=2).shape == (1, 3, 32, 32)
    assert card_of(tmp_path / "run")["pipeline"] is None


def test_a_given_frozen_text_model(
    tiny_run: Path,
    tiny_recipe: Path,
    images: TrainingImages,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = tmp_path / "clip"
    shutil.copytree(tiny_run / "generator" / "text_encoder", given)
    shutil.copytree(tiny_run / "generator" / "tokenizer", given, dirs_exist_ok=True)
    rows: list[int] = []
    embed = spied(TextConditioner.embed, lambda _, ids: rows.append(len(ids)))
    monkeypatch.setattr(TextConditioner, "embed", embed)
    overrides = [f"condition.path={given}", "flow.schedule.steps=4"]
    folder = run(tiny_recipe, tmp_path / "run", *overrides)
    (text,) = ready_conditions(recipe_of(tiny_recipe), images)
    captions = len(text.train.texts)
    assert sum(rows) == captions + 2 * 16  # once each, and the validation rows of two validations
    before = contents(tiny_run / "generator" / "text_encoder")["model.safetensors"]
    assert contents(folder / "text_encoder")["model.safetensors"] == before


def test_where_a_codec_lies(tiny_run: Path) -> None:
    vae, whole = tiny_run / "codec" / "vae", tiny_run / "generator"
    assert codec_folder(str(vae)) == str(vae)
    assert codec_folder(str(whole)) == str(whole / "vae")
    assert codec_folder("base-64") == str(bundled_models()["base-64"] / "vae")
    assert codec_folder("someone/a-hub-id") == "someone/a-hub-id"


def test_a_given_codec(tiny_run: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    given = tiny_run / "codec" / "vae"
    run(tiny_recipe, tmp_path / "run", f"codec.path={given}")
    assert card_of(tmp_path / "run")["training"]["codec"] == {"given": str(given)}
    assert not (tmp_path / "run" / "codec" / "checkpoints").exists()
    run(tiny_recipe, tmp_path / "whole", f"codec.path={tiny_run / 'generator'}")
    one, other = (contents(tmp_path / name / "codec" / "vae") for name in ("run", "whole"))
    name = "diffusion_pytorch_model.safetensors"
    assert one[name] == other[name]  # the generator holds the same codec
    with pytest.raises(SynthmedError, match="the codec cannot be opened"):
        run(tiny_recipe, tmp_path / "other", f"codec.path={tmp_path}")
    with pytest.raises(SynthmedError, match=r"data.image_size is 33, the codec shrinks by 2"):
        run(tiny_recipe, tmp_path / "odd", f"codec.path={given}", "data.image_size=33")


def test_the_card_names_whom_a_given_codec_saw(
    tiny_run: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    assert "codec_groups" not in card_of(tiny_run)  # its own codec: the training groups
    seen = card_of(tiny_run)["training_groups"]
    whole = Path(shutil.copytree(tiny_run / "generator", tmp_path / "other"))
    card = card_of(tiny_run) | {"training_groups": ["b", "c"], "codec_groups": ["a", "b"]}
    (whole / "synthmed.json").write_text(json.dumps(card))
    run(tiny_recipe, tmp_path / "run", f"codec.path={whole}")
    assert card_of(tmp_path / "run")["codec_groups"] == ["a", "b", "c"]
    assert card_of(tmp_path / "run")["training_groups"] == seen
    # a codec that goes from run to run takes them along
    run(tiny_recipe, tmp_path / "next", f"codec.path={tmp_path / 'run' / 'codec' / 'vae'}")
    assert card_of(tmp_path / "next")["codec_groups"] == ["a", "b", "c"]
    run(tiny_recipe, tmp_path / "own", f"codec.path={tiny_run / 'codec' / 'vae'}")
    assert card_of(tmp_path / "own")["codec_groups"] == seen


def test_the_codecs_groups_outlast_its_folder(
    tiny_run: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    given = Path(shutil.copytree(tiny_run / "generator", tmp_path / "given"))
    run(tiny_recipe, tmp_path / "run", f"codec.path={given}")
    before = card_of(tmp_path / "run")
    shutil.rmtree(given)
    shutil.rmtree(tmp_path / "run" / "generator")
    run(tiny_recipe, tmp_path / "run", f"codec.path={given}", resume=True)
    assert card_of(tmp_path / "run") == before


def test_groups_of_codecs_without_or_with_a_broken_card(tiny_run: Path, tmp_path: Path) -> None:
    assert codec_groups("someone/a-hub-id") is None
    alone = shutil.copytree(tiny_run / "generator" / "vae", tmp_path / "model" / "vae")
    assert codec_groups(str(alone)) is None
    card = alone.parent / "synthmed.json"
    card.write_text("{}")
    assert codec_groups(str(alone)) is None  # it does not say
    for text in ("{", "[]", '{"training_groups": 3}'):
        card.write_text(text)
        with pytest.raises(SynthmedError, match="what the codec was trained on cannot be read"):
            codec_groups(str(alone))
    base = json.loads((bundled_models()["base-64"] / "synthmed.json").read_text())
    assert codec_groups("base-64") == sorted(base["training_groups"])


# What must not go wrong late.


def test_captions_are_checked_before_anything_is_trained(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec_stage, "fit", None)
    with pytest.raises(SynthmedError, match=r"the text has \d+ tokens, this model reads 8"):
        run(tiny_recipe, tmp_path / "run", "condition.max_length=8")


def test_a_leaking_dataset_is_refused(
    small_dataset: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    leaking = tmp_path / "leaking"
    shutil.copytree(small_dataset, leaking)
    table = leaking / "val" / "metadata.jsonl"
    table.write_text(table.read_text().replace("xray:p08", "xray:p00"))
    with pytest.raises(SafetyError) as caught:
        run(tiny_recipe, tmp_path / "run", f"data.sources={leaking}")
    assert caught.value.exit_code == 3


def test_images_left_out_are_listed_and_named(
    small_dataset: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    poor = tmp_path / "poor"
    shutil.copytree(small_dataset, poor)
    bad = sorted((poor / "train").rglob("*.png"))[0]
    bad.write_bytes(b"no image")
    with pytest.warns(UserWarning, match=rf"1 images are left out.*rejected.csv.*{bad.name}: "):
        run(tiny_recipe, tmp_path / "run", f"data.sources={poor}")
    with open(tmp_path / "run" / "rejected.csv", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["source"] == "poor"
    assert Path(row["file_name"]).name == bad.name
    assert row["reason"]


def test_a_clean_run_warns_of_nothing(tiny_recipe: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run(tiny_recipe, tmp_path / "run")
    ours = [str(w.message) for w in caught if "synthmed" in w.filename]
    # the made X-rays differ by noise only, which is what this one warning is for
    assert [text for text in ours if "are nearly the same as one of another" not in text] == []
    assert not (tmp_path / "run" / "rejected.csv").exists()


def test_a_failed_gate_can_be_passed_without_training_again(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    with pytest.raises(SynthmedError, match=r"gate failed for .*--resume and --set codec.gate"):
        run(tiny_recipe, out, "codec.gate.psnr=80")
    vae = contents(out / "codec" / "vae")
    monkeypatch.setattr(codec_stage, "fit", None)
    overrides = ["codec.gate.psnr=80", "codec.gate.go_on=true"]
    with pytest.warns(UserWarning, match=r"continued with another codec.gate.go_on"):
        run(tiny_recipe, out, *overrides, resume=True)
    assert contents(out / "codec" / "vae") == vae
    gate = card_of(out)["training"]["gate"]
    assert not gate["passed"]
    assert gate["settings"]["go_on"]
    assert all("of 80 dB" in kind["failures"][0] for kind in gate["types"])


def test_divergence_is_told_and_mended(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, step = tmp_path / "run", CodecTask.step

    def diverging(self: CodecTask, n: int) -> dict[str, float]:
        return step(self, n) | ({"loss": math.nan} if n == 3 else {})

    monkeypatch.setattr(CodecTask, "step", diverging)
    with pytest.raises(DivergedError, match=r"codec training diverged.*step-00000002\].*--resume"):
        run(tiny_recipe, out, "codec.schedule.steps=4")
    monkeypatch.setattr(CodecTask, "step", step)
    with pytest.warns(UserWarning, match="another codec.learning_rate"):
        run(tiny_recipe, out, "codec.schedule.steps=4", "codec.learning_rate=1e-4", resume=True)
    assert card_of(out)["training"]["codec"]["step"] == 4
    assert load_recipe(out / "recipe-1.yaml").codec.learning_rate == 1e-3
    assert load_recipe(out / "recipe.yaml").codec.learning_rate == 1e-4


def test_a_full_disk_is_one_error_and_the_run_continues(
    tiny_recipe: Path, tiny_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    size = (tiny_run / "codec/checkpoints/step-00000004/optimiser-vae.safetensors").stat().st_size
    with largest_file(size - 1000), pytest.raises(SynthmedError, match="File too large"):
        train(tiny_recipe, out=out, progress=False)
    train(tiny_recipe, out=out, resume=True, progress=False)
    assert contents(out / "generator") == contents(tiny_run / "generator")


def test_a_finished_run_resumes_to_itself(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    run(tiny_recipe, out)
    before = contents(out / "generator")
    for task in (CodecTask, FlowTask):
        monkeypatch.setattr(task, "step", None)
    run(tiny_recipe, out, resume=True)
    assert contents(out / "generator") == before


def test_float32_and_bfloat16_are_chosen_by_the_recipe(
    tiny_recipe: Path, images: TrainingImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synthmed.models.device.has_bfloat16", lambda _: True)
    kinds = {}
    for dtype in ("float32", "bfloat16"):
        task = CodecTask(recipe_of(tiny_recipe, f"dtype={dtype}"), images, torch.device("cpu"))
        encode = task.vae.encode
        seen: list[torch.dtype] = []

        def spy(x: Any, encode: Any = encode, seen: list[torch.dtype] = seen) -> Any:
            found = encode(x)
            seen.append(found.latent_dist.mean.dtype)
            return found

        monkeypatch.setattr(task.vae, "encode", spy)
        task.step(0)
        kinds[dtype] = seen
        assert {p.dtype for p in task.vae.parameters()} == {torch.float32}
    assert kinds == {"float32": [torch.float32], "bfloat16": [torch.bfloat16]}


# Whose folder it is.


def take(folder: Path, recipe: Recipe, *, resume: bool = False) -> None:
    claim(folder, recipe, resume).close()


def test_an_empty_or_new_folder_is_taken(tmp_path: Path) -> None:
    for folder in (tmp_path / "new" / "deep", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        take(folder, Recipe(name="x"))
        assert load_recipe(folder / "recipe.yaml") == Recipe(name="x")


def test_a_run_is_continued_only_if_asked(tmp_path: Path) -> None:
    take(tmp_path, Recipe())
    with pytest.raises(SynthmedError, match=r"the folder holds a run.*--resume"):
        take(tmp_path, Recipe())
    take(tmp_path, Recipe(), resume=True)
    assert not list(tmp_path.glob("recipe-*"))


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_of_other_things_is_left_alone(resume: bool, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(SynthmedError, match=r"other things than a run .*thesis.txt"):
        take(tmp_path, Recipe(), resume=resume)
    assert contents(tmp_path) == {"thesis.txt": b"years of work"}


def test_a_run_killed_while_taking_the_folder_is_taken_again(tmp_path: Path) -> None:
    (tmp_path / ".recipe.tmp").write_text("name: ha")
    (tmp_path / ".lock").touch()
    take(tmp_path, Recipe())
    assert load_recipe(tmp_path / "recipe.yaml") == Recipe()


def test_another_recipe_is_refused_by_the_names_of_what_differs(tmp_path: Path) -> None:
    one = Recipe()
    take(tmp_path, one)
    other = dataclasses.replace(
        one,
        seed=1,
        dtype="float32",
        flow=dataclasses.replace(one.flow, batch_size=7, learning_rate=1.0),
        data=dataclasses.replace(one.data, styles=("simple",)),
    )
    with pytest.raises(SynthmedError, match=r"\(different: seed, data.styles, flow.batch_size\)"):
        take(tmp_path, other, resume=True)
    assert load_recipe(tmp_path / "recipe.yaml") == one


def test_some_settings_may_change_and_both_recipes_are_kept(tmp_path: Path) -> None:
    one = Recipe()
    take(tmp_path, one)
    gate = dataclasses.replace(one.codec.gate, by_type={"chest X-ray": 25.0})
    codec = dataclasses.replace(one.codec, learning_rate=1e-4, gate=gate)
    two = dataclasses.replace(one, dtype="float32", codec=codec, card={"licence": "mine"})
    three = dataclasses.replace(two, device="cpu")
    with pytest.warns(UserWarning, match="another dtype, codec.learning_rate, codec.gate.by_type"):
        take(tmp_path, two, resume=True)
    with pytest.warns(UserWarning, match="another device"):
        take(tmp_path, three, resume=True)
    kept = [tmp_path / name for name in ("recipe-1.yaml", "recipe-2.yaml", "recipe.yaml")]
    assert [load_recipe(file) for file in kept] == [one, two, three]
    assert {"dtype", "codec.gate", "flow.learning_rate"} <= set(CHANGEABLE)


def test_two_processes_cannot_train_in_one_folder(tmp_path: Path) -> None:
    with (
        claim(tmp_path, Recipe(), resume=False),
        pytest.raises(SynthmedError, match="another process is training in this folder"),
    ):
        claim(tmp_path, Recipe(), resume=True)
    take(tmp_path, Recipe(), resume=True)


def test_the_default_folder_bears_the_recipes_name(
    small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(yaml.safe_dump(mapping(small_dataset) | {"name": "mine"}))
    overrides = [*QUICK, "codec.path=identity"]
    assert train("mine.yaml", overrides=overrides, progress=False) == Path("runs/mine/generator")
