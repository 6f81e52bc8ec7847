"""Calibrate: figures that can be computed another way, resumption, and who may be looked at."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from calibration_sets import generator_folder, stored, write_domains
from tiny_translators import DOMAINS, translator

from synthmed.datasets.folder import read_dataset
from synthmed.datasets.rows import Row
from synthmed.datasets.splits import group_hashes
from synthmed.errors import SafetyError, SynthmedError
from synthmed.imaging.reading import open_image
from synthmed.imaging.writing import write_png
from synthmed.measures.features import load_extractor
from synthmed.measures.fidelity import kid
from synthmed.measures.structure import ssim
from synthmed.models.generator import Generator
from synthmed.models.hashing import weights_hash
from synthmed.synthesis import calibration, calibration_domain, calibration_pairs
from synthmed.synthesis.calibration import calibrate
from synthmed.synthesis.calibration_images import Material
from synthmed.synthesis.calibration_measures import features_of
from synthmed.synthesis.calibration_table import calibration_text
from synthmed.synthesis.dial import choose_depth

QUICK: dict[str, Any] = {
    "depths": (0.5, 1.0),
    "extractor": "pixels-16",
    "steps": 2,
    "progress": False,
    "device": "cpu",
    "dtype": "float32",
}
PAIR = [("render", "site a")]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_domains(tmp_path_factory.mktemp("images") / "d")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generator_folder(tmp_path_factory.mktemp("model") / "m", ("site a:trained",))


@pytest.fixture
def model(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "m"))


def entry(model: Path, source: str = "render", target: str = "site a") -> dict[str, Any]:
    pairs = stored(model)["calibration"]["pairs"]
    found: dict[str, Any] = next(p for p in pairs if (p["source"], p["target"]) == (source, target))
    return found


def pixels(images: Path, domain: str) -> Any:
    rows = [row for row in read_dataset(images).rows if row.domain == domain]
    return np.stack([open_image(row.file)[0] for row in rows])


def test_all_pairs_are_stored_and_nothing_else_is_touched(model: Path, images: Path) -> None:
    before, weights = stored(model), weights_hash(model)
    result = calibrate(model, images, **QUICK)
    assert result.card == model / "synthmed.json"
    assert len(result.pairs) == 6
    assert (result.kept, result.left_out, result.rejected) == ((), [], [])
    after = stored(model)
    made = after.pop("calibration")
    assert after == before
    assert weights_hash(model) == weights == made["generator_hash"]
    assert made["settings"] == {
        "guidance": 1.0,
        "steps": 2,
        "solver": "multistep",
        "detail": "model",
        "inversion": "difference",
    }
    assert made["extractor"] == "pixels-16/1"
    found = entry(model)
    sizes = ("n_source", "n_target", "groups_source", "groups_target")
    assert [found[name] for name in sizes] == [10] * 4
    assert found["depths"] == [0.5, 1.0]
    points = *found["structure"], *found["realism"], *found["matched"]
    for point in (*points, found["real_real"], found["untouched"]):
        assert point["low"] <= point["value"] <= point["high"]
    assert len(found["matched"]) == 2
    assert Generator.load(model, device="cpu").card["calibration"] == made
    assert choose_depth(stored(model), "render", "site a", match_realism=True).depth in (0.5, 1.0)


def test_who_tuned_the_dial_and_how_few_they_are_stands_in_the_card(
    model: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = read_dataset(images).rows
    judge = load_extractor("pixels-16")
    monkeypatch.setattr(judge, "groups", frozenset(group_hashes(rows[:3])), raising=False)
    monkeypatch.setattr(calibration, "load_extractor", lambda _: judge)
    with pytest.warns(UserWarning, match=r"render: few patients \(10, 40 are wanted\)"):
        result = calibrate(model, images, pairs=PAIR, **QUICK)
    own = [row for row in rows if row.domain in ("render", "site a")]
    assert stored(model)["calibration"]["groups"] == group_hashes(own)
    told = entry(model)["warnings"]
    assert [text.split(":")[0] for text in told[:2]] == ["render", "site a"]
    assert told[2] == "pixels-16/1 was trained on 3 of these patients (groups)"
    assert set(told) == set(result.warnings)
    assert "pixels-16/1 was trained on 3" in calibration_text(stored(model), "p")
    calibrate(model, images, pairs=[("site a", "site b")], **QUICK)
    assert stored(model)["calibration"]["groups"] == group_hashes(rows)
    many = write_domains(tmp_path / "many", {"render": 40, "site a": 40, "site b": 0})
    monkeypatch.undo()
    assert calibrate(model, many, pairs=PAIR, **QUICK).warnings == ()


def test_curves_of_an_older_format_are_measured_anew(model: Path, images: Path) -> None:
    calibrate(model, images, pairs=PAIR, **QUICK)
    facts = stored(model)
    facts["calibration"]["format"] = 1
    (model / "synthmed.json").write_text(json.dumps(facts))
    with pytest.raises(SynthmedError, match=r"format 1, not 2.*Calibrate it again"):
        choose_depth(facts, "render", "site a", match_realism=True)
    assert calibrate(model, images, pairs=PAIR, **QUICK).kept == ()
    assert stored(model)["calibration"]["format"] == 2


def test_the_figures_at_depth_1_are_those_of_the_codec_alone(model: Path, images: Path) -> None:
    calibrate(model, images, pairs=PAIR, **QUICK)
    found, extractor = entry(model), load_extractor("pixels-16")
    source, target = pixels(images, "render"), pixels(images, "site a")
    generator = Generator.load(model, device="cpu", dtype="float32")
    with torch.no_grad():
        z = generator.codec.encode(torch.from_numpy(source))
        rebuilt = generator.codec.decode(z).clamp(-1, 1).mean(dim=1, keepdim=True).numpy()
    assert found["structure"][-1]["value"] == pytest.approx(ssim(source, rebuilt).mean(), abs=1e-4)
    expected = kid(extractor(target), extractor(rebuilt))
    assert found["realism"][-1]["value"] == pytest.approx(expected, rel=1e-3)
    untouched = kid(extractor(target), extractor(source))
    assert found["untouched"]["value"] == pytest.approx(untouched, rel=1e-6)
    assert found["structure"][0] != found["structure"][-1]


def test_kept_detail_at_depth_1_is_the_source_itself(model: Path, images: Path) -> None:
    calibrate(model, images, pairs=PAIR, detail="keep", **QUICK)
    found = entry(model)
    assert found["structure"][-1]["value"] == pytest.approx(1, abs=1e-6)
    assert found["realism"][-1]["value"] == pytest.approx(found["untouched"]["value"], rel=1e-3)
    assert stored(model)["calibration"]["settings"]["detail"] == "keep"


class Killed(BaseException):
    """What a kill is to a Python program."""


def measured_pairs(monkeypatch: pytest.MonkeyPatch, dies_at: int = 99) -> list[tuple[str, str]]:
    """Note the pairs that are measured; die when the n-th of them begins."""
    seen: list[tuple[str, str]] = []
    measure: Callable[..., Any] = calibration_pairs.PairMeasurer.__call__

    def spy(self: Any, source: str, target: str) -> Any:
        seen.append((source, target))
        if len(seen) == dies_at:
            raise Killed
        return measure(self, source, target)

    monkeypatch.setattr(calibration_pairs.PairMeasurer, "__call__", spy)
    return seen


def test_a_killed_run_continues_with_the_pair_that_it_lacks(
    model: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path(shutil.copytree(model, tmp_path / "whole"))
    calibrate(whole, images, **QUICK)
    with monkeypatch.context() as patch:
        measured_pairs(patch, dies_at=3)
        with pytest.raises(Killed):
            calibrate(model, images, **QUICK)
    assert len(stored(model)["calibration"]["pairs"]) == 2
    with monkeypatch.context() as patch:
        seen = measured_pairs(patch)
        result = calibrate(model, images, **QUICK)
    assert len(seen) == 4
    assert len(result.kept) == 2
    card = "synthmed.json"
    assert (model / card).read_bytes() == (whole / card).read_bytes()


def test_pairs_are_added_and_other_settings_begin_anew(
    model: Path, images: Path, tmp_path: Path
) -> None:
    calibrate(model, images, pairs=PAIR, **QUICK)
    calibrate(model, images, pairs=[("site b", "render")], **QUICK)
    names = [(p["source"], p["target"]) for p in stored(model)["calibration"]["pairs"]]
    assert names == [("render", "site a"), ("site b", "render")]
    other = {**QUICK, "depths": (0.25,)}
    calibrate(model, images, pairs=PAIR, **other)  # this pair anew, the other stays
    assert entry(model)["depths"] == [0.25]
    assert entry(model, "site b", "render")["depths"] == [0.5, 1.0]
    fewer = write_domains(tmp_path / "fewer", dict.fromkeys(DOMAINS, 9))
    assert calibrate(model, fewer, pairs=PAIR, **other).kept == ()  # other images
    assert entry(model)["n_source"] == 9
    calibrate(model, images, pairs=PAIR, **{**QUICK, "steps": 1})
    assert len(stored(model)["calibration"]["pairs"]) == 1


def test_training_patients_are_refused(images: Path, tmp_path: Path) -> None:
    folder = generator_folder(tmp_path / "m", ("site a:p03", "render:p01"))
    before = (folder / "synthmed.json").read_bytes()
    with pytest.raises(SafetyError, match="trained on 2 of these 30 patients") as caught:
        calibrate(folder, images, **QUICK)
    assert caught.value.exit_code == 3
    assert (folder / "synthmed.json").read_bytes() == before
    with pytest.raises(SafetyError):
        calibrate(
            folder, write_domains(tmp_path / "t", split="train"), **{**QUICK, "split": "train"}
        )


def test_a_shared_simulator_is_allowed_and_named(tmp_path: Path) -> None:
    def group(domain: str, number: int) -> str:
        return "ct:1" if domain == "render" else f"{domain}:p{number:02d}"

    dataset = write_domains(tmp_path / "d", group_id=group)
    facts = generator_folder(tmp_path / "x", ("ct:1",))
    shared = stored(facts)["training_groups"]
    folder = generator_folder(tmp_path / "m", ("ct:1",), shared_groups=shared)
    with pytest.raises(SafetyError):
        calibrate(facts, dataset, **QUICK)
    with pytest.warns(UserWarning, match="ct:1"):
        result = calibrate(folder, dataset, pairs=PAIR, **QUICK)
    assert result.shared_groups == ("ct:1",)
    found = entry(folder)
    assert (found["groups_source"], found["units_source"]) == (1, 10)
    assert (found["shared_source"], found["shared_target"]) == (1, 0)
    assert "renders of volumes" in calibration_text(stored(folder), "p")
    assert "ct:1" not in (folder / "synthmed.json").read_text(encoding="utf-8")


def test_patients_that_the_codec_saw_are_named(tmp_path: Path) -> None:
    dataset = write_domains(tmp_path / "d")
    saw = stored(generator_folder(tmp_path / "x", ("render:p01", "site a:p02", "someone")))
    folder = generator_folder(tmp_path / "m", codec_groups=saw["training_groups"])
    with pytest.warns(UserWarning, match="codec was trained on 2 of these 30 patients"):
        calibrate(folder, dataset, pairs=[*PAIR, ("site a", "site b")], **QUICK)


def test_a_small_domain_is_left_out_with_a_reason_and_the_others_are_done(
    model: Path, tmp_path: Path
) -> None:
    dataset = write_domains(tmp_path / "d", {"site b": 5})
    result = calibrate(model, dataset, **QUICK)
    assert set(result.pairs) == {("render", "site a"), ("site a", "render")}
    assert len(result.left_out) == 4
    assert all("site b has 5 images of 5 groups" in bad["reason"] for bad in result.left_out)
    few = write_domains(tmp_path / "few", dict.fromkeys(DOMAINS, 3))
    with pytest.raises(SynthmedError, match="no pair of domains could be calibrated: too few"):
        calibrate(model, few, **QUICK)


def test_one_broken_file_stops_nothing(model: Path, images: Path, tmp_path: Path) -> None:
    dataset = Path(shutil.copytree(images, tmp_path / "d"))
    (dataset / "val" / "render-03.png").write_bytes(b"no image")
    result = calibrate(model, dataset, pairs=PAIR, **QUICK)
    assert [bad["file_name"] for bad in result.rejected] == ["render-03.png"]
    assert entry(model)["n_source"] == 9


def test_what_translate_rejects_is_rejected_here(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model of grey images translates no colour image: none may tune its dial."""
    folder = generator_folder(tmp_path / "m", types=[{"image_type": "x", "grey": True}])
    dataset = Path(shutil.copytree(images, tmp_path / "d"))
    rng = np.random.default_rng(0)
    colour = rng.uniform(-1, 1, (3, 16, 16)).astype(np.float32)
    write_png(dataset / "val" / "render-04.png", colour)
    opened: Callable[..., Any] = calibration_domain.open_framed

    def hostile(path: Path, *args: Any, **how: Any) -> Any:
        if path.name == "render-05.png":
            raise RecursionError(f"in {path}")
        return opened(path, *args, **how)

    monkeypatch.setattr(calibration_domain, "open_framed", hostile)
    result = calibrate(folder, dataset, pairs=PAIR, **QUICK)
    reasons = {bad["file_name"]: bad["reason"] for bad in result.rejected}
    assert "knows grey images only" in reasons["render-04.png"]
    assert reasons["render-05.png"] == "cannot read it: RecursionError: in render-05.png"
    assert entry(folder)["n_source"] == 8


