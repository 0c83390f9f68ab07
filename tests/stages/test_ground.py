from __future__ import annotations

from collections import Counter
from dataclasses import replace

import hand_scenes as hand
import pytest

from ouroboros_data import resources
from ouroboros_data.config import ProgramSettings
from ouroboros_data.programs import api
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.records import to_json
from ouroboros_data.stages.gates import GATES
from ouroboros_data.stages.ground import duplicate_key, ground, keys_of
from ouroboros_data.stages.propose import Checked, accepted_keys

DIRECTION = 'return choice(sector({}, "left-right"), ["left", "right"])'


def direction(text, stand, facing, target):
    arguments = ", ".join(f'only("{name}")' for name in (stand, facing, target))
    return hand.draft(
        text.format(stand=stand, facing=facing, target=target),
        DIRECTION.format(arguments),
        mentions=(stand, facing, target),
        answer_type="choice",
        options=("left", "right"),
        kind="object_rel_direction_easy",
    )


STANDING = "Standing by the {stand} and facing the {facing}, is the {target} left or right?"
GAP = hand.draft(
    "How far is the table from the tv, in metres?",
    'return number(distance(only("table"), only("tv")), "m")',
    mentions=("table", "tv"),
)
SAME_GAP = hand.draft(
    "What is the gap between the tv and the table, in metres?",
    'return number(distance(only("tv"), only("table")), "m")',
    mentions=("table", "tv"),
)
LEFT = direction(STANDING, "tv", "table", "trash bin")
SWAPPED = direction(STANDING, "table", "tv", "trash bin")
DRAFTS = {
    "gap": (GAP, "accepted", "", ""),
    "the same in other words": (SAME_GAP, "rejected", "duplicate", "duplicate"),
    "direction": (LEFT, "accepted", "", ""),
    "same objects in other roles": (SWAPPED, "accepted", "", ""),
    "count": (
        hand.draft(
            "How many chairs are there?",
            'return number(count("chair"), "count")',
            mentions=("chair",),
            unit="count",
            kind="object_counting",
        ),
        "accepted",
        "",
        "",
    ),
    "of another scene": (
        replace(GAP, question=replace(GAP.question, scene_id="x")),
        "rejected",
        "schema",
        "scene",
    ),
    "several": (
        hand.draft("How tall is a chair?", 'return number(height(only("chair")), "m")', mentions=("chair",)),
        "rejected",
        "execute",
        "not_unique",
    ),
    "endless": (
        hand.draft("How tall is the tv, in metres?", "while True:\n    pass", mentions=("tv",)),
        "rejected",
        "execute",
        "timeout",
    ),
    "unit": (
        hand.draft("How tall is the tv, in metres?", 'return number(60.0, "cm")', mentions=("tv",)),
        "rejected",
        "type",
        "unit",
    ),
    "ambiguous words": (
        hand.draft(
            "How far is the chair from the tv, in metres?",
            'return number(distance(objects("chair")[0], only("tv")), "m")',
            mentions=("chair", "tv"),
        ),
        "rejected",
        "reference",
        "not_unique",
    ),
    "out of view": (
        hand.draft(
            "How long is the sofa, in metres?", 'return number(length(only("sofa")), "m")', mentions=("sofa",)
        ),
        "rejected",
        "visible",
        "not_visible",
    ),
    "constant": (
        hand.draft("What is the size of this room?", 'return number(20.0, "m2")', mentions=(), unit="m2"),
        "rejected",
        "degenerate",
        "constant",
    ),
    "zero": (
        hand.draft(
            "How far is the lamp from the table?",
            'return number(distance(only("lamp"), only("table")), "m")',
            mentions=("lamp", "table"),
        ),
        "rejected",
        "degenerate",
        "zero",
    ),
    "the wrong end": (
        hand.draft(
            "Order these from tallest to shortest: table, tv, lamp?",
            'row = sorted([only(n) for n in ["table", "tv", "lamp"]], key=height)\n'
            "return ordering([o.category for o in row])",
            mentions=("table", "tv", "lamp"),
            answer_type="ordering",
            kind="size_order",
        ),
        "rejected",
        "wording",
        "direction",
    ),
    "chosen among others": (
        hand.draft(
            "How tall is the chair that is closest to the table, in metres?",
            'table = only("table")\nreturn number(height(closest(table, objects("chair", "table"))), "m")',
            mentions=("chair", "table"),
        ),
        "accepted",  # the table itself is no candidate
        "",
        "",
    ),
    "all of them": (
        hand.draft(
            "How many chairs are within 9 metres of the table?",
            'table = only("table")\n'
            'return number(len([c for c in objects("chair") if distance(c, table) < 9]), "count")',
            mentions=("chair", "table"),
            unit="count",
            kind="filtered_count",
        ),
        "rejected",
        "degenerate",
        "all",
    ),
    "told": (
        hand.draft(
            "The table is 2.0 m long. How long is the table, in metres?",
            'return number(length(only("table")), "m")',
            mentions=("table",),
            kind="object_length",
        ),
        "rejected",
        "wording",
        "gives_away",
    ),
    "the same under another type": (
        replace(
            GAP, question=replace(GAP.question, id="q", text="Table to tv, in metres?", question_type="gap")
        ),
        "rejected",
        "duplicate",
        "near_duplicate",
    ),
    "on the border": (
        # The lamp's centre lies on the line through the table, half a metre behind it.
        direction(STANDING, "lamp", "table", "tv"),
        "accepted",
        "",
        "",
    ),
    "fifty-fifty": (
        hand.draft(
            "Is the table higher than it is wide?",
            'return boolean(height(only("table")) > width(only("table")))',
            mentions=("table",),
            answer_type="boolean",
            kind="object_shape",
        ),
        "rejected",
        "margin",
        "ambiguous",
    ),
}


