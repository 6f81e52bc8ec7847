from __future__ import annotations

from typing import Any

import pytest

from synthmed.synthesis.plan import Plan, make_plan
from synthmed.synthesis.prompts import Prompt
from synthmed.transport.seeds import row_seed


def plan(prompts: list[Prompt], **options: Any) -> Plan:
    defaults: dict[str, Any] = {
        "count": 1,
        "seed": 0,
        "batch_size": 4,
        "guidance": None,
        "negative": None,
        "settings": {"steps": 12},
    }
    return make_plan(prompts, **{**defaults, **options})


def test_one_job_an_image_with_the_contracts_seed() -> None:
    jobs = plan([Prompt("a", 2, id="007"), Prompt("b")], count=3, seed=5).jobs
    assert [(j.prompt.text, j.copy) for j in jobs] == [
        ("a", 0),
        ("a", 1),
        ("b", 0),
        ("b", 1),
        ("b", 2),
    ]
    assert jobs[1].seed == row_seed(5, "007", 1)
    assert jobs[2].seed == row_seed(5, Prompt("b").key, 0)
    assert [j.index for j in jobs] == list(range(5))
    assert jobs[1].group_id == "synthetic:007-1"


def test_rows_of_one_prompt_number_their_copies_on() -> None:
    jobs = plan([Prompt("a", 2), Prompt("b", 1), Prompt("a", 2, guidance=3.0)]).jobs
    assert len({job.seed for job in jobs}) == len({job.file_name for job in jobs}) == 5
    assert jobs[-1].copy == 3


def test_an_images_seed_and_name_do_not_depend_on_the_other_rows() -> None:
    alone = plan([Prompt("b", 1)]).jobs[0]
    among = plan([Prompt("a", 3), Prompt("b", 2)]).jobs[3]
    assert (alone.seed, alone.file_name) == (among.seed, among.file_name)


@pytest.mark.parametrize(
    ("one", "other"),
    [("a/b", "a?b"), ("A1", "a1"), ("..", "."), ("é", "è"), ("x" * 200, "x" * 201)],
)
def test_ids_that_no_file_system_tells_apart_get_different_safe_names(one: str, other: str) -> None:
    names = [
        job.file_name.lower() for job in plan([Prompt("p", id=one), Prompt("p", id=other)]).jobs
    ]
    assert len(set(names)) == 2
    for name in names:
        assert name.isascii()
        assert "/" not in name
        assert not name.startswith(".")
        assert len(name) < 100


def test_rows_own_values_come_before_the_runs() -> None:
    prompts = [Prompt("a"), Prompt("b", guidance=0.0, negative="c")]
    first, second = plan(prompts, guidance=2.0, negative="d").jobs
    assert (first.guidance, first.negative) == (2.0, "d")
    assert (second.guidance, second.negative) == (0.0, "c")
    assert plan([Prompt("a", negative="")], negative="d").jobs[0].negative is None


def test_a_batch_has_one_guidance_and_one_negative_prompt() -> None:
    prompts = [Prompt("a", 3), Prompt("b", 2, guidance=2.0), Prompt("c", 3)]
    batches = plan(prompts).batches()
    assert [[j.prompt.text for j in batch] for batch in batches] == [
        ["a", "a", "a", "c"],
        ["c", "c"],
        ["b", "b"],
    ]


def test_the_batch_is_never_larger_than_the_run() -> None:
    assert plan([Prompt("a", 3)], batch_size=32).batch_size == 3


def test_every_setting_changes_the_hash() -> None:
    prompts = [Prompt("a", 6)]
    hashes = {
        plan(prompts).hash,
        plan(prompts, seed=1).hash,
        plan(prompts, batch_size=2).hash,
        plan(prompts, guidance=2.0).hash,
        plan(prompts, negative="b").hash,
        plan(prompts, settings={"steps": 13}).hash,
        plan([Prompt("a", 7)]).hash,
        plan([Prompt("b", 6)]).hash,
        plan([Prompt("a", 6, labels=("x",))]).hash,
        plan([Prompt("a", 6, image_type="x")]).hash,
    }
    assert len(hashes) == 10
    assert plan(prompts).hash == plan([Prompt("a", 6, where="elsewhere")]).hash
