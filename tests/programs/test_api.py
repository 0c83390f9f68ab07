"""The program API on a room whose measures are worked out on paper."""

from __future__ import annotations

import math
from dataclasses import replace

import hand_scenes as hand
import pytest

from ouroboros_data.config import NoiseSettings
from ouroboros_data.digest import scene_digest
from ouroboros_data.errors import SandboxError, SceneError
from ouroboros_data.programs import api, results
from ouroboros_data.programs.run import run_program
from ouroboros_data.programs.sandbox import SandboxPool


@pytest.fixture(scope="module")
def pool():
    with SandboxPool() as opened:
        yield opened


@pytest.fixture(scope="module")
def ask(pool):
    tables = api.tables(hand.room(), None, hand.SHARE)

    def run(body: str):
        source = "def answer():\n" + "\n".join("    " + line for line in body.splitlines())
        return pool.run(tables, [source])[0]

    return run


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('distance(only("table"), objects("chair")[0])', 0.75),
        ('distance(only("table"), only("lamp"))', 0.0),
        ('distance(only("table"), only("tv"))', 2.4),
        ('distance(only("tv"), only("tv"))', 0.0),
        ('distance(only("lamp"), only("trash bin"))', math.sqrt(2.25**2 + 2.75**2 + 0.6**2)),
        ('center_distance(only("table"), objects("chair")[1])', 3.0),
        ('height(only("sofa"))', 0.8),
        ('length(only("sofa"))', 2.0),
        ('width(only("sofa"))', 0.9),
        ('longest(only("tv"))', 1.0),
        ('volume(only("table"))', 2.0),
        ("room_area()", 24.04),
        ("first_seen(only('tv'))", 1.0),
        ('bearing(only("table"), objects("chair")[0], objects("chair")[1])', 90.0),
        ('bearing(only("table"), objects("chair")[0], only("tv"))', 270.0),
        ('only("table").center[2]', 0.5),
        ('only("table").size[0]', 2.0),
        ('distance(only("table"), closest(only("table"), objects("tv", "chair", "table")))', 0.75),
        ('distance(only("table"), farthest(only("table"), objects("tv", "chair")))', 2.4),
        (
            'distance(only("table"), sorted(objects("chair"), key=lambda o: -distance(o, only("tv")))[0])',
            2.25,
        ),
        ("round(2.675, 2)", 2.67),
        ("round(3.45, 1)", 3.5),
        ("float(round(2.5))", 2.0),
        ("math.hypot(3, 4)", 5.0),
    ],
)
def test_measures(ask, expression, value):
    outcome = ask(f'return number({expression}, "m")')
    assert outcome.ok, outcome.detail
    assert outcome.answer.value == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('count("chair")', 2),
        ('count("chair", "tv")', 3),
        ('count("Trash_Bin")', 1),
        ('count("piano")', 0),
        ("count()", 7),
        ("len(objects())", 7),
        ("len(categories())", 6),
        ("sampled_frames()", 4),
        ('len(visible_frames(only("table")))', 2),
        ('len(only("sofa").frames)', 0),
    ],
)
def test_counts(ask, expression, value):
    assert ask(f'return number({expression}, "count")').answer.value == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('sector(only("table"), objects("chair")[0], objects("chair")[1], "left-right")', "left"),
        ('sector(only("table"), objects("chair")[0], only("tv"), "left-right")', "right"),
        ('sector(only("table"), objects("chair")[0], only("sofa"), "left-right-back")', "back"),
        ('sector(only("table"), objects("chair")[0], only("trash bin"), "quadrants")', "front-left"),
        ('sector(objects("chair")[1], only("table"), only("trash bin"), "left-right")', "left"),
        ('closest(only("tv"), objects("chair", "table")).category', "table"),
        ('objects("chair")[0].id', "c1"),
        ('"|".join(categories())', "chair|lamp|sofa|table|trash bin|tv"),
        # From the table, looking east: to the northern chair is a left turn, then east to the bin a right turn.
        (
            '"|".join(path_turns(only("table"), objects("chair")[0], objects("chair")[1], only("trash bin")))',
            "turn left|turn right",
        ),
        ('"|".join(path_turns(only("table"), objects("chair")[0], only("sofa")))', "turn back"),
    ],
)
def test_names(ask, expression, value):
    outcome = ask(f'return choice({expression}, [{value!r}, "something else"])')
    assert outcome.ok, outcome.detail
    assert (outcome.answer.value, outcome.answer.text) == (value, "A")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('only("chair")', "not_unique"),
        ('only("piano")', "no_such_object"),
        ('first_seen(only("sofa"))', "not_visible"),
        ('path_turns(only("table"), objects("chair")[0], objects("chair")[0])', "no_turn"),
        ('closest(only("table"), [])', "empty"),
        ('closest(only("table"), objects("table"))', "empty"),
        ('bearing(only("table"), only("table"), only("tv"))', "degenerate"),
        ('distance("table", "tv")', "bad_argument"),
        ('distance(objects("table"), only("tv"))', "bad_argument"),
        ('sector(only("table"), only("tv"), only("sofa"), "north")', "bad_argument"),
        ('try:\n    only("chair")\nexcept Exception:\n    pass', "not_unique"),  # cannot be caught
        ("1 / 0", "runtime"),
        ("undefined_name", "runtime"),
    ],
)
def test_failures_have_a_reason(ask, body, reason):
    outcome = ask(f'{body}\nreturn number(1.0, "m")')
    assert not outcome.ok
    assert outcome.reason == reason, outcome.detail
    assert outcome.detail and outcome.reason in results.REASONS


