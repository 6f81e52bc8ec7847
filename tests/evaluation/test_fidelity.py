"""The section on made images: good ones are green, every planted fault turns its light."""

import json

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Features
from synthmed.evaluation.fidelity import fidelity
from synthmed.evaluation.fidelity_parts.notes import _sizes

SIZE = 46  # below 48 pixels MS-SSIM, which takes most of the time, is not measured


def pictures(n, seed, bright=None, size=SIZE):
    """Clouds with fine grain; half of them (``bright``: all) with a bright disc."""
    rng = np.random.default_rng(seed)
    clouds = gaussian_filter(rng.normal(size=(n, 1, size, size)), (0, 0, 3, 3)) * 1.5
    grain = rng.normal(0, 0.08, (n, 1, size, size))
    images = clouds + grain + rng.normal(0, 0.1, (n, 1, 1, 1))
    y, x = np.mgrid[:size, :size] - size // 2
    discs = np.arange(n) % 2 == 0 if bright is None else np.full(n, bright)
    images[discs] += 0.7 * (x**2 + y**2 < (size / 4) ** 2)
    return np.clip(images, -1, 1)


@pytest.fixture
def run(make_side, make_context):
    """Runs the section on 240 real images of 120 patients and the given synthetic ones."""

    def section(synthetic, real=None, **columns):
        own = {key: columns.pop(key) for key in ("kinds", "labels", "prompts") if key in columns}
        real = pictures(240, 1) if real is None else real
        mine = make_side(
            "real",
            real,
            groups=[f"p{i // 4 * 2 + i % 2}" for i in range(len(real))],
            **{key: pair[0] for key, pair in own.items()},
        )
        other = make_side("synthetic", synthetic, **{key: pair[1] for key, pair in own.items()})
        return fidelity(make_context(mine, other, extractor="statistics", blocks=12, **columns))

    return section


def states(section):
    return {light.title.split()[0]: light.state for light in section.lights}


def test_real_images_of_other_patients_are_green_everywhere(run):
    section = run(pictures(160, 2))
    assert states(section) == dict.fromkeys(("Realism", "Texture", "Variety", "Diversity"), "green")
    data = json.loads(json.dumps(section.data, allow_nan=False))
    whole = data["total"]
    assert (whole["n_real"], whole["n_synthetic"], whole["n_compared"]) == (240, 160, 160)
    assert whole["n_baseline"] == 120
    for name, entry in whole["metrics"].items():
        if name == "ms-ssim-difference":
            continue
        assert "not_measurable" not in entry, name
        for key in ("synthetic", "baseline"):
            found = entry[key]
            assert found["low"] <= found["value"] <= found["high"]
            assert found["n_real"] == found["n_synthetic"]
            assert found["extractor"]
            assert found["preprocessing"]
    assert whole["metrics"]["kid"]["synthetic"]["extractor"].startswith("statistics")
    assert list(data["types"]) == ["chest X-ray"]


@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_blur_turns_realism_and_texture_red(run, sigma):
    section = run(gaussian_filter(pictures(160, 2), (0, 0, sigma, sigma)))
    found = states(section)
    assert (found["Realism"], found["Texture"]) == ("red", "red")


def test_noise_turns_realism_and_texture_red(run):
    noise = np.random.default_rng(3).normal(0, 0.15, (160, 1, SIZE, SIZE))
    section = run(np.clip(pictures(160, 2) + noise, -1, 1))
    found = states(section)
    assert (found["Realism"], found["Texture"]) == ("red", "red")


def test_a_lost_mode_turns_variety_red_and_leaves_texture_green(run):
    found = states(run(pictures(160, 2, bright=True)))
    assert (found["Variety"], found["Texture"]) == ("red", "green")


def test_copies_of_real_images_turn_no_light_red(run):
    """Fidelity cannot see copies: the audit of privacy is for that."""
    assert "red" not in states(run(pictures(240, 1)[:160])).values()


