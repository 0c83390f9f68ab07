from __future__ import annotations

import cmath
import math
import re
from collections import Counter, defaultdict
from pathlib import Path

import grammar_rooms as rooms
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ouroboros_data.config import ProgramSettings
from ouroboros_data.errors import DraftError, RecipeError
from ouroboros_data.ids import rng
from ouroboros_data.plugins import Brief, Past, Proposer
from ouroboros_data.programs import api
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.proposers.ask import Ask, interleave
from ouroboros_data.proposers.families import FAMILIES
from ouroboros_data.proposers.grammar import Grammar
from ouroboros_data.proposers.view import look
from ouroboros_data.proposers.words import strangers
from ouroboros_data.stages.ground import ground
from ouroboros_data.types import Draft, Scene, SceneObject

SHARE = 0.002


def brief(count: int = 40, seed: int = 0, iteration: int = 1, **weights: float) -> Brief:
    return Brief(
        iteration=iteration,
        count=count,
        seed=seed,
        weights={k.replace("__", "/"): v for k, v in weights.items()},
    )


def propose(made: Scene, request: Brief, **options: object) -> list[Draft]:
    return list(Grammar(options=options).propose(made, rooms.frame_ids(made), request))


@pytest.fixture(scope="module")
def many() -> list[tuple[Scene, list[Draft]]]:
    """Axis-aligned scenes, whose gaps a one-line formula gives, with many drafts each."""
    scenes = [rooms.random_scene(seed, turned=False) for seed in range(30)]
    return [(made, propose(made, brief(count=60))) for made in scenes]


# --- answers by formulas that share nothing with the proposer or the program API ---------------------------------


def of(made: Scene, category: str) -> list[SceneObject]:
    return [o for o in made.objects if o.category == category]


def plan(o: SceneObject) -> complex:
    return complex(o.center_m[0], o.center_m[1])


def aligned_gap(a: SceneObject, b: SceneObject) -> float:
    between = [
        max(abs(p - q) - (s + t) / 2, 0.0)
        for p, q, s, t in zip(a.center_m, b.center_m, a.extent_m, b.extent_m, strict=True)
    ]
    return math.hypot(*between)


def left_of(ahead: complex, way: complex) -> float:
    """Signed angle from ahead to way in degrees, left positive, in (-180, 180]."""
    return math.degrees(cmath.phase(way / ahead))


def independent(made: Scene, draft: Draft) -> float | str:
    kind, names = draft.question.question_type, draft.mentions
    some = [of(made, name)[0] for name in names]
    if kind == "object_counting":
        return len(of(made, names[0]))
    if kind == "room_size_estimation":
        return made.room.area_m2
    if kind == "object_size_estimation":
        return 100 * max(some[0].extent_m)
    if kind == "object_abs_distance":
        return aligned_gap(*some) * (100 if draft.question.unit == "cm" else 1)
    if kind == "object_rel_distance":
        return min(names[1:], key=lambda name: min(aligned_gap(some[0], o) for o in of(made, name)))
    if kind == "obj_appearance_order":
        first = {
            name: min(
                frame.index
                for frame in made.frames
                for view in frame.views
                if view.pixel_share >= SHARE and view.object_id in {o.id for o in of(made, name)}
            )
            for name in names
        }
        return ", ".join(sorted(names, key=first.__getitem__))
    places = [plan(o) for o in some]
    if kind == "route_planning":
        heading, here, steps = places[1] - places[0], places[0], []
        for stop in places[2:]:
            angle = left_of(heading, stop - here)
            assert abs(angle) > 45
            steps.append("Turn Back" if abs(angle) > 135 else "Turn Left" if angle > 0 else "Turn Right")
            heading, here = stop - here, stop
        return ", ".join(steps)
    angle = left_of(places[1] - places[0], places[2] - places[0])
    side = "left" if angle > 0 else "right"
    if kind == "object_rel_direction_easy":
        return side
    if kind == "object_rel_direction_medium":
        return "back" if abs(angle) > 135 else side
    return f"{'front' if abs(angle) < 90 else 'back'}-{side}"


# --- the tests ----------------------------------------------------------------------------------------------------