def test_a_runtime_error_shows_line_and_place(ask):
    detail = ask('table = only("table")\nreturn number(table.weight, "m")').detail
    assert detail.startswith("line 3, column") and "weight" in detail and "▶" in detail


def test_evidence_names_objects_in_their_roles(ask):
    outcome = ask(
        'chair = closest(only("table"), objects("chair"))\n'
        'return number(bearing(only("table"), chair, only("tv")), "deg")'
    )
    assert outcome.evidence.object_ids == ("t", "c1", "c2", "v")
    assert outcome.evidence.categories == ("chair", "table", "tv")
    assert outcome.evidence.calls == (
        "only(t)",
        "objects(c1,c2)",
        "closest(t,c1,c2)",
        "only(v)",
        "bearing(t,c1,v)",
    )


def test_symmetric_calls_leave_the_same_trace(ask):
    there = ask('return number(distance(only("table"), only("tv")), "m")').evidence.calls
    back = ask('return number(distance(only("tv"), only("table")), "m")').evidence.calls
    assert there[-1] == back[-1] == "distance(t,v)"


def test_only_the_sampled_frames_count():
    source = "def answer():\n    return number(first_seen(only('table')), 's')"
    assert run_program(source, hand.room()).answer.value == 0.0
    assert run_program(source, hand.room(), ("f1", "f3")).answer.value == 1.5
    assert run_program(source, hand.room(), ("f1",)).reason == "not_visible"
    assert run_program(source, hand.room(), min_pixel_share=0.15).answer.value == 0.0
    assert run_program(source, hand.room(), ("f3",), min_pixel_share=0.15).reason == "not_visible"
    with pytest.raises(SceneError, match="no frame 'f9'"):
        run_program(source, hand.room(), ("f9",))
    with pytest.raises(SandboxError, match="API '3'"):
        run_program(source, hand.room(), api_version="1")


def test_digest_ignores_the_place_and_nothing_else():
    scene = hand.room()
    assert scene_digest(replace(scene, root="/elsewhere")) == scene_digest(scene)
    first, *others = scene.objects
    moved = replace(first, center_m=(0.0, 0.0, 0.5000001))
    assert scene_digest(replace(scene, objects=(moved, *others))) != scene_digest(scene)
    assert len(scene_digest(scene)) == 64


def jitter(scene, multiple, copies=8, frames=None, share=hand.SHARE):
    drawn = api.draw_jitter(scene, frames, copies)
    return api.jittered_tables(drawn, min_pixel_share=share, noise=NoiseSettings(), multiple=multiple)


def test_copies_move_along_one_line():
    base = api.tables(hand.room(), None, hand.SHARE).copies[0]
    half, full = jitter(hand.room(), 0.5).copies, jitter(hand.room(), 1.0).copies
    assert jitter(hand.room(), 1.0).copies == full
    for k in range(8):
        x, x_half, x_full = base[0][0], half[k][0][0], full[k][0][0]
        assert x_full != x
        assert x_full - x == pytest.approx(2 * (x_half - x))
    assert len({tuple(copy[0]) for copy in full}) == 8


def test_noise_has_the_size_that_the_recipe_says():
    scene = hand.room()
    base = api.tables(scene, None, hand.SHARE).copies[0]
    copies = jitter(scene, 1.0, copies=200).copies
    shift = [copy[0][6 * i] - base[0][6 * i] for copy in copies for i in range(7)]
    area = [copy[3] / base[3] - 1 for copy in copies]
    height = [copy[0][6 * i + 5] / base[0][6 * i + 5] - 1 for copy in copies for i in range(7)]
    for values, sigma in ((shift, 0.02), (area, 0.02), (height, 0.03)):
        measured = math.sqrt(sum(v * v for v in values) / len(values))
        assert sigma * 0.85 < measured < sigma * 1.15


def test_only_borderline_views_flicker():
    scene = replace(hand.room(), frames=(hand.frame(0, {"t": 0.2, "c1": 0.0025, "v": 0.0015, "b": 0.0005}),))
    seen = [copy[2] for copy in jitter(scene, 1.0, copies=40).copies]
    index = {o.id: i for i, o in enumerate(scene.objects)}
    assert {s[index["t"]] for s in seen} == {1}
    assert {s[index["c1"]] for s in seen} == {0, 1}
    assert {s[index["v"]] for s in seen} == {0, 1}
    assert {s[index["b"]] for s in seen} == {0}
    assert {s[index["l"]] for s in seen} == {0}


def test_a_copys_box_does_not_depend_on_the_frames_asked_about():
    a, b = jitter(hand.room(), 1.0), jitter(hand.room(), 1.0, frames=("f2",))
    assert [c[:2] + c[3:] for c in a.copies] == [c[:2] + c[3:] for c in b.copies]


def test_every_documented_function_exists(ask):
    for name in api.FUNCTIONS:
        assert ask(f"{name}\nreturn boolean(True)").ok, name
    assert ask("math.pi\nreturn boolean(True)").ok


def test_documentation_lists_the_api(checkout):
    text = (checkout / "docs" / "program-api.md").read_text("utf-8")
    missing = [f for f in api.FUNCTIONS if f"`{f}(" not in text]
    missing += [r for r in results.REASONS if f"`{r}`" not in text]
    assert not missing
