from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml
from tiny_runs import mapping

from synthmed.errors import SynthmedError
from synthmed.training.recipe import load_recipe, plain, save_recipe
from synthmed.training.settings import Recipe

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))


def write(folder: Path, content: object) -> Path:
    file = folder / "recipe.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return file


def test_an_empty_recipe_is_all_defaults(tmp_path: Path) -> None:
    assert load_recipe(write(tmp_path, "")) == Recipe()


def test_a_saved_recipe_loads_equal(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, mapping(Path("somewhere"))))
    save_recipe(recipe, tmp_path / "saved.yaml")
    assert load_recipe(tmp_path / "saved.yaml") == recipe
    assert recipe != Recipe()
    assert recipe.codec.block_out_channels == (8, 16)


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_the_recipes_of_the_repository_load(file: Path, tmp_path: Path) -> None:
    recipe = load_recipe(file)
    assert recipe.name == file.stem
    save_recipe(recipe, tmp_path / "saved.yaml")
    assert load_recipe(tmp_path / "saved.yaml") == recipe


def test_two_recipes_of_one_file_are_equal_and_a_changed_one_is_not(tmp_path: Path) -> None:
    file = write(tmp_path, mapping(Path("somewhere")))
    assert load_recipe(file) == load_recipe(file)
    assert load_recipe(file, ["flow.schedule.ema=0.9"]) != load_recipe(file)


def test_yaml_numbers_without_a_point_are_numbers(tmp_path: Path) -> None:
    file = write(tmp_path, "codec: {learning_rate: 1e-3, kl_weight: 1}\n")
    codec = load_recipe(file).codec
    assert codec.learning_rate == 0.001
    assert codec.kl_weight == 1.0
    assert isinstance(codec.kl_weight, float)


def test_overrides_are_yaml_and_leave_the_rest(tmp_path: Path) -> None:
    file = write(tmp_path, {"flow": {"batch_size": 5}, "name": "one"})
    recipe = load_recipe(
        file,
        [
            "flow.schedule.steps=7",
            "dtype=float32",
            "data.styles=[simple]",
            "codec.gate.by_type={chest X-ray: 28}",
            "flow.learning_rate=2e-4",
        ],
    )
    default = Recipe().flow.schedule
    assert recipe.flow.schedule == dataclasses.replace(default, steps=7)
    assert default.warmup == 200  # not Schedule's own default: an override keeps the flow's
    assert recipe.flow.batch_size == 5
    assert recipe.name == "one"
    assert recipe.dtype == "float32"
    assert recipe.data.styles == ("simple",)
    assert recipe.codec.gate.by_type == {"chest X-ray": 28.0}
    assert recipe.flow.learning_rate == 0.0002


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"flwo": {}}, r"unknown key 'flwo'.*Known keys: name, seed, dtype"),
        ({"flow": {"stesp": 1}}, r"unknown key 'stesp'.*recipe.yaml: flow\].*batch_size"),
        (
            {"flow": {"schedule": {"step": 1}}},
            r"unknown key 'step'.*flow: schedule\].*steps, warmup",
        ),
        ({"seed": "one"}, r"expected int, got 'one' .*seed"),
        ({"seed": 1.5}, r"expected int, got 1.5"),
        ({"seed": True}, r"expected int, got True"),
        ({"name": 7}, r"expected str, got 7"),
        ({"codec": {"gate": {"go_on": 1}}}, r"expected bool, got 1"),
        ({"codec": {"learning_rate": "fast"}}, r"expected a number, got 'fast'"),
        ({"codec": {"learning_rate": float("nan")}}, r"expected a number, got nan"),
        ({"codec": {"learning_rate": True}}, r"expected a number, got True"),
        ({"codec": {"block_out_channels": 32}}, r"expected a list, got 32"),
        ({"codec": {"block_out_channels": [32, "x"]}}, r"expected int, got 'x'"),
        ({"codec": {"gate": {"by_type": {"X-ray": "high"}}}}, r"expected a number, got 'high'"),
        ({"data": {"augment": {"X-ray": "shift"}}}, r"expected a list, got 'shift'"),
        ({"flow": 3}, r"expected keys and values"),
        ("- a\n- b\n", r"not a mapping"),
        ("a: [1\n", r"not valid YAML"),
    ],
)
def test_what_is_no_recipe_is_refused(content: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match=message):
        load_recipe(write(tmp_path, content))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("flow", r"not key=value"),
        ("name.first=x", r"'name' has no parts"),
        ("flow.batch_size=[1", r"not YAML"),
        ("flow.size=3", r"unknown key 'size'"),
    ],
)
def test_wrong_overrides_are_refused(override: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match=message):
        load_recipe(write(tmp_path, {"name": "x"}), [override])