def test_every_bin_runs_and_agrees_with_an_independent_formula(many: list[tuple[Scene, list[Draft]]]) -> None:
    seen = Counter[str]()
    with SandboxPool() as pool:
        for made, drafts in many:
            tables = api.tables(made, rooms.frame_ids(made), SHARE)
            for draft, outcome in zip(
                drafts, pool.run(tables, [d.program.source for d in drafts]), strict=True
            ):
                assert outcome.answer is not None, (draft.bin, outcome.detail, draft.program.source)
                expected = independent(made, draft)
                if isinstance(expected, str):
                    assert outcome.answer.value == expected, (draft.question.text, draft.program.source)
                    assert draft.question.options.count(expected) == 1
                else:
                    assert outcome.answer.value == pytest.approx(expected, abs=1e-6), draft.question.text
                assert outcome.options == draft.question.options
                assert outcome.answer.unit == draft.question.unit
                seen[draft.bin] += 1
    assert set(seen) == set(Grammar(options={}).bins())


def test_most_drafts_pass_the_gates_in_every_type() -> None:
    accepted, total = Counter[str](), Counter[str]()
    with SandboxPool() as pool:
        for seed in range(8):
            made = rooms.random_scene(seed)
            drafts = propose(made, brief(count=40, seed=seed))
            verdicts = ground(
                made,
                rooms.frame_ids(made),
                drafts,
                programs=ProgramSettings(),
                min_pixel_share=SHARE,
                pool=pool,
            )
            total.update(d.question.question_type for d in drafts)
            accepted.update(
                d.question.question_type
                for d, v in zip(drafts, verdicts, strict=True)
                if v.status == "accepted"
            )
    assert set(total) == set(FAMILIES)
    assert {kind: accepted[kind] / total[kind] for kind in total if accepted[kind] < 0.75 * total[kind]} == {}


def test_the_trivial_bin_is_trivial(many: list[tuple[Scene, list[Draft]]]) -> None:
    ones = [(made, d) for made, drafts in many for d in drafts if d.bin == "object_counting/one"]
    assert ones
    assert {independent(made, draft) for made, draft in ones} == {1}


def test_texts_name_exactly_what_is_mentioned(many: list[tuple[Scene, list[Draft]]]) -> None:
    for made, drafts in many:
        for draft in drafts:
            text = draft.question.text
            assert all(strangers(text, (), [name]) for name in draft.mentions), text
            assert not strangers(
                text, draft.mentions, [*rooms.SINGLES, *rooms.GROUPS, "room", "video"][:-2]
            ), text
            # Every mention is a name in the program and no other category is.
            assert {c for c in {o.category for o in made.objects} if f'"{c}"' in draft.program.source} == set(
                draft.mentions
            )


def test_texts_are_questions_except_the_form_with_blanks(many: list[tuple[Scene, list[Draft]]]) -> None:
    for _, drafts in many:
        for draft in drafts:
            text = draft.question.text
            assert text.endswith("?") or (
                draft.question.question_type == "route_planning" and "[please" in text
            )
            assert "{" not in text and "  " not in text and text == text.strip()


def test_each_type_has_three_wordings_and_uses_them(many: list[tuple[Scene, list[Draft]]]) -> None:
    used = defaultdict(set)
    for _, drafts in many:
        for draft in drafts:
            question = draft.question
            forms = [
                wording
                for wording in FAMILIES[question.question_type].wordings
                if re.fullmatch(re.sub(r"\\{\w+\\}", ".+", re.escape(wording)), question.text)
            ]
            assert forms, question.text
            used[question.question_type].update(forms)
    for kind, family in FAMILIES.items():
        assert len(family.wordings) >= 3
        assert used[kind] == set(family.wordings)


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


def test_no_side_is_favoured(many: list[tuple[Scene, list[Draft]]]) -> None:
    # Sectors are unequal (back is a quarter of the circle): asked for evenly, each is a third all the same.
    sides = Counter(
        independent(made, draft)
        for made, drafts in many
        for draft in drafts
        if draft.bin in ("object_rel_direction_medium/clear_large", "object_rel_direction_medium/clear_small")
    )
    assert min(sides.values()) > 0.2 * sides.total(), sides


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


