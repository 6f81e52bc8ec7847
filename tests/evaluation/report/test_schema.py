from __future__ import annotations

import copy
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import report_sample as sample

from synthmed.evaluation.report.plain import clean, plain
from synthmed.evaluation.report.schema import report_data, report_schema, schema_errors
from synthmed.measures.results import Result


@pytest.fixture
def report() -> dict[str, Any]:
    text = json.dumps(report_data(sample.header(), sample.sections()))
    return copy.deepcopy(json.loads(text))


def test_a_report_keeps_to_the_schema(report: dict[str, Any]) -> None:
    assert schema_errors(report) == []
    without = report_data(sample.header(train=None, holdout=None), [])
    assert schema_errors(without) == []


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        (["format"], 2, "$.format: 2 is not 1"),
        (["header", "real", "n"], "many", "$.header.real.n: str is not integer"),
        (["header", "real", "n"], True, "$.header.real.n: bool is not integer"),
        (["header", "real", "n"], -1, "$.header.real.n: -1 is below 0"),
        (["header", "secret"], "x", "$.header: secret is not known"),
        (["header", "train"], {}, "$.header.train: name is missing"),
        (["lights", 0, "state"], "blue", "$.lights[0].state: 'blue' is not one of green"),
        (["warnings", 0], "text", "$.warnings[0]: str is not object"),
        (["fidelity"], [1], "$.fidelity: list is not object"),
        (["privacy", "copies", 0], {"train": "a"}, "$.privacy.copies[0]: synthetic is missing"),
        (["privacy", "self_test", "found"], 1.5, "$.privacy.self_test.found: float is not"),
    ],
)
def test_what_breaks_the_schema_is_named(
    report: dict[str, Any], path: list[Any], value: Any, error: str
) -> None:
    place = report
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    assert any(each.startswith(error) for each in schema_errors(report)), schema_errors(report)


def test_a_missing_part_is_named(report: dict[str, Any]) -> None:
    del report["methods"]
    assert schema_errors(report) == ["$: methods is missing"]


def test_the_schema_uses_only_keywords_that_are_checked() -> None:
    known = {"type", "const", "enum", "minimum", "required", "properties", "items", "$ref"}
    known |= {"additionalProperties", "description", "title", "$schema", "$defs"}

    def walk(rule: Any) -> None:
        assert set(rule) <= known
        inner = [*rule.get("properties", {}).values(), *rule.get("$defs", {}).values()]
        inner += [rule[name] for name in ("items", "additionalProperties") if name in rule]
        for each in inner:
            if isinstance(each, dict):
                walk(each)

    walk(report_schema())


@pytest.mark.parametrize("key", ["lights", "header", "Upper", "two words", "", "fidelity"])
def test_keys_that_a_section_cannot_have(key: str) -> None:
    sections = [sample.fidelity(), replace(sample.privacy(), key=key)]
    with pytest.raises(ValueError, match="cannot have the key"):
        report_data(sample.header(), sections)


def test_values_become_what_json_can_hold() -> None:
    result = Result("kid", math.nan, -math.inf, 1.0, 5, 6, "x", "y", {"blocks": np.int64(20)})
    value = {
        1: np.float32(0.5),
        "array": np.array([[1.0, np.nan], [np.inf, 2.0]]),
        "bool": np.bool_(True),
        "none": None,
        "path": Path("a") / "b",
        "tuple": (1, "x"),
        "set": {"b", "a"},
        "result": result,
    }
    assert plain(value) == {
        "1": 0.5,
        "array": [[1.0, None], [None, 2.0]],
        "bool": True,
        "none": None,
        "path": "a/b",
        "tuple": [1, "x"],
        "set": ["a", "b"],
        "result": {
            **{"name": "kid", "value": None, "low": None, "high": 1.0, "n_real": 5},
            **{"n_synthetic": 6, "extractor": "x", "preprocessing": "y", "extra": {"blocks": 20}},
        },
    }
    assert plain(value)["bool"] is True
    with pytest.raises(ValueError, match="a complex has no form"):
        plain({"x": [1j]})


def test_text_that_cannot_be_shown_is_cleaned() -> None:
    assert clean("tab\tline\nend") == "tab\tline\nend"
    assert clean("a\x00b\x1b[31m\u202ec\x85") == "ab[31mc"
    assert clean("file\udcff.png") == "file\\udcff.png"
    assert clean("ä中😀") == "ä中😀"