def test_images_too_thin_for_their_structure_are_listed(tmp_path: Path) -> None:
    write_png(tmp_path / "thin.png", np.zeros((1, 64, 40), np.float32))
    write_png(tmp_path / "wide.png", np.zeros((1, 20, 32), np.float32))
    rows = tuple(
        Row(tmp_path / name, name, "val", name, domain="d") for name in ("thin.png", "wide.png")
    )
    rejected: list[dict[str, str]] = []
    found = calibration_domain.open_domain("d", Material({"d": rows}, (), []), 17, rejected)
    assert rejected == []
    assert found.boxes.tolist() == [[0, 3, 17, 11], [3, 0, 11, 17]]
    found = calibration_domain.open_domain("d", Material({"d": rows}, (), []), 16, rejected)
    assert len(found.rows) == 0
    assert [bad["file_name"] for bad in rejected] == ["thin.png", "wide.png"]
    assert "SSIM needs 11" in rejected[0]["reason"]


def test_most_images_a_domain_are_drawn_by_seed(model: Path, images: Path) -> None:
    def content(**how: Any) -> Any:
        calibrate(model, images, pairs=PAIR, most=8, **QUICK, **how)
        assert entry(model)["n_source"] == 8
        return entry(model)["content_source"]

    first = content()
    assert content() == first
    assert content(seed=1) != first


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"pairs": [("render", "site c")]}, "no domain 'site c'.*render, site a, site b"),
        ({"pairs": [("render", "render")]}, "with itself"),
        ({"pairs": []}, "no pair of domains is named"),
        ({"depths": (0.5, 1.5)}, "not numbers from 0 to 1"),
        ({"depths": ()}, "not numbers from 0 to 1"),
        ({"solver": "newton"}, "newton"),
        ({"detail": "some"}, "some"),
        ({"split": "holdout"}, "no split is called 'holdout'"),
        ({"split": "test"}, "no image of split test"),
        ({"most": 0}, "most is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"extractor": "eyes"}, "unknown extractor 'eyes'"),
    ],
)
def test_bad_options(model: Path, images: Path, how: dict[str, Any], message: str) -> None:
    with pytest.raises(SynthmedError, match=message):
        calibrate(model, images, **{**QUICK, **how})
    assert "calibration" not in stored(model)


def test_models_that_cannot_be_calibrated(images: Path, tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match="bundled generator stays"):
        calibrate("base-64", images, **QUICK)
    with pytest.raises(SynthmedError, match="no generator here"):
        calibrate(tmp_path / "nothing", images, **QUICK)
    plain = translator(text=True)
    del plain.conditioners["domain"]
    folder = plain.save(tmp_path / "m")
    with pytest.raises(SynthmedError, match="0 domains: there is nothing to translate between"):
        calibrate(folder, images, **QUICK)


def test_features_do_not_depend_on_the_chunks() -> None:
    rng = np.random.default_rng(2)
    images = rng.uniform(-1, 1, (70, 1, 16, 16)).astype(np.float32)
    extractor = load_extractor("pixels-16")
    assert np.array_equal(features_of(extractor, images), extractor(images))