def test_features_that_see_no_blur_leave_realism_grey(make_side, make_context):
    """Grey levels of 2 x 2 fields: the control must say that they cannot tell."""
    real, synthetic = pictures(160, 1), pictures(120, 2)
    context = make_context(make_side("real", real), make_side("synthetic", synthetic), blocks=12)

    def coarse(side, _):
        fields = side.images().reshape(len(side), 2, SIZE // 2, 2, SIZE // 2).mean(axis=(2, 4))
        return Features(fields.reshape(len(side), 4), "coarse/1", "2 x 2")

    context.extract = coarse
    section = fidelity(context)
    assert states(section)["Realism"] == "grey"
    assert "blurred twice as much would not be red" in section.lights[0].reason


def test_one_picture_per_prompt_turns_diversity_red(run):
    prompts = [["cloud with disc", "cloud"][i % 2] for i in range(240)]
    two = np.concatenate([pictures(1, 5, bright=True), pictures(1, 6, bright=False)])
    few = two[np.arange(160) % 2] + np.random.default_rng(0).normal(0, 0.01, (160, 1, SIZE, SIZE))
    section = run(np.clip(few, -1, 1), prompts=(prompts, prompts[:160]))
    assert section.data["diversity_within"] == "prompt"
    assert states(section)["Diversity"] == "red"
    good = run(pictures(160, 2), prompts=(prompts, prompts[:160]))
    assert states(good)["Diversity"] == "green"


def test_the_broken_type_is_named_and_labels_are_compared(run):
    kinds = ["x-ray", "x-ray", "x-ray", "us"] * 60
    labels = [["effusion"] if i % 2 else ["rare"] if i == 0 else [] for i in range(240)]
    synthetic = pictures(160, 2)
    broken = np.arange(160) % 4 == 3
    synthetic[broken] = gaussian_filter(synthetic[broken], (0, 0, 2, 2))
    section = run(synthetic, kinds=(kinds, kinds[:160]), labels=(labels, labels[:160]))
    realism = section.lights[0]
    assert realism.state == "red"
    assert "us: excess KID" in realism.reason
    assert set(section.data["types"]) == {"us", "x-ray"}
    types = {
        name: entry["metrics"]["kid"]["synthetic"] for name, entry in section.data["types"].items()
    }
    assert types["us"]["low"] > types["x-ray"]["high"]
    rare = section.data["labels"]["x-ray"]["rare"]
    assert rare["metrics"] is None
    assert "1 real and 1 synthetic images; 50" in rare["not_measurable"]
    few = next(table for table in section.tables if table.title == "Not compared")
    assert ["x-ray: rare", rare["not_measurable"]] in [list(line) for line in few.lines]
    for table in section.tables:
        assert all(len(line) == len(table.header) for line in table.lines)
    bars = next(plot for plot in section.plots if plot.key == "kid")
    assert bars.data["labels"][:2] == ["all images", "us"]


def test_plots_are_json_and_the_map_is_fitted_on_the_real_images(run):
    section = run(pictures(160, 2) * 0.5)
    plots = {plot.key: plot for plot in section.plots}
    json.dumps([plot.data for plot in section.plots], allow_nan=False)
    points = {name: np.asarray(xy) for name, xy in plots["map"].data["series"].items()}
    np.testing.assert_allclose(points["real"].mean(axis=0), 0.0, atol=1e-3)
    assert np.abs(points["synthetic"].mean(axis=0)).max() > 0.1
    spectra = plots["spectra"].data
    assert len(spectra["x"]) == len(spectra["series"]["real"]) == len(spectra["bands"]["real"])
    assert spectra["series"]["synthetic"][-1] < 0.5 * spectra["series"]["real"][-1]


def test_warnings_say_what_is_too_small_or_mixed(run, make_side, make_context):
    kinds = [["a", "b"][i % 2] for i in range(240)], [["a", "b"][i % 8 == 0] for i in range(160)]
    section = run(pictures(160, 2), kinds=kinds)
    text = " | ".join(section.warnings)
    assert "Fréchet distances are of 160 images a side or fewer: below 2,048" in text
    assert "mix types differently (38%" in text
    assert "120 instead of 160" in text
    real = make_side("real", pictures(60, 1), groups=[f"p{i % 10}" for i in range(60)])
    small = make_context(real, make_side("synthetic", pictures(60, 2)), extractor="statistics")
    assert any("all images (10)" in told for told in fidelity(small).warnings)


def test_images_too_small_for_one_metric_lose_only_that_one(make_side, make_context):
    found = {}
    for size in (46, 48):
        sides = (
            make_side(name, pictures(24, i, size=size)) for i, name in enumerate(("real", "s"))
        )
        section = fidelity(make_context(*sides, extractor="statistics", blocks=6))
        found[size] = section.data["total"]["metrics"]
    assert found[46]["ms-ssim-difference"]["synthetic"] is None
    assert "at least 48" in found[46]["ms-ssim-difference"]["not_measurable"]
    assert found[46]["kid"]["synthetic"] is not None
    assert found[48]["ms-ssim-difference"]["synthetic"]["preprocessing"] == "framed to 48 pixels"


def test_sets_without_patients_enough_are_refused(make_side, make_context):
    real = make_side("real", pictures(30, 1), groups=[f"p{i % 3}" for i in range(30)])
    context = make_context(real, make_side("synthetic", pictures(30, 2)), extractor="statistics")
    with pytest.raises(SynthmedError, match="3 groups of real"):
        fidelity(context)
    one = make_context(real.take([0]), real.take([0]), extractor="statistics")
    with pytest.raises(SynthmedError, match="1 real and 1 synthetic images"):
        fidelity(one)


def test_features_that_are_not_finite_are_refused(make_side, make_context):
    context = make_context(*(make_side(name, pictures(30, 1)) for name in ("real", "synthetic")))
    context.extract = lambda side, _: Features(np.full((len(side), 3), np.nan), "broken/1", "none")
    with pytest.raises(SynthmedError, match=r"real images hold values .* \[broken/1\]"):
        fidelity(context)


def test_the_smallest_sets_give_numbers_or_reasons(make_side, make_context):
    context = make_context(
        make_side("real", pictures(9, 1)),
        make_side("synthetic", pictures(7, 2)),
        extractor="statistics",
    )
    section = fidelity(context)
    json.dumps(section.data, allow_nan=False)
    assert section.data["total"]["n_compared"] == 7
    assert "green" not in states(section).values()


def test_mixed_sizes_are_told(make_side, tmp_path):
    sides = []
    for name, sizes in (("real", (64, 128)), ("synthetic", (64, 64))):
        side = make_side(name, np.zeros((2, 1, 64, 64)))
        for row, size in zip(side.rows, sizes, strict=True):
            row.file = tmp_path / row.file.name
            Image.new("L", (size, size // 2)).save(row.file)
        sides.append(side)
    (text,) = _sizes(*sides)
    assert "real 64 to 128, synthetic 64 to 64" in text
    assert "nothing is said of finer detail" in text
    assert "enlarged" not in text
    assert _sizes(sides[1], sides[1]) == []
    assert (
        _sizes(make_side("real", np.zeros((2, 1, 64, 64))), sides[1]) == []
    )  # no files to look at
