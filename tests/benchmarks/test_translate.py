"""The translation benchmark: curves, baselines by known answers, methods, judge, verdicts, rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from benchmarks.common import ROOT
from benchmarks.translate_classic import FourierAdaptation, HistogramMatching, adapted, matched
from benchmarks.translate_curves import LEVELS, areas, heights, realism, verdict
from benchmarks.translate_cyclegan import CycleGAN, count
from benchmarks.translate_cyclegan import generator as gan_generator
from benchmarks.translate_data import DOMAINS, REAL, Images
from benchmarks.translate_frame import PROFILES, VARIANTS, Bench
from benchmarks.translate_methods import (
    DEPTHS,
    CodecRoundTrip,
    Ours,
    SDEdit,
    fair_steps,
    made,
    ours,
    sdedit,
    standard,
)
from benchmarks.translate_points import Judge, paired, per_image
from benchmarks.translate_renders import RENDERED, SETTINGS, lung_labels, poses

from benchmarks import translate_curve_rows, translate_setup
from benchmarks import translate_cyclegan_training as gan_training
from synthmed.datasets.rows import Row
from synthmed.datasets.splits import group_hashes
from synthmed.errors import SafetyError
from synthmed.measures.features import load_extractor
from synthmed.measures.fidelity import kid
from synthmed.models.codec import AutoencoderCodec, build_autoencoder
from synthmed.models.conditioners import LabelConditioner
from synthmed.models.denoiser import build_unet
from synthmed.models.generator import Generator
from synthmed.synthesis.editing import EditSettings
from synthmed.training.recipe import load_recipe
from synthmed.transport.paths import LinearPath

SIZE = 16
A, B, C = "render-standard", "nih-cxr64", "covid-cxr"


@pytest.fixture(scope="module")
def generator() -> Generator:
    """An untrained model of all domains for 16 pixels."""
    torch.manual_seed(0)
    vae = build_autoencoder(
        image_size=SIZE, latent_channels=4, block_out_channels=(8, 16), layers_per_block=1
    )
    unet = build_unet(
        sample_size=SIZE // 2,
        latent_channels=4,
        condition_width=16,
        block_out_channels=(16, 32),
        attention=(False, True),
        layers_per_block=1,
        heads=2,
    )
    domains = {"domain": LabelConditioner(DOMAINS, 16)}
    model = Generator(AutoencoderCodec(vae.eval()), domains, unet.eval(), LinearPath(), SIZE)
    model.hash = "tiny"
    return model


@pytest.fixture
def images() -> np.ndarray:
    """Five images of 256 grey levels."""
    levels = np.random.default_rng(0).integers(0, 256, (5, 1, SIZE, SIZE))
    return (levels / 127.5 - 1).astype(np.float32)


def columns(*points: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Structure and realism of some settings, with one set of blocks."""
    both = np.asarray(points, np.float64)
    return both[:, :1], both[:, 1:]


@pytest.mark.parametrize(
    ("points", "area"),
    [
        ([(0.5, 0.4)], 0.2),
        ([(1.0, 0.0)], 0.0),
        ([(1.0, 1.0)], 1.0),
        ([(0.9, 0.3), (0.5, 0.8)], 0.5 * 0.8 + 0.4 * 0.3),
        ([(0.9, 0.3), (0.5, 0.8), (0.4, 0.7), (0.5, 0.1)], 0.52),  # two are dominated
        ([(0.5, 0.4), (0.5, 0.4)], 0.2),
    ],
)
def test_area_is_that_of_the_union_of_rectangles(
    points: list[tuple[float, float]], area: float
) -> None:
    assert areas(*columns(*points))[0] == pytest.approx(area)
    assert areas(*columns(*points[::-1]))[0] == pytest.approx(area)


