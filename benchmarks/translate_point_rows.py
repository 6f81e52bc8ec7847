"""The rows of single methods in table 1 of `translate`."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common import Row
from benchmarks.data import slug
from benchmarks.translate_frame import Bench, Pair
from benchmarks.translate_methods import Method, made
from benchmarks.translate_points import Judge, LeaveOut, keep_leave_out, read_leave_out
from benchmarks.translate_setup import Known, judge, method, title


def measured(bench: Bench, own: Judge, each: Method, pair: Pair, key: str) -> tuple[Row, LeaveOut]:
    """Measure a method's images of a pair of domains, made once."""
    images = own.parts[pair[0]].images
    return own.point(made(bench.work, each, images, *pair, key), *pair)


def point_row(bench: Bench, known: Known, pair: Pair, name: str) -> Row:
    """One method between two domains; what curves need is kept in the work folder."""
    each = method(bench, known, pair, name)
    row, left_out = measured(bench, judge(bench), each, pair, title(pair))
    keep_leave_out(leave_out_file(bench, pair, name), left_out)
    about = {"family": each.family, "parameters": each.parameters}
    return {**about, "evaluations": each.evaluations, **row}


def leave_out_file(bench: Bench, pair: Pair, name: str) -> Path:
    """Where the leave-out values of a point are kept."""
    return bench.work / "points" / slug(title(pair)) / f"{slug(name)}.json"


def left_out(bench: Bench, known: Known, pair: Pair, name: str) -> LeaveOut:
    """The leave-out values of a point; measured anew where they are not there."""
    file = leave_out_file(bench, pair, name)
    if not file.is_file():
        point_row(bench, known, pair, name)
    return read_leave_out(file)


def reference_row(bench: Bench, pair: Pair) -> Row:
    """Real training images of the target beside its test images, as many."""
    count = len(judge(bench).parts[pair[1]].rows)
    others = bench.data.part(pair[1], "train").first(count)
    return judge(bench).real(others, pair[1])
