"""Translating datasets, folders and files: what is kept, what is said, what is refused."""

from __future__ import annotations

import csv
import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_translators import DOMAINS, card, levels, smooth_images, translator
from translation_sets import files_folder, grey, small_set

from synthmed.datasets import read_dataset
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.imaging.reading import open_image
from synthmed.imaging.writing import to_uint16, write_png
from synthmed.models.generator import Generator
from synthmed.synthesis.editing import EditSettings, edit
from synthmed.synthesis.translate import translate

EDITED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
MADE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@pytest.fixture(scope="module")
def model() -> Generator:
    return translator(card=card(sampling={"steps": 3, "guidance": 1.5}))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_set(tmp_path_factory.mktemp("set") / "in")


def run(model: Any, images: Path, out: Path, **options: Any) -> Any:
    how = {"target": "site b", "depth": 0.4, "batch_size": 3, "progress": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return translate(model, images, out, **{**how, **options})


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def by_source(out: Path, folder: Path) -> dict[str, Row]:
    """The rows by the file that they were made of."""
    rows = {row.extra["source_hash"]: row for row in read_dataset(out).rows}
    files = {digest: name for name, digest in contents(folder).items()}
    return {files[digest]: row for digest, row in rows.items()}


def chunks_of(file: Path) -> dict[str, str]:
    with Image.open(file) as image:
        image.load()
        return dict(image.text)  # type: ignore[attr-defined]


# ------------------------------------------------------------------ datasets


def test_a_dataset_keeps_what_it_knew_and_says_how_it_was_made(
    model: Generator, dataset: Path, tmp_path: Path
) -> None:
    result = run(model, dataset, tmp_path / "out")
    assert (result.images, result.made, result.left_out) == (7, 7, 0)
    assert result.depths == {"render": 0.4, "site a": 0.4}
    before = {row.file_name: row for row in read_dataset(dataset).rows}
    after = read_dataset(tmp_path / "out")
    assert not after.rejected
    assert len(after.rows) == 7
    for row in after.rows:
        old = before[row.file_name]
        assert row.domain == "site b"
        for name in ("split", "group_id", "labels", "view", "age", "sex", "boxes", "image_type"):
            assert getattr(row, name) == getattr(old, name)
        assert row.extra["device"] == old.extra["device"]
        assert (row.mask_file is None) == (old.mask_file is None)
        if row.mask_file and old.mask_file:
            assert row.mask_file.read_bytes() == old.mask_file.read_bytes()
        made = row.extra
        assert (made["synthetic"], made["derived_from_patient"]) == (True, True)
        assert made["source_file"] == f"{old.split}/{old.file_name}"
        assert made["source_domain"] == old.domain
        assert made["source_hash"] == hashlib.sha256(old.file.read_bytes()).hexdigest()
        assert (made["generator"], made["generator_hash"]) == ("tiny", "a" * 64)
        assert (made["depth"], made["guidance"], made["steps"]) == (0.4, 1.5, 3)
        assert (made["solver"], made["detail"]) == ("multistep", "model")
        x, spec = open_image(row.file)
        assert x.shape == open_image(old.file)[0].shape
        assert spec.bits == open_image(old.file)[1].bits
        assert not np.array_equal(x, open_image(old.file)[0])
    about = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert about["synthetic"] is True
    assert about["derived_from_patient"] is True
    assert about["digital_source_type"] == EDITED
    assert about["licences"] == ["CC0-1.0"]
    assert about["generation"]["depths"] == {"render": 0.4, "site a": 0.4}
    assert about["generation"]["inversion"] == "difference"
    assert about["translation"]["groups"] == 4
    assert str(tmp_path) not in (tmp_path / "out" / "dataset.json").read_text()


def test_the_images_are_those_that_edit_makes(
    model: Generator, dataset: Path, tmp_path: Path
) -> None:
    """Images of the model's own size, so that no resizing stands between."""
    folder = tmp_path / "in"
    images = smooth_images(3)
    for number, image in enumerate(images):
        write_png(folder / f"{number}.png", image.numpy())
    run(model, folder, tmp_path / "out", source="render", batch_size=3)
    stored = torch.from_numpy(np.stack([open_image(folder / f"{i}.png")[0] for i in range(3)]))
    sides = ([{"domain": name}] * 3 for name in ("render", "site b"))
    made = edit(model, stored, *sides, EditSettings(0.4, 1.5, 3))
    expected = levels(made.mean(1, keepdim=True))
    for number in range(3):
        digest = hashlib.sha256((folder / f"{number}.png").read_bytes()).hexdigest()
        file = tmp_path / "out" / "train" / "images" / f"{digest[:16]}.png"
        assert np.array_equal(levels(open_image(file)[0]), expected[number])


def test_16_bits_spacing_unit_and_window_stay(
    model: Generator, dataset: Path, tmp_path: Path
) -> None:
    run(model, dataset, tmp_path / "out")
    row = next(r for r in read_dataset(tmp_path / "out").rows if r.file_name.endswith("004.png"))
    assert open_image(row.file)[1].bits == 16
    assert row.extra["value_scale"] == 2047.5
    assert row.extra["value_offset"] == 1023.5
    assert row.extra["unit"] == "HU"
    assert (row.extra["spacing_row"], row.extra["spacing_column"]) == (0.7, 0.8)
    assert (row.extra["window_low"], row.extra["window_high"]) == (-160.0, 240.0)
    assert chunks_of(row.file)["codec_psnr"] == "not measured"


def test_rows_of_the_target_are_left_out_and_a_domain_can_be_chosen(
    model: Generator, dataset: Path, tmp_path: Path
) -> None:
    result = run(model, dataset, tmp_path / "a", target="site a")
    assert (result.images, result.left_out) == (5, 2)
    assert "2 rows are of site a already and are left out" in result.warnings
    result = run(model, dataset, tmp_path / "b", source="site a")
    assert (result.images, result.depths) == (2, {"site a": 0.4})
    result = run(model, dataset, tmp_path / "c", source="site a", target="site a")
    assert result.images == 2  # asked for: the codec's round trip


def test_a_table_without_domains_takes_the_one_that_is_given(
    model: Generator, tmp_path: Path
) -> None:
    folder = small_set(tmp_path / "in", domains=False)
    assert run(model, folder, tmp_path / "a", source="render").images == 7
    with pytest.raises(SynthmedError, match="the row names no domain; known: render, site a, site"):
        run(model, folder, tmp_path / "b")


def test_text_stays_on_both_sides(dataset: Path, tmp_path: Path) -> None:
    generator, told = translator(text=True), list[tuple[Any, Any]]()
    tokens = generator.condition

    def spy(records: Any) -> Any:
        told.extend((record.get("text"), record["domain"]) for record in records)
        return tokens(records)

    generator.condition = spy  # type: ignore[method-assign]
    run(generator, dataset, tmp_path / "out", source="render", steps=1)
    texts = {(text, domain) for text, domain in told}
    spoken = {text for text, _ in texts}
    assert spoken == {"chest X-ray, PA view, pneumonia", "chest X-ray, PA view, no finding"}
    assert texts == {(text, d) for text in spoken for d in ("render", "site b")}


# ------------------------------------------------------------------ detail and marks


def test_kept_detail_is_the_source_where_nothing_changes(
    model: Generator, dataset: Path, tmp_path: Path
) -> None:
    """Source = target: every stored level of 8 and of 16 bits comes back."""
    result = run(model, dataset, tmp_path / "out", source="render", target="render", detail="keep")
    assert result.images == 5
    for row in read_dataset(tmp_path / "out").rows:
        old = next(r for r in read_dataset(dataset).rows if r.file_name == row.file_name)
        a, b = open_image(row.file)[0], open_image(old.file)[0]
        assert np.array_equal(to_uint16(a), to_uint16(b))


def test_kept_detail_keeps_more_of_the_texture(
    model: Generator, dataset: Path, tmp_path: Path
) -> None:
    def fine(file: Path) -> Any:
        x = open_image(file)[0][0]
        return (x[1:, 1:] - x[:-1, 1:] - x[1:, :-1] + x[:-1, :-1]).ravel()

    likeness = {}
    for detail in ("model", "keep"):
        run(model, dataset, tmp_path / detail, detail=detail, depth=0.7)
        pairs = zip(read_dataset(dataset).rows, read_dataset(tmp_path / detail).rows, strict=True)
        likeness[detail] = np.mean(
            [np.corrcoef(fine(a.file), fine(b.file))[0, 1] for a, b in pairs]
        )
    assert likeness["keep"] > 0.9
    assert likeness["keep"] > likeness["model"] + 0.2


def test_a_file_says_that_it_was_edited_and_names_nobody(
    model: Generator, dataset: Path, tmp_path: Path
) -> None:
    run(model, dataset, tmp_path / "out")
    chunks = chunks_of(next((tmp_path / "out" / "test").rglob("*.png")))
    assert chunks["Source"] == "synthetic, edited from a real image"
    assert chunks["DigitalSourceType"] == EDITED
    assert EDITED in chunks["XML:com.adobe.xmp"]
    assert "not anonymous" in chunks["Disclaimer"]
    assert (chunks["source_domain"], chunks["domain"], chunks["depth"]) == (
        "render",
        "site b",
        "0.4",
    )
    assert not any("003" in value or "made:p" in value for value in chunks.values())


def test_a_generated_source_stays_generated(model: Generator, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_png(folder / "made.png", grey(1), {"DigitalSourceType": MADE})
    write_png(folder / "real.png", grey(2))
    run(model, folder, tmp_path / "out", source="render")
    rows = by_source(tmp_path / "out", folder)
    assert rows["made.png"].extra["derived_from_patient"] is False
    assert rows["real.png"].extra["derived_from_patient"] is True
    assert chunks_of(rows["made.png"].file)["DigitalSourceType"] == MADE
    assert chunks_of(rows["real.png"].file)["DigitalSourceType"] == EDITED


def test_what_a_source_says_of_its_own_making_is_kept_beside(
    model: Generator, tmp_path: Path
) -> None:
    folder = small_set(tmp_path / "in")
    run(model, folder, tmp_path / "once", source="render")
    run(model, tmp_path / "once", tmp_path / "twice", target="site a", steps=2)
    row = read_dataset(tmp_path / "twice").rows[0]
    assert (row.domain, row.extra["source_domain"]) == ("site a", "site b")
    assert row.extra["source_source_domain"] == "render"
    assert (row.extra["steps"], row.extra["source_steps"]) == (2, 3)
    assert row.extra["derived_from_patient"] is True


# ------------------------------------------------------------------ files


def test_a_folder_with_broken_files(model: Generator, tmp_path: Path) -> None:
    folder = files_folder(tmp_path / "in")
    result = run(model, folder, tmp_path / "out", source="render")
    rows = by_source(tmp_path / "out", folder)
    assert sorted(rows) == ["a.png", "deeper/b x.png", "three-equal.png"]
    assert result.images == 3
    with (tmp_path / "out" / "rejected.csv").open() as lines:
        rejected = {line["file"]: line["reason"] for line in csv.DictReader(lines)}
    assert dict(result.rejected) == rejected
    assert sorted(rejected) == ["colour.png", "empty.dcm", "torn.png"]
    assert rejected["colour.png"] == "a colour image, and the model knows grey images only"
    assert "the file is empty" in rejected["empty.dcm"]
    assert str(tmp_path) not in "".join(rejected.values())
    deep = rows["deeper/b x.png"]
    assert open_image(deep.file)[0].shape == (1, 30, 40)
    assert open_image(deep.file)[1].bits == 16
    assert open_image(rows["three-equal.png"].file)[1].channels == 1
    assert len({row.group_id for row in rows.values()}) == 3
    assert any("counts as a patient of its own" in text for text in result.warnings)


def test_one_file(model: Generator, tmp_path: Path) -> None:
    write_png(tmp_path / "film.png", grey(1, 33, 20))
    result = run(model, tmp_path / "film.png", tmp_path / "out", source="render")
    (row,) = read_dataset(tmp_path / "out").rows
    digest = hashlib.sha256((tmp_path / "film.png").read_bytes()).hexdigest()
    assert (result.images, row.extra["source_hash"]) == (1, digest)
    assert open_image(row.file)[0].shape == (1, 33, 20)


def test_colour_stays_colour_where_the_model_knows_it(tmp_path: Path) -> None:
    types = [{"name": "dermatoscopy", "grey": False}]
    generator = translator(card=card(types=types))
    write_png(tmp_path / "skin.png", np.stack([grey(1)[0], grey(2)[0], grey(3)[0]]))
    run(generator, tmp_path / "skin.png", tmp_path / "out", source="render", steps=2)
    (row,) = read_dataset(tmp_path / "out").rows
    assert open_image(row.file)[0].shape == (3, 24, 20)


# ------------------------------------------------------------------ the same again


def test_the_same_call_gives_the_same_bytes_and_does_nothing_twice(
    model: Generator, dataset: Path, tmp_path: Path
) -> None:
    run(model, dataset, tmp_path / "a")
    run(model, dataset, tmp_path / "b")
    whole = contents(tmp_path / "a")
    assert contents(tmp_path / "b") == whole
    again = run(model, dataset, tmp_path / "a")
    assert (again.images, again.made) == (7, 0)
    assert contents(tmp_path / "a") == whole


def test_another_batch_size_gives_the_same_images(
    model: Generator, dataset: Path, tmp_path: Path
) -> None:
    run(model, dataset, tmp_path / "a", batch_size=1)
    run(model, dataset, tmp_path / "b", batch_size=16)
    off = []
    for one in read_dataset(tmp_path / "a").rows:
        other = tmp_path / "b" / one.file.relative_to(tmp_path / "a")
        off.append(abs(levels(open_image(one.file)[0]) - levels(open_image(other)[0])).ravel())
    assert np.concatenate(off).max() <= 1
    assert (np.concatenate(off) > 0.5).mean() < 1e-3


def test_memory_that_does_not_suffice_halves_the_batch(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = translator()
    forward, sizes = generator.unet.forward, list[int]()

    def small(z: Any, *rest: Any, **more: Any) -> Any:
        sizes.append(len(z))
        if len(z) > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return forward(z, *rest, **more)

    monkeypatch.setattr(generator.unet, "forward", small)
    with pytest.warns(UserWarning, match="out of memory: continuing with batches of 2"):
        translate(
            *(generator, dataset, tmp_path / "out"),
            **{"target": "site b", "depth": 0.5, "steps": 1, "batch_size": 4, "progress": False},
        )
    assert set(sizes) == {4, 2}
    assert len(read_dataset(tmp_path / "out").rows) == 7


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        ({"depth": 0.5}, "depths {'render': 0.4, 'site a': 0.4}, now"),
        ({"guidance": 2.0}, "guidance 1.5, now 2.0"),
        ({"detail": "keep"}, "detail model, now keep"),
        ({"source": "render"}, "batch_size|depths|images 7, now 5"),
    ],
)
def test_a_folder_of_other_settings_is_refused(
    model: Generator, dataset: Path, tmp_path: Path, options: dict[str, Any], difference: str
) -> None:
    run(model, dataset, tmp_path / "out", steps=1)
    before = contents(tmp_path / "out")
    with pytest.raises(SynthmedError, match=f"made with other settings: ({difference})"):
        run(model, dataset, tmp_path / "out", **{"steps": 1, **options})
    assert contents(tmp_path / "out") == before


# ------------------------------------------------------------------ settings and the dial


def test_settings_come_from_the_call_the_calibration_the_card(
    dataset: Path, tmp_path: Path
) -> None:
    entry = {
        **{"source": "render", "target": "site b", "n_source": 9, "n_target": 9},
        **{"groups_source": 9, "groups_target": 9, "depths": [0.0, 0.5, 1.0]},
        "structure": [{"value": v, "low": v, "high": v} for v in (0.2, 0.6, 1.0)],
        **{
            name: [{"value": v, "low": v, "high": v} for v in (0.0, 0.01, 0.5)]
            for name in ("realism", "matched")
        },
        "real_real": {"value": 0.0, "low": -0.02, "high": 0.02},
    }
    known = card(
        sampling={"steps": 7, "guidance": 3.0, "solver": "euler"},
        translation={"steps": 2, "guidance": 1.2},
        calibration={
            "format": 2,
            "extractor": "medical-64",
            "preprocessing": "",
            "settings": {"guidance": 1.1, "steps": 4, "solver": "heun", "detail": "model"},
            "pairs": [entry],
        },
    )
    generator = translator(card=known)

    def settings(out: str, **options: Any) -> tuple[Any, ...]:
        options = {"depth": None, **options}
        result = run(generator, dataset, tmp_path / out, source="render", **options)
        made = read_dataset(tmp_path / out).rows[0].extra
        return made["guidance"], made["steps"], made["solver"], made["depth"], result.warnings

    assert settings("a", depth=0.5)[:4] == (1.2, 2, "euler", 0.5)
    assert settings("b", keep_structure=0.6)[:4] == (1.1, 4, "heun", 0.5)
    assert settings("c", match_realism=True)[:4] == (1.1, 4, "heun", 0.5)
    *made, told = settings("d", match_realism=True, guidance=2.0, steps=1)
    assert made == [2.0, 1, "heun", 0.5]
    assert any("guidance 2.0 instead of 1.1" in text for text in told)
    about = json.loads((tmp_path / "c" / "dataset.json").read_text())
    assert "real-real" in about["translation"]["depths"]["render"]["how"]


def test_different_prevalences_are_warned_of(dataset: Path, tmp_path: Path) -> None:
    shares = {"render": 0.05, "site a": 0.5, "site b": 0.9}
    domains = {
        name: {"images": 400, "groups": 400, "labels": {"pneumonia": share}}
        for name, share in shares.items()
    }
    generator = translator(card=card(domains=domains))
    result = run(generator, dataset, tmp_path / "out", source="render", steps=1)
    assert any("pneumonia" in text and "invent" in text for text in result.warnings)
    same = run(generator, dataset, tmp_path / "b", source="render", target="render", steps=1)
    assert not any("pneumonia" in text for text in same.warnings)


# ------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "site c"}, r"no domain 'site c' \[--to\]. Known: render, site a, site b\."),
        ({"source": "ct"}, r"no domain 'ct' \[--from\]. Known: render, site a, site b\."),
        (
            {"source": "site b"},
            r"no row of this dataset is of the domain 'site b'.*It has render, s",
        ),
        ({"depth": None}, "no depth"),
        ({"match_realism": True}, "2 ways to choose the depth"),
        ({"depth": None, "keep_structure": 0.9}, "calibrat"),
        ({"depth": 1.5}, "a depth of 1.5"),
        ({"steps": 0}, "steps is 0"),
        ({"solver": "rk4"}, "unknown solver"),
        ({"detail": "none"}, "unknown detail"),
        ({"batch_size": 0}, "batch_size is 0"),
    ],
)
def test_what_cannot_be_asked_for(
    model: Generator, dataset: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SynthmedError, match=message) as caught:
        run(model, dataset, tmp_path / "out", **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_models_and_images_that_cannot_be_translated(
    model: Generator, dataset: Path, tmp_path: Path
) -> None:
    without = translator(conditioners={"text": translator(text=True).conditioners["text"]})
    with pytest.raises(SynthmedError, match="this model knows no domains"):
        run(without, dataset, tmp_path / "out")
    with pytest.raises(SynthmedError, match="never saved"):
        run(translator(hash=""), dataset, tmp_path / "out")
    with pytest.raises(SynthmedError, match="no such file or folder"):
        run(model, tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SynthmedError, match="no image files"):
        run(model, tmp_path / "empty", tmp_path / "out", source="render")
    write_png(tmp_path / "film.png", grey(1))
    with pytest.raises(
        SynthmedError, match=r"which domain they come from .*Give --from, one of ren"
    ):
        run(model, tmp_path / "film.png", tmp_path / "out")
    with pytest.raises(SynthmedError, match="among their sources"):
        run(model, dataset, dataset / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "film.png"]


def test_nothing_that_can_be_translated_leaves_the_folder_free(
    model: Generator, tmp_path: Path
) -> None:
    write_png(tmp_path / "skin.png", np.stack([grey(1)[0], grey(2)[0], grey(3)[0]]))
    with pytest.raises(SynthmedError, match=r"no image can be .* a colour image.*\[skin.png\]"):
        run(model, tmp_path / "skin.png", tmp_path / "out", source="render")
    write_png(tmp_path / "film.png", grey(1))
    assert run(model, tmp_path / "film.png", tmp_path / "out", source="render").images == 1


def test_unknown_domains_in_a_table_are_listed(model: Generator, tmp_path: Path) -> None:
    folder = small_set(tmp_path / "in")
    for table in folder.rglob("metadata.jsonl"):
        table.write_text(table.read_text().replace('"site a"', '"site z"'))
    result = run(model, folder, tmp_path / "out")
    assert result.images == 5
    assert {reason for _, reason in result.rejected} == {
        f"the model knows no domain 'site z'; known: {', '.join(DOMAINS)}"
    }


def test_one_split_alone(model: Generator, dataset: Path, tmp_path: Path) -> None:
    splits = {row.split for row in read_dataset(dataset).rows if row.domain != "site b"}
    assert len(splits) > 1
    run(model, dataset, tmp_path / "out", split="val")
    assert {row.split for row in read_dataset(tmp_path / "out").rows} == {"val"}
    with pytest.raises(SynthmedError, match=r"in the split 'dev'.*It has"):
        run(model, dataset, tmp_path / "none", split="dev")
    with pytest.raises(SynthmedError, match="have no splits"):
        run(model, files_folder(tmp_path / "loose"), tmp_path / "x", source="site a", split="val")
