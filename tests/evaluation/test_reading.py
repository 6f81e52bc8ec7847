from pathlib import Path

import numpy as np
import pytest
from evaluation_folders import write_folder
from PIL import Image

from synthmed.errors import SynthmedError
from synthmed.evaluation.frames import frame_images
from synthmed.evaluation.reading import channels_of, frame_size, framed_side, read_listing
from synthmed.evaluation.sides import Side


def silent(_: str) -> None:
    pass


def test_the_usual_split_is_taken_where_it_is_there(small_dataset: Path) -> None:
    assert {row.split for row in read_listing("real", small_dataset, None, "test").rows} == {"test"}
    every = read_listing("real", small_dataset, "all", "test").rows
    assert len(every) == 96


def test_a_set_without_the_usual_split_is_taken_whole(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", 6, split="train")
    assert len(read_listing("real", folder, None, "test").rows) == 6


def test_a_split_without_rows_is_an_error(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", 6, split="train")
    with pytest.raises(SynthmedError, match=r"0 images of split val.*has splits train"):
        read_listing("real", folder, "val", None)
    with pytest.raises(SynthmedError, match="no split is called 'tset'"):
        read_listing("real", folder, "tset", None)


def test_one_image_is_no_set(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", 1)
    with pytest.raises(SynthmedError, match="the synthetic set has 1 image "):
        read_listing("synthetic", folder, "all", None)


def test_frame_size_is_the_most_common_and_bounded(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", 4)
    rows = read_listing("real", folder, None, None).rows
    assert frame_size(rows) == 32
    Image.new("L", (2000, 100)).save(rows[0].file)
    assert frame_size(rows[:1]) == 512


def test_grey_sets_have_one_channel_and_mixed_ones_three(
    small_dataset: Path, tmp_path: Path
) -> None:
    grey = read_listing("real", write_folder(tmp_path / "a", 4), None, None)
    colour = read_listing("real", small_dataset, "all", None)
    assert channels_of([grey]) == 1
    assert channels_of([grey, colour]) == 3


def test_blank_and_broken_images_are_left_out_and_listed(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", 6)
    listing = read_listing("real", folder, None, None)
    Image.new("L", (32, 32), 7).save(listing.rows[1].file)
    listing.rows[3].file.write_bytes(b"\x89PNG no picture")
    side = framed_side(listing, 32, 1, tmp_path / "cache", silent)
    assert [row.file_name for row in side.rows] == [f"a{i:03d}.png" for i in (0, 2, 4, 5)]
    reasons = {bad["file_name"]: bad["reason"] for bad in side.rejected}
    assert reasons["a001.png"].startswith("blank")
    assert "a003.png" in reasons


def test_a_set_of_blank_images_is_an_error(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", 3)
    listing = read_listing("real", folder, None, None)
    for row in listing.rows:
        Image.new("L", (32, 32), 7).save(row.file)
    with pytest.raises(SynthmedError, match="0 usable images; the first: blank"):
        framed_side(listing, 32, 1, tmp_path / "cache", silent)


def test_frames_hold_the_pixels_and_are_made_once(tmp_path: Path) -> None:
    rows = read_listing("real", write_folder(tmp_path / "a", 5), None, None).rows
    calls: list[int] = []
    first = frame_images(rows, 32, 3, tmp_path / "c", lambda done, _: calls.append(done))
    again = frame_images(rows, 32, 3, tmp_path / "c", lambda done, _: calls.append(done))
    stored = np.asarray(Image.open(rows[2].file), dtype=np.float32) / 127.5 - 1
    assert calls == [5]
    assert np.abs(first.pixels[2] - stored).max() < 5e-4
    assert np.array_equal(first.pixels, again.pixels)
    assert len(set(first.digests)) == 5


def test_changed_files_are_framed_anew(tmp_path: Path) -> None:
    rows = read_listing("real", write_folder(tmp_path / "a", 3), None, None).rows
    before = frame_images(rows, 32, 1, tmp_path / "c")
    Image.fromarray(np.arange(1024, dtype=np.uint8).reshape(32, 32)).save(rows[0].file)
    after = frame_images(rows, 32, 1, tmp_path / "c")
    assert before.digests[0] != after.digests[0]
    assert not np.array_equal(before.pixels[0], after.pixels[0])


def test_a_part_of_a_side_keeps_rows_and_images_together(make_side) -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (6, 1, 16, 16))
    side: Side = make_side("real", images, groups=list("aabbcc"))
    part = side.take(side.groups == "b").take([1])
    assert part.groups.tolist() == ["b"]
    assert np.allclose(part.images()[0], images[3], atol=1e-6)
    assert part.digests[0] == side.digests[3]
    assert np.concatenate(list(side.batches(4))).shape == (6, 1, 16, 16)