def test_a_missing_recipe(tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match="no such recipe"):
        load_recipe(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("override", "rule"),
    [
        ("dtype=float16", "one of: bfloat16, float32"),
        ("data.styles=[long]", "a list of: simple, diverse"),
        ("data.styles=[]", "a list of: simple, diverse"),
        ("data.image_size=30", "a multiple of 4"),
        ("data.image_size=4", "at least 8"),
        ("data.variants=0", "at least 1"),
        ("data.balance=1.5", "between 0 and 1"),
        ("codec.block_out_channels=[12]", "multiples of 8"),
        ("codec.crop=18", "0 or a multiple of 4, at most data.image_size"),
        ("codec.crop=68", "0 or a multiple of 4, at most data.image_size"),
        ("codec.learning_rate=0", "above 0"),
        ("codec.schedule.validate_every=0", "at least 1"),
        ("codec.schedule.steps=0", "at least 1"),
        ("codec.schedule.ema=1.2", "between 0 and 1"),
        ("condition.kind=words", "one of: text, label"),
        ("condition.width=30", "a multiple of condition.heads"),
        ("condition.dropout=-0.1", "between 0 and 1"),
        ("condition.domain_dropout=1.1", "between 0 and 1"),
        (
            "condition.kind=domain+text",
            "one of: text, label, domain, text\\+domain, label\\+domain",
        ),
        ("denoiser.attention=[true]", "3 values, one a width"),
        ("denoiser.block_out_channels=[]", "a list of multiples of 16"),
        ("flow.times=early", "one of: uniform, logit-normal"),
        ("flow.pairing=best", "one of: independent, transport"),
        ("flow.latent_normalisation=batch", "one of: none, domain"),
        ("flow.latent_normalisation=domain", "none without a domain in condition.kind"),
        ("flow.watch_images=-1", "at least 0"),
        ("card.date=2026-01-01", "quote dates"),
    ],
)
def test_values_out_of_range_are_refused(override: str, rule: str, tmp_path: Path) -> None:
    key = override.split("=", maxsplit=1)[0].replace("card.date", "card")
    with pytest.raises(SynthmedError, match=rf"^{key} is .* It must be .*{rule}"):
        load_recipe(write(tmp_path, {"name": "x"}), [override])


def test_windows_of_the_spectral_loss_must_fit(tmp_path: Path) -> None:
    file = write(tmp_path, {"codec": {"spectral_weight": 0.1, "crop": 8}})
    with pytest.raises(SynthmedError, match=r"codec.crop is 8 .* at least 16"):
        load_recipe(file)
    assert load_recipe(file, ["codec.spectral_weight=0"]).codec.crop == 8


@pytest.mark.parametrize("kind", ["label", "domain", "label+domain"])
def test_labels_and_domains_have_no_text_model(kind: str, tmp_path: Path) -> None:
    overrides = [f"condition.kind={kind}", "condition.path=somewhere"]
    with pytest.raises(SynthmedError, match="blank for labels"):
        load_recipe(write(tmp_path, {"name": "x"}), overrides)


def test_text_beside_a_domain_may_be_a_given_model(tmp_path: Path) -> None:
    overrides = [
        "condition.kind=text+domain",
        "condition.path=somewhere",
        "flow.latent_normalisation=domain",
        "flow.pairing=transport",
        "data.shared_groups=[one, two]",
    ]
    recipe = load_recipe(write(tmp_path, {"name": "x"}), overrides)
    assert recipe.condition.names == ("text", "domain")
    assert recipe.data.shared_groups == ("one", "two")
    save_recipe(recipe, tmp_path / "saved.yaml")
    assert load_recipe(tmp_path / "saved.yaml") == recipe


def test_mirrored_chests_are_refused_with_the_recipe(tmp_path: Path) -> None:
    file = write(tmp_path, {"data": {"augment": {"chest X-ray": ["shift", "flip"]}}})
    with pytest.raises(SynthmedError, match="must not be mirrored"):
        load_recipe(file)


def test_plain_is_json_and_yaml() -> None:
    assert yaml.safe_load(yaml.safe_dump(plain(Recipe()))) == plain(Recipe())