@pytest.fixture(scope="module")
def pool():
    with SandboxPool(alone_s=0.3) as opened:
        yield opened


def check(pool, drafts, seen=frozenset(), scene=None):
    return ground(
        scene or hand.room(),
        hand.FRAMES,
        drafts,
        programs=ProgramSettings(),
        min_pixel_share=hand.SHARE,
        pool=pool,
        seen=seen,
    )


@pytest.fixture(scope="module")
def verdicts(pool):
    return check(pool, [draft for draft, *_ in DRAFTS.values()])


def test_each_draft_has_its_verdict_in_order(verdicts):
    got = dict(zip(DRAFTS, [(v.status, v.stage, v.reason) for v in verdicts], strict=True))
    assert got == {name: tuple(expected) for name, (_, *expected) in DRAFTS.items()}
    assert [v.question_id for v in verdicts] == [draft.question.id for draft, *_ in DRAFTS.values()]


def test_counts_add_up(verdicts):
    tally = Counter((v.status, v.stage, v.reason) for v in verdicts)
    assert sum(tally.values()) == len(DRAFTS)
    for v in verdicts:
        if v.status == "rejected":
            assert v.reason in GATES[v.stage]
            assert v.detail
        else:
            assert v.answer is not None and v.margin >= 1.0 and v.evidence.calls


def test_verdicts_keep_their_schema(verdicts):
    for verdict in verdicts:
        assert not list(resources.problems("verdict", to_json(verdict))), verdict


def test_answers(verdicts):
    by_name = dict(zip(DRAFTS, verdicts, strict=True))
    assert by_name["gap"].answer.text == "2.4"
    assert by_name["count"].answer.text == "2"
    # From the tv, looking north at the table, the bin is to the east; from the table, looking south, it is behind
    # on the east side, which is left.
    assert by_name["direction"].answer.value == "right"
    assert by_name["same objects in other roles"].answer.value == "left"


