from __future__ import annotations

import json

import llm_kit as kit
import pytest

from ouroboros_data.programs import lint
from ouroboros_data.proposers.llm import fixers, program_fixers
from ouroboros_data.proposers.llm.brief import Asked
from ouroboros_data.proposers.llm.program_fixers import Context

ASKED = Asked(
    bin="x/y", seed=1, categories=("sofa", "trash bin"), known=("refrigerator", "sofa", "trash bin", "tv")
)
NUMBER = Context("number", "m", ())
CHOICE = Context("choice", None, ("left", "right"))
D = 'def answer():\n    return number(distance(only("sofa"), only("tv")), "m")\n'


@pytest.mark.parametrize(
    ("name", "source", "context", "expected"),
    [
        ("code_fence", f"```python\n{D}\n```", NUMBER, D),
        ("escaped_newlines", D.replace("\n", "\\n"), NUMBER, D),
        ("indentation", "  " + D.replace("\n    ", "\n      "), NUMBER, D),
        ("indentation", D.replace("    ", "\t"), NUMBER, D),
        ("stray_ends", D.rstrip() + "}", NUMBER, D),
        ("stray_ends", D.rstrip() + '}"', NUMBER, D),
        ("stray_ends", D.rstrip() + "\n```", NUMBER, D),
        ("no_def", 'return number(room_area(), "m2")', NUMBER, 'def answer():\n    return number(room_area(), "m2")\n'),
        ("def_name", D.replace("answer()", "answer(scene)"), NUMBER, D),
        ("def_name", D.replace("answer():", "compute_answer(scene, frames) -> float:"), NUMBER, D),
        ("scene_prefix", D.replace("only", "scene.one"), NUMBER, D),
        (
            "scene_prefix",
            'def answer():\n    return number(scene.room_area, "m2")\n',
            Context("number", "m2", ()),
            'def answer():\n    return number(room_area(), "m2")\n',
        ),
        ("missing_return", D.replace("return ", ""), NUMBER, D.replace('"', "'")),
        ("missing_return", D.replace("return ", "print(").rstrip() + ")\n", NUMBER, D.replace('"', "'")),
        (
            "typed_answer",
            'def answer():\n    return distance(only("sofa"), only("tv"))\n',
            NUMBER,
            D.replace('"sofa"', "'sofa'").replace('"tv"', "'tv'").replace('"m"', "'m'"),
        ),
        (
            "typed_answer",
            "def answer():\n    return count('sofa') > 1\n",
            Context("boolean", None, ()),
            "def answer():\n    return boolean(count('sofa') > 1)\n",
        ),
        (
            "option_list",
            "def answer():\n    return choice('left', ['Right', 'left'])\n",
            CHOICE,
            "def answer():\n    return choice('left', ['left', 'right'])\n",
        ),
        (
            "object_for_name",
            "def answer():\n    return choice(closest('sofa', objects('tv')), ['tv', 'bed'])\n",
            Context("choice", None, ("tv", "bed")),
            "def answer():\n    return choice(closest('sofa', objects('tv')).category, ['tv', 'bed'])\n",
        ),
        (
            "object_for_name",
            "def answer():\n    near = closest('sofa', objects('tv'))\n    return choice(near, ['tv', 'bed'])\n",
            Context("choice", None, ("tv", "bed")),
            "def answer():\n    near = closest('sofa', objects('tv'))\n    return choice(near.category, ['tv', 'bed'])\n",
        ),
    ],
)  # fmt: skip
def test_each_program_fixer_by_name(name, source, context, expected) -> None:
    assert program_fixers.PROGRAM_FIXERS[name](source, context) == expected
    whole, used = program_fixers.fix_program(source, context)
    assert whole == expected and used == [name]
    assert lint.check(whole) is None


def test_every_program_fixer_is_tried_above() -> None:
    marks = [m for m in test_each_program_fixer_by_name.pytestmark if m.name == "parametrize"]
    assert {case[0] for case in marks[0].args[1]} == set(program_fixers.PROGRAM_FIXERS)


