"""The plan of a render run: which CT is seen from where, at which exposures, under which name."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from synthmed.errors import SynthmedError
from synthmed.xray.exposure import EXPOSURES, Exposure, load_exposures
from synthmed.xray.scene import OBLIQUE, PoseRanges, Scene, draw_scene, view_angles

MOST = 1_000_000  # poses of one CT
_UNSAFE = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True)
class View:
    """A direction to look from.

    Attributes:
        name: A name of `scene.VIEWS`, or "oblique".
        angles_deg: Azimuth, elevation and roll, in degrees.
    """

    name: str
    angles_deg: tuple[float, float, float]

    @property
    def stem(self) -> str:
        """Its part of a file name, such as "left-lateral" or "oblique-30-0-0"."""
        numbers = [f"{angle:g}" for angle in self.angles_deg] if self.name == OBLIQUE else []
        return slug(
            "-".join([self.name, *(n.replace("-", "m").replace(".", "p") for n in numbers)])
        )


@dataclass(frozen=True)
class Job:
    """One pose of one CT, and the exposures that it is rendered at.

    Attributes:
        view: Where from.
        number: Number of the pose within the view, from 0.
        exposures: The exposures.
    """

    view: View
    number: int
    exposures: tuple[Exposure, ...]

    @property
    def name(self) -> str:
        """Names the pose among those of its CT."""
        return f"{self.view.stem}_{self.number:04d}"


@dataclass(frozen=True)
class Plan:
    """What is made of every CT.

    Attributes:
        base: The scene in the middle of the ranges; its view is each job's own.
        ranges: How far a pose may lie from it.
        views: The views.
        exposures: The exposures, each a domain.
        count: Poses of a CT and view; without pairs, at each exposure.
        pairs: Every pose is rendered at every exposure.
    """

    base: Scene
    ranges: PoseRanges
    views: tuple[View, ...]
    exposures: tuple[Exposure, ...]
    count: int
    pairs: bool

    def jobs(self) -> Iterator[Job]:
        """List the jobs of one CT, in a fixed order."""
        for view in self.views:
            if self.pairs:
                for number in range(self.count):
                    yield Job(view, number, self.exposures)
                continue
            for place, exposure in enumerate(self.exposures):
                for number in range(self.count):
                    yield Job(view, place * self.count + number, (exposure,))

    @property
    def poses(self) -> int:
        """Jobs of one CT."""
        return len(self.views) * self.count * (1 if self.pairs else len(self.exposures))

    def scene(self, job: Job, seed: int) -> Scene:
        """Draw the job's scene; `seed` is the pose's own."""
        base = replace(self.base, view=job.view.name, angles_deg=job.view.angles_deg)
        return draw_scene(base, self.ranges, seed)

    def settings(self) -> dict[str, Any]:
        """Give all that decides the renders, as JSON values."""
        scene = asdict(self.base)
        for name in ("view", "angles_deg"):
            del scene[name]
        settings = {
            "scene": scene,
            "ranges": asdict(self.ranges),
            "views": [asdict(view) for view in self.views],
            "exposures": [asdict(exposure) for exposure in self.exposures],
            "count": self.count,
            "pairs": self.pairs,
        }
        return dict(json.loads(json.dumps(settings)))


def make_plan(
    base: Scene,
    ranges: PoseRanges,
    views: Sequence[str | tuple[float, ...]],
    exposures: Sequence[str | Exposure] | str | os.PathLike[str],
    *,
    count: int,
    pairs: bool,
    invert: bool = False,
) -> Plan:
    """Check and complete what decides the renders of a CT.

    Args:
        base: Geometry, tissue and size; its view counts for nothing.
        ranges: How far a pose may lie from it.
        views: Names of views, or (azimuth, elevation) or (azimuth, elevation, roll) in degrees.
        exposures: Names of presets and exposures, or a YAML file of them.
        count: Poses of a CT and view.
        pairs: Every pose is rendered at every exposure.
        invert: Store every image as MONOCHROME1 (bone dark).

    Raises:
        SynthmedError: An unknown view or exposure, one that is named twice, a count below 1.
    """
    if not 1 <= count <= MOST:
        raise SynthmedError(f"count is {count}", mend=f"Give 1 to {MOST:,}.")
    chosen = tuple(_view(view) for view in views)
    kinds = tuple(_exposures(exposures))
    if invert:
        kinds = tuple(replace(exposure, monochrome1=True) for exposure in kinds)
    for what, names in (
        ("view", [view.stem for view in chosen]),
        ("exposure", [slug(exposure.name) for exposure in kinds]),
    ):
        if not names:
            raise SynthmedError(f"no {what} was given", mend=f"Name at least one {what}.")
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise SynthmedError(f"the {what} {twice!r} is given twice")
    for view in chosen:  # a view that no scene can have is found here
        replace(base, view=view.name, angles_deg=view.angles_deg)
    return Plan(base, ranges, chosen, kinds, count, pairs)


def _view(view: str | Sequence[float]) -> View:
    if isinstance(view, str):
        return View(view, (*view_angles(view), 0.0))
    angles = tuple(float(angle) for angle in view)
    if len(angles) not in (2, 3):
        raise SynthmedError(
            f"{len(angles)} angles make no oblique view", mend="Give azimuth and elevation."
        )
    return View(OBLIQUE, (angles[0], angles[1], angles[2] if len(angles) > 2 else 0.0))


def _exposures(given: Sequence[str | Exposure] | str | os.PathLike[str]) -> Iterator[Exposure]:
    if isinstance(given, str | os.PathLike):
        if Path(given).suffix.lower() in {".yaml", ".yml"}:
            yield from load_exposures(Path(given)).values()
            return
        given = [str(given)]
    for exposure in given:
        if isinstance(exposure, Exposure):
            yield exposure
        elif exposure in EXPOSURES:
            yield EXPOSURES[exposure]
        else:
            raise SynthmedError(
                f"no exposure {exposure!r}",
                mend=f"Known: {', '.join(EXPOSURES)}; or a YAML file of your own.",
            )


def slug(text: str) -> str:
    """Give a name as part of a file name: letters, digits and hyphens."""
    return _UNSAFE.sub("-", text).strip("-") or "x"


def digest(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """Hash JSON values: SHA-256, 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode("ascii")).hexdigest()
