from __future__ import annotations

import pytest

from ouroboros_data.programs.results import number_text, outcome_of


@pytest.mark.parametrize(
    ("value", "unit", "step", "text"),
    [
        (3, "count", None, "3"),
        (1.25, "m", None, "1.2"),
        (0.35, "m", None, "0.3"),  # 0.35 is a little less than that in binary
        (62.5, "cm", None, "62"),
        (19.96, "m2", None, "20.0"),
        (359.6, "deg", None, "360"),
        (-0.04, "m", None, "0.0"),
        (-1.26, "m", None, "-1.3"),
        (2.6, "s", 0.5, "2.5"),
        (72.0, "deg", 10, "70"),
        (0.0, "deg", 10, "0"),
        (1234.0, "cm", 100, "1200"),
        (0.3, "m", 0.1, "0.3"),
        (2.0, "s", 0.5, "2"),
    ],
)
def test_published_numbers(value, unit, step, text):
    assert number_text(value, unit, step) == text


@pytest.mark.parametrize(
    "packed",
    [
        None,
        [],
        "ok",
        ["ok", "number", True, "m", None],
        ["ok", "number", "3", "m", None],
        ["ok", "number", float("nan"), "m", None],
        ["ok", "number", float("inf"), "m", None],
        ["ok", "number", 2e9, "m", None],
        ["ok", "number", 10**400, "m", None],
        ["ok", "number", 1.0, "inch", None],
        ["ok", "number", 1.0, ["m"], None],
        ["ok", "number", 1.0, "count", None],
        ["ok", "number", -1, "count", None],
        ["ok", "number", 1.0, "m", 0],
        ["ok", "number", 1.0, "m", True],
        ["ok", "number", 1.0, "m", float("nan")],
        ["ok", "choice", "a", ["a"], None],
        ["ok", "choice", "a", ["a", "a"], None],
        ["ok", "choice", "c", ["a", "b"], None],
        ["ok", "choice", "a", ["a", " "], None],
        ["ok", "choice", "a", ["a", 3], None],
        ["ok", "choice", "a", ["a", *map(str, range(10))], None],
        ["ok", "choice", "a", ["a", "<function at 0x7f12>"], None],
        ["ok", "choice", "a", ["a", "b\nc"], None],
        ["ok", "choice", "a", "ab", None],
        ["ok", "ordering", ["a"], None, None],
        ["ok", "ordering", ["a", "a"], None, None],
        ["ok", "ordering", ["a", "b, c"], None, None],
        ["ok", "ordering", "ab", None, None],
        ["ok", "boolean", 1, None, None],
        ["ok", "boolean", "yes", None, None],
        ["ok", "free text", "yes", None, None],
    ],
)
def test_nothing_but_exact_types_becomes_an_answer(packed):
    outcome = outcome_of(packed)
    assert outcome.answer is None
    assert outcome.reason == "bad_result"
    assert outcome.detail and len(outcome.detail) <= 500


def test_the_four_kinds():
    assert outcome_of(["ok", "choice", "b", ["a", "b"], None]).answer.text == "B"
    assert outcome_of(["ok", "choice", "b", ["a", "b"], None]).options == ("a", "b")
    assert outcome_of(["ok", "ordering", ["b", "a"], None, None]).answer.text == "b, a"
    assert outcome_of(["ok", "boolean", False, None, None]).answer.text == "no"
    number = outcome_of(["ok", "number", 2.6, "s", 0.5])
    assert (number.answer.text, number.answer.value, number.step) == ("2.5", 2.6, 0.5)


def test_an_unknown_reason_does_not_leave_the_list():
    assert outcome_of(["failed", "surprise", "x"]).reason == "runtime"