@pytest.mark.parametrize(
    "source",
    [
        D,
        "def answer():\n    def key(o):\n        return height(o)\n    return choice(max(objects(), key=key).category, OPTIONS)\n",
        "def answer():\n    result = boolean(count('sofa') > 1)\n    return result\n",
        "def answer():\n    return number(1, 'm') if count('tv') else number(2, 'm')\n",
        "import os\ndef answer():\n    os.system('x')\n",  # not mended: the lint refuses it
        "def answer():\n    return number(distance(only('a', only('b')), 'm')\n",  # open bracket: nothing is guessed
    ],
)
@pytest.mark.parametrize("context", [NUMBER, CHOICE])
def test_good_programs_and_hopeless_ones_stay_as_they_are(source, context) -> None:
    assert program_fixers.fix_program(source, context) == (source, [])


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("extra_fields", {"question": "Q", "answer": 3}, {"question": "Q"}),
        ("answer_type", {"answer_type": "Bool"}, {"answer_type": "boolean"}),
        ("answer_type", {"answer_type": "multiple choice"}, {"answer_type": "choice"}),
        ("unit", {"unit": "metres"}, {"unit": "m"}),
        ("unit", {"unit": "m^2"}, {"unit": "m2"}),
        ("unit", {"unit": "Square  Meters"}, {"unit": "m2"}),
        ("unit", {"unit": None}, {"unit": ""}),
        ("categories", {"categories": ["Couches", "trash_bin", "fridge"]}, {"categories": ["sofa", "trash bin", "refrigerator"]}),
        ("options", {"options": ["A. left", "B) right"]}, {"options": ["left", "right"]}),
        ("options", {"options": None}, {"options": []}),
        ("question_text", {"question": ' "Question: how  many sofas are there." '}, {"question": "How many sofas are there?"}),
        ("question_text", {"question": "Which is larger, the sofa or the tv"}, {"question": "Which is larger, the sofa or the tv?"}),
        ("question_names", {"question": "Is the fridge by the trash_bin or the Television?"}, {"question": "Is the refrigerator by the trash bin or the tv?"}),
        ("question_names", {"question": "How many couches are there?"}, {"question": "How many sofas are there?"}),
    ],
)  # fmt: skip
def test_each_field_fixer_by_name(name, given, expected) -> None:
    assert fixers.FIELD_FIXERS[name](given, ASKED) == expected


def test_every_field_fixer_is_tried() -> None:
    marks = [m for m in test_each_field_fixer_by_name.pytestmark if m.name == "parametrize"]
    assert {case[0] for case in marks[0].args[1]} | {"absent_fields"} == set(fixers.FIELD_FIXERS)
    _, asked = kit.asked("object_counting/many")
    fields, used = fixers.fix_fields({"question": "How many?", "program": "x"}, asked)
    assert used == ["absent_fields"]
    assert (fields["unit"], fields["options"], fields["answer_type"]) == ("count", [], "number")
    assert fixers.absent_fields({"question": "Q"}, ASKED) == {
        "question": "Q"
    }  # of a free choice nothing is known


@pytest.mark.parametrize(
    ("text", "objects", "used"),
    [
        ('{"a": 1}', [{"a": 1}], []),
        ('```json\n{"a": 1}\n```', [{"a": 1}], ["fence"]),
        ('Here is it:\n{"a": 1}\nI hope it helps.', [{"a": 1}], ["prose"]),
        ('{"a": "b\nc"}', [{"a": "b\nc"}], ["raw_newlines"]),
        ('{"a": [1, 2,],}', [{"a": [1, 2]}], ["trailing_comma"]),
        ("{'a': True, 'b': None}", [{"a": True, "b": None}], ["python_dict"]),
        ('{"a": 1} {"a": 2}', [{"a": 1}, {"a": 2}], []),
        ('{"a": {"b": "}"}}', [{"a": {"b": "}"}}], []),
        ('{"a": "never ends', [], []),
        ("No JSON here.", [], []),
        ("{" * 5000, [], []),
        ("[1, 2]", [], []),
    ],
)
def test_objects_in_a_text(text, objects, used) -> None:
    assert fixers.objects_in(text) == (objects, used)


def test_a_right_reply_needs_no_fixer() -> None:
    from ouroboros_data.proposers.llm import exemplars

    for name in ("object_counting/many", "object_rel_direction_hard/near", "obj_appearance_order/three"):
        _, asked = kit.asked(name)
        text = exemplars.reply(asked)
        fields, used = fixers.fix_fields(json.loads(text), asked)
        assert used == [] and fields == json.loads(text)