def test_heights_follow_the_lines_between_settings_and_to_the_untouched_source() -> None:
    single = heights(*columns((0.5, 0.8)), levels=(0.2, 0.5, 0.75, 0.9))[:, 0]
    assert single == pytest.approx([0.8, 0.8, 0.4, 0.16])
    two = heights(*columns((0.8, 0.2), (0.4, 0.6)), levels=(0.1, 0.4, 0.6, 0.8, 0.9))[:, 0]
    assert two == pytest.approx([0.6, 0.6, 0.4, 0.2, 0.1])
    bent = heights(*columns((0.4, 0.1), (0.6, 0.5)), levels=(0.3, 0.4, 0.5, 0.7))[:, 0]
    assert bent == pytest.approx([0.5, 0.5, 0.5, 0.375])  # less structure never costs realism
    assert heights(*columns((1.0, 0.0)))[:, 0] == pytest.approx([0.0] * len(LEVELS))


def test_curves_are_drawn_for_each_set_of_blocks_alone() -> None:
    structure, real = np.array([[0.5, 0.9]]), np.array([[0.4, 0.2]])
    assert areas(structure, real) == pytest.approx([0.2, 0.18])
    assert heights(structure, real, (0.9,))[0] == pytest.approx([0.08, 0.2])


def test_realism_is_the_share_of_the_distance_that_is_gone() -> None:
    untouched = np.array([2.0, 2.0, 2.0, 2.0])
    assert realism(np.array([2.0, 0.5, -0.1, 3.0]), untouched).tolist() == [0.0, 0.75, 1.0, 0.0]


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ([(0.01, 0.2), (0.1, 0.3)], "dominates"),
        ([(-0.01, 0.2), (0.1, 0.3)], "no worse (margin 0.05)"),
        ([(-0.06, 0.2), (0.1, 0.3)], "open"),
        ([(-0.06, -0.01), (0.1, 0.3)], "worse at 1 of 2 levels"),
    ],
)
def test_verdicts_follow_the_rules_that_were_set(
    ends: list[tuple[float, float]], said: str
) -> None:
    assert verdict([{"value": 0.0, "low": low, "high": high} for low, high in ends]) == said


def test_histogram_matching_gives_the_targets_grey_levels_by_rank() -> None:
    image = np.array([[[3.0, 1.0], [2.0, 1.0]]], np.float32)
    values = np.array([10.0, 20.0, 30.0, 40.0], np.float32)
    assert matched(image, values)[0].tolist() == [[40.0, 15.0], [30.0, 15.0]]
    draw = np.random.default_rng(0)
    dark, bright = draw.uniform(-1, -0.5, (4, 1, 16, 16)), draw.uniform(0, 1, (9, 1, 16, 16))
    method = HistogramMatching({"bright": bright.astype(np.float32)})
    made_ = method.translate(dark.astype(np.float32), "dark", "bright")
    assert np.sort(made_[0].ravel()) == pytest.approx(
        np.quantile(bright, (np.arange(256) + 0.5) / 256), abs=0.01
    )
    order = np.argsort(dark[0].ravel())
    assert (np.diff(made_[0].ravel()[order]) >= 0).all()


def test_fourier_adaptation_takes_the_low_frequencies_amplitude(images: np.ndarray) -> None:
    low, other = 0.5 * images, images[::-1] * 0.3 + 0.2
    mean = adapted(low, other, beta=0.0)  # the mean alone
    assert mean.mean(axis=(1, 2, 3)) == pytest.approx(other.mean(axis=(1, 2, 3)), abs=1e-6)
    plain = [x - x.mean(axis=(2, 3), keepdims=True) for x in (mean, low)]
    assert plain[0] == pytest.approx(plain[1], abs=1e-6)
    assert adapted(low, low, 0.3) == pytest.approx(low, abs=1e-6)
    whole = np.abs(np.fft.fft2(adapted(low, other, 0.5) + 1))
    assert whole == pytest.approx(np.abs(np.fft.fft2(other + 1)), abs=1e-3)


def test_fourier_adaptation_draws_its_targets_by_seed(images: np.ndarray) -> None:
    train = {"b": images}
    one, same, other = (FourierAdaptation(train, 0.1, seed) for seed in (0, 0, 1))
    outputs = [method.translate(0.5 * images, "a", "b") for method in (one, same, other)]
    assert np.array_equal(outputs[0], outputs[1])
    assert not np.array_equal(outputs[0], outputs[2])
    assert one.key == same.key != other.key


