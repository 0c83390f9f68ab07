"""A model's words against its brief: what asks the same passes, what asks something else does not."""

from __future__ import annotations

import itertools

import grammar_rooms as rooms
import llm_kit as kit
import pytest

from ouroboros_data.proposers.grammar import Grammar
from ouroboros_data.proposers.llm import brief as briefs
from ouroboros_data.proposers.llm import meaning
from ouroboros_data.proposers.llm.faithful import doubt, phrases, slots


def judge(name: str, text: str, *, seed_of: int = 0) -> str:
    """The reason of the doubt about a text whose {slots} are filled from a drawn question; empty if there is none."""
    scene, found = kit.drawn(name)
    filled = text.format(**found.ask.slots)
    problem = doubt(filled, found, {o.category for o in scene.objects})
    return problem.reason if problem else ""


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("object_counting/many", "How many {xs} can you find in the room?", ""),
        ("object_counting/many", "How many {xs} are closest to the camera?", "meaning"),
        ("object_counting/many", "How many {xs} are on the left?", "meaning"),
        ("object_counting/many", "How many {xs} are there besides the first two?", "meaning"),
        ("object_counting/many", "Where are the {xs}?", "meaning"),
        ("object_counting/many", "How many things are there?", "ingredients"),
        ("object_abs_distance/half_m", "Between their closest points, what is the distance from the {a} to the {b} ({resolution})?", ""),
        ("object_abs_distance/half_m", "How far apart are the closest points of the {a} and the {b} ({resolution})?", ""),
        ("object_abs_distance/half_m", "How far apart are the closest points of the {a} and the {b}?", "phrase"),
        ("object_abs_distance/half_m", "How far apart are the centres of the {a} and the {b} ({resolution})?", "meaning"),
        ("object_abs_distance/half_m", "How far apart are the {a} and the {b} ({resolution})?", "meaning"),
        ("object_size_estimation/10cm_large", "What is the longest dimension of the {x} in length, width or height?", "phrase"),
        ("object_abs_distance/half_m", "How much taller is the {a} than the {b} ({resolution})?", "meaning"),
        ("object_rel_distance/two_clear", "Which one is the closest to the {target}, measured between closest points{several}: {items}?", ""),
        ("object_rel_distance/two_clear", "Which of these has the largest gap to the {target}{several}: {items}?", "meaning"),
        ("object_rel_distance/two_clear", "Measured between closest points, which of {items} is farthest from the {target}{several}?", "meaning"),
        ("object_rel_distance/two_clear", "Which one is the closest to the {target}, measured between closest points{several}: {items}, {target}?", "roles"),
        ("object_rel_direction_easy/clear_large", "Standing beside the {stand} and facing the {facing}, do you have the {target} on your left or your right?", ""),
        ("object_rel_direction_easy/clear_large", "If you stand at the {stand} and look at the {facing}, is the {target} left or right?", ""),
        ("object_rel_direction_easy/clear_large", "Standing at the {facing} and facing the {stand}, is the {target} to your left or your right?", "roles"),
        ("object_rel_direction_easy/clear_large", "Standing at the {target} and facing the {facing}, is the {stand} to your left or your right?", "roles"),
        ("object_rel_direction_easy/clear_large", "Facing the {stand} while standing at the {facing}, is the {target} left or right?", "roles"),
        ("object_rel_direction_easy/clear_large", "Standing at the {stand} and facing away from the {facing}, is the {target} left or right?", "roles"),
        ("object_rel_direction_easy/clear_large", "Standing at the {stand} and facing the {facing}, is the {target} in front or behind?", "meaning"),
        ("object_rel_direction_medium/clear_large", "Standing at the {stand} and facing the {facing}, is the {target} left, right or back?", "meaning"),
        ("object_size_estimation/10cm_large", "How tall is the {x} ({resolution})?", "meaning"),
        ("object_size_estimation/10cm_large", "What is the longest dimension of the {x} in length, width or height ({resolution})?", ""),
    ],
)  # fmt: skip
def test_words_that_change_the_question_are_noticed(name, text, reason) -> None:
    assert judge(name, text) == reason