def test_alone_or_together_is_the_same(pool, verdicts):
    for (draft, *_), verdict in zip(DRAFTS.values(), verdicts, strict=True):
        if verdict.stage != "duplicate":
            assert check(pool, [draft]) == [verdict]


def test_what_earlier_rounds_accepted_is_a_duplicate(pool, verdicts):
    first = verdicts[0]
    key = duplicate_key(GAP, first.answer, first.evidence)
    again = check(pool, [GAP, LEFT], seen=frozenset({key}))
    assert [v.stage for v in again] == ["duplicate", ""]
    assert again[0].margin == first.margin


def test_duplicate_keys_know_roles_and_not_words(pool):
    turned = direction(STANDING, "table", "trash bin", "tv")
    verdicts = [check(pool, [draft])[0] for draft in (GAP, SAME_GAP, LEFT, turned)]
    assert verdicts[2].answer == verdicts[3].answer
    assert set(verdicts[2].evidence.object_ids) == set(verdicts[3].evidence.object_ids)
    drafts = (GAP, SAME_GAP, LEFT, turned)
    keys = [duplicate_key(d, v.answer, v.evidence) for d, v in zip(drafts, verdicts, strict=True)]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_a_number_at_another_resolution_is_another_question(pool):
    first = check(pool, [GAP])[0]
    coarser = replace(first.answer, text=f"{float(first.answer.text):.0f}")
    assert coarser.text != first.answer.text and coarser.value == first.answer.value
    again = replace(first.answer, value=first.answer.value + 1e-9)
    keys = [duplicate_key(GAP, answer, first.evidence) for answer in (first.answer, coarser, again)]
    assert keys[0] == keys[2] != keys[1]


def test_shuffled_options_are_the_same_question(pool):
    shuffled = replace(
        LEFT,
        question=replace(LEFT.question, options=("right", "left")),
        program=replace(
            LEFT.program, source=LEFT.program.source.replace('["left", "right"]', '["right", "left"]')
        ),
    )
    assert [v.stage for v in check(pool, [LEFT, shuffled])] == ["", "duplicate"]


def test_nothing_in_nothing_out(pool):
    assert check(pool, []) == []


ALWAYS_TWO = hand.draft(
    "How many chairs are in the room?",
    'return number(2 + 0 * count("chair"), "count")',
    mentions=("chair",),
    unit="count",
    kind="object_counting",
)


def test_a_program_that_never_varies_is_rejected_where_other_scenes_are_given(pool):
    room = hand.room()
    fewer = replace(room, objects=tuple(o for o in room.objects if o.id != "c2"))
    none = replace(room, objects=tuple(o for o in room.objects if o.category != "chair"))
    other = [api.tables(scene, hand.FRAMES, hand.SHARE) for scene in (fewer, none, fewer, none)]
    count = hand.draft(
        "How many chairs are there?",
        'return number(count("chair"), "count")',
        mentions=("chair",),
        unit="count",
        kind="object_counting",
    )

    def reasons(drafts, elsewhere):
        verdicts = ground(
            room, hand.FRAMES, drafts, programs=ProgramSettings(), min_pixel_share=hand.SHARE, pool=pool,
            elsewhere=elsewhere,
        )  # fmt: skip
        return [v.reason for v in verdicts]

    assert reasons([ALWAYS_TWO], []) == [""]
    assert reasons([ALWAYS_TWO], other[:3]) == [""]
    assert reasons([ALWAYS_TWO, count], other) == ["same_everywhere", ""]


def test_earlier_rounds_are_known_by_all_keys(pool):
    verdict = check(pool, [GAP])[0]
    found = accepted_keys([Checked(draft=GAP, verdict=verdict)])["room"]
    assert found == set(keys_of(GAP, verdict.answer, verdict.evidence)) and len(found) == 3
    renamed = DRAFTS["the same under another type"][0]
    again = check(pool, [renamed], seen=frozenset(found))
    assert [v.reason for v in again] == ["near_duplicate"]
