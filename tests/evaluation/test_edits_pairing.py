"""Sources are found by content, else by name; never a guess among several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edited_sets import edited_side, real_side

from synthmed.evaluation import edits_pairing
from synthmed.evaluation.edits_pairing import find_pairs, names_sources
from synthmed.evaluation.edits_values import swapped_partners


@pytest.fixture
def context(make_context: Any) -> Any:
    real = real_side(count=24)
    return make_context(real, edited_side(real))


def test_every_edit_finds_its_own_source(context: Any) -> None:
    pairs = find_pairs(context)
    assert names_sources(context)
    assert (len(pairs), pairs.named) == (12, 12)
    assert (dict(pairs.found), dict(pairs.missing)) == ({"name": 12}, {})
    edits = context.synthetic.groups[pairs.edits]
    assert edits.tolist() == context.real.groups[pairs.sources].tolist() == pairs.groups.tolist()
    assert set(pairs.source_domains) == {"a"}
    assert set(pairs.target_domains) == {"b"}


def test_the_files_hash_comes_before_its_name(context: Any) -> None:
    row = context.synthetic.rows[0]
    row.extra["source_hash"] = str(context.real.digests[5])
    pairs = find_pairs(context)
    assert pairs.sources[0] == 5
    assert dict(pairs.found) == {"content": 1, "name": 11}
    row.extra["source_hash"] = "0" * 64  # of another file; its own name and patient are there
    pairs = find_pairs(context)
    assert 0 not in pairs.edits
    assert dict(pairs.missing) == {"no real image has the stated hash": 1}


def test_a_row_that_states_only_the_hash_is_an_edit(context: Any) -> None:
    """As translations of loose files, whose names may be patients'."""
    for number, row in enumerate(context.synthetic.rows):
        row.extra = {"source_hash": str(context.real.digests[number])}
    assert names_sources(context)
    assert dict(find_pairs(context).found) == {"content": 12}
    for row in context.synthetic.rows:  # as renders name their volume
        row.extra = {"source_hash": "ct:0123456789abcdef"}
    assert not names_sources(context)
    assert len(find_pairs(context)) == 0


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("real_0004.png", True),
        ("test/real_0004.png", True),
        ("data/test/real_0004.png", True),
        ("data\\test\\real_0004.png", True),
        ("train/real_0004.png", False),  # another split: another image
        ("real_9999.png", False),
        ("4.png", False),
        (".", False),
    ],
)
def test_names(context: Any, name: str, found: bool) -> None:
    row = context.synthetic.rows[0]
    row.extra["source_file"] = name
    row.group_id = context.real.rows[4].group_id
    pairs = find_pairs(context)
    assert (0 in pairs.edits) is found
    if found:
        assert pairs.sources[0] == 4
    else:
        assert sum(pairs.missing.values()) == 1


def test_an_image_of_another_patient_is_no_source(context: Any) -> None:
    row = context.synthetic.rows[0]
    row.group_id = "clinic:B"
    pairs = find_pairs(context)
    assert 0 not in pairs.edits
    assert dict(pairs.missing) == {"the real image of this name is of another patient": 1}
    for nobody in ("", row.file.as_posix()):  # as readers fill a blank group
        row.group_id = nobody
        assert 0 in find_pairs(context).edits


def test_of_several_the_own_patient_counts_else_none(context: Any) -> None:
    twin = context.real.rows[7]
    twin.file, twin.file_name = Path("other/real_0004.png"), "other/real_0004.png"
    row = context.synthetic.rows[2]
    assert row.extra["source_file"] == "test/real_0004.png"
    row.extra["source_file"] = "real_0004.png"
    own = find_pairs(context)
    assert own.sources[own.edits == 2].tolist() == [4]
    row.group_id = ""
    pairs = find_pairs(context)
    assert 2 not in pairs.edits
    assert list(pairs.missing) == ["several real images have this name"]


def test_rows_that_name_no_source_are_no_edits(context: Any) -> None:
    for row in context.synthetic.rows[1:]:
        row.extra = {}
    assert find_pairs(context).named == 1
    context.synthetic.rows[0].extra = {}
    assert not names_sources(context)
    assert len(find_pairs(context)) == 0


def test_many_pairs_are_drawn_by_patient(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits_pairing, "MOST", 5)
    pairs = find_pairs(context)
    assert len(pairs) == 5
    assert pairs.named == 12


def test_partners_are_other_patients_and_differ(context: Any) -> None:
    pairs = find_pairs(context)
    for row in context.synthetic.rows[:3]:
        row.group_id = "one:patient"
    pairs.groups[:3] = "one:patient"
    one, other = (swapped_partners(context, pairs, 0, way) for way in (1, -1))
    assert (one >= 0).all()
    assert (pairs.groups[one] != pairs.groups).all()
    assert (pairs.groups[other] != pairs.groups).all()
    assert (one != other).any()
    assert sorted(one) == list(range(len(pairs)))
    assert np.array_equal(one, swapped_partners(context, pairs, 0))
    pairs.groups[:] = "one:patient"
    assert (swapped_partners(context, pairs, 0) == -1).all()