def discs(count: int, seed: int, sign: float) -> np.ndarray:
    """Images `(count, 1, 16, 16)` of one disc, bright on dark or (-1) dark on bright."""
    draw, (y, x) = np.random.default_rng(seed), np.mgrid[:SIZE, :SIZE]
    centres = draw.uniform(4, 12, (count, 2, 1, 1))
    inside = (y - centres[:, 0]) ** 2 + (x - centres[:, 1]) ** 2 < 9
    return (sign * np.where(inside, 0.8, -0.6)[:, None]).astype(np.float32)


def test_cyclegan_learns_to_invert_grey_levels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gan_training, "RATE", 1e-3)  # 150 steps suffice
    monkeypatch.setattr(gan_training, "BATCH", 4)
    bright, dark = discs(64, 0, 1.0), discs(64, 1, -1.0)
    trained = CycleGAN.trained(
        bright, dark, ("bright", "dark"), tmp_path, views=1200, tiny=True, device="cpu"
    )
    test = discs(16, 2, 1.0)
    made_ = trained.translate(test, "bright", "dark")
    assert np.corrcoef(made_.ravel(), -test.ravel())[0, 1] > 0.75
    assert np.abs(made_ + test).mean() < 0.5 * np.abs(made_ - test).mean()
    back = trained.translate(made_, "dark", "bright")
    assert np.corrcoef(back.ravel(), test.ravel())[0, 1] > 0.7
    assert trained.parameters == count(gan_generator(1, 8, 1))
    assert trained.trained_parameters > 2 * trained.parameters


def test_a_killed_cyclegan_ends_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gan_training, "KEEP_EVERY", 2)
    monkeypatch.setattr(gan_training, "POOL", 6)
    monkeypatch.setattr(gan_training, "BATCH", 4)
    a, b = discs(8, 0, 1.0), discs(8, 1, -1.0)

    def trained(folder: Path) -> CycleGAN:
        return CycleGAN.trained(a, b, ("a", "b"), folder, views=48, tiny=True, device="cpu")

    whole = trained(tmp_path / "whole")
    step, calls = gan_training.Run.step, []

    def killed(run: Any, *arguments: Any) -> Any:
        calls.append(run.done)
        if run.done == 3:
            raise KeyboardInterrupt
        return step(run, *arguments)

    monkeypatch.setattr(gan_training.Run, "step", killed)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "killed")
    monkeypatch.setattr(gan_training.Run, "step", step)
    assert trained(tmp_path / "killed").hash == whole.hash
    assert calls == [0, 1, 2, 3]


def test_the_pool_shows_old_images_in_half_of_the_cases() -> None:
    pool = gan_training.Pool(torch.zeros(0, 1, 1, 1))
    draw = torch.Generator().manual_seed(0)
    first = torch.arange(50.0).reshape(50, 1, 1, 1)
    assert torch.equal(pool.exchange(first, draw), first)
    later = torch.arange(100.0, 500.0).reshape(400, 1, 1, 1)
    shown = pool.exchange(later, draw)
    assert len(pool.images) == 50
    assert 0.4 < float((shown == later).float().mean()) < 0.6
    assert float(pool.images.max()) >= 450


def test_sdedit_at_time_one_is_the_codecs_round_trip(
    generator: Generator, images: np.ndarray
) -> None:
    rebuilt = CodecRoundTrip(generator).translate(images, A, B)
    assert np.array_equal(SDEdit(generator, 1.0, 2.0, 3, "euler").translate(images, A, B), rebuilt)
    some = SDEdit(generator, 0.9, 2.0, 3, "euler").translate(images, A, B)
    more = SDEdit(generator, 0.2, 2.0, 3, "euler").translate(images, A, B)
    away = [np.abs(x - rebuilt).mean() for x in (some, more)]
    assert 0 < away[0] < away[1]
    few = SDEdit(generator, 0.2, 2.0, 3, "euler").translate(images[:2], A, B)
    assert np.abs(few - more[:2]).max() < 0.02  # an image's noise does not depend on the others


