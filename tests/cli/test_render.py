"""synthmed render: options reach the renderer; codes, JSON, one-line errors."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from synthmed.cli.render import render
from synthmed.datasets.folder import read_dataset

sys.path.insert(0, str(Path(__file__).parents[1] / "xray"))
from ct_files import phantom, write_ct, write_nifti

pytest.importorskip("nanodrr")
OPTIONS = [
    *("--bits", "--body-part", "--count", "--debug", "--deform", "--deform-spacing", "--density"),
    *("--exposures", "--field-mm", "--image-type", "--invert", "--jitter-degrees"),
    *(
        "--jitter-field",
        "--jitter-mm",
        "--json",
        "--keep-table",
        "--labels",
        "--licence",
        "--max-rejected",
    ),
    *("--name", "--names", "--oblique", "--organs", "--out", "--pairs", "--projection"),
    *("--salt", "--seed", "--series", "--size", "--source-detector", "--source-isocentre"),
    *("--split", "--views"),
]
APP = typer.Typer(add_completion=False)
APP.command()(render)


def invoke(*words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(APP, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ct(tmp_path_factory.mktemp("ct"))


def test_options_are_frozen() -> None:
    found = [o for p in typer.main.get_command(APP).params for o in (*p.opts, *p.secondary_opts)]
    assert sorted(o for o in found if o.startswith("--")) == OPTIONS


def test_every_option_reaches_the_renders(scan: Path, tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("label,name\n1,lung_left\n2,lung_right\n")
    (tmp_path / "own.yaml").write_text("a: {photons: 900}\nb: {scatter: 0.5}\n")
    out = tmp_path / "set"
    code, text, error = invoke(
        *(scan, "--out", out, "--views", "PA, left lateral", "--oblique", "-30,5", "--pairs"),
        *("--exposures", tmp_path / "own.yaml", "--size", "12,16", "--field-mm", "400"),
        *("--projection", "parallel", "--source-detector", 1500, "--jitter-degrees", 0),
        *("--jitter-mm", "1,2,3", "--jitter-field", "1,1", "--deform", 8, "--deform-spacing", 70),
        *("--density", "soft=0.9:1.1,bone=1:1", "--labels", scan.parent / "scan_seg.nii.gz"),
        *("--names", tmp_path / "names.csv", "--organs", "lungs=lung_*", "--seed", 3),
        *("--bits", 16, "--invert", "--split", "val", "--body-part", "chest", "--name", "hospital"),
        *("--image-type", "test X-ray", "--licence", "CC0-1.0", "--salt", tmp_path / "key"),
        "--json",
    )
    assert (code, error) == (0, "")
    assert json.loads(text) == {
        "dataset": str(out),
        "images": 6,
        "made": 6,
        "groups": 1,
        "domains": {"a": 3, "b": 3},
        "splits": {"val": 6},
        "rejected": 0,
        "warnings": [],
    }
    folder = read_dataset(out)
    assert folder.info["licences"] == ["CC0-1.0"]
    assert (tmp_path / "key").is_file()
    angles = []
    for row in folder.rows:
        assert row.group_id.startswith("hospital:")
        assert (row.body_part, row.image_type) == ("chest", "test X-ray")
        assert list(row.masks) == ["lungs"]
        scene, exposure = (json.loads(row.extra[name]) for name in ("scene", "exposure"))
        assert exposure["monochrome1"] is True
        assert (exposure["photons"], exposure["scatter"]) in {(900, 0.1), (2e5, 0.5)}
        assert scene["projection"] == "parallel"
        assert (scene["source_detector_mm"], scene["source_isocentre_mm"]) == (1500, 1300)
        assert (scene["size"], scene["detector_mm"]) == ([12, 16], [300, 400])
        assert scene["deformation"]["spacing_mm"] == 70
        assert scene["deformation"]["amplitude_mm"] <= 8
        assert all(abs(s) <= m for s, m in zip(scene["shift_mm"], (1, 2, 3), strict=True))
        assert 0.9 <= scene["tissue_scale"]["soft"] <= 1.1
        assert scene["tissue_scale"]["bone"] == 1
        angles.append(tuple(scene["angles_deg"]))
    assert set(angles) == {(180, 0, 0), (270, 0, 0), (-30, 5, 0)}


def test_a_plain_call_and_what_it_says(scan: Path, tmp_path: Path) -> None:
    words = (scan, "--out", tmp_path / "set", "--size", 8, "--exposures", "standard,low-dose")
    code, text, error = invoke(*words)
    assert (code, text) == (
        0,
        f"2 images of 1 groups in {tmp_path / 'set'}: standard 1, low-dose 1\n",
    )
    assert "poses" in error
    assert (tmp_path / "set.salt").stat().st_mode & 0o777 == 0o600
    assert json.loads(invoke(*words, "--json")[1])["made"] == 0


def test_rejected_cts_and_the_exit_code(scan: Path, tmp_path: Path) -> None:
    bad = write_nifti(tmp_path / "in" / "bad.nii", phantom()[0] + 1024)
    words = [scan, bad, "--out", tmp_path / "set", "--size", 8, "--max-rejected"]
    code, text, error = invoke(*words, 1)
    assert code == 0
    assert "1 rejected: see" in text
    assert "synthmed: warning: in/bad.nii: no HU calibration" in error
    assert invoke(*words, 0)[0] == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--views", "sideways"], "no view 'sideways'"),
        (["--views", ","], "no view was given"),
        (["--oblique", "30"], "--oblique '30': give 2 or 3 numbers"),
        (["--exposures", "bright"], "no exposure 'bright'"),
        (["--exposures", "missing.yaml"], "cannot read the exposures"),
        (["--size", "8.5"], "are no pixels"),
        (["--size", "big"], "--size 'big': give 1 or 2 numbers"),
        (["--field-mm", "0"], "detector_mm"),
        (["--projection", "fan"], "no projection 'fan'"),
        (["--source-isocentre", "2000"], "farther from the source"),
        (["--jitter-degrees", "1,2"], "give 1 or 3 numbers"),
        (["--jitter-field", "1.2,0.8"], "field"),
        (["--density", "fat=1:2"], "fat"),
        (["--density", "soft"], "--density"),
        (["--organs", "lungs"], "'lungs' names no organs"),
        (["--organs", "lungs=1"], "no organ labels for this CT"),
        (["--deform", "50"], "could fold"),
        (["--bits", "12"], "12 bits"),
        (["--split", "0.5,0.5"], "three shares"),
    ],
)
def test_wrong_options_are_one_line(
    scan: Path, tmp_path: Path, words: list[Any], message: str
) -> None:
    code, text, error = invoke(scan, "--out", tmp_path / "set", "--json", *words)
    assert (code, text) == (2, "")
    assert error.startswith("synthmed: error: ")
    assert error.count("\n") == 1
    assert message in error
