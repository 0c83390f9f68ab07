from __future__ import annotations

import math
from collections import Counter, defaultdict
from pathlib import Path

import grammar_rooms as rooms
import pytest
from grammar_oracle import brief, independent, propose
from many_scenes import procedural

from ouroboros_data.errors import DraftError, RecipeError
from ouroboros_data.ids import rng
from ouroboros_data.plugins import Brief, Past, Proposer
from ouroboros_data.proposers.ask import interleave
from ouroboros_data.proposers.families import FAMILIES
from ouroboros_data.proposers.grammar import PLAIN, Grammar
from ouroboros_data.report.families import END, START, entries, markdown
from ouroboros_data.types import Draft, Scene


def test_wordings_option_keeps_the_first_ones() -> None:
    made = rooms.random_scene(3)
    for draft in propose(made, brief(), wordings=1, include=["object_rel_distance/*"]):
        assert draft.question.text.startswith("Measuring from the closest point")


def test_letters_are_balanced(many: list[tuple[Scene, list[Draft]]]) -> None:
    places: dict[int, Counter[int]] = defaultdict(Counter)
    for made, drafts in many:
        for draft in drafts:
            options = draft.question.options
            if options:
                places[len(options)][options.index(str(independent(made, draft)))] += 1
    assert set(places) == {2, 3, 4}
    for size, counts in places.items():
        total = sum(counts.values())
        bound = 4 * math.sqrt(total * (1 / size) * (1 - 1 / size))
        assert all(abs(counts[k] - total / size) < bound for k in range(size)), (size, counts)


def test_a_bin_of_weight_zero_is_never_drawn() -> None:
    dead = ("object_counting__one", "route_planning__two_turns", "object_abs_distance__1cm")
    for seed in range(10):
        drawn = {
            d.bin
            for d in propose(rooms.random_scene(seed), brief(count=60, seed=seed, **dict.fromkeys(dead, 0.0)))
        }
        assert drawn.isdisjoint(name.replace("__", "/") for name in dead)


def test_share_follows_weight() -> None:
    made = rooms.random_scene(0)
    kinds = ["object_abs_distance/*"]

    def share(weight: float) -> float:
        bins = [
            draft.bin
            for seed in range(200)
            for draft in propose(
                made, brief(count=3, seed=seed, object_abs_distance__tenth_m=weight), include=kinds
            )
        ]
        return bins.count("object_abs_distance/tenth_m") / len(bins)

    assert share(1.0) == pytest.approx(1 / 5, abs=0.06)
    assert share(2.0) == pytest.approx(2 / 6, abs=0.07)
    assert share(6.0) == pytest.approx(6 / 10, abs=0.07)


def test_same_input_same_drafts_and_every_key_counts() -> None:
    made = rooms.random_scene(1)
    first = propose(made, brief())
    assert propose(made, brief()) == first
    assert len({d.question.id for d in first}) == len(first) == 40
    for other in (brief(seed=1), brief(iteration=2)):
        ids = {d.question.id for d in propose(made, other)}
        assert len(ids & {d.question.id for d in first}) < 20


def test_a_scene_is_drained_without_repeating_a_question() -> None:
    made = rooms.random_scene(2, singles=4, groups=1)
    drafts = propose(made, brief(count=1000))
    assert 20 < len(drafts) < 1000
    assert len({d.question.text for d in drafts}) == len(drafts)
    # One subject is asked about once, at one resolution: the roles of an unordered pair or list do not count.
    unordered = ("object_abs_distance", "obj_appearance_order")
    subjects = Counter(
        (kind, tuple(sorted(d.mentions)) if kind in unordered else d.mentions)
        for kind, d in ((d.question.question_type, d) for d in drafts)
    )
    assert subjects.most_common(1)[0][1] == 1


def test_a_direction_is_not_asked_for_again_at_another_grain() -> None:
    drafts = propose(rooms.random_scene(1), brief(count=1000), include=["object_rel_direction_*"])
    assert len({d.question.question_type for d in drafts}) == 3
    assert Counter(d.mentions for d in drafts).most_common(1)[0][1] == 1