def test_ours_keeps_the_source_where_nothing_changes(
    generator: Generator, images: np.ndarray
) -> None:
    kept = Ours(generator, EditSettings(0.3, 2.0, 2, detail="keep"))
    assert kept.translate(images, A, A) == pytest.approx(images, abs=1e-6)
    assert np.abs(kept.translate(images, A, B) - images).max() > 0.01
    assert kept.family == "ours, detail kept"
    whole = Ours(generator, EditSettings(1.0))
    rebuilt = CodecRoundTrip(generator).translate(images, A, B)
    assert np.array_equal(whole.translate(images, A, B), rebuilt)


def test_evaluations_are_what_the_network_sees(generator: Generator, images: np.ndarray) -> None:
    from benchmarks.translate_ablation import OrdinaryGuidance

    methods: list[Any] = [
        Ours(generator, EditSettings(0.5, 2.0, 3)),
        Ours(generator, EditSettings(0.5, 1.0, 2, "heun", inversion="plain")),
        SDEdit(generator, 0.5, 2.0, 3, "multistep"),
        SDEdit(generator, 0.5, 1.0, 3, "heun"),
        OrdinaryGuidance(generator, 0.5, 2.0, 2.0, 2),
        OrdinaryGuidance(generator, 0.5, 1.0, 2.0, 2),
        CodecRoundTrip(generator),
    ]
    seen: list[int] = []
    hook = generator.unet.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    for method in methods:
        seen.clear()
        method.translate(images, A, B)
        assert sum(seen) / len(images) == method.evaluations, method.name
    hook.remove()


def test_sdedit_gets_at_least_as_many_evaluations(generator: Generator) -> None:
    for scale in (1.0, 2.0):
        own = ours(generator, scale, 4)[0].evaluations
        other = sdedit(generator, scale, own)[0].evaluations
        assert own <= other < own + 2
    assert (fair_steps(9, 1.0), fair_steps(9, 2.0)) == (9, 5)


def test_every_method_has_a_name_and_a_key_of_its_own(generator: Generator) -> None:
    train = {name: discs(4, 0, 1.0) for name in DOMAINS}
    methods = standard(generator, train, (2.0, 1.0), 2)
    assert len({m.name for m in methods}) == len({m.key for m in methods}) == len(methods) == 20
    bench = Bench(PROFILES["smoke"], Path("work"), Path("list"), Path("vae"))
    names = translate_setup.method_names(bench, (A, B))
    assert {m.name for m in methods} < set(names)
    assert "CycleGAN" in names
    assert "CycleGAN" not in translate_setup.method_names(bench, (B, C))
    assert translate_setup.families(bench, (A, B))["SDEdit"] == [
        f"SDEdit, depth {depth:g}" for depth in DEPTHS
    ]


def test_made_images_are_made_once(tmp_path: Path, images: np.ndarray) -> None:
    class Counting(HistogramMatching):
        calls = 0

        def translate(self, *arguments: Any) -> Any:
            type(self).calls += 1
            return super().translate(*arguments)

    method = Counting({B: images})
    first = made(tmp_path, method, 0.5 * images, A, B, "pair")
    assert np.array_equal(first, made(tmp_path, method, 0.5 * images, A, B, "pair"))
    assert first == pytest.approx(method.translate(0.5 * images, A, B), abs=1e-6)
    assert Counting.calls == 2
    made(tmp_path, method, 0.4 * images, A, B, "pair")
    assert Counting.calls == 3


def test_a_wrong_domain_is_of_the_other_kind() -> None:
    for source in DOMAINS:
        for target in DOMAINS:
            wrong = translate_setup.wrong_target(source, target)
            assert wrong not in (source, target)
            assert (wrong in REAL) != (target in REAL)


@pytest.fixture(scope="module")
def judge() -> Judge:
    """Three domains of 48 smooth images of 24 patients each; the grey levels tell the domain."""
    parts = {}
    for number, (name, level) in enumerate(((A, 0.3), (B, 0.7), (C, 0.7))):
        draw = np.random.default_rng(number)
        coarse = draw.normal(0, 0.08, (48, 1, 4, 4)).repeat(4, axis=2).repeat(4, axis=3)
        rows = [Row(Path("x"), "x", "test", f"{name}:{i // 2}") for i in range(48)]
        pixels = np.clip(coarse + level, -1, 1).astype(np.float32)
        parts[name] = Images(pixels, rows, [row.group_id for row in rows])
    return Judge.of(parts, "pixels-16")


