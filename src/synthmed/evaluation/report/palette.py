"""Colours of figures: fixed while they are drawn, variables of the page afterwards."""

from __future__ import annotations

from collections.abc import Sequence

INK, FAINT, LINE = "#1c232b", "#57626f", "#d9dee4"
SERIES = ("#0b6e75", "#6b7480", "#b25400", "#6a4c93", "#1f5fa8", "#a3336b")
DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (3, 1.5)), (0, (8, 3)))
MARKERS = ("o", "s", "^", "D", "v", "X")
VARIABLES = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    LINE: "var(--line)",
    **{colour: f"var(--s{number})" for number, colour in enumerate(SERIES, start=1)},
}
# Sets keep their colour throughout a report, whatever the order of a plot's series.
_OWN = {"synthetic": 0, "real": 1, "train": 2, "hold-out": 3}


def series_numbers(names: Sequence[str]) -> dict[str, int]:
    """Give each series of a plot its place in `SERIES`, `DASHES` and `MARKERS`.

    Args:
        names: Names of the series. "synthetic", "real", "train" and "hold-out" (or names that
            begin so) have places of their own.

    Returns:
        The places; no two are equal as long as there are enough of them.
    """
    places: dict[str, int] = {}
    for exact in (True, False):
        for name in names:
            for word, place in _OWN.items():
                fits = name == word if exact else name.lower().startswith(word)
                if fits and name not in places and place not in places.values():
                    places[name] = place
    free = [place for place in range(len(SERIES)) if place not in places.values()]
    others = [name for name in names if name not in places]
    for number, name in enumerate(others):
        places[name] = free[number] if number < len(free) else number % len(SERIES)
    return places
