from __future__ import annotations

import re
from pathlib import Path

import pytest

from synthmed.errors import SynthmedError
from synthmed.synthesis.output import Output
from synthmed.synthesis.plan import make_plan
from synthmed.synthesis.prompts import Prompt, as_prompts, prompt_hash, read_prompts


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "p.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_columns_are_read_and_strings_stay_strings(tmp_path: Path) -> None:
    text = (
        "id,prompt,count,guidance,negative,labels,other\n"
        '007,"chest X-ray, pneumonia",3,2.5,blur,pneumonia|effusion,x\n'
        "None,brain  MRI,,,,,\n"
    )
    first, second = read_prompts(write(tmp_path, text))
    assert first == Prompt(
        "chest X-ray, pneumonia", 3, "007", 2.5, "blur", ("pneumonia", "effusion")
    )
    assert second == Prompt("brain MRI", id="None")
    assert (first.where, second.where) == ("p.csv, row 2", "p.csv, row 3")


def test_the_key_is_the_id_else_the_hash_of_the_prompt() -> None:
    assert Prompt("a", id="007").key == "007"
    assert Prompt("a").key == prompt_hash("a")[:16]
    assert prompt_hash("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert Prompt("a").key != Prompt("b").key


def test_a_byte_order_mark_windows_lines_and_blank_lines_are_fine(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeffprompt,count\r\n\r\nchest X-ray,2\r\n , \r\nbrain MRI,\r\n")
    prompts = read_prompts(path)
    assert [(p.text, p.count, p.where) for p in prompts] == [
        ("chest X-ray", 2, "p.csv, row 3"),
        ("brain MRI", None, "p.csv, row 5"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the prompts file is empty [p.csv]. Give a first row such as: prompt,count,id"),
        (
            "\n \n",
            "the prompts file is empty [p.csv]. Give a first row such as: prompt,count,id",
        ),
        ("prompt,count\n", "the prompts file has no row below its header [p.csv]"),
        (
            "text,n\nchest,1\n",
            "no column 'prompt' among text, n [p.csv]. Give a first row such as: prompt,count,id",
        ),
        ("prompt,prompt\na,b\n", "column 'prompt' occurs twice [p.csv]"),
        ("prompt,count\nchest,1\n,2\n", "the prompt is blank [p.csv, row 3]"),
        (
            "prompt,count\nchest,1\nbrain,two\n",
            "count 'two' is not a whole number from 1 to 1000000 [p.csv, row 3]",
        ),
        (
            "prompt,count\nchest,0\n",
            "count '0' is not a whole number from 1 to 1000000 [p.csv, row 2]",
        ),
        (
            "prompt,count\nchest,-3\n",
            "count '-3' is not a whole number from 1 to 1000000 [p.csv, row 2]",
        ),
        (
            "prompt,count\nchest,99999999999999999999\n",
            "count '99999999999999999999' is not a whole number from 1 to 1000000 [p.csv, row 2]",
        ),
        (
            "prompt,guidance\nchest,strong\n",
            "guidance 'strong' is not a number of 0 or more [p.csv, row 2]",
        ),
        (
            "prompt,guidance\nchest,nan\n",
            "guidance 'nan' is not a number of 0 or more [p.csv, row 2]",
        ),
        ("prompt,age\na,-1\n", "age '-1' is not a number of 0 or more [p.csv, row 2]"),
        ("prompt,sex\na,female\n", "sex 'female' is neither M nor F [p.csv, row 2]"),
        ("prompt,id\na,7\nb,8\nc,7\n", "id '7' is also in row 2 [p.csv, row 4]"),
        (
            "prompt,count\nchest X-ray, pneumonia,2\n",
            "3 cells under a header of 2 [p.csv, row 2]. "
            'Put a prompt with commas in "double quotes".',
        ),
    ],
)
def test_a_bad_file_is_named_with_its_row(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SynthmedError, match=f"^{re.escape(message)}$"):
        read_prompts(write(tmp_path, text))


def test_files_that_are_no_csv(tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match=r"^cannot read the prompts: No such file"):
        read_prompts(tmp_path / "none.csv")
    with pytest.raises(SynthmedError, match=r"^the prompts file is not UTF-8 text \[p.csv\]$"):
        read_prompts(write(tmp_path, "prompt\nthorax, älter\n", "latin-1"))
    with pytest.raises(SynthmedError, match=r"^the prompts file is no CSV: .* \[p.csv\]$"):
        read_prompts(write(tmp_path, 'prompt\n"never closed\n'))


def test_one_prompt_a_list_a_path_and_a_csv_by_name(tmp_path: Path) -> None:
    path = write(tmp_path, "prompt\nchest X-ray\n")
    expected = [Prompt("chest X-ray")]
    assert as_prompts("  chest \n X-ray ") == expected
    assert as_prompts(["chest X-ray"]) == expected
    assert as_prompts(expected) == expected
    assert as_prompts(path) == expected
    assert as_prompts(str(path)) == expected


def test_what_was_asked_for_is_read_and_kept_in_the_rows(tmp_path: Path) -> None:
    text = "prompt,view,age,sex,image_type\nchest,PA,93,F,chest X-ray\nchest,,,,\n"
    known, blank = read_prompts(write(tmp_path, text))
    assert (known.view, known.age, known.sex) == ("PA", 93.0, "F")
    assert (blank.view, blank.age, blank.sex) == ("", None, None)
    plan = make_plan(
        [known],
        count=1,
        seed=0,
        batch_size=1,
        guidance=1.0,
        negative=None,
        settings={"split": "train", "generator": "g", "generator_hash": "", "steps": 1},
    )
    row = Output(tmp_path, plan, {known: "chest X-ray"}, {"chest X-ray": 1}).row(plan.jobs[0])
    assert (row.view, row.age, row.sex) == ("PA", 90.0, "F")


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ([], "there is no prompt. Give at least one."),
        (["a", "  "], "the prompt is blank [prompt 2]"),
        ([Prompt("a", id="x"), Prompt("b", id="x")], "id 'x' occurs twice [prompts 1 and 2]"),
    ],
)
def test_a_bad_list(prompts: list[str | Prompt], message: str) -> None:
    with pytest.raises(SynthmedError, match=f"^{re.escape(message)}$"):
        as_prompts(prompts)
