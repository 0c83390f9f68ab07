"""VSI-Bench's figures from predictions against a second writing of its definition, and every form that is read."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from ouroboros_data.cli import app
from ouroboros_data.errors import EvaluationError
from ouroboros_data.evaluation.predictions import Predicted, read_predictions
from ouroboros_data.evaluation.vsibench import CHOICES, NUMBERS, score

QUIRKS = [
    "A", "a", "A.", "A. chair", "(A)", "A) x", "A)", " A", "", "The answer is A", "A\nbecause",
    "3", "3.0", "3.0 meters", "3.", "3m", "about 3", "three", "3,5", "1,200", "-3", "0", "nan", "inf", "1e1", "<answer>3</answer>",
]  # fmt: skip


def by_definition(rows: list[Predicted]) -> tuple[dict[str, float], float]:
    """The scorer's definition, written down a second time: first word, ten thresholds, `<=`, macro mean of tasks."""
    levels = np.linspace(0.5, 0.95, int((0.95 - 0.5) / 0.05 + 2))
    values: dict[str, list[float]] = {}
    for row in rows:
        said = row.reply.split(" ")[0].rstrip(".").strip()
        if row.question_type in CHOICES:
            got = 1.0 if said.lower() == row.gold.lower() else 0.0
        else:
            try:
                got = float((abs(float(said) - float(row.gold)) / float(row.gold) <= 1 - levels).mean())
            except ValueError:
                got = 0.0
        values.setdefault(row.question_type, []).append(got)
    means = {name: float(np.mean(of)) for name, of in values.items()}
    three = [means.pop(f"object_rel_direction_{level}", 0.0) for level in ("easy", "medium", "hard")]
    means["object_rel_direction"] = sum(three) / 3.0
    return means, sum(means.values()) / len(means)


def rows(seed: int = 0, n: int = 600) -> list[Predicted]:
    random = np.random.default_rng(seed)
    made = []
    for i in range(n):
        kind = str(random.choice([*CHOICES, *NUMBERS]))
        if kind in CHOICES:
            gold = str(random.choice(list("ABCD")))
            reply = str(random.choice([*QUIRKS, gold, gold + ". it", "B", "C"]))
        else:
            gold = f"{random.uniform(0.1, 60):.1f}"
            reply = str(random.choice([*QUIRKS, f"{float(gold) * random.uniform(0.3, 1.7):.1f} m"]))
        made.append(Predicted(id=str(i), question_type=kind, gold=gold, reply=reply))
    return made


@pytest.mark.parametrize("seed", range(5))
def test_the_official_scorer_to_the_digit(seed: int) -> None:
    made = rows(seed)
    tasks, overall = by_definition(made)
    found = score(made)
    assert {name: task.score for name, task in found.tasks.items()} == pytest.approx(tasks, abs=1e-15)
    assert found.overall == pytest.approx(overall, abs=1e-15)
    assert sum(task.n for task in found.tasks.values()) == len(made)


def one(kind: str, gold: str, reply: str, scorer: Any) -> float:
    found = score([Predicted(id="1", question_type=kind, gold=gold, reply=reply)], scorer)
    return found.types[kind].score


@pytest.mark.parametrize(
    ("gold", "reply", "official", "first", "last"),
    [
        ("A", "A", 1, 1, 1),
        ("A", "(A)", 0, 1, 1),
        ("A", "A) x", 0, 1, 1),
        ("A", "Option A is right, not B.", 0, 1, 0),
        ("B", "Not A; B", 0, 0, 1),
        ("B", "thinking about A ... <answer>B</answer>", 0, 1, 1),
        ("B", "<answer>B", 0, 1, 1),
        ("A", "a", 1, 0, 0),
        ("A", "Apple", 0, 0, 0),
        ("A", "", 0, 0, 0),
    ],
)
def test_three_ways_to_read_a_letter(gold: str, reply: str, official: int, first: int, last: int) -> None:
    got = [one("object_rel_distance", gold, reply, scorer) for scorer in ("official", "first", "last")]
    assert got == [official, first, last]


@pytest.mark.parametrize(
    ("gold", "reply", "official", "first", "last"),
    [
        ("3.0", "3.0 meters", 1, 1, 1),
        ("3", "three", 0, 1, 1),
        ("3", "There are 3 chairs and 9 tables", 0, 1, 0),
        ("1200", "1,200 cm", 0, 1, 1),
        ("3", "", 0, 0, 0),
        ("0", "0", 1, 1, 1),
        ("0", "1", 0, 0, 0),
        ("2.5", "I say <answer>2.5 m</answer>, not 7", 0, 1, 1),
        ("0.5", "about .5", 0, 1, 1),
    ],
)
def test_three_ways_to_read_a_number(gold: str, reply: str, official: int, first: int, last: int) -> None:
    got = [one("object_counting", gold, reply, scorer) for scorer in ("official", "first", "last")]
    assert got == [official, first, last]


def test_an_absent_direction_counts_zero_as_it_does_there() -> None:
    made = [Predicted(id="1", question_type="object_rel_direction_easy", gold="A", reply="A")]
    assert score(made).overall == pytest.approx(1 / 3)


def test_unknown_types_and_truths_that_are_no_number_are_refused() -> None:
    with pytest.raises(EvaluationError, match="no VSI-Bench type: 'colour'"):
        score([Predicted(id="7", question_type="colour", gold="A", reply="A")])
    with pytest.raises(EvaluationError, match="question 7: the true answer 'many' is no number"):
        score([Predicted(id="7", question_type="object_counting", gold="many", reply="2")])


