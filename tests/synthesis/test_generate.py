from __future__ import annotations

import hashlib
import json
import re
import warnings
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from fake_generator import FakeGenerator
from PIL import Image

from synthmed.datasets import read_dataset
from synthmed.errors import SynthmedError
from synthmed.imaging.writing import to_uint8
from synthmed.synthesis.generate import generate
from synthmed.synthesis.prompts import Prompt
from synthmed.transport.guidance import Guidance
from synthmed.transport.seeds import row_seed

PROMPTS = [
    Prompt("chest X-ray, PA view, pneumonia", 3, id="007"),
    Prompt("chest X-ray, no finding", 2),
    Prompt("dermatoscopy, melanoma on the back", 3, guidance=3.0, negative="chest X-ray"),
]


def run(
    out: Path, prompts: Any = PROMPTS, model: FakeGenerator | None = None, **options: Any
) -> Any:
    options = {"batch_size": 4, "progress": False, **options}
    return generate(model or FakeGenerator(), prompts, out, **options)  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_a_dataset_by_the_contract(tmp_path: Path) -> None:
    model = FakeGenerator()
    result = run(tmp_path / "out", model=model, seed=7)
    assert (result.images, result.made) == (8, 8)
    assert result.types == {"chest X-ray": 5, "dermatoscopy": 3}
    folder = read_dataset(tmp_path / "out")
    assert not folder.rejected
    assert [row.split for row in folder.rows] == ["train"] * 8
    first, last = folder.rows[0], folder.rows[-1]
    assert first.file_name == "007-0000.png"
    assert first.group_id == "synthetic:007-0"
    assert first.text == "chest X-ray, PA view, pneumonia"
    assert (first.image_type, first.labels) == ("chest X-ray", ("pneumonia",))
    assert first.extra["synthetic"] is True
    assert first.extra["prompt"] == first.text
    assert first.extra["seed"] == row_seed(7, "007", 0)
    assert first.extra["generator"] == "fake"
    assert first.extra["generator_hash"] == "f" * 64
    assert (first.extra["guidance"], first.extra["steps"]) == (1.5, 5)
    assert (last.image_type, last.labels) == ("dermatoscopy", ("melanoma",))
    assert (last.extra["guidance"], last.extra["negative_prompt"]) == (3.0, "chest X-ray")
    assert len({row.group_id for row in folder.rows}) == 8
    about = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert about["synthetic"] is True
    assert about["generation"]["seed"] == 7
    assert about["generation"]["stop"] == 0.8
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "dataset.json",
        "plan.json",
        "train",
    ]


def test_grey_types_have_one_channel_and_colour_three(tmp_path: Path) -> None:
    run(tmp_path)
    modes = {}
    for row in read_dataset(tmp_path).rows:
        with Image.open(row.file) as image:
            modes[row.image_type] = image.mode
    assert modes == {"chest X-ray": "L", "dermatoscopy": "RGB"}


def test_pixels_are_the_models_rounded_to_grey_levels(tmp_path: Path) -> None:
    run(tmp_path, PROMPTS[2:])
    row = read_dataset(tmp_path).rows[1]
    expected = FakeGenerator().sample(
        [{"text": row.text}],
        [row.extra["seed"]],
        negative={"text": "chest X-ray"},
        steps=5,
        guidance=Guidance(3.0),
        solver="multistep",
        shift=1.0,
    )[0]
    with Image.open(row.file) as image:
        assert np.array_equal(np.asarray(image).transpose(2, 0, 1), to_uint8(expected.numpy()))


def test_the_model_gets_its_own_sampling_unless_told_otherwise(tmp_path: Path) -> None:
    model = FakeGenerator()
    run(tmp_path / "a", model=model)
    assert model.calls[0] == {
        "n": 4,
        "negative": None,
        "guidance": Guidance(1.5, 0.0, 0.8),
        "steps": 5,
    }
    assert model.calls[-1]["guidance"] == Guidance(3.0, 0.0, 0.8)
    assert model.calls[-1]["negative"] == {"text": "chest X-ray"}
    model.calls.clear()
    run(tmp_path / "b", model=model, guidance=4.0, steps=9, negative="dermatoscopy")
    assert model.calls[0] == {
        "n": 4,
        "negative": {"text": "dermatoscopy"},
        "guidance": Guidance(4.0, 0.0, 0.8),
        "steps": 9,
    }


def test_incomplete_batches_are_padded(tmp_path: Path) -> None:
    model = FakeGenerator()
    run(tmp_path, model=model)
    assert [call["n"] for call in model.calls] == [4, 4, 4]


def test_the_same_command_gives_the_same_bytes(tmp_path: Path) -> None:
    run(tmp_path / "a")
    run(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_another_seed_gives_other_images(tmp_path: Path) -> None:
    run(tmp_path / "a")
    run(tmp_path / "b", seed=1)
    one, other = contents(tmp_path / "a"), contents(tmp_path / "b")
    images = [name for name in one if name.endswith(".png")]
    assert len(images) == 8
    assert all(one[name] != other[name] for name in images)


def test_order_and_batch_size_leave_the_images(tmp_path: Path) -> None:
    run(tmp_path / "a")
    run(tmp_path / "b", PROMPTS[::-1], batch_size=3)
    for path in (tmp_path / "a" / "train").glob("*.png"):
        with Image.open(path) as one, Image.open(tmp_path / "b" / "train" / path.name) as other:
            difference = np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16))
        assert difference.max() <= 1
        assert (difference > 0).mean() < 1e-3


