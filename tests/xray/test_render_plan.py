"""The plan of a run: views, exposures, poses, pairs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from synthmed.errors import SynthmedError
from synthmed.xray.exposure import EXPOSURES, Exposure
from synthmed.xray.render_plan import make_plan
from synthmed.xray.scene import PoseRanges, Scene

LOW = Exposure("low dose!", photons=2e3)


def plan(views: Any = ("PA",), exposures: Any = ("standard",), **options: Any) -> Any:
    options = {"count": 2, "pairs": False, **options}
    return make_plan(Scene(), PoseRanges(), views, exposures, **options)


def test_every_exposure_has_poses_of_its_own() -> None:
    made = plan(["PA", (30, -5)], ["standard", LOW])
    jobs = [(j.name, [e.name for e in j.exposures]) for j in made.jobs()]
    assert jobs == [
        ("PA_0000", ["standard"]),
        ("PA_0001", ["standard"]),
        ("PA_0002", ["low dose!"]),
        ("PA_0003", ["low dose!"]),
        ("oblique-30-m5-0_0000", ["standard"]),
        ("oblique-30-m5-0_0001", ["standard"]),
        ("oblique-30-m5-0_0002", ["low dose!"]),
        ("oblique-30-m5-0_0003", ["low dose!"]),
    ]
    assert made.poses == len(jobs)


def test_pairs_share_the_pose() -> None:
    made = plan(["left lateral"], ["standard", LOW], pairs=True)
    assert [(j.name, len(j.exposures)) for j in made.jobs()] == [
        ("left-lateral_0000", 2),
        ("left-lateral_0001", 2),
    ]
    assert made.poses == 2


def test_a_scene_lies_within_the_ranges_of_its_view() -> None:
    made = plan(["left lateral", (30, 10, 5)])
    for job in made.jobs():
        scene = made.scene(job, 7)
        assert scene.view == job.view.name
        apart = [abs(a - b) for a, b in zip(scene.angles_deg, job.view.angles_deg, strict=True)]
        assert all(x <= y for x, y in zip(apart, PoseRanges().angles_deg, strict=True))
        assert max(apart) > 0
        assert scene == made.scene(job, 7) != made.scene(job, 8)


def test_exposures_by_name_object_and_file(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("ward: {photons: 9000}\nclinic: {scatter: 0.4}\n")
    made = plan(exposures=str(tmp_path / "own.yaml"), invert=True)
    assert [(e.name, e.monochrome1) for e in made.exposures] == [("ward", True), ("clinic", True)]
    assert plan(exposures="soft").exposures == (EXPOSURES["soft"],)


def test_settings_are_json_and_tell_every_change_apart() -> None:
    settings = plan(exposures=["standard", LOW]).settings()
    assert json.loads(json.dumps(settings)) == settings
    assert settings["exposures"][1] == json.loads(json.dumps(asdict(LOW)))
    others = [plan(), plan(["AP"]), plan(exposures=[LOW]), plan(pairs=True), plan(count=3)]
    assert len({json.dumps(p.settings()) for p in others}) == len(others)


@pytest.mark.parametrize(
    ("views", "exposures", "message"),
    [
        (["sideways"], ["standard"], r"no view 'sideways'.*left lateral"),
        ([(1.0,)], ["standard"], "1 angles make no oblique view"),
        ([(0, 85)], ["standard"], "elevation of 85"),
        (["PA", "PA"], ["standard"], "view 'PA' is given twice"),
        (["PA"], ["bright"], r"no exposure 'bright'.*low-dose"),
        (["PA"], [LOW, "low dose"], "no exposure"),
        (["PA"], [LOW, Exposure("low-dose")], "exposure 'low-dose' is given twice"),
        ([], ["standard"], "no view was given"),
        (["PA"], [], "no exposure was given"),
    ],
)
def test_plans_that_cannot_be(views: Any, exposures: Any, message: str) -> None:
    with pytest.raises(SynthmedError, match=message):
        plan(views, exposures)


def test_a_count_below_one() -> None:
    with pytest.raises(SynthmedError, match="count is 0"):
        plan(count=0)
