"""The whole table on made sets whose truth is known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from synthmed.errors import SafetyError, SynthmedError
from synthmed.evaluation.utility_parts.designs import Design, headline
from synthmed.evaluation.utility_parts.labelled import Labelled, group_hash
from synthmed.evaluation.utility_parts.showing import (
    utility_lights,
    utility_plots,
    utility_tables,
)
from synthmed.evaluation.utility_parts.table import utility_table

pytestmark = pytest.mark.usefixtures("fast")


@pytest.fixture
def sets(make_set):
    """Few real images, twice as many, and ten times as many synthetic ones that are as good."""
    double = make_set(48, 0)
    n = double.take(np.arange(24))
    made = make_set(240, 1, name="s", seen=frozenset(n.hashes()))
    return {"N": n, "2N": double}, make_set(400, 2, name="t"), made


def table(sets, made=None, designs=None, **more):
    real, test, good = sets
    more = {"labels": ["no", "yes"], "seeds": (0, 1, 2), "bootstraps": 200, **more}
    return utility_table(
        real, test, good if made is None else made, designs=designs or headline(ratio=10), **more
    )


def auroc(data, name):
    row = next(row for row in data["rows"] if row["design"] == name)
    return row["scores"]["auroc"]["value"], row


def test_good_images_help_and_shuffled_ones_do_not(sets) -> None:
    data = table(sets)
    base, _ = auroc(data, "real N")
    assert auroc(data, "real 2N")[0] > base
    mixed, row = auroc(data, "real N + synthetic")
    assert mixed > base
    assert row["differences"]["real N"]["auroc"]["low"] > 0
    assert row["differences"]["real N, twice as long"]["auroc"]["low"] > 0
    _, control = auroc(data, "real N + synthetic, labels shuffled")
    assert control["differences"]["real N"]["auroc"]["low"] <= 0
    assert row["saw"] == ""
    added, subgroups = utility_lights("made", data)
    assert added.state == "green"
    assert subgroups.state == "grey"
    assert "twice as long" in added.rule
    assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_a_light_is_green_only_with_controls_and_a_known_generator(sets) -> None:
    without = [design for design in headline(ratio=10) if not design.control]
    assert utility_lights("x", table(sets, designs=without))[0].state == "amber"
    real, _, made = sets
    assert utility_lights("x", table(sets, replace(made, seen=None)))[0].state == "amber"
    more = replace(made, seen=frozenset(real["2N"].hashes()))
    data = table(sets, more)
    assert auroc(data, "real N + synthetic")[1]["saw"] == "saw 2N"
    assert utility_lights("x", data)[0].state == "amber"
    other = replace(made, seen=made.seen | {group_hash("elsewhere:1")})
    data = table(sets, other)
    assert auroc(data, "synthetic only")[1]["saw"] == "saw other images"
    assert utility_lights("x", data)[0].state == "green"


def test_useless_images_give_no_green_and_harmful_ones_red(sets, make_set) -> None:
    real, _, made = sets
    useless = make_set(240, 5, name="s", strength=0.0, seen=made.seen)
    data = table(sets, useless)
    low = auroc(data, "real N + synthetic")[1]["differences"]["real N"]["auroc"]["low"]
    assert low <= 0
    assert utility_lights("x", data)[0].state in ("amber", "red")
    harmful = replace(made, labels=1 - made.labels)
    assert utility_lights("x", table(sets, harmful))[0].state == "red"
    assert real["N"].labels.sum() == 12  # the sets themselves are never changed


def test_nothing_learnable_is_grey(sets, make_set) -> None:
    real, _, made = sets
    noise = make_set(400, 7, name="t", strength=0.0)
    lights = utility_lights("x", table((real, noise, made)))
    assert [light.state for light in lights] == ["grey", "grey"]


def test_rows_state_what_they_were_trained_on(sets, fast) -> None:
    data = table(sets, steps=50)
    assert [row["steps"] for row in data["rows"]] == [50, 50, 50, 50, 50, 100, 50]
    assert auroc(data, "real 2N")[1]["real"] == {
        "set": "2N",
        "fraction": 1.0,
        "images": 48,
        "patients": 24,
    }
    assert auroc(data, "synthetic only")[1]["real"] is None
    assert auroc(data, "synthetic only")[1]["synthetic"]["images"] == 240
    assert len(fast) == 7 * 3
    steps = {sum(phase.steps for phase in phases) for phases, _ in fast}
    assert steps == {50, 100}


def test_a_killed_table_continues(sets, fast, tmp_path) -> None:
    one = table(sets, store=tmp_path)
    trained = len(fast)
    assert table(sets, store=tmp_path) == one
    assert len(fast) == trained
    table(sets, store=tmp_path, seeds=(0, 1, 3))
    assert len(fast) == trained + 7
    next(tmp_path.glob("probabilities-*.npy")).unlink()
    table(sets, store=tmp_path)
    assert len(fast) == trained + 8
    real, test, made = sets
    brighter = replace(made, images=np.clip(made.images + 0.01, -1, 1))
    table((real, test, brighter), store=tmp_path)
    assert len(fast) == trained + 8 + 4 * 3  # all rows with synthetic images


def test_the_default_designs_reach_as_far_as_the_images(make_set) -> None:
    real, test = make_set(40, 0), make_set(80, 2, name="t")
    made = make_set(80, 1, name="s")
    data = utility_table(real, test, made, labels=["a", "b"], bootstraps=50)
    names = [row["design"] for row in data["rows"]]
    assert "real + synthetic x2" in names
    assert "real + synthetic x4" not in names
    assert "50% of real" in names


def test_subgroups_have_rows_gaps_and_changes(sets, make_set) -> None:
    real, _, made = sets
    strong, weak = make_set(200, 8, name="t"), make_set(200, 9, name="u", strength=0.05)
    columns = ("images", "labels", "groups")
    both = [np.concatenate([getattr(x, c) for x in (strong, weak)]) for c in columns]
    sex = np.repeat(np.asarray(["F", "M"]), 200)
    test = Labelled(*both, attributes={"sex": sex, "source": np.full(400, "one")})
    data = table((real, test, made))
    rows = {(row["level"], row["design"]): row for row in data["subgroups"]}
    assert {level for level, _ in rows} == {"F", "M"}  # one source alone is no subgroup
    women = rows["F", "real N"]
    assert women["gap"]["low"] > 0
    assert rows["M", "real N"]["gap"]["high"] < 0
    assert women["change"] is None
    assert rows["F", "real N + synthetic"]["change"]["low"] > 0
    assert ("F", "real N, twice as long") not in rows
    assert utility_lights("x", data)[1].state in ("green", "amber")
    tables = utility_tables("x", data)
    assert len(tables) == 2
    assert all(len(line) == len(t.header) for t in tables for line in t.lines)


def test_a_small_subgroup_is_not_measurable(sets) -> None:
    real, test, made = sets
    sex = np.asarray(["F"] * 6 + ["M"] * 394)
    data = table((real, replace(test, attributes={"sex": sex}), made))
    assert all("not_measurable" in row for row in data["subgroups"])
    assert utility_lights("x", data)[1].state == "grey"
    assert len(utility_tables("x", data)[1].lines) == 2


def test_tables_and_plots_show_every_row(sets) -> None:
    data = table(sets)
    (shown,) = utility_tables("made", data)
    assert len(shown.lines) == 7
    assert all(len(line) == len(shown.header) for line in shown.lines)
    assert shown.lines[-1][-1] == "control"
    (plot,) = utility_plots("key", "made", data)
    assert len(plot.data["labels"]) == len(plot.data["intervals"]["AUROC"]) == 7


def test_test_patients_among_the_training_ones_are_refused(sets) -> None:
    real, test, made = sets
    with pytest.raises(SafetyError, match="among the training images"):
        table((real, replace(test, groups=np.r_[["p0000"], test.groups[1:]]), made))
    with pytest.raises(SafetyError, match="among the training images"):
        table(sets, replace(made, groups=np.r_[["t0000"], made.groups[1:]]))
    with pytest.raises(SafetyError, match="seen by the generator of 'synthetic'"):
        table(sets, replace(made, seen=made.seen | {group_hash("t0000")}))


def test_bad_input_is_one_clear_error(sets, make_set) -> None:
    real, test, made = sets
    with pytest.raises(SynthmedError, match="synthetic images are needed"):
        table(sets, designs=headline(ratio=50))
    with pytest.raises(SynthmedError, match="no synthetic set 'other'"):
        table(sets, designs=headline(synthetic="other"))
    with pytest.raises(SynthmedError, match="baseline"):
        table(sets, baseline="nothing")
    with pytest.raises(SynthmedError, match="different names"):
        table(sets, designs=[Design("a", "real", "N")] * 2)
    with pytest.raises(SynthmedError, match="baseline"):
        table(sets, also_against=["nothing"])
    with pytest.raises(SynthmedError, match="seeds"):
        table(sets, seeds=(1, 1))
    with pytest.raises(SynthmedError, match="known classes"):
        table(sets, labels=["only"])
    with pytest.raises(SynthmedError, match="one class"):
        table((real, test.take(test.labels == 0), made))
    with pytest.raises(SynthmedError, match="shape"):
        Labelled(np.zeros((2, 4, 4)), np.zeros(2, int), np.asarray(["a", "b"]))
    with pytest.raises(SynthmedError, match="not floats"):
        replace(made, images=(made.images * 100).astype(np.int16))
    with pytest.raises(SynthmedError, match="rows"):
        replace(made, labels=made.labels[1:])