def test_a_question_that_only_some_wordings_can_say_uses_those() -> None:
    # "tv", "video": a category that some wordings contain as a word must not be named by accident.
    spots = [
        ("video", (0.0, 0.0, 0.5), (1.0, 1.0, 1.0), 0.0),
        *[("chair", (2.0 * k, 3.0, 0.5), (0.5, 0.5, 1.0), 0.0) for k in range(3)],
    ]
    made = rooms.scene(spots)
    for seed in range(20):
        for draft in propose(made, brief(seed=seed), include=["object_counting/few*"]):
            assert "video" not in draft.question.text


def test_small_hidden_or_ambiguous_things_are_not_named() -> None:
    row = [0.05] * rooms.FRAMES
    spots = [
        ("bed", (0.0, 0.0, 0.5), (2.0, 1.5, 1.0), 0.0),
        ("sofa", (4.0, 0.0, 0.5), (2.0, 1.0, 1.0), 0.0),
        ("clock", (2.0, 3.0, 1.5), (0.3, 0.1, 0.3), 0.0),  # a few pixels only
        ("mirror", (4.0, 3.0, 1.5), (0.6, 0.1, 0.9), 0.0),  # never in view
        ("table", (0.0, 3.0, 0.4), (1.0, 0.8, 0.8), 0.0),  # a coffee table is a table as well
        ("coffee table", (2.0, 1.5, 0.3), (0.8, 0.5, 0.5), 0.0),
        ("blinds", (5.0, 2.0, 1.5), (0.1, 1.0, 1.2), 0.0),  # a plural: "the blinds is"
    ]
    shares = [row, row, [0.0, 0.0, 0.003, 0.0, 0.0, 0.0], [0.0] * rooms.FRAMES, row, row, row]
    named = {
        name
        for seed in range(5)
        for d in propose(rooms.scene(spots, shares), brief(seed=seed))
        for name in d.mentions
    }
    assert named == {"bed", "sofa", "coffee table"}


def test_order_is_not_asked_where_few_pixels_or_other_frames_decide_it() -> None:
    spots = [
        (name, (float(k), 0.0, 0.5), (0.5, 0.5, 1.0), 0.0)
        for k, name in enumerate(("bed", "sofa", "desk", "lamp"))
    ]
    shares = [
        [0.0, 0.05, 0.05, 0.05, 0.05, 0.05],
        [0.0015, 0.0, 0.0, 0.05, 0.05, 0.05],  # just below the threshold in frame 0
        [0.0, 0.0, 0.0, 0.0, 0.05, 0.05],
        [0.0, 0.0, 0.05, 0.05, 0.05, 0.05],
    ]
    asked = {
        frozenset(d.mentions) for d in propose(rooms.scene(spots, shares), brief(), include=["obj_app*"])
    }
    assert frozenset(("bed", "lamp")) in asked
    assert all("sofa" not in names for names in asked)
    # Sampling every other frame makes the lamp and the bed come up in one; the desk is second in any case.
    made = rooms.scene(spots, shares)
    drafts = Grammar(options={"include": ["obj_app*"]}).propose(made, ("f0", "f2", "f4"), brief())
    assert {frozenset(d.mentions) for d in drafts} == {
        frozenset(("bed", "desk")),
        frozenset(("lamp", "desk")),
    }


def test_an_order_that_the_sampled_frames_reverse_is_not_asked() -> None:
    spots = [(name, (float(k), 0.0, 0.5), (0.5, 0.5, 1.0), 0.0) for k, name in enumerate(("bed", "sofa"))]
    shares = [[0.0, 0.0, 0.05, 0.05, 0.05, 0.05], [0.0, 0.05, 0.0, 0.0, 0.05, 0.05]]
    made = rooms.scene(spots, shares)  # the sofa comes first, but not in frames 0, 2 and 4
    grammar = Grammar(options={"include": ["obj_app*"]})
    assert grammar.propose(made, ("f0", "f2", "f4"), brief()) == []
    assert len(grammar.propose(made, rooms.frame_ids(made), brief())) == 1


