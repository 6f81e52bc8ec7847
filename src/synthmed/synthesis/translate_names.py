"""Names of translations: after their sources, all different."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath


def places() -> Callable[[str, str], str]:
    """Give a function that names each translation after its source, all names different."""
    used: set[tuple[str, str]] = set()

    def place(split: str, name: str) -> str:
        stem, number = PurePosixPath(name).with_suffix(""), 1
        free = f"{stem}.png"
        while (split, free.lower()) in used:  # such as of a.png and a.jpg
            number += 1
            free = f"{stem}-{number}.png"
        used.add((split, free.lower()))
        return free

    return place