def test_a_second_run_of_the_same_command_makes_nothing(tmp_path: Path) -> None:
    run(tmp_path)
    before = contents(tmp_path)
    model = FakeGenerator()
    result = run(tmp_path, model=model)
    assert (result.images, result.made) == (8, 0)
    assert model.calls == []
    assert contents(tmp_path) == before


def test_smaller_batches_when_memory_runs_out(tmp_path: Path) -> None:
    model = FakeGenerator(fits=2)
    with pytest.warns(UserWarning, match="^out of memory: continuing with batches of 2$"):
        run(tmp_path / "a", model=model)
    assert [call["n"] for call in model.calls] == [4, 2, 2, 2, 2, 2]  # 4 + 1 jobs, then 3
    run(tmp_path / "b")
    images = [n for n in contents(tmp_path / "b") if n.endswith(".png")]
    assert [contents(tmp_path / "a")[n] for n in images] == [
        contents(tmp_path / "b")[n] for n in images
    ]


def test_no_memory_for_one_image(tmp_path: Path) -> None:
    message = "out of memory with one image at a time. Free some memory, or use another --device."
    with (
        pytest.warns(UserWarning, match="out of memory"),
        pytest.raises(SynthmedError, match=f"^{re.escape(message)}$"),
    ):
        run(tmp_path, model=FakeGenerator(fits=0))


def test_other_errors_of_the_model_are_not_taken_for_memory(tmp_path: Path) -> None:
    class Broken(FakeGenerator):
        def sample(self, *args: Any, **options: Any) -> Any:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        run(tmp_path, model=Broken())


def test_an_unknown_word_is_a_warning_and_an_error_when_strict(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="never saw: zebra") as caught:
        result = run(tmp_path / "a", "chest X-ray zebra")
    assert len(caught) == 1
    assert result.warnings == ("words that the model never saw: zebra ['chest X-ray zebra']",)
    with pytest.raises(SynthmedError, match="never saw: zebra"):
        run(tmp_path / "b", "chest X-ray zebra", strict=True)
    assert not (tmp_path / "b").exists()


def test_a_text_that_is_too_long_is_found_before_the_first_image(tmp_path: Path) -> None:
    model = FakeGenerator()
    with pytest.raises(SynthmedError, match=r"^the text is too long"):
        run(tmp_path / "out", ["chest X-ray", "chest " * 21], model=model)
    assert model.calls == []
    assert not (tmp_path / "out").exists()


def test_a_generator_that_was_never_saved_is_refused(tmp_path: Path) -> None:
    model = FakeGenerator()
    model.hash = ""
    message = "the generator was never saved. Save it: images say which weights made them."
    with pytest.raises(SynthmedError, match=f"^{re.escape(message)}$"):
        run(tmp_path / "out", model=model)
    assert not (tmp_path / "out").exists()


def test_a_model_that_reads_only_labels_gets_the_prompt_as_its_label(tmp_path: Path) -> None:
    class Labels(FakeGenerator):
        conditioners: ClassVar = {"label": None}

        def condition(self, records: list[dict[str, str]]) -> Any:
            return super().condition([{"text": record["label"]} for record in records])

        def sample(self, records: list[dict[str, str]], *rest: Any, **options: Any) -> Any:
            assert options["negative"] == {"label": "dermatoscopy"}
            texts = [{"text": record["label"]} for record in records]
            return super().sample(texts, *rest, **options)

    run(tmp_path, "chest X-ray", model=Labels(), negative="dermatoscopy")
    assert read_dataset(tmp_path).rows[0].text == "chest X-ray"


def test_labels_and_type_of_the_order_come_first(tmp_path: Path) -> None:
    order = [Prompt("chest X-ray, pneumonia", labels=("a", "b"), image_type="my type")]
    run(tmp_path, order)
    row = read_dataset(tmp_path).rows[0]
    assert (row.labels, row.image_type) == (("a", "b"), "my type")
    with Image.open(row.file) as image:
        assert image.mode == "RGB"  # of an unknown type nobody knows that it is grey


def test_a_prompt_that_names_no_type(tmp_path: Path) -> None:
    assert run(tmp_path, "pneumonia").types == {"": 1}
    assert read_dataset(tmp_path).rows[0].image_type == ""


def test_the_split_can_be_chosen(tmp_path: Path) -> None:
    run(tmp_path, "chest X-ray", split="val")
    assert [row.split for row in read_dataset(tmp_path).rows] == ["val"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count is 0. Give 1 or more."),
        ({"batch_size": 0}, "batch_size is 0. Give 1 or more."),
        ({"steps": 0}, "steps is 0. Give 1 or more."),
        ({"guidance": -1.0}, "guidance is -1.0. Give 0 or more."),
        ({"guidance": float("nan")}, "guidance is nan. Give 0 or more."),
        ({"split": "dev"}, "unknown split 'dev'. Use one of train, val, test."),
        (
            {"solver": "magic"},
            "unknown solver 'magic'. Use one of euler, heun, multistep.",
        ),
    ],
)
def test_bad_options(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SynthmedError, match=f"^{re.escape(message)}$"):
        run(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_hugging_face_reads_the_folder_alike(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    run(tmp_path / "out")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = datasets.load_dataset(
            "imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache")
        )["train"]
    rows = read_dataset(tmp_path / "out").rows
    assert table["prompt"][:] == [row.text for row in rows]
    assert table["seed"][:] == [row.extra["seed"] for row in rows]
    assert table["synthetic"][:] == [True] * 8
    assert table["labels"][0] == ["pneumonia"]
