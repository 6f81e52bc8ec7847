"""The smoke profile of model_quality measures every row; its judges and controls do their work."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from benchmarks.data import refuse_overlap
from benchmarks.estimates import inside
from benchmarks.judge_features import judge_features
from benchmarks.judges import Attribute, JudgeRecipe, TypeJudge, read_judges
from benchmarks.kernel_judge import CrossFitted, KernelJudge
from benchmarks.model_copies import copies_row, diversity_row
from benchmarks.model_images import Scene, shuffled
from benchmarks.model_rows import attribute_row
from benchmarks.model_tables import attribute_verdict, copies_verdict
from benchmarks.samplers import Order

from benchmarks import model_quality as script
from synthmed.datasets.captions import caption
from synthmed.datasets.rows import Row
from synthmed.datasets.splits import group_hashes
from synthmed.datasets.writing import DatasetWriter
from synthmed.errors import SafetyError, SynthmedError
from synthmed.imaging.spec import spec_8bit
from synthmed.measures.agreement import auroc
from synthmed.models.codec import IdentityCodec
from synthmed.synthesis.sampling import Sampling
from synthmed.training.augment import SAFE, augment
from synthmed.training.sources import read_sources

ANSWERS = {
    "chest X-ray": ("No Finding", "Effusion"),
    "dermatoscopy": ("melanocytic nevus", "melanoma"),
}
RECIPE = {
    "ridge": 0.3,
    "folds": 5,
    "symmetric": ["chest X-ray"],
    "attributes": [
        {
            "name": yes,
            "image_type": image_type,
            "positive": {"labels": [yes]},
            "negative": {"labels": [no]},
        }
        for image_type, (no, yes) in ANSWERS.items()
    ],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 patients of each type, two images each, whose answer is a bright square."""
    out = tmp_path_factory.mktemp("quality-data")
    writer = DatasetWriter(out / "made", spec_8bit(3, "PNG"), {"licences": ["CC0-1.0"]})
    for image_type, answers in ANSWERS.items():
        channels = 1 if image_type == "chest X-ray" else 3
        for number in range(48):
            draw = np.random.default_rng([number, channels])
            split = "train" if number < 12 else "val" if number < 28 else "test"
            row = Row(
                file=Path(f"{number}.png"),
                file_name=f"images/{channels}-{number:02d}.png",
                split=split,
                group_id=f"{image_type}:{number // 2}",
                image_type=image_type,
                labels=(answers[number // 2 % 2],),
            )
            image = draw.uniform(-0.9, -0.1, (channels, 8, 8)).repeat(6, axis=1).repeat(6, axis=2)
            image[0] += 0.1 * draw.standard_normal((48, 48)).clip(-1, 1)
            if row.labels == answers[1:]:
                top, left = draw.integers(8, 24, 2)
                image[:, top : top + 14, left : left + 14] = 0.9
            writer.add(row, image.clip(-1, 1).astype(np.float32))
    writer.finish()
    (out / "sources.yaml").write_text(yaml.safe_dump([{"path": str(out / "made")}]))
    (out / "judges.yaml").write_text(yaml.safe_dump(RECIPE))
    return out


class Copier:
    """Stands in for a generator: gives training images with the prompt's caption."""

    codec, device, dtype, image_size = IdentityCodec(), torch.device("cpu"), "float32", 32

    def __init__(self, scene_rows: list[Row], images: np.ndarray) -> None:
        self.known = [(row, x) for row, x in zip(scene_rows, images, strict=True)]

    def condition(self, texts: list[str]) -> None:
        """It reads every prompt."""

    def channels(self, image_type: str) -> int:
        return 1 if image_type == "chest X-ray" else 3

    def sample(self, texts: list[str], seeds: list[int], **_: object) -> torch.Tensor:
        found = []
        for text, seed in zip(texts, seeds, strict=True):
            fitting = [x for row, x in self.known if caption(row, "simple") == text]
            found.append(fitting[seed % len(fitting)])
        return torch.from_numpy(np.stack(found))


@pytest.fixture
def copier(data: Path, tmp_path: Path) -> Scene:
    """A scene whose generator copies its training images."""
    rows = read_sources(str(data / "sources.yaml"), data).rows
    recipe = read_judges(data / "judges.yaml")
    bare = SimpleNamespace(image_size=32)
    scene = Scene(bare, Sampling(), recipe, rows, list(ANSWERS), 60, tmp_path)  # type: ignore[arg-type]
    train = scene.real("", "train")
    generator = Copier(train.rows, train.images)
    return Scene(generator, Sampling(), recipe, rows, list(ANSWERS), 60, tmp_path)  # type: ignore[arg-type]


@pytest.mark.slow
def test_smoke_profile_measures_and_keeps_every_row(
    tiny_model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--model", str(tiny_model), "--data", str(data / "sources.yaml")]
    command += ["--results", str(tmp_path / "results")]
    script.main(command, judges=data / "judges.yaml", work=tmp_path / "work")
    file = tmp_path / "results" / "model_quality-smoke.json"
    content = json.loads(file.read_text())
    rows = content["rows"]
    kinds = ("type", "power", "kid", "diversity", "copies")
    expected = {f"{kind}: {name}" for kind in kinds for name in ANSWERS}
    assert set(rows) == expected | {f"attribute: {yes}" for _, yes in ANSWERS.values()}
    assert content["settings"]["overlap"] == "none of the judging groups was seen in training"
    for name, (_, yes) in ANSWERS.items():
        assert rows[f"type: {name}"]["real"]["value"] > 0.9
        assert rows[f"attribute: {yes}"]["own"]["real"]["value"] > 0.9
        assert rows[f"attribute: {yes}"]["own"]["made"]["n"] == 8
        kid = rows[f"kid: {name}"]["statistics"]
        assert kid["real"]["value"] < kid["blurred"]["value"]
        assert kid["real"]["value"] < kid["made"]["value"]  # an untrained generator
        assert rows[f"power: {name}"]["blurred"]["high"] < 0.5
        assert rows[f"copies: {name}"]["planted"]["value"] > 0.9
        assert rows[f"copies: {name}"]["made"]["value"] == 0
    assert len(list((tmp_path / "work").rglob("real-beside-made-*.png"))) == 2
    assert [path.name for path in (tmp_path / "results").iterdir()] == [file.name]
    assert "Copies of training images" in capsys.readouterr().out
    before = file.stat().st_mtime_ns
    script.main(command, judges=data / "judges.yaml", work=tmp_path / "work")
    assert file.stat().st_mtime_ns == before  # nothing was measured again


def test_model_trained_on_the_judging_patients_is_refused(
    tiny_model: Path, data: Path, tmp_path: Path
) -> None:
    card = json.loads((tiny_model / "synthmed.json").read_text())
    rows = read_sources(str(data / "sources.yaml"), data).rows
    test = [row for row in rows if row.split == "test"]
    with pytest.raises(SafetyError, match="1 of the judging groups"):
        refuse_overlap(test, {**card, "training_groups": group_hashes(test[:1])})


def test_copies_are_found_and_follow_their_prompts(copier: Scene) -> None:
    for name in ANSWERS:
        row = copies_row(copier, name)
        assert row["made"]["value"] > 0.9
        assert row["planted_codec"]["value"] > 0.9
        assert row["false_alarms"]["value"] < 0.1
        assert copies_verdict(row) == "missed"
    (no, yes), kind = ANSWERS["dermatoscopy"], "dermatoscopy"
    attribute = Attribute(yes, kind, {"labels": [yes]}, {"labels": [no]})
    row = attribute_row(copier, attribute)
    for judge in ("own", "train"):
        assert row[judge]["made"]["value"] > 0.9
        assert row[judge]["shuffled"]["low"] < 0.5 < row[judge]["shuffled"]["high"]
        assert attribute_verdict(row[judge]) == "reached"


def test_a_generator_of_few_images_lacks_diversity(copier: Scene) -> None:
    val = copier.real("", "val")
    judge = TypeJudge.fit(val.images, val.rows, copier.recipe.ridge)
    copier.generator.known = copier.generator.known[:3]  # type: ignore[attr-defined]
    row = diversity_row(copier, judge, "chest X-ray")
    assert row["pixels"]["value"] < 0.7
    assert row["judge"]["value"] < 0.7


def test_cross_fitted_judges_have_not_seen_the_patients_they_judge() -> None:
    draw = np.random.default_rng(0)
    patients = np.arange(60).repeat(4)
    labels = draw.integers(0, 2, 60)[patients]  # no feature tells the answer, but each its patient
    features = {"who": draw.normal(size=(60, 20))[patients] + 0.01 * draw.normal(size=(240, 20))}
    seen = KernelJudge.fit(features, labels, 0.1)
    crossed = CrossFitted.fit(features, labels, patients.astype(str), folds=5, ridge=0.1)
    assert auroc(labels, seen.scores(features)) > 0.99
    assert auroc(labels, crossed.held_out(features)) < 0.65


def test_kernel_judge_learns_what_no_single_feature_tells() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(600, 2))
    labels = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    judge = KernelJudge.fit({"x": x[:300]}, labels[:300], 0.3)
    assert auroc(labels[300:], judge.scores({"x": x[300:]})) > 0.95
    with pytest.raises(SynthmedError, match="both answers"):
        KernelJudge.fit({"x": x}, np.ones(600, np.int64), 0.3)


def test_features_do_not_see_what_augmentation_may_change() -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (2, 3, 32, 32)).astype(np.float32)
    for kind, names in SAFE.items():
        for seed in range(4):
            draw = torch.Generator().manual_seed(seed)
            moves = [name for name in names if name not in ("shift", "gain")]
            changed = torch.stack([augment(x, moves, draw) for x in torch.from_numpy(images)])
            a, b = (judge_features(x, kind, symmetric=False) for x in (images, changed.numpy()))
            assert all(np.allclose(a[name], b[name], atol=1e-5) for name in a), (kind, names)
    chest = judge_features(images[..., ::-1], "chest X-ray", symmetric=False)["layout"]
    assert not np.allclose(chest, judge_features(images, "chest X-ray", symmetric=False)["layout"])


def test_halves_of_a_brain_with_a_lesion_on_one_side_differ() -> None:
    y, x = np.mgrid[:64, :64]
    brain = np.where((y - 32) ** 2 + (x - 32) ** 2 < 24**2, 0.0, -1.0)
    lesion = brain.copy()
    lesion[28:36, 18:26] = 0.8
    images = np.stack([brain, lesion])[:, None].repeat(3, axis=1).astype(np.float32)
    healthy, ill = judge_features(images, "brain MRI", symmetric=True)["halves"]
    assert np.abs(ill - healthy).max() > 0.5
    turned = np.ascontiguousarray(images[..., ::-1])
    error = judge_features(turned, "brain MRI", symmetric=True)["halves"][:, 0]
    assert np.allclose(error, [healthy[0], ill[0]], atol=0.01)


def test_conditions_of_an_attribute() -> None:
    def row(labels: tuple[str, ...], count: str = "", kind: str = "smear") -> Row:
        return Row(Path("x"), "x", "test", "g", labels=labels, image_type=kind, extra={"n": count})

    rows = [row(("a",)), row(("b", "c")), row(()), row(("b",), kind="other"), row(("a", "b"))]
    either = Attribute("", "smear", {"labels": "any"}, {"labels": ["a"]})
    assert either.labels(rows).tolist() == [0, 1, -1, -1, 0]
    counted = Attribute("", "smear", {"n": {"at_least": 15}}, {"n": {"below": 9}})
    rows = [row((), "15"), row((), "8"), row((), "9"), row(())]
    assert counted.labels(rows).tolist() == [1, 0, -1, -1]
    where = Attribute("", "smear", {"labels": ["b"]}, {"labels": ["a"]}, {"n": ["1"]})
    assert where.labels([row(("a",), "1"), row(("a",), "2")]).tolist() == [0, -1]
    with pytest.raises(SynthmedError, match="no such condition"):
        Attribute("", "smear", {}, {"labels": {"above": 1}}).labels([row(("a",))])


def test_bundled_recipe_of_judges_names_both_answers_of_every_type() -> None:
    recipe = read_judges(script.ROOT / "benchmarks/judges-64.yaml")
    assert isinstance(recipe, JudgeRecipe)
    assert len({attribute.name for attribute in recipe.attributes}) == len(recipe.attributes) == 15
    assert {attribute.image_type for attribute in recipe.attributes} == {
        entry["columns"]["image_type"]["const"]
        for entry in yaml.safe_load((script.ROOT / "recipes/sources/base-64.yaml").read_text())
    }


def test_shuffled_orders_say_nothing_about_their_prompts() -> None:
    sides = [[Order(f"{side}-{i}", side, "type", "g") for i in range(9)] for side in ("no", "yes")]
    made, said, given = shuffled(sides, sides, 40)
    assert [order.text for order in made] == [("no", "yes")[j] for j in given]
    assert np.bincount(2 * said + given).tolist() == [10, 10, 10, 10]
    own = {order.seed for side in sides for order in side}
    assert len({order.seed for order in made} | own) == 58


def test_a_target_is_reached_by_whole_intervals_only() -> None:
    for low, high, expected in ((0.92, 1, "reached"), (0.85, 0.95, "open"), (0.5, 0.8, "missed")):
        assert inside({"low": low, "high": high}, 0.9, 1.0) == expected
    assert inside({"low": None, "high": None}, 0.9, 1.0) == "open"
