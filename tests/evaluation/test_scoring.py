"""The scorer against VSI-Bench's, digit for digit, and the constants it is compared with."""

from __future__ import annotations

import pytest

from ouroboros_data.evaluation.scoring import (
    Graded,
    by_type,
    first_word,
    grade,
    macro,
    majority,
    mean_relative_accuracy,
)
from ouroboros_data.types import AnswerType, Question


def item(gold: str, kind: AnswerType = "number", name: str = "t", options: tuple[str, ...] = ()) -> Graded:
    asked = Question(
        id=gold,
        scene_id="s",
        frame_ids=("f",),
        question_type=name,
        text="?",
        answer_type=kind,
        options=options,
    )
    return Graded(question=asked, gold=gold)


@pytest.mark.parametrize(
    ("reply", "gold", "score"),
    [
        ("4", 4.0, 1.0),
        ("3", 4.0, 0.6),  # error 0.25: met by 0.50, 0.55, … 0.75
        ("2", 4.0, 0.1),  # error 0.5 is still allowed at 0.50: <=, not <
        ("1.99", 4.0, 0.0),
        ("6", 4.0, 0.1),
        ("8", 4.0, 0.0),
        ("95", 100.0, 1.0),  # error 0.05 at 0.95: <= holds
        ("94", 100.0, 0.9),
        ("90", 100.0, 0.9),
        ("0", 4.0, 0.0),
        ("-4", 4.0, 0.0),
        ("3.0 meters", 3.0, 1.0),
        ("3.", 3.0, 1.0),
        ("3,0", 3.0, 0.0),
        ("three", 3.0, 0.0),
        ("about 3", 3.0, 0.0),
        (" 3", 3.0, 0.0),  # the part before the first space is empty
        ("", 3.0, 0.0),
        ("nan", 3.0, 0.0),
        ("inf", 3.0, 0.0),
        ("1e1", 10.0, 1.0),
        ("0", 0.0, 1.0),
        ("1", 0.0, 0.0),
    ],
)
def test_mean_relative_accuracy(reply, gold, score):
    assert mean_relative_accuracy(reply, gold) == pytest.approx(score)


def test_mean_relative_accuracy_is_vsi_benchs_own_formula():
    numpy = pytest.importorskip("numpy")
    # thinking-in-space, lmms_eval/tasks/vsibench/utils.py
    levels = numpy.linspace(0.5, 0.95, int((0.95 - 0.5) / 0.05 + 2))
    assert len(levels) == 10
    random = numpy.random.default_rng(0)
    for _ in range(500):
        gold = round(float(random.uniform(0.1, 60)), 1)
        reply = round(gold * float(random.uniform(0.3, 1.7)), 1)
        expected = float((abs(reply - gold) / gold <= 1 - levels).mean())
        assert mean_relative_accuracy(str(reply), gold) == expected


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("B", 1.0),
        ("b", 1.0),
        ("B.", 1.0),
        ("B. chair", 1.0),
        ("B chair", 1.0),
        ("(B)", 0.0),
        ("B)", 0.0),
        ("", 0.0),
        ("A", 0.0),
        ("chair", 0.0),
    ],
)
def test_choices_count_by_the_first_word(reply, score):
    assert grade(item("B", "choice", options=("table", "chair")), reply) == score


def test_orderings_and_booleans_count_exactly():
    assert grade(item("chair, trash bin", "ordering"), "Chair, trash bin ") == 1.0
    assert grade(item("chair, trash bin", "ordering"), "chair") == 0.0
    assert grade(item("yes", "boolean"), "Yes.") == 1.0
    assert grade(item("yes", "boolean"), "no") == 0.0
    assert first_word("A. B") == "A"


def test_types_count_alike_in_the_macro_mean():
    items = [item("1", name="b"), item("1", name="b"), item("1", name="b"), item("2", name="a")]
    found = by_type(items, ["1", "1", "9", "2"])
    assert list(found) == ["a", "b"]
    assert found == {"a": 1.0, "b": pytest.approx(2 / 3)}
    assert macro(found) == pytest.approx(5 / 6)
    assert macro({}) == 0.0
    with pytest.raises(ValueError):
        by_type(items, ["1"])


def test_majority_number_maximises_mra_not_closeness():
    train = [item(str(n)) for n in (1, 1, 10, 10, 10, 11, 100)]
    assert majority(train, [item("10"), item("100")]) == {"t": pytest.approx(0.5)}


def test_majority_choice_takes_the_better_of_letter_and_option_text():
    def ask(gold: str, *options: str) -> Graded:
        return item(gold, "choice", options=options)

    texts = [
        ask("A", "sofa", "bed"),
        ask("B", "bed", "sofa"),
        ask("A", "sofa", "lamp"),
        ask("B", "lamp", "sofa"),
    ]
    assert majority(texts, [ask("B", "bed", "sofa"), ask("A", "sofa", "bed")]) == {"t": 1.0}
    letters = [ask("B", f"x{i}", f"y{i}") for i in range(8)]
    assert majority(letters, [ask("B", "y1", "x1"), ask("B", "p", "q")]) == {"t": 1.0}


def test_majority_learns_from_the_training_rows_only():
    assert majority([item("3")], [item("4"), item("4")]) == {"t": pytest.approx(0.6)}
    assert majority([item("3", name="other")], [item("4")]) == {"t": 0.0}
    assert majority([item("yes", "boolean")] * 2 + [item("no", "boolean")], [item("no", "boolean")]) == {
        "t": 0.0
    }