def test_the_judge_tells_translated_from_untouched_images(judge: Judge) -> None:
    source, target = judge.parts[A].images, judge.parts[B].images
    row, kept = judge.point(source, A, B)
    assert row["kid"]["low"] > 0
    assert row["coverage"]["value"] == 0
    assert row["ssim"]["value"] == 1
    assert row["feature distance"]["value"] == 0
    brighter, lifted = judge.point((source + 0.4).clip(-1, 1), A, B)
    assert brighter["kid"]["low"] < 0 < brighter["kid"]["high"]
    assert brighter["cmmd"]["value"] < 0.1 * row["cmmd"]["value"]
    assert brighter["coverage"]["value"] > 0.8
    assert 0.3 < brighter["ssim"]["value"] < 1
    assert realism(lifted["kid"], kept["kid"])[0] > 0.95
    assert json.loads(json.dumps(row)) == row
    reference = judge.real(judge.parts[C], B)
    assert reference["kid"]["low"] < 0 < reference["kid"]["high"]
    assert len(target) == reference["n_real"]


def test_leave_out_values_are_those_of_the_remaining_rows(judge: Judge) -> None:
    output = (judge.parts[A].images + 0.2).astype(np.float32)
    _, kept = judge.point(output, A, B)
    assert len(kept["kid"]) == len(kept["ssim"]) == len(judge.sets)
    left = judge.sets[3]
    keep_a, keep_b = (~np.isin(judge.blocks[name], left) for name in (A, B))
    extract = load_extractor("pixels-16")
    again = kid(extract(judge.parts[B].images[keep_b]), extract(output[keep_a]))
    assert kept["kid"][3] == pytest.approx(again)
    assert kept["ssim"][3] != kept["ssim"][0]


def test_a_judge_that_saw_the_patients_is_refused(judge: Judge) -> None:
    from benchmarks.translate_points import refuse_seen

    refuse_seen(judge.parts, ["0" * 64])
    with pytest.raises(SafetyError, match="1 of the judged groups"):
        refuse_seen(judge.parts, group_hashes(judge.parts[B].rows[:1]))


def test_intervals_of_means_are_over_groups() -> None:
    values, groups = np.repeat([0.0, 1.0, 2.0, 3.0], 8), np.arange(4).repeat(8).astype(str)
    over_groups, alone = per_image(values, groups), per_image(values, np.arange(32).astype(str))
    assert over_groups["value"] == alone["value"] == 1.5
    assert over_groups["high"] - over_groups["low"] > 2 * (alone["high"] - alone["low"])
    assert paired(values + 1, values, groups)["low"] == 1


@pytest.fixture
def drawn(
    judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[float, float], dict[str, Any]]:
    """The curves' row of planted methods: realism of ours and of the control at each depth."""
    bench = Bench(replace(PROFILES["smoke"], pairs=((A, B),)), tmp_path, Path(), Path())
    draw = np.random.default_rng(0)
    base = 1 + 0.02 * draw.normal(size=len(judge.sets))
    heights_ = {"SDEdit": 0.4, "DDIB": 0.3, "CycleGAN": 0.5, "histogram matching": 0.2}

    def row(own: float, wrong: float) -> dict[str, Any]:
        planted = {"ours": own, "ours, detail kept": own, translate_setup.CONTROL: wrong}

        def left_out(_: Any, known: Any, pair: Any, name: str) -> dict[str, np.ndarray]:
            family, _, depth = name.partition(", depth ")
            keeps = float(depth) if depth else (1.0 if name == "identity" else 0.5)
            gain = (heights_ | planted).get(family, 0.0) * 2 * (1 - keeps)
            jitter = 0.002 * draw.normal(size=len(base))
            return {"kid": base * (1 - gain) + jitter, "ssim": np.full(len(base), keeps)}

        monkeypatch.setattr(translate_curve_rows, "judge", lambda *_: judge)
        monkeypatch.setattr(translate_curve_rows, "left_out", left_out)
        return translate_curve_rows.curves_row(bench, {}, (A, B))

    return row


