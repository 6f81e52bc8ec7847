"""Errors that can be passed on: paths of this machine give way to the names that are shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from synthmed.imaging.files import shown


def without_places(text: str, names: Mapping[Path, str]) -> str:
    """Replace paths in a text by names.

    Args:
        text: An error's text, in one line.
        names: What is shown by path. A path is found as it is given, absolute, and with its links
            resolved; of nested ones the longest first. A folder's name stands for the folder's part
            of every path below it. Relative paths of one part name no place and stay.

    Returns:
        The text without these paths.
    """
    forms: dict[str, str] = {}
    for path, name in names.items():
        for form in (path, path.absolute(), _resolved(path)):
            if len(form.parts) > 1:
                forms.setdefault(_line(form), name)
    for form_text in sorted(forms, key=len, reverse=True):
        text = text.replace(form_text, forms[form_text])
    return text


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a loop of links
        return path


def _line(path: Path) -> str:
    """Give a path as an error's one line shows it."""
    return " ".join(shown(path).split())
