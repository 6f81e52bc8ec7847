"""Choose frames or slices: all, the first, the middle one, or a number evenly spread."""

from __future__ import annotations

from synthmed.errors import SynthmedError

MAX_FRAMES = 100_000


def check_frames(which: str) -> str:
    """Give the setting back if it has a meaning.

    Raises:
        SynthmedError: It is not all, first, middle or a number from 1.
    """
    if which in {"all", "first", "middle"} or (which.isdecimal() and int(which) >= 1):
        return which
    raise SynthmedError(
        f"frames {which!r} cannot be chosen", mend="Give all, first, middle, or how many."
    )


def choose_frames(which: str, count: int) -> list[int]:
    """Give the indices chosen out of `count`, ascending.

    Args:
        which: "all", "first", "middle", or how many (the middles of as many equal parts).
        count: How many there are, at most 100,000.

    Raises:
        SynthmedError: More frames than that, or an unknown choice.
    """
    if count > MAX_FRAMES:
        raise SynthmedError(f"{count:,} frames are more than the {MAX_FRAMES:,} allowed")
    which = check_frames(which)
    if which == "all":
        return list(range(count))
    if which == "first":
        return [0][:count]
    wanted = 1 if which == "middle" else min(int(which), count)
    return [int((part + 0.5) * count / wanted) for part in range(wanted)] if count else []
