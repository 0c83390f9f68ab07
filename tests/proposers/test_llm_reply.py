"""Whatever a model writes ends as a draft or as a discard with a reason."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import llm_kit as kit
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ouroboros_data import resources
from ouroboros_data.ids import canonical_json
from ouroboros_data.plugins import Proposal
from ouroboros_data.programs import lint
from ouroboros_data.proposers.grammar import Grammar
from ouroboros_data.proposers.llm import exemplars, reply, schema
from ouroboros_data.proposers.llm.brief import Asked
from ouroboros_data.proposers.llm.proposer import Llm
from ouroboros_data.records import to_json
from ouroboros_data.stages.gates import GATES
from ouroboros_data.types import Discarded, Draft

SCENE, ASKED = kit.asked("object_rel_direction_easy/clear_large")
GOOD = json.loads(exemplars.reply(ASKED))
SOURCE = reply.Source(scene=SCENE, frame_ids=kit.frame_ids(SCENE), proposer="llm/test")


def read(said, asked: Asked = ASKED) -> Draft | Discarded:
    return reply.draft_of(kit.wrote(said) if isinstance(said, str) else said, asked, SOURCE)


def changed(**fields) -> str:
    return json.dumps({**GOOD, **fields})


def test_a_good_reply_becomes_a_draft_with_a_witness() -> None:
    made = read(json.dumps(GOOD))
    assert isinstance(made, Draft)
    assert list(resources.problems("draft", to_json(made))) == []
    assert made.question.options == ASKED.options and made.question.answer_type == "choice"
    assert "OPTIONS" not in made.program.source and json.dumps(list(ASKED.options)) in made.program.source
    assert made.witness == made.program.source  # the exemplar's program is the witness's
    assert made.writing is not None and made.writing.fixes == () and made.writing.turn == "first"
    assert made.mentions == ASKED.categories and made.bin == ASKED.bin and made.seed == ASKED.seed


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("I would rather not write JSON.", "not_json"),
        ("", "not_json"),
        (json.dumps(GOOD)[:120], "not_json"),
        ("[1, 2, 3]", "not_json"),
        (json.dumps(GOOD) + "\n" + json.dumps(GOOD), "several"),
        (changed(question=17), "reply_schema"),
        (changed(question=["Is it?"]), "reply_schema"),
        (changed(question="?"), "reply_schema"),
        (changed(program=None), "reply_schema"),
        (changed(program="x" * 7000), "reply_schema"),
        (changed(options=["left"]), "reply_schema"),
        (changed(options="left or right"), "reply_schema"),
        (changed(answer_type="essay"), "reply_schema"),
        (changed(categories=["elephant"]), "reply_schema"),
        (changed(question_type="object_counting"), "reply_schema"),
        (changed(question=GOOD["question"][:-1] + " \ud800?"), "reply_schema"),
        (changed(question=GOOD["question"][:-1] + " \x00?"), "reply_schema"),
        (changed(program="def answer():\n    return '\udfff'"), "reply_schema"),
        (changed(question=GOOD["question"].replace(ASKED.categories[0], "elephant")), "ingredients"),
        (changed(question=GOOD["question"][:-1] + ", not counting the elephant?"), "meaning"),
        (changed(question="Standing somewhere, is anything on your left or your right?"), "ingredients"),
        (kit.failed("truncated", '{"question'), "truncated"),
        (kit.failed("refused", "I cannot"), "refused"),
        (kit.failed("endpoint"), "endpoint"),
        (kit.failed("timeout"), "timeout"),
        (kit.failed("too_long"), "too_long"),
        (kit.failed("media"), "media"),
        (kit.failed("unreachable"), "unreachable"),
        (kit.failed("rejected"), "rejected"),
    ],
)
def test_what_is_no_draft_is_discarded_with_a_reason(said, reason) -> None:
    made = read(said)
    assert isinstance(made, Discarded)
    assert made.reason == reason
    assert reason in GATES[made.stage]
    assert made.scene_id == SCENE.id and made.bin == ASKED.bin
    canonical_json(to_json(made)).encode()  # it can be stored
    if isinstance(said, str):
        assert made.raw == said[: reply.MAX_RAW]


def test_what_no_file_takes_is_kept_as_well_as_can_be() -> None:
    made = read("prose with half a \ud83d pair")
    assert isinstance(made, Discarded) and made.raw == "prose with half a ? pair"


def test_fences_and_prose_are_no_reason_to_drop_a_reply() -> None:
    for text in (f"```json\n{json.dumps(GOOD)}\n```", f"Sure!\n{json.dumps(GOOD)}\nAnything else?"):
        made = read(text)
        assert isinstance(made, Draft) and made.writing is not None and len(made.writing.fixes) == 1


@pytest.mark.parametrize(
    "program",
    [
        "import os\ndef answer():\n    return number(1, 'm')",
        "def answer():\n    return ().__class__.__bases__[0].__subclasses__()",
        "def answer():\n    return open('/etc/passwd').read()",
        "def answer():\n    while True: pass",
        "x = 1\ndef answer():\n    return choice('left', OPTIONS)",
        "\x00",
        "(" * 3000,
    ],
)
def test_a_hostile_program_stays_what_it_is_for_the_gates_to_refuse(program) -> None:
    made = read(changed(program=program))
    assert isinstance(made, Draft)
    if "while" not in program:  # that one is the sandbox's, by time
        assert lint.check(made.program.source) is not None
        assert reply.problem(made)


@settings(max_examples=150, deadline=None)
@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*schema.FIELDS, "answer", ""]), inner, max_size=8),
    max_leaves=12,
))  # fmt: skip
def test_no_reply_raises(value) -> None:
    for text in (
        json.dumps(value),
        str(value),
        json.dumps({**GOOD, **(value if isinstance(value, dict) else {})}),
    ):
        made = read(text)
        assert isinstance(made, Draft | Discarded)
        free = replace(ASKED, drawn=None, bin="open_question/free")
        assert isinstance(read(text, free), Draft | Discarded)


def test_schemas_are_valid_strict_and_hold_what_a_good_reply_says() -> None:
    grammar = Grammar(options={})
    seen = set()
    import grammar_rooms as rooms

    for seed in range(6):
        scene = rooms.random_scene(seed)
        known = tuple(sorted({o.category for o in scene.objects}))
        for drawn in grammar.draw(scene, kit.frame_ids(scene), kit.brief(60, seed)):
            from ouroboros_data.proposers.llm import brief as briefs

            asked = briefs.asked(drawn, known)
            made = schema.reply_schema(asked)
            jsonschema.Draft202012Validator.check_schema(made)
            assert made["additionalProperties"] is False
            assert list(made["properties"]) == made["required"] == list(schema.FIELDS)
            right = json.loads(exemplars.reply(asked))
            assert schema.problems(asked, right) == ""
            for field in ("question_type", "answer_type", "unit"):
                assert made["properties"][field]["enum"] == [right[field]]
                assert field in schema.problems(asked, {**right, field: "other"})
            for field in ("categories", "options"):
                assert field in schema.problems(
                    asked, {**right, field: ["no such thing"] * max(1, len(right[field]))}
                )
            seen.add(drawn.bin.partition("/")[0])
    assert len(seen) > 20


@pytest.mark.parametrize(("mode", "turn"), [("turn", "repair"), ("resample", "resample")])
def test_a_second_try_where_it_can_help_and_nowhere_else(mode, turn) -> None:
    options = {
        "model": {"name": "openai", "options": {"model": "m"}},
        "include": list(kit.PLAIN),
        "repair": mode,
    }
    made = Llm(options=options, cache=None)
    item = Proposal(scene=SCENE, frame_ids=kit.frame_ids(SCENE), brief=kit.brief(6))
    asked = made._asked(item, tuple(sorted({o.category for o in SCENE.objects})), ())
    good = [exemplars.reply(one) for one in asked]
    broken = json.dumps({**json.loads(good[2]), "program": "def answer(:"})
    first = [good[0], "prose", broken, kit.failed("refused", "no"), kit.failed("endpoint"), "prose"]

    def answer(request, number):
        if number < 6:
            return first[number]
        return good[{6: 1, 7: 2}[number]] if number < 8 else "prose again"

    model = kit.Scripted(answer)
    made.__dict__["model"] = model
    found = made.propose_many([item], None)[0]
    assert len(model.requests) == 9  # 1, 2 and 5 are tried again; who refused or could not be reached is not
    kinds = [one.reason if isinstance(one, Discarded) else one.writing.turn for one in found]
    assert kinds == ["first", turn, turn, "refused", "endpoint", "not_json"]
    again, once = model.requests[6], model.requests[1]
    assert again.seed != once.seed
    if mode == "turn":
        assert [m.role for m in again.messages[-2:]] == ["assistant", "user"]
        assert again.messages[-2].parts[0].text == "prose"
        assert "no JSON object" in again.messages[-1].parts[0].text
        assert (
            "syntax" in model.requests[7].messages[-1].parts[0].text.lower()
            or "line 1" in model.requests[7].messages[-1].parts[0].text
        )
    else:
        assert again.messages == once.messages
