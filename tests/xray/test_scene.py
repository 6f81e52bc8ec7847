"""Scenes: checked, drawn by a seed, recorded and replayed."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.xray.scene import VIEWS, Deformation, PoseRanges, Scene, draw_scene, view_angles

WIDE = PoseRanges(
    angles_deg=(10.0, 5.0, 4.0),
    shift_mm=(20.0, 10.0, 5.0),
    field=(0.8, 1.3),
    deformation_mm=12.0,
    tissue={"soft": (0.9, 1.1), "bone": (0.7, 1.2), "lung": (0.5, 2.0)},
)


def test_a_view_brings_its_angles() -> None:
    assert Scene(view="PA").angles_deg == (180.0, 0.0, 0.0)
    assert Scene(view="left lateral").angles_deg == (270.0, 0.0, 0.0)
    assert view_angles("AP") == VIEWS["AP"] == (0.0, 0.0)
    with pytest.raises(SynthmedError, match="Known: AP, PA, left lateral, right lateral"):
        view_angles("skyline")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"view": "top"}, "no view 'top'"),
        ({"view": "oblique"}, "with its angles"),
        ({"view": "PA", "angles_deg": (0.0, 0.0, 0.0)}, "not those of the view 'PA'"),
        ({"view": "oblique", "angles_deg": (0.0, 85.0, 0.0)}, "elevation"),
        ({"view": "oblique", "angles_deg": (0.0, float("nan"), 0.0)}, "angles_deg"),
        ({"angles_deg": (0.0, 0.0)}, "not 3 numbers"),
        ({"projection": "fan"}, "Known: cone, parallel"),
        ({"shift_mm": (0.0, float("inf"), 0.0)}, "shift_mm"),
        ({"source_isocentre_mm": 2000.0}, "farther from the source"),
        ({"source_isocentre_mm": 0.0}, "no length"),
        ({"detector_mm": (-1.0, 300.0)}, "no length"),
        ({"size": (256.0, 256.0)}, "size"),
        ({"size": (1, 256)}, "size"),
        ({"size": (256, 5000)}, "size"),
        ({"tissue_scale": {"fat": 1.0}}, "Known: soft, bone, lung"),
        ({"tissue_scale": {"bone": -0.1}}, "out of range"),
    ],
)
def test_what_no_scene_can_be(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(SynthmedError, match=words):
        Scene(**fields)


def test_a_deformation_that_could_fold_is_refused() -> None:
    Deformation(1, 50.0, 20.0)
    for fields in ((1, 50.0, 20.1), (1, 50.0, -1.0), (-1, 50.0, 10.0), (1, 0.0, 0.0)):
        with pytest.raises(SynthmedError, match="deformation"):
            Deformation(*fields)  # type: ignore[arg-type]


def test_a_scene_is_json_and_comes_back() -> None:
    scene = draw_scene(Scene(view="PA", size=(64, 80)), WIDE, 5)
    assert scene.deformation is not None
    text = json.dumps(dataclasses.asdict(scene))
    assert Scene.from_dict(json.loads(text)) == scene
    assert Scene.from_dict({}) == Scene()


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"viewing": "AP"}, "has no viewing"),
        ({"deformation": {"sede": 1}}, "no scene can be read"),
        ({"angles_deg": 5}, "not 3 numbers"),
        ({"projection": ["cone"]}, "no projection"),
        ({"tissue_scale": 3}, "no scene can be read|tissue_scale"),
    ],
)
def test_a_dictionary_that_is_no_scene(mapping: dict[str, Any], words: str) -> None:
    with pytest.raises(SynthmedError, match=words):
        Scene.from_dict(mapping)


def test_draws_follow_the_seed_and_stay_in_their_ranges() -> None:
    base = Scene(view="PA", shift_mm=(1.0, 2.0, 3.0), tissue_scale={"bone": 2.0})
    scenes = [draw_scene(base, WIDE, seed) for seed in range(200)]
    assert scenes[7] == draw_scene(base, WIDE, 7) != scenes[8]
    angles = np.array([s.angles_deg for s in scenes]) - (180, 0, 0)
    shifts = np.array([s.shift_mm for s in scenes]) - (1, 2, 3)
    for values, widths in ((angles, WIDE.angles_deg), (shifts, WIDE.shift_mm)):
        reach = np.abs(values).max(axis=0)
        assert (reach <= widths).all()
        assert (reach > 0.9 * np.array(widths)).all()
    factors = np.array([s.detector_mm for s in scenes]) / 350
    assert factors.min() >= 0.8
    assert factors.max() <= 1.3
    assert np.ptp(factors) > 0.45
    assert (factors[:, 0] == factors[:, 1]).all()
    bones = [s.tissue_scale["bone"] for s in scenes]
    assert min(bones) >= 1.4
    assert max(bones) <= 2.4
    deformations = [s.deformation for s in scenes if s.deformation is not None]
    assert len({d.seed for d in deformations}) == 200
    assert 11 < max(d.amplitude_mm for d in deformations) <= 12


def test_one_range_moves_no_other_draw() -> None:
    still = dataclasses.replace(WIDE, deformation_mm=0.0, tissue={}, field=(1.0, 1.0))
    one, two = draw_scene(Scene(), WIDE, 3), draw_scene(Scene(), still, 3)
    assert one.angles_deg == two.angles_deg
    assert one.shift_mm == two.shift_mm
    assert two.deformation is None
    assert two.tissue_scale == {}
    only_lung = dataclasses.replace(WIDE, tissue={"lung": (0.5, 2.0)})
    lung = draw_scene(Scene(), only_lung, 3).tissue_scale["lung"]
    assert lung == one.tissue_scale["lung"]


def test_no_ranges_give_the_base() -> None:
    none = PoseRanges((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (1.0, 1.0))
    base = Scene(view="left lateral", deformation=Deformation(4))
    assert draw_scene(base, none, 9) == base


@pytest.mark.parametrize(
    "fields",
    [
        {"angles_deg": (-1.0, 0.0, 0.0)},
        {"shift_mm": (0.0, 0.0)},
        {"field": (1.2, 0.8)},
        {"field": (0.0, 1.0)},
        {"deformation_mm": 30.0},
        {"tissue": {"skin": (0.9, 1.1)}},
        {"tissue": {"soft": (1.1, 0.9)}},
    ],
)
def test_what_no_ranges_can_be(fields: dict[str, Any]) -> None:
    with pytest.raises(SynthmedError):
        PoseRanges(**fields)
