"""Organ names and groups of organs."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthmed.errors import SynthmedError
from synthmed.xray.organ_names import read_names
from synthmed.xray.organs import parse_groups, resolve_groups

NAMES = {1: "spleen", 13: "lung_left", 14: "lung_right"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '{"1": "spleen", "13": "lung_left", "14": "lung_right"}'),
        ("b.json", '{"spleen": 1, "lung_left": 13, "lung_right": 14}'),
        ("c.csv", "label,name\n1,spleen\n13,lung_left\n14,lung_right\n"),
        ("d.csv", "\ufeff1,spleen,x\n\n13,lung_left,y\n14,lung_right,z\n"),
    ],
)
def test_tables_of_names(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_names(tmp_path / name) == NAMES


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no table of organ names"),
        ('{"1": 2}', "is no name"),
        ('{"x": "spleen"}', "is no label number"),
        ('{"1": "a", "2": "a"}', "twice"),
        ("1,a\n1,b\n", "twice"),
        ("1\n", "no two cells"),
        ("70000,a\n", "is no label number"),
        ("", "no organ is named"),
    ],
)
def test_tables_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "n").write_text(text)
    with pytest.raises(SynthmedError, match=message):
        read_names(tmp_path / "n")
    with pytest.raises(SynthmedError, match="cannot read it"):
        read_names(tmp_path / "missing")


def test_groups_by_number_range_name_and_pattern() -> None:
    groups = parse_groups(["a=13,14", "b=10-20", "c=Lung_*", "d = spleen , 13", "e=99"])
    found = resolve_groups(groups, NAMES, [1, 13, 14])
    assert found == {"a": (13, 14), "b": (13, 14), "c": (13, 14), "d": (1, 13), "e": ()}
    assert resolve_groups({"x": [14, 1]}, {}, [14]) == {"x": (14,)}


@pytest.mark.parametrize("text", ["lungs", "=1", "lungs=", "lungs=,"])
def test_groups_that_name_nothing(text: str) -> None:
    with pytest.raises(SynthmedError, match="names no organs"):
        parse_groups([text])


def test_unknown_names_and_repeated_groups() -> None:
    with pytest.raises(SynthmedError, match=r"no organ is called 'heart'.*lung_left"):
        resolve_groups({"h": ["heart"]}, NAMES, [1])
    with pytest.raises(SynthmedError, match="label numbers, or a table of names"):
        resolve_groups({"h": ["heart"]}, {}, [1])
    with pytest.raises(SynthmedError, match="named twice"):
        parse_groups(["a=1", "a=2"])