def test_verdicts_of_planted_curves(drawn: Callable[[float, float], dict[str, Any]]) -> None:
    from benchmarks.translate_tables import _curves, verdicts

    better = drawn(0.55, 0.05)
    assert better["compared"]["ours"]["SDEdit"]["ours"] == "dominates"
    notes = " ".join(verdicts(better))
    assert "against SDEdit at 9 levels of structure: dominates" in notes
    assert "Curves that dominate ours: no method's." in notes
    assert "CONTROL FAILED" not in notes
    assert _curves(better, "pair").lines[0][0] in ("ours", "ours, detail kept")
    worse = drawn(0.2, 0.05)
    assert worse["compared"]["ours"]["SDEdit"]["ours"].startswith("worse")
    assert "Curves that dominate ours: SDEdit" in " ".join(verdicts(worse))
    failed = drawn(0.55, 0.9)
    assert "CONTROL FAILED" in " ".join(verdicts(failed))


def test_the_ranking_names_each_method_once(
    drawn: Callable[[float, float], dict[str, Any]], tmp_path: Path
) -> None:
    drawn(0.55, 0.05)
    bench = Bench(replace(PROFILES["smoke"], pairs=((A, B),)), tmp_path, Path(), Path())
    row = translate_curve_rows.ranking_row(bench, {f"curves: {A} to {B}": {}}, [(A, B)])
    order = list(row["families"])
    assert len(order) == len(set(order)) == 8
    assert set(order[:2]) == {"ours", "ours, detail kept"}
    assert {"identity", "Fourier domain adaptation"} == set(order[-2:])
    assert row["families"]["SDEdit"]["minus ours"]["high"] < 0
    assert translate_setup.CONTROL not in order
    assert "skipped" in translate_curve_rows.ranking_row(
        bench, {f"curves: {A} to {B}": {"skipped": "x"}}, [(A, B)]
    )