def test_own_wordings_pass_and_those_of_other_questions_do_not() -> None:
    grammar = Grammar(options={})
    own = crossed = slipped = 0
    for seed in range(4):
        scene = rooms.random_scene(seed)
        categories = {o.category for o in scene.objects}
        drawn = list(grammar.draw(scene, kit.frame_ids(scene), kit.brief(60, seed)))
        for one in drawn:
            for text in one.texts:
                assert doubt(text, one, categories) is None, (one.bin, text)
                own += 1
        for one, other in itertools.permutations(drawn, 2):
            same = (
                one.bin.partition("/")[0] == other.bin.partition("/")[0]
                and one.ask.mentions == other.ask.mentions
            )
            if not same:
                crossed += 1
                slipped += doubt(one.text, other, categories) is None
    assert own > 500 and crossed > 10_000
    assert slipped <= crossed // 1000, f"{slipped} of {crossed} texts pass as another question"


def test_two_things_that_have_changed_parts_are_noticed() -> None:
    """The likeliest way to a wrong label: right program, right answer, and words that ask it the other way round."""
    grammar = Grammar(options={})
    swapped = 0
    passed = []
    families = set()
    for seed in range(3):
        scene = rooms.random_scene(seed)
        categories = {o.category for o in scene.objects}
        for found in grammar.draw(scene, kit.frame_ids(scene), kit.brief(80, seed)):
            single = [
                name for name, value in found.ask.slots.items() if value.removeprefix("the ") in categories
            ]
            for wording in found.family.wordings:
                for one, other in itertools.combinations([n for n in slots(wording) if n in single], 2):
                    changed = {**found.ask.slots, one: found.ask.slots[other], other: found.ask.slots[one]}
                    if changed == dict(found.ask.slots):
                        continue
                    swapped += 1
                    families.add(found.bin.partition("/")[0])
                    text = wording.format_map(changed)
                    if doubt(text, found, categories) is None:
                        passed.append((found.bin, text))
    assert swapped > 500 and len(families) > 8
    # Comparing a gap with one between a thing and itself: no question that anybody would write.
    passed = [item for item in passed if not item[0].startswith("gap_comparison/")]
    assert passed == []


def test_what_a_wording_names_twice_keeps_its_place() -> None:
    """In one wording the moved thing is "the middle of a" and then "the a": by such cues alone anything could be it."""
    scene, found = kit.drawn("move_distance/near")
    categories = {o.category for o in scene.objects}
    for wording in found.family.wordings:
        for one, other in itertools.permutations("abc", 2):
            changed = {**found.ask.slots, one: found.ask.slots[other], other: found.ask.slots[one]}
            problem = doubt(wording.format_map(changed), found, categories)
            assert problem is not None and problem.reason == "roles", wording


def test_a_part_of_the_options_is_not_listed() -> None:
    _, found = kit.drawn("object_rel_distance/three_clear")
    first, second, third = found.options
    text = f"Measuring from the closest point of each object, which of these objects ({first}, {second}) is the closest to the {found.ask.slots['target']}{found.ask.slots['several']}?"
    problem = doubt(text, found, {third})
    assert problem is not None and problem.reason == "ingredients" and "some of the options" in problem.detail


def test_brackets_and_phrases_are_told_and_names_are_not() -> None:
    _, found = kit.drawn("object_abs_distance/half_m")
    for wording in found.family.wordings:
        assert phrases(wording, found) == (found.ask.slots["resolution"],)
    text = briefs.text(briefs.asked(found, ()))
    assert f'use these words as they are: "{found.ask.slots["resolution"]}"' in text
    assert "step 0.5" in text and f"a: {found.ask.slots['a']}" in text
    assert (
        found.ask.program not in text and "only(" not in text
    )  # never the program, which the model is to write


def test_the_brief_never_tells_the_answer_or_the_program() -> None:
    grammar = Grammar(options={})
    for seed in range(3):
        scene = rooms.random_scene(seed)
        for found in grammar.draw(scene, kit.frame_ids(scene), kit.brief(60, seed)):
            text = briefs.text(briefs.asked(found, ()))
            if found.ask.answer_type == "choice":
                assert all(option in text for option in found.options)
            if isinstance(found.ask.expected, float):
                assert f"{found.ask.expected:.3f}" not in text
            assert "return" not in text and "def " not in text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("the closest chair", "the farthest chair"),
        ("taller than", "shorter than"),
        ("at least 2 m away", "at most 2 m away"),
        ("within 2 m", "within 3 m"),
        ("the second tallest", "the tallest"),
        ("visible in frame 2", "visible in frame 3"),
        ("left of the bed", "right of the bed"),
        ("before the bed", "after the bed"),
        ("all but not the bed", "all and the bed"),
        ("three chairs", "two chairs"),
    ],
)
def test_notions_that_matter_differ(one, other) -> None:
    assert meaning.notions(one) != meaning.notions(other)
