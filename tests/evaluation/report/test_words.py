from __future__ import annotations

import pytest
import report_sample as sample

from synthmed.evaluation.report.cells import Cell, table_view, tied
from synthmed.evaluation.report.facts import citation, comparison, side_facts
from synthmed.evaluation.report.verdict import tally, verdict
from synthmed.evaluation.sections import Light, State, Table


def lights(*states: State) -> list[Light]:
    return [Light(f"check {n}", state, "rule", "reason") for n, state in enumerate(states)]


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        ([], "No check was made."),
        (["green"], "The one check is green."),
        (["green", "green"], "All 2 checks are green."),
        (
            ["green", "grey"],
            "Every check that could be measured is green; 1 of 2 checks could not be measured.",
        ),
        (["grey", "grey"], "None of the checks could be measured on these images."),
        (["amber", "green"], "No check is red; 1 of 2 checks is amber: check 0."),
        (
            ["green", "red", "amber", "red", "grey"],
            "2 of 5 checks are red: check 1, check 3; 1 of 5 checks could not be measured.",
        ),
    ],
)
def test_the_verdict(states: list[State], sentence: str) -> None:
    assert verdict(lights(*states)) == sentence


def test_the_tally_counts_the_gravest_first() -> None:
    found = tally(lights("green", "grey", "red", "green"))
    assert found == [("red", "Red", 1), ("green", "Green", 2), ("grey", "Not measurable", 1)]


@pytest.mark.parametrize(
    ("text", "value", "interval"),
    [
        ("0.12 [0.10, 0.14]", "0.12", "[0.10,_0.14]"),
        ("-0.12 [-0.20, 0.14]", "−0.12", "[−0.20,_0.14]"),
        ("95 % (90 to 99)", "95_%", "(90_to_99)"),
        ("5 of 40", "5_of_40", ""),
        ("< 1e-05", "<_1e-05", ""),
        ("1,200", "1,200", ""),
        ("12 ms", "12_ms", ""),
    ],
)
def test_numbers_are_split_from_their_intervals(text: str, value: str, interval: str) -> None:
    view = table_view(Table("t", ["a", "b"], [["row", text], ["row", "–"], ["row", ""]]))
    assert view.columns == [("a", False), ("b", True)]
    cell = view.lines[0][1]
    assert cell == Cell(value.replace("_", "\u00a0"), interval.replace("_", "\u00a0"))
    assert view.lines[1][1] == Cell("–", words=True)


@pytest.mark.parametrize("text", ["chest X-ray", "2026-11-21", "3f2a91c7", "T1 (contrast)", "–"])
def test_other_columns_stay_text(text: str) -> None:
    view = table_view(Table("t", ["a"], [[text]]))
    assert view.columns == [("a", False)]
    assert view.lines == [[Cell(text)]]


def test_a_column_that_is_half_words_is_text() -> None:
    view = table_view(Table("t", ["a"], [["0.5"], ["n. a. here"]]))
    assert view.columns == [("a", False)]


def test_lines_of_other_lengths_are_filled_up() -> None:
    view = table_view(Table("t", ["a", "b"], [["x"], ["x", "y", "z"]]))
    assert [len(line) for line in view.lines] == [3, 3]
    assert [name for name, _ in view.columns] == ["a", "b", ""]
    assert table_view(Table("t", ["a"], [])).lines == []


def test_size_decides_how_a_table_is_printed() -> None:
    small = table_view(Table("t", ["a"], [["x"]] * 18))
    large = table_view(Table("t", ["a"] * 7, [["x"] * 7] * 19))
    assert (small.wide, small.short, large.wide, large.short) == (False, True, True, False)


def test_intervals_in_sentences_are_kept_in_one_piece() -> None:
    text = "KID -0.08 [-0.1, 0.1] on 2026-11-21 at n = 20, 8 % (0.1 to 4), [see the notes below]"
    shown = "KID −0.08 [−0.1,_0.1] on 2026-11-21 at n_=_20, 8_% (0.1_to_4), [see the notes below]"
    assert tied(text) == shown.replace("_", "\u00a0")


def test_facts_come_in_their_order_with_their_words() -> None:
    sides = side_facts(sample.header())
    assert [title.split(":")[0] for title, _ in sides] == [
        "Synthetic",
        "Real",
        "The generator’s training images",
        "Hold-out",
    ]
    labels = [fact.label for fact in sides[0][1]]
    assert labels[:5] == ["Folder", "Images", "Patients or groups", "Types", "Generator"]
    assert "Content hash" in labels
    facts = {fact.label: fact for fact in sides[2][1]}
    assert facts["Folder"].lines == ["train"]
    assert facts["Images"].lines == ["2,643"]
    assert facts["Content hash"].code
    assert len(side_facts(sample.header(train=None, holdout=None))) == 2


def test_a_set_without_groups() -> None:
    header = sample.header(real={"name": "real", "n": 1000})
    assert comparison(header) == "1,200 synthetic against 1,000 real images"


def test_the_citation_names_version_date_and_hash() -> None:
    text = citation(sample.header(title="a {b} \\c 5%"), "abc")
    assert "version = {0.2.0}" in text
    assert "Evaluation a b c 5, 2026-11-21" in text
    assert "SHA-256 abc}" in text
    assert text.count("{") == text.count("}")


def test_words_among_numbers_may_be_broken_over_lines() -> None:
    lines = [["0.5 [0.4, 0.6]"], ["57% to 100%"], ["too few images of this type"]]
    view = table_view(Table("t", ["a"], lines))
    assert view.columns == [("a", True)]
    assert [line[0].words for line in view.lines] == [False, False, True]
    assert view.lines[1][0].text == "57%\u00a0to\u00a0100%"
