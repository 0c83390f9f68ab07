"""Files of predictions, in the forms that evaluation harnesses leave behind, made into rows that can be scored.

Read are JSON and JSON Lines (our own, and the sample logs of lmms-eval), and the tables of VLMEvalKit (TSV, CSV, and
XLSX where openpyxl is installed). Fields have different names there; `_FIELDS` lists those that are understood.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ouroboros_data.errors import EvaluationError

_FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "question_id", "index"),
    "question_type": ("question_type", "type", "category"),
    "gold": ("ground_truth", "answer", "gold", "target"),
    "reply": ("prediction", "pred", "response", "reply"),
}
MAX_CELL = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """One reply beside its gold answer, as texts."""

    id: str
    question_type: str
    gold: str
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """Rows that can be scored, and what is missing."""

    rows: tuple[Predicted, ...]
    missing: tuple[str, ...] = ()
    """Ids of questions without a prediction, where a file of questions was given."""


def read_predictions(
    path: Path, questions: Path | None = None, *, missing: Literal["refuse", "zero", "skip"] = "refuse"
) -> Predictions:
    """Read a file of predictions.

    Args:
        path: The predictions.
        questions: A file with ``id``, ``question_type`` and ``ground_truth`` (VSI-Bench's ``test.jsonl``, or a dataset
            exported to JSON Lines); needed where the predictions hold ids and replies only. Where it is given its
            types and gold answers are used, whatever the predictions say.
        missing: Questions without a prediction are an error, wrong, or left out.

    Raises:
        EvaluationError: Not readable, a field is missing, an id is unknown, comes twice or has no prediction.
    """
    found = [_flat(row, f"{path}:{line}") for line, row in _rows(path)]
    if not found:
        raise EvaluationError(
            "holds no predictions", where=str(path), fix="give the harness's log of samples"
        )
    asked = _asked(questions) if questions else None
    rows: dict[str, Predicted] = {}
    for number, (row, where) in enumerate(found):
        key = _text(row, "id", where, default=str(number) if asked is None else None)
        if key in rows:
            raise EvaluationError(f"a second prediction for {key!r}", where=where, fix="keep one")
        known: Mapping[str, Any] = row
        at = where
        if asked is not None:
            if key not in asked:
                raise EvaluationError(
                    f"no question {key!r}",
                    where=where,
                    fix=f"give the questions that were asked, not {questions}",
                )
            known, at = asked[key]
            _same_gold(row, where, known, at)
        rows[key] = Predicted(
            id=key,
            question_type=_text(known, "question_type", at),
            gold=_text(known, "gold", at),
            reply=_text(row, "reply", where),
        )
    absent = tuple(key for key in asked or () if key not in rows)
    if absent and missing == "refuse":
        what = f"no prediction for {len(absent)} of {len(asked or ())} questions, for example {absent[0]!r}"
        raise EvaluationError(what, where=str(path), fix="add them, or say --missing zero or --missing skip")
    for key in absent if missing == "zero" else ():
        row, where = (asked or {})[key]
        rows[key] = Predicted(
            id=key, question_type=_text(row, "question_type", where), gold=_text(row, "gold", where), reply=""
        )
    return Predictions(rows=tuple(rows.values()), missing=absent)


def _same_gold(row: Mapping[str, Any], where: str, known: Mapping[str, Any], at: str) -> None:
    if any(row.get(name) is not None for name in _FIELDS["gold"]):
        theirs, ours = _text(row, "gold", where), _text(known, "gold", at)
        if theirs.strip().lower() != ours.strip().lower():
            raise EvaluationError(
                f"its true answer is {theirs!r}, that of the question {ours!r}",
                where=where,
                fix="the ids of the two files do not belong together",
            )


def _asked(path: Path) -> dict[str, tuple[Mapping[str, Any], str]]:
    found: dict[str, tuple[Mapping[str, Any], str]] = {}
    for line, row in _rows(path):
        where = f"{path}:{line}"
        key = _text(row, "id", where)
        if key in found:
            raise EvaluationError(f"a second question {key!r}", where=where, fix="keep one")
        found[key] = row, where
    return found


def _flat(row: Mapping[str, Any], where: str) -> tuple[Mapping[str, Any], str]:
    """One level of fields, out of what lmms-eval writes."""
    score = row.get("vsibench_score")
    if isinstance(score, Mapping) and "prediction" in score:
        return score, where
    reply = next((row[name] for name in ("filtered_resps", "resps") if row.get(name) is not None), None)
    if reply is None:
        return row, where
    while isinstance(reply, list):  # a list of runs, each a list of samples: the first counts, as there
        if not reply:
            raise EvaluationError("an empty list of replies", where=where, fix="log with --log_samples")
        reply = reply[0]
    doc = row.get("doc")
    # Its doc_id is a position in the log's own selection, not a question's id: joining by it would mix up answers.
    target = {} if row.get("target") is None else {"ground_truth": row["target"]}
    return {**target, **(doc if isinstance(doc, Mapping) else {}), "prediction": reply}, where


def _text(row: Mapping[str, Any], field: str, where: str, default: str | None = None) -> str:
    for name in _FIELDS[field]:
        value = row.get(name)
        if isinstance(value, bool) or isinstance(value, (list, Mapping)):
            raise EvaluationError(
                f"{name}: expected a text or a number", where=where, fix="write it as a text"
            )
        if value is not None:
            return str(value)
    if field == "reply" and any(name in row for name in _FIELDS[field]):
        return ""  # the harness got nothing back: that is a wrong answer
    if default is not None:
        return default
    names = ", ".join(_FIELDS[field])
    raise EvaluationError(
        f"has no {field}", where=where, fix=f"name it one of {names}, or give the questions with --questions"
    )


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    kind = path.suffix.lower()
    if not path.is_file():
        raise EvaluationError("no such file", where=str(path), fix="give a file of predictions")
    if kind in (".tsv", ".csv"):
        yield from _table(path, "\t" if kind == ".tsv" else ",")
    elif kind == ".xlsx":
        yield from _sheet(path)
    else:
        yield from _json(path)


def _json(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(
            f"cannot be read: {error}", where=str(path), fix="give UTF-8 JSON or JSON Lines"
        ) from None
    if text.lstrip().startswith("["):
        listed = _parsed(text, str(path))
        entries: Sequence[tuple[int, Any]] = list(enumerate(listed, 1))
    else:
        lines = text.splitlines()
        entries = [(n, _parsed(line, f"{path}:{n}")) for n, line in enumerate(lines, 1) if line.strip()]
    for n, row in entries:
        if not isinstance(row, dict):
            raise EvaluationError(
                f"expected an object, got {type(row).__name__}", where=f"{path}:{n}", fix="one a row"
            )
        yield n, row


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise EvaluationError(
            f"is not JSON: {error}", where=where, fix="give JSON, JSON Lines, TSV or CSV"
        ) from None


def _table(path: Path, delimiter: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    csv.field_size_limit(MAX_CELL)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=delimiter)
            for row in reader:
                yield reader.line_num, {k: v for k, v in row.items() if k is not None and v is not None}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(
            f"cannot be read: {error}", where=str(path), fix="give a UTF-8 table with a header"
        ) from None


def _sheet(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        import openpyxl
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError:
        fix = "pip install 'ouroboros-data[eval]', or save the table as TSV"
        raise EvaluationError("reading XLSX needs openpyxl", where=str(path), fix=fix) from None
    try:
        sheet = openpyxl.load_workbook(
            io.BytesIO(path.read_bytes()), read_only=True, data_only=True
        ).worksheets[0]
        rows = sheet.iter_rows(values_only=True)
        head = [str(name) for name in next(rows, ())]
        for n, row in enumerate(rows, 2):
            yield n, dict(zip(head, row, strict=False))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, InvalidFileException) as error:
        fix = "save the table as TSV"
        raise EvaluationError(f"cannot be read: {error}", where=str(path), fix=fix) from None