@pytest.fixture
def bench(
    judge: Judge, generator: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> SimpleNamespace:
    """A benchmark of one pair of domains on the untrained model, with the made judge."""
    from benchmarks import translate_ablation, translate_steps

    untouched = judge.point(judge.parts[A].images, A, B)[1]
    for module in (translate_ablation, translate_steps):
        monkeypatch.setattr(module, "judge", lambda *_: judge)
        monkeypatch.setattr(module, "left_out", lambda *_: untouched)
    profile = replace(PROFILES["smoke"], pairs=((A, B),), look=0.0)
    return SimpleNamespace(profile=profile, work=tmp_path, generator=lambda _=None: generator)


def test_the_difference_has_no_identity_error_at_any_number_of_steps(bench: Any) -> None:
    from benchmarks.translate_steps import steps_row

    rows = {name: steps_row(bench, {}, "multistep", name, 8) for name in ("difference", "plain")}
    assert rows["difference"]["identity error"]["value"] == 0
    assert rows["plain"]["identity error"]["value"] > 0
    assert (rows["difference"]["steps"], rows["difference"]["evaluations"]) == (3, 7)
    assert (rows["plain"]["steps"], rows["plain"]["evaluations"]) == (4, 8)
    for row in rows.values():
        assert row["error"]["value"] > 0
        assert 0 <= row["realism"]["low"] <= row["realism"]["high"] <= 1
    assert "skipped" in steps_row(bench, {}, "heun", "difference", 4)
    assert json.loads(json.dumps(rows)) == rows


def test_ablations_are_compared_with_their_base(bench: Any) -> None:
    from benchmarks.translate_ablation import BASE, NAMES, ablation_row

    chosen = [BASE, NAMES[1], NAMES[4]]
    rows = {name: ablation_row(bench, {}, name) for name in chosen}
    assert rows[BASE]["minus base"] is None
    assert rows[BASE]["identity error"]["value"] == 0
    for name in chosen[1:]:
        gap = rows[name]["area"]["value"] - rows[BASE]["area"]["value"]
        assert rows[name]["minus base"]["value"] == pytest.approx(gap, abs=2e-6)
    assert rows[NAMES[1]]["identity error"]["value"] == 0  # guidance on the difference
    assert rows[NAMES[4]]["identity error"]["value"] > 0  # ordinary guidance
    assert [len(row["ssim"]) for row in rows.values()] == [len(DEPTHS)] * 3


@pytest.mark.parametrize(("others", "withheld"), [(0.1, False), (0.9, True)])
def test_cost_is_told_of_an_idle_machine_only(
    bench: Any, others: float, withheld: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks.translate_steps import cost_row

    monkeypatch.setattr("benchmarks.timing._others", lambda before, after: others)
    row = cost_row(bench, 8)
    assert ("withheld" in row, "rate" in row) == (withheld, not withheld)
    assert row["image side"] == SIZE


def test_budgets_are_used_up_and_never_exceeded() -> None:
    from benchmarks.translate_steps import BUDGETS, within

    from synthmed.synthesis.editing import evaluations

    for solver, inversion in (("euler", "plain"), ("multistep", "difference"), ("heun", "plain")):
        start = EditSettings(0.5, 1.0, 1, solver, inversion=inversion)
        for budget in BUDGETS:
            found = within(budget, start)
            assert found is not None
            assert evaluations(found) <= budget
            assert evaluations(replace(found, steps=found.steps + 1)) > budget
    assert within(4, EditSettings(0.5, 1.0, 1, "heun", inversion="difference")) is None


def test_training_poses_are_unpaired_and_test_poses_are_paired_and_new() -> None:
    every = list(poses(5, 2))
    train = [(seed, settings) for split, seed, settings in every if split == "train"]
    assert len({seed for seed, _ in train}) == len(train) == 5 * len(SETTINGS)
    assert all(len(settings) == 1 for _, settings in train)
    held = {s: {seed for split, seed, _ in every if split == s} for s in ("train", "val", "test")}
    assert (len(held["val"]), len(held["test"])) == (2, 4)
    assert not held["val"] & held["test"]
    assert not (held["val"] | held["test"]) & held["train"]
    assert all(settings == SETTINGS for split, _, settings in every if split != "train")
    assert max(seed for _, seed, _ in every) < 900_000  # beyond lie the poses of other parts
    assert len(RENDERED) + len(REAL) >= 5


def test_lungs_are_large_organs_of_air() -> None:
    from synthmed.xray.ct import CT

    hu, labels = np.full((40, 40, 40), 40.0, np.float32), np.zeros((40, 40, 40), np.uint16)
    for label, place, value in (
        (3, np.s_[:10, :20, :20], -800.0),  # 4,000 voxels of 64 mm³: 256 ml of air
        (5, np.s_[20:30, :20, :20], -750.0),
        (7, np.s_[12:14, :10, :20], -900.0),  # 26 ml: a windpipe
        (9, np.s_[30:, 20:, :], 50.0),  # 512 ml of soft tissue
    ):
        labels[place], hu[place] = label, value
    volume = CT(hu, np.diag([4.0, 4.0, 4.0, 1.0]), labels, {}, "ct:x")
    assert lung_labels(volume) == (3, 5)
    assert lung_labels(replace(volume, labels_XYZ=None)) == ()


def test_the_profiles_keep_the_contract(tmp_path: Path) -> None:
    from benchmarks.translate_cyclegan_training import BATCH, Setup
    from benchmarks.translate_models import RECIPE, overrides

    for name in ("cpu", "gpu"):
        profile = PROFILES[name]
        bench = Bench(profile, tmp_path, tmp_path, tmp_path)
        for changed in ({}, {"flow.pairing": "transport"}):
            recipe = load_recipe(RECIPE, overrides(bench, tmp_path, changed, ["ct:x"]))
            flow, schedule = recipe.flow, recipe.flow.schedule
            assert flow.batch_size * schedule.steps >= 100_000
            assert schedule.patience * schedule.validate_every > schedule.steps
            assert recipe.condition.kind == "domain"
            assert recipe.data.shared_groups == ("ct:x",)
        setup = Setup(("a", "b"), profile.views, profile.gan_width, 6, 0)
        assert setup.steps * 2 * BATCH >= 100_000
        assert profile.images is None
        assert set(profile.variants) <= set(VARIANTS)
        assert all(pair in profile.pairs for pair in profile.gans)
    assert set(PROFILES) == {"smoke", "cpu", "gpu"}


def test_the_data_continue_after_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.translate_data import Data, lungs, shared_folder

    from benchmarks import translate_data, translate_renders
    from synthmed.datasets.writing import DatasetWriter
    from synthmed.imaging.spec import spec_8bit
    from synthmed.xray.ct import CT
    from synthmed.xray.simulate import Render

    writer = DatasetWriter(tmp_path / "real", spec_8bit(1, "PNG"))
    for i in range(24):
        group = f"{('nih', 'covid-cxr')[i % 2]}:{i // 2}"
        row = Row(Path(), f"{i}.png", ("train", "val", "test")[i // 8], group)
        writer.add(replace(row, image_type="chest X-ray"), np.full((1, 80, 40), i / 24.0))
    writer.finish()
    listing = tmp_path / "list.yaml"
    listing.write_text(f"[{{path: {tmp_path / 'real'}}}]")
    volume = CT(np.zeros((2, 2, 2), np.float32), np.eye(4), None, {}, "ct:made")
    seen: list[int] = []

    def simulated(
        _: Any, scene: Any, exposures: Any, seed: int, organs: Any, mask_mm: float
    ) -> list[Render]:
        if len(seen) == 5:
            seen.append(-1)
            raise KeyboardInterrupt
        seen.append(seed)
        draw = np.random.default_rng(seed)
        mask = np.zeros((128, 128), bool)
        mask[:64] = True
        return [
            Render(draw.uniform(-1, 1, (1, 128, 128)).astype(np.float32), {"lungs": mask}, (0, 1))
            for _ in exposures
        ]

    monkeypatch.setattr(translate_data, "ct", lambda _: volume)
    monkeypatch.setattr(translate_renders, "simulate", simulated)
    monkeypatch.setitem(translate_renders._LABELS, "ct:made", (3,))
    about = (tmp_path / "data", listing, shared_folder(listing), 2, 2)
    with pytest.raises(KeyboardInterrupt):
        Data.ready(*about)
    data = Data.ready(*about)
    done = [seed for seed in seen if seed >= 0]
    assert len(done) == len(set(done)) == 2 * len(SETTINGS) + 2 + 4
    assert data.shared == ["ct:made"]
    assert data.counts()[A]["train"] == {"images": 2, "groups": 2}
    assert data.counts()[B]["test"] == {"images": 4, "groups": 4}
    low, high = (data.part(name, "test") for name in ("render-low-dose", A))
    assert low.groups == high.groups
    assert low.images.shape == (4, 1, 64, 64)
    assert lungs(low)[:, :32].all()
    assert not lungs(low)[:, 32:].any()
    assert data.part(B, "val").images[0, 0, 0, 0] == -1  # padded to a square
    assert len(data.part(B, "test", 3).rows) == 3


def test_tables_of_an_unfinished_run_are_shown() -> None:
    from benchmarks import translate

    assert isinstance(translate.tables({"rows": {}, "profile": "cpu"}), list)


def test_outlined_patients_are_not_learnt_from(shared_data: Path) -> None:
    from benchmarks.translate_data import real_rows
    from benchmarks.translate_use_data import masked_patients

    listing = ROOT / "recipes/sources/base-64.yaml"
    rows = [row for row, _ in real_rows(listing, shared_data)]
    outlined = {f"covid-cxr:{name}" for name in masked_patients(shared_data / "covid-cxr")}
    assert outlined
    assert not outlined & {row.group_id for row in rows if row.split != "test"}
    assert {row.domain for row in rows} == set(REAL)
    assert len({row.file_name for row in rows}) == len(rows)
    for split in ("train", "val", "test"):
        for domain in REAL:
            assert sum((row.split, row.domain) == (split, domain) for row in rows) >= 29


@pytest.mark.slow
def test_smoke_profile_measures_and_keeps_every_row(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import translate

    command = ["--results", str(tmp_path / "results")]
    translate.main(command, work=tmp_path / "work")
    file = tmp_path / "results" / "translate-smoke.json"
    names = list(json.loads(file.read_text())["rows"])
    for start in ("point: ", "curves: ", "ranking", "steps: ", "cost: ", "ablation: ", "dial: "):
        assert any(name.startswith(start) for name in names), start
    assert "Ranking by area" in capsys.readouterr().out
    assert (tmp_path / "work/smoke/pictures").is_dir()