def asked(path: Path, made: list[Predicted]) -> Path:
    lines = [{"id": int(r.id), "question_type": r.question_type, "ground_truth": r.gold} for r in made]
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


def forms(directory: Path, made: list[Predicted]) -> dict[str, tuple[Path, Path | None]]:
    questions = asked(directory / "test.jsonl", made)
    docs = [
        {"id": int(r.id), "question_type": r.question_type, "ground_truth": r.gold, "options": None}
        for r in made
    ]
    bare = [{"id": r.id, "prediction": r.reply} for r in made]
    samples = [
        {"doc_id": n, "doc": doc, "target": r.gold, "filtered_resps": [r.reply], "resps": [[r.reply]]}
        for n, (doc, r) in enumerate(zip(docs, made, strict=True))
    ]
    scored = [
        {"doc_id": n, "vsibench_score": {**d, "prediction": r.reply}}
        for n, (d, r) in enumerate(zip(docs, made, strict=True))
    ]
    written: dict[str, tuple[Path, Path | None]] = {}
    for name, lines, beside in (
        ("bare", bare, questions),
        ("samples", samples, None),
        ("samples_joined", samples, questions),
        ("scored", scored, None),
    ):
        path = directory / f"{name}.jsonl"
        path.write_text("\n".join(json.dumps(line) for line in lines))
        written[name] = path, beside
    (directory / "list.json").write_text(json.dumps(bare))
    written["list"] = directory / "list.json", questions
    for name, delimiter in (("table.tsv", "\t"), ("table.csv", ",")):
        with (directory / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerow(["id", "type", "answer", "prediction", "index"])
            writer.writerows([r.id, r.question_type, r.gold, r.reply, n] for n, r in enumerate(made))
        written[name] = directory / name, None
    return written


def test_a_sheet_reads_like_a_table(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    made = rows(2, 50)
    book = openpyxl.Workbook()
    book.active.append(["id", "type", "answer", "prediction"])
    for r in made:
        book.active.append([int(r.id), r.question_type, r.gold, r.reply])
    book.save(tmp_path / "p.xlsx")
    assert score(read_predictions(tmp_path / "p.xlsx").rows) == score(made)
    (tmp_path / "bad.xlsx").write_bytes(b"PK no")
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_predictions(tmp_path / "bad.xlsx")


def test_every_form_gives_the_same_figures(tmp_path: Path) -> None:
    made = [
        r if r.id != "3" else Predicted(id="3", question_type=r.question_type, gold=r.gold, reply="")
        for r in rows(1, 200)
    ]
    expected = score(made)
    for name, (path, questions) in forms(tmp_path, made).items():
        assert score(read_predictions(path, questions).rows) == expected, name


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["{"], "p.jsonl:1: is not JSON"),
        (["[1]"], "p.jsonl:1: expected an object, got int"),
        ([""], "p.jsonl: holds no predictions"),
        (['{"id": 1}'], "p.jsonl:1: has no reply"),
        (['{"prediction": "A"}'], "p.jsonl:1: has no id"),
        (
            ['{"id": 1, "prediction": "A"}', '{"id": "1", "prediction": "B"}'],
            "p.jsonl:2: a second prediction for '1'",
        ),
        (['{"id": 99, "prediction": "A"}'], "p.jsonl:1: no question '99'"),
        (['{"id": 1, "prediction": ["A"]}'], "p.jsonl:1: prediction: expected a text or a number"),
        (['{"id": 1, "prediction": "A"}'], "p.jsonl: no prediction for 1 of 2 questions, for example '2'"),
        (
            ['{"id": 1, "prediction": "A", "answer": "D"}'],
            "p.jsonl:1: its true answer is 'D', that of the question 'A'",
        ),
        (['{"doc_id": 1, "filtered_resps": ["A"]}'], "p.jsonl:1: has no id"),
        (['{"doc_id": 1, "filtered_resps": []}'], "p.jsonl:1: an empty list of replies"),
    ],
)
def test_what_cannot_be_scored_is_named(tmp_path: Path, lines: list[str], says: str) -> None:
    (tmp_path / "p.jsonl").write_text("\n".join(lines))
    made = [
        Predicted(id=i, question_type="object_rel_distance", gold=g, reply="")
        for i, g in (("1", "A"), ("2", "B"))
    ]
    questions = asked(tmp_path / "q.jsonl", made)
    with pytest.raises(EvaluationError) as caught:
        read_predictions(tmp_path / "p.jsonl", questions)
    assert says in str(caught.value).replace(str(tmp_path) + "/", "")


def test_missing_predictions_count_zero_or_are_left_out(tmp_path: Path) -> None:
    made = [Predicted(id=i, question_type="object_rel_distance", gold="A", reply="A") for i in "12"]
    questions = asked(tmp_path / "q.jsonl", made)
    (tmp_path / "p.jsonl").write_text('{"id": 1, "prediction": "A"}')
    run = CliRunner().invoke
    call = ["eval", str(tmp_path / "p.jsonl"), "--questions", str(questions)]
    refused = run(app, call)
    assert refused.exit_code == 1
    zero = json.loads(run(app, [*call, "--missing", "zero", "--json"]).stdout)
    assert zero["missing"] == 1 and zero["scores"][0]["overall"] == 0.5
    skipped = run(app, [*call, "--missing", "skip", "--scorer", "all"])
    assert "1 questions without a prediction are left out" in skipped.stdout
    assert "official scorer  first scorer  last scorer" in skipped.stdout
    assert "1 of 8 tasks occur" in skipped.stdout
