"""The engine: what is killed continues, what is bad is named, nothing is lost or doubled."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from made_sources import MadeImporter

from synthmed.datasets import read_dataset
from synthmed.datasets.importers.engine import ImportResult, run_import
from synthmed.datasets.importers.journal import JOURNAL, Journal
from synthmed.datasets.splits import content_hash
from synthmed.errors import SynthmedError

COUNT = 100


def run(importer: MadeImporter, out: Path, *, jobs: int = 1, timeout: float = 60) -> ImportResult:
    salt = out.parent / "salt"
    return run_import(importer, out, name="made", salt=salt, jobs=jobs, timeout=timeout)


def digest(folder: Path) -> str:
    """A hash of every file in a folder, with its name."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            total.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return total.hexdigest()


def rejected(out: Path) -> dict[str, str]:
    with (out / "rejected.csv").open(newline="") as file:
        return {row["file"]: row["reason"] for row in csv.DictReader(file)}


def test_folder_reads_back_and_groups_stay_in_one_split(tmp_path: Path) -> None:
    result = run(MadeImporter(COUNT), tmp_path / "out")
    folder = read_dataset(tmp_path / "out")
    assert (result.images, result.groups, result.rejected) == (COUNT, COUNT // 2, 0)
    assert len(folder.rows) == COUNT
    splits: dict[str, set[str]] = {}
    for row in folder.rows:
        splits.setdefault(row.group_id, set()).add(row.split)
    assert len(splits) == COUNT // 2
    assert all(len(names) == 1 for names in splits.values())
    sizes = [len(folder.split(name)) for name in ("train", "val", "test")]
    assert sizes[0] > 60
    assert min(sizes) > 0
    assert folder.info["content_hash"] == content_hash(folder.rows)
    assert not list((tmp_path / "out").glob("*.partial"))


def test_several_processes_make_the_same_folder(tmp_path: Path) -> None:
    importer = MadeImporter(20, ((3, "reject"), (7, "raise")))
    run(importer, tmp_path / "one")
    result = run(importer, tmp_path / "two", jobs=2)
    assert (result.images, result.rejected) == (18, 2)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    assert rejected(tmp_path / "two") == {
        "file 3": "not wanted",
        "file 7": "cannot read it: RecursionError: deep",
    }


def test_item_that_ends_its_process_or_never_ends_is_named(tmp_path: Path) -> None:
    importer = MadeImporter(14, ((2, "crash"), (9, "hang")))
    result = run(importer, tmp_path / "out", jobs=2, timeout=8)
    assert (result.images, result.rejected) == (12, 2)
    reasons = rejected(tmp_path / "out")
    assert "ended its process" in reasons["file 2"]
    assert "8 seconds" in reasons["file 9"]


@pytest.mark.parametrize("kill_at", [1, 3, 40, 70, 105])
def test_killed_run_continues_to_the_same_bytes(tmp_path: Path, kill_at: int) -> None:
    """Killed by SIGKILL before the n-th file is renamed into place: images, tables, json."""
    program = (
        "import os, signal, sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "from made_sources import MadeImporter\n"
        "from synthmed.datasets.importers.engine import run_import\n"
        "rename, calls = os.replace, [0]\n"
        "def dying(a, b):\n"
        "    calls[0] += 1\n"
        f"    if calls[0] == {kill_at}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    rename(a, b)\n"
        "os.replace = dying\n"
        f"out = Path({str(tmp_path)!r})\n"
        f"run_import(MadeImporter({COUNT}), out / 'out', name='made', salt=out / 'salt')\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "out" / "dataset.json").exists()
    result = run(MadeImporter(COUNT), tmp_path / "out")
    assert result.images == COUNT
    assert result.continued == {1: 0, 3: 0, 40: 32, 70: 64, 105: COUNT}[kill_at]
    run(MadeImporter(COUNT), tmp_path / "whole")
    assert digest(tmp_path / "out") == digest(tmp_path / "whole")


def test_journal_recovers_from_a_torn_line_and_a_missing_image(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    row = {"split": "train", "file_name": "images/0.png", "group_id": "a"}
    lost = {**row, "file_name": "images/1.png"}
    (tmp_path / "train/images").mkdir(parents=True)
    (tmp_path / "train/images/0.png").touch()
    journal.append([{"rows": [row]}, {"rows": []}, {"rows": [lost]}, {"rows": []}])
    assert journal.recover() == 2
    with journal.path.open("ab") as file:
        file.write(b'{"rows": [')
    assert journal.recover() == 2
    assert len(list(journal.entries())) == 2


def test_other_settings_do_not_continue_and_finished_folders_stay(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(MadeImporter(4), out)
    with pytest.raises(SynthmedError, match="finished dataset"):
        run(MadeImporter(4), out)
    (out / "dataset.json").unlink()
    with pytest.raises(SynthmedError, match="not empty"):
        run(MadeImporter(4), out)
    begun = tmp_path / "begun"
    begun.mkdir()
    run_settings = {"format": "synthmed import 1", "settings": {"format": "made", "items": 9}}
    (begun / "import.json.partial").write_text(json.dumps(run_settings))
    with pytest.raises(SynthmedError, match=r"other settings: .*items"):
        run(MadeImporter(4), begun)


def test_nothing_usable_is_an_error_with_reasons_left_behind(tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match="all 2 files or rows were rejected"):
        run(MadeImporter(2, ((0, "reject"), (1, "reject"))), tmp_path / "out")
    assert len(rejected(tmp_path / "out")) == 2
    assert not (tmp_path / "out/dataset.json").exists()
    with pytest.raises(SynthmedError, match="nothing to import"):
        run(MadeImporter(0), tmp_path / "none")


def test_write_error_ends_the_run_and_is_no_rejection(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out).mkdir()
    importer = MadeImporter(40)
    salt = tmp_path / "salt"
    import synthmed.datasets.importers.worker as worker

    def full(*_: object, **__: object) -> None:
        raise SynthmedError("cannot write: disk full") from OSError(28, "disk full")

    kept = worker.write_png
    worker.write_png = full  # type: ignore[assignment]
    try:
        with pytest.raises(SynthmedError, match="disk full"):
            run_import(importer, out, name="made", salt=salt)
    finally:
        worker.write_png = kept
    assert not (out / JOURNAL).exists() or Journal(out).recover() == 0
    assert run(importer, out).images == 40


def test_killed_run_leaves_no_process_and_continues(tmp_path: Path) -> None:
    """SIGKILL to the main process alone: its workers end by themselves."""
    program = (
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "from made_sources import MadeImporter\n"
        "from synthmed.datasets.importers.engine import run_import\n"
        f"out = Path({str(tmp_path)!r})\n"
        "run_import(MadeImporter(40, ((30, 'hang'),)), out / 'out', name='made',\n"
        "           salt=out / 'salt', jobs=2)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    while len(list((tmp_path / "out").glob("*/images/*.png"))) < 30:
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    while True:  # until no process of its session is left; a worker that stays hangs this test
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    importer = MadeImporter(40, ((30, "hang"),))
    result = run(importer, tmp_path / "out", jobs=2, timeout=6)
    assert (result.images, result.rejected) == (39, 1)


def test_changed_sources_and_outputs_inside_are_refused(tmp_path: Path) -> None:
    from synthmed.datasets.importers import import_dataset

    source = tmp_path / "in" / "a"
    source.mkdir(parents=True)
    for number in range(3):
        (source / f"{number}.png").write_bytes(b"damaged")
    with pytest.raises(SynthmedError, match="inside its source"):
        import_dataset(tmp_path / "in", tmp_path / "in/out", format="classes", jobs=1)
    claim_only = tmp_path / "out"
    with pytest.raises(SynthmedError, match="rejected"):
        import_dataset(tmp_path / "in", claim_only, format="classes", jobs=1)
    reasons = (claim_only / "rejected.csv").read_text()
    assert str(tmp_path) not in reasons
    assert "a/2.png" in reasons


def test_another_list_of_files_does_not_continue(tmp_path: Path) -> None:
    from synthmed.datasets.importers.classes import ClassesImporter
    from synthmed.datasets.importers.engine import _listing

    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.png").touch()
    before = _listing(ClassesImporter(tmp_path))
    (tmp_path / "a/1.png").rename(tmp_path / "a/2.png")
    assert before[0] == 1
    assert _listing(ClassesImporter(tmp_path)) != before
