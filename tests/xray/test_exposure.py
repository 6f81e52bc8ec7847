"""Exposures: presets, checks, and the YAML file."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from synthmed.errors import SynthmedError
from synthmed.xray.exposure import EXPOSURES, Exposure, load_exposures


def test_presets_go_by_their_names_and_differ() -> None:
    assert {"standard", "low-dose", "high-dose", "scatter", "soft"} <= EXPOSURES.keys()
    assert all(name == preset.name for name, preset in EXPOSURES.items())
    settings = {json.dumps({**dataclasses.asdict(e), "name": ""}) for e in EXPOSURES.values()}
    assert len(settings) == len(EXPOSURES)
    photons = [EXPOSURES[name].photons for name in ("low-dose", "standard", "high-dose")]
    assert photons == sorted(photons)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"photons": 0.0}, "photons"),
        ({"photons": float("nan")}, "photons"),
        ({"photons": True}, "photons"),
        ({"photons": "many"}, "photons"),
        ({"electronic_noise": -1.0}, "electronic_noise"),
        ({"scatter": -0.1}, "scatter"),
        ({"blur_mm": 1e3}, "blur_mm"),
        ({"spectrum": "80keV"}, "Write such as mono-70keV"),
        ({"spectrum": 80}, "spectrum"),
        ({"display": "gamma"}, "Known: log, linear"),
        ({"window": (3.0, 1.0)}, "window"),
        ({"window": (3.0,)}, "window"),
        ({"window": "wide"}, "window"),
        ({"monochrome1": "yes"}, "monochrome1"),
        ({"name": " "}, "name"),
    ],
)
def test_what_no_exposure_can_be(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(SynthmedError, match=words):
        Exposure(**{"name": "mine", **fields})


def test_a_file_of_exposures(tmp_path: Path) -> None:
    file = tmp_path / "exposures.yaml"
    file.write_text(
        "ward: {photons: 2e4, scatter: 0.8, window: [0.5, 6], monochrome1: true}\n"
        "12: {spectrum: mono-60keV}\n"
        "plain:\n"
    )
    found = load_exposures(file)
    assert list(found) == ["ward", "12", "plain"]
    assert found["ward"] == Exposure(
        "ward", photons=20000.0, scatter=0.8, window=(0.5, 6), monochrome1=True
    )
    assert found["12"].spectrum == "mono-60keV"
    assert found["plain"] == Exposure("plain")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no exposures"),
        ("- low\n", "no exposures"),
        ("low: 5\n", "'low' is not a mapping"),
        ("low: {dose: 5}\n", "has no dose.*Known: photons"),
        ("low: {photons: few}\n", "photons is 'few'"),
        ("low: {window: [1]}\n", "window"),
        ("low: {photons: [\n", "no valid YAML"),
    ],
)
def test_a_bad_file_gives_one_line(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "exposures.yaml"
    file.write_text(text)
    with pytest.raises(SynthmedError, match=words) as caught:
        load_exposures(file)
    assert "exposures.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match="cannot read the exposures"):
        load_exposures(tmp_path / "none.yaml")