def test_no_route_leads_through_furniture() -> None:
    def routes(table: bool) -> set[tuple[str, ...]]:
        spots = [
            ("bed", (0.0, 0.0, 0.5), (0.5, 0.5, 1.0), 0.0),
            ("sofa", (3.0, 0.0, 0.5), (0.5, 0.5, 1.0), 0.0),
            ("door", (0.0, 3.0, 1.0), (0.9, 0.1, 2.0), 0.0),
        ]
        if table:
            spots += [("chair", (0.0, 1.5, 0.5), (0.5, 0.5, 1.0), 30.0)] * 2
        return {d.mentions for d in propose(rooms.scene(spots), brief(), include=["route_planning/*"])}

    assert ("bed", "sofa", "door") in routes(table=False)
    assert ("bed", "sofa", "door") not in routes(table=True)
    assert ("bed", "door", "sofa") in routes(table=True)


def test_stated_resolution_is_in_text_and_program(many: list[tuple[Scene, list[Draft]]]) -> None:
    stated = {
        "object_abs_distance/1m_far": ("whole meters", '"m", 1)'),
        "object_abs_distance/half_m": ("nearest half meter", '"m", 0.5)'),
        "object_abs_distance/tenth_m": ("one decimal place", '"m")'),
        "object_abs_distance/1cm": ("whole centimeters", '"cm")'),
        "object_size_estimation/10cm_large": ("nearest 10", '"cm", 10)'),
        "room_size_estimation/5m2": ("nearest 5", '"m2", 5)'),
    }
    met = set()
    for _, drafts in many:
        for draft in drafts:
            if draft.bin in stated:
                words, call = stated[draft.bin]
                assert words in draft.question.text and call in draft.program.source
                met.add(draft.bin)
    assert met == set(stated)


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
    page = (Path(__file__).parents[2] / "docs" / "families.md").read_text("utf-8")
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    for name, family in FAMILIES.items():
        for label, knob in family.knobs.items():
            assert knob.note in rows[f"{name}/{label}"], f"docs/families.md: {name}/{label}"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6), st.integers(0, 14), st.integers(0, 4), st.floats(2.0, 15.0))
def test_random_scenes_give_well_formed_drafts(seed: int, singles: int, groups: int, side_m: float) -> None:
    made = rooms.random_scene(seed, singles=singles, groups=groups, side_m=side_m, turned=False)
    counts = Counter(o.category for o in made.objects)
    for draft in propose(made, brief(count=30, seed=seed)):
        expected = independent(made, draft)
        options = draft.question.options
        if isinstance(expected, str):
            assert 2 <= len(set(options)) == len(options) <= 4 and expected in options
        else:
            assert expected > 0 and options == ()
        if draft.question.question_type not in (
            "object_counting",
            "object_rel_distance",
            "obj_appearance_order",
        ):
            assert all(counts[name] == 1 for name in draft.mentions)
        if draft.question.question_type == "object_rel_distance":
            gaps = sorted(
                min(aligned_gap(of(made, draft.mentions[0])[0], o) for o in of(made, name))
                for name in options
            )
            assert gaps[0] >= 0.15 and gaps[1] - gaps[0] >= (0.5 if made.room.area_m2 > 40 else 0.25)


@pytest.mark.parametrize("scheme_type", ["easy", "medium", "hard"])
def test_expected_answers_inside_the_proposer_are_right(scheme_type: str) -> None:
    made = rooms.random_scene(11)
    view = look(made, rooms.frame_ids(made), visible_share=SHARE, large_share=0.02)
    kind = f"object_rel_direction_{scheme_type}"
    asks: list[tuple[str, Ask]] = [
        (f"{kind}/{label}", ask)
        for label, knob in FAMILIES[kind].knobs.items()
        for ask in knob.find(view, rng("asks", label))
    ]
    assert len(asks) > 50
    borders = {"easy": (0, 180, -180), "medium": (0, 135, -135), "hard": (0, 90, -90, 180, -180)}[scheme_type]
    for name, ask in asks:
        stand, facing, target = (plan(of(made, category)[0]) for category in ask.mentions)
        angle = left_of(facing - stand, target - stand)
        clearance = min(abs(angle - border) for border in borders)
        assert clearance >= 12
        assert (clearance >= 25) == ("clear" in name)
        side = "left" if angle > 0 else "right"
        assert side in str(ask.expected) or (scheme_type == "medium" and abs(angle) > 135)