def test_questions_that_read_the_same_about_every_scene_are_few() -> None:
    made = procedural(1)
    include = ["camera_camera_distance/*", "camera_motion_angle/*"]
    drafts = propose(made, brief(count=1000), include=include)
    assert not any(d.mentions for d in drafts)
    assert set(Counter(d.question.question_type for d in drafts).values()) == {PLAIN}
    past = tuple(
        Past(text=d.question.text, answer="1", bin=d.bin, band="easy", confidence=1.0) for d in drafts[:6]
    )
    later = propose(made, Brief(iteration=2, count=1000, seed=0, weights={}, history=past), include=include)
    assert Counter(d.question.question_type for d in [*drafts[:6], *later]).most_common(1)[0][1] == PLAIN
    assert len(later) == 2
    assert len(propose(made, brief(count=1000), include=["frame_presence/*", "camera_object_*"])) > 2 * PLAIN


def test_history_is_not_asked_again_in_any_wording() -> None:
    made = rooms.random_scene(2, singles=4, groups=1)

    def asked(drafts: list[Draft]) -> set[tuple[str, tuple[str, ...]]]:
        return {(d.bin, tuple(sorted(d.mentions)) if "distance" in d.bin else d.mentions) for d in drafts}

    first = propose(made, brief(count=1000))
    past = tuple(
        Past(text=d.question.text, answer="1", bin=d.bin, band="easy", confidence=1.0) for d in first
    )
    later = propose(made, Brief(iteration=2, count=1000, seed=0, weights={}, history=past))
    assert later  # what is left are the same subjects at another resolution
    assert asked(later).isdisjoint(asked(first))
    assert not asked(propose(made, brief(count=1000, iteration=2))).isdisjoint(asked(first))


def test_answers_are_taken_in_turn() -> None:
    for seed in range(20):
        order = list(interleave({"often": [1] * 50, "rare": [2]}, rng("turns", seed)))
        assert order.index(2) <= 1 and len(order) == 51
    # In a row: three gaps of 3 m for one of 10 m (those of 6.4 m are too far from a whole number).
    spots = [(name, (3.4 * k, 0.0, 0.5), (0.4, 0.4, 1.0), 0.0) for k, name in enumerate(rooms.SINGLES[:4])]
    made = rooms.scene(spots)
    answers = Counter(
        round(float(independent(made, draft)))
        for seed in range(200)
        for draft in propose(made, brief(count=1, seed=seed), include=["object_abs_distance/1m_far"])
    )
    assert set(answers) == {3, 10}
    assert answers[10] == pytest.approx(100, abs=30)


def test_a_scene_with_nothing_to_ask_gives_nothing() -> None:
    assert propose(rooms.scene([], [], area_m2=0.0), brief()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"includ": ["*"]}, "did you mean include"),
        ({"include": ["no_such/*"]}, "matches no bin"),
        ({"include": "object_counting/*"}, "expected a list"),
        ({"exclude": ["*"]}, "no bin is left"),
        ({"wordings": 0}, "less than 1"),
        ({"large_share": 2.0}, "not between 0 and 1"),
    ],
)
def test_bad_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Grammar(options=options)


def test_bad_requests_are_named() -> None:
    made = rooms.random_scene(0)
    with pytest.raises(DraftError, match="no frame 'f99'"):
        Grammar(options={}).propose(made, ("f0", "f99"), brief())
    for weight in (-1.0, math.nan):
        with pytest.raises(DraftError, match="object_counting/one"):
            propose(made, brief(object_counting__one=weight))


def test_bins_are_documented_and_selectable() -> None:
    grammar: Proposer = Grammar(options={"include": ["object_counting/*"], "exclude": ["*/many"]})
    assert list(grammar.bins()) == [
        "object_counting/one",
        "object_counting/few_large",
        "object_counting/few_small",
    ]
    everything = Grammar(options={}).bins()
    assert all(2 <= len(family.knobs) <= 5 for family in FAMILIES.values())
    assert everything["object_counting/one"].endswith("(trivial by construction)")
    assert everything["object_abs_distance/1cm"].endswith("(junk by construction)")


def test_the_page_on_families_is_current() -> None:
    page = (Path(__file__).parents[2] / "docs" / "families.md").read_text("utf-8")
    tables = page.partition(START)[2].partition(END)[0].strip()
    current = tables == markdown(entries(Grammar(options={}))).strip()
    assert current, "run: ouroboros-data families --into docs/families.md"
