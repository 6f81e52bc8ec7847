"""The named views of an X-ray: where the source stands, and how the image is looked at.

World coordinates are RAS+ in mm: x grows to the patient's right, y to the front, z to the head.
The azimuth turns the source around the patient: 0 in front, 90 at the patient's left, 180 behind,
270 at the right. The elevation lifts it towards the head. The roll turns the image in its plane.
"""

from __future__ import annotations

import math

from synthmed.errors import SynthmedError

Triple = tuple[float, float, float]

# Name of the view: azimuth and elevation in degrees. AP: from front to back. A left lateral has the
# patient's left side at the detector, so the source is at the right.
VIEWS: dict[str, tuple[float, float]] = {
    "AP": (0.0, 0.0),
    "PA": (180.0, 0.0),
    "left lateral": (270.0, 0.0),
    "right lateral": (90.0, 0.0),
}
OBLIQUE = "oblique"  # a view given by its angles alone
MAX_JITTER_DEG = 45.0


def view_angles(name: str) -> tuple[float, float]:
    """Give azimuth and elevation of a named view, in degrees.

    Raises:
        SynthmedError: No such view; the error lists the known ones.
    """
    if name not in VIEWS:
        raise SynthmedError(
            f"no view {name!r}",
            where="view",
            mend=f"Known: {', '.join(VIEWS)}; {OBLIQUE!r} with its angles.",
        )
    return VIEWS[name]


def check_angles(view: str, angles_deg: Triple) -> None:
    """Refuse angles that do not belong to a view.

    Raises:
        SynthmedError: An unknown view, angles that are no numbers, an elevation of 80 degrees or
            more, or more than 45 degrees away from the named view.
    """
    if view != OBLIQUE:
        view_angles(view)
    if not all(math.isfinite(angle) for angle in angles_deg):
        raise SynthmedError(f"the angles {angles_deg} are no numbers", where="angles_deg")
    azimuth, elevation, roll = angles_deg
    if abs(elevation) >= 80:
        raise SynthmedError(
            f"an elevation of {elevation:g} degrees", where="angles_deg", mend="Stay below 80."
        )
    if view == OBLIQUE:
        return
    nominal = VIEWS[view]
    turned = (azimuth - nominal[0] + 180) % 360 - 180
    if max(abs(turned), abs(elevation - nominal[1]), abs(roll)) > MAX_JITTER_DEG:
        raise SynthmedError(
            f"the angles {angles_deg} are not those of the view {view!r}",
            where="angles_deg",
            mend=f"Leave them out, stay within {MAX_JITTER_DEG:g} degrees, or take {OBLIQUE!r}.",
        )


def seen_from_source(view: str, azimuth: float) -> bool:
    """Whether a view's image is looked at from the source's side, else from the detector's.

    Frontal X-rays are looked at facing the patient, whose right is then on the image's left: an AP
    from the source's side, a PA from the detector's. Laterals are looked at from the detector's
    side: in a left lateral the patient faces the image's left. Obliques follow the frontal
    rule, by the half of the room in which the source stands.
    """
    nominal = VIEWS[view][0] if view in VIEWS else azimuth
    return math.cos(math.radians(nominal)) > 1e-6
