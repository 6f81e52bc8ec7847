"""synthmed export: the options of the command reach the format; codes, JSON, one-line warnings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
import typer
from typer.testing import CliRunner

from synthmed.cli.export import export

RUNNER = CliRunner()
APP = typer.Typer()
APP.command()(export)


def invoke(*words: object) -> tuple[int, str, str]:
    result = RUNNER.invoke(APP, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("format", ["png", "dicom", "nifti", "parquet", "webdataset", "csv"])
def test_every_format_is_written(small_dataset: Path, tmp_path: Path, format: str) -> None:
    code, out, error = invoke(small_dataset, "--format", format, "--out", tmp_path / "o")
    assert (code, out) == (0, f"96 images in {tmp_path / 'o'}\n")
    assert "warning: 96 images are not marked as synthetic" in error
    assert (tmp_path / "o" / "export.json").is_file()


def test_json_is_all_that_stands_on_standard_output(small_dataset: Path, tmp_path: Path) -> None:
    code, out, error = invoke(small_dataset, "--format", "csv", "--out", tmp_path / "o", "--json")
    facts = json.loads(out)
    assert code == 0
    assert (facts["images"], facts["rejected"], facts["format"]) == (96, 0, "csv")
    assert len(facts["warnings"]) == 1
    assert all(line.startswith("synthmed: warning: ") for line in error.splitlines())


def test_options_reach_the_format(small_dataset: Path, tmp_path: Path) -> None:
    options = ["--sop", "dx", "--spacing", "0.2,0.3", "--compress", "rle", "--max-rejected", "0"]
    code, out, error = invoke(small_dataset, "--format", "dicom", "--out", tmp_path / "o", *options)
    assert code == 1  # colour images cannot be radiographs
    assert "24 images" in out  # the chest X-rays; ultrasound has no view
    assert "holds no acquisition" in error
    ds = pydicom.dcmread(next((tmp_path / "o").rglob("*.dcm")))
    assert (ds.Modality, [float(v) for v in ds.ImagerPixelSpacing]) == ("DX", [0.2, 0.3])
    assert ds.file_meta.TransferSyntaxUID.is_compressed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "gif"], "no format is called 'gif'"),
        (["--format", "csv", "--bits", "8"], "has no option 'bits'"),
        (["--format", "dicom", "--spacing", "x"], "is not two numbers"),
        (["--format", "dicom", "--spacing", "nan,1"], "spacing is above 0"),
        (["--format", "parquet", "--shard-size", "0"], "a shard of 0 MB"),
    ],
)
def test_bad_options_are_one_line(
    small_dataset: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    code, out, error = invoke(small_dataset, "--out", tmp_path / "o", *options)
    assert (code, out) == (2, "")
    lines = [line for line in error.splitlines() if "error: " in line]
    assert len(lines) == 1
    assert message in lines[0]


def test_a_finished_export_is_not_overwritten(small_dataset: Path, tmp_path: Path) -> None:
    words = [small_dataset, "--format", "csv", "--out", tmp_path / "o"]
    assert invoke(*words)[0] == 0
    code, _, error = invoke(*words)
    assert code == 2
    assert "finished export is there already" in error


def test_the_command_loads_no_heavy_library() -> None:
    program = (
        "import sys, synthmed.cli.export, synthmed.cli.card\n"
        "heavy = {'torch', 'pydicom', 'nibabel', 'pandas', 'datasets', 'pyarrow', 'PIL', 'numpy'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
