"""Which tables and ways a program's text asks for, and which words mean which category."""

from __future__ import annotations

import hand_scenes as hand
import layouts
import pytest

from ouroboros_data.programs import api, names, uses
from ouroboros_data.programs.measures import _MAKERS
from ouroboros_data.programs.sandbox import SandboxPool

CATEGORIES = ("bed", "sofa", "chair", "chair", "lamp", "desk")
BED, SOFA, CHAIR, CHAIR_2, LAMP, DESK = range(6)


def ways(*lines: str) -> set[tuple[int, int]]:
    return set(uses.way_pairs("def answer():\n" + "".join(f"    {line}\n" for line in lines), CATEGORIES))


def test_every_table_has_a_maker_and_every_function_is_there():
    assert set(uses.TABLE_OF.values()) == {*_MAKERS, "ways"}
    assert all(f"def {name}(" in api.prelude() for name in api.FUNCTIONS)
    assert not any(f"def {name}(" in api.prelude(whole=False) for name in uses.TABLE_OF)


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("return number(distance(only('bed'), only('sofa')), 'm')", set()),
        ("return boolean(supports(only('bed'), only('lamp')))", {"on"}),
        ("f = above\n    return boolean(f(only('bed'), only('lamp')))", {"above"}),
        ("x = camera_moved(0, 1)\n    return number(x, 'm')  # not inside anything", {"cameras"}),
        ("return boolean(ｏｎ(only('bed')) == [])", {"on"}),  # Python reads the wide letters as plain ones
        ("return choice('on', ['on', 'above'])", set()),
    ],
)
def test_tables_are_those_of_the_names_in_the_text(text, tables):
    assert uses.needs([f"def answer():\n    {text}\n"], CATEGORIES).tables == tables


@pytest.mark.parametrize(
    ("lines", "pairs"),
    [
        (['return number(path_length(only("bed"), only("sofa")), "m")'], {(BED, SOFA)}),
        (['bed = only("Beds")', 'x = path_length(only("couch"), bed)'], {(BED, SOFA)}),
        (
            ['door, sofa = only("lamp"), only("sofa")', "x = path_length(door, sofa)"],
            {(SOFA, LAMP)},
        ),
        (
            ['x = min(objects("chair"), key=lambda c: path_length(only("bed"), c))'],
            {(BED, CHAIR), (BED, CHAIR_2)},
        ),
        (
            ['x = [path_length(only("bed"), only(name)) for name in ["sofa", "lamp"]]'],
            {(BED, SOFA), (BED, LAMP)},
        ),
        (
            ["near = {}", 'for name in ("sofa", "desk"):', '    near[name] = path_length(only("bed"), only(name))'],
            {(BED, SOFA), (BED, DESK)},
        ),
        (
            ['a = closest(only("bed"), objects("chair", "lamp"))', 'x = path_length(a, only("sofa"))'],
            {(SOFA, CHAIR), (SOFA, CHAIR_2), (SOFA, LAMP)},
        ),
        (
            ["found = []", 'found.append(only("desk"))', 'for i, o in enumerate(found):', '    path_length(o, only("bed"))'],
            {(BED, DESK)},
        ),
        (
            ['things = {n: only(n) for n in ["lamp"]}', 'x = path_length(things["lamp"], only("bed"))'],
            {(BED, LAMP)},
        ),
        # Nobody can tell what goes in here: everything that the program names.
        (['def way(a, b):', '    return path_length(a, b)', 'x = way(only("bed"), only("lamp"))'], {(BED, LAMP)}),
        (['f = path_length', 'x = f(only("bed"), only("lamp"))'], {(BED, LAMP)}),
        (['x = path_length(*[only("bed"), only("lamp")])'], {(BED, LAMP)}),
        (['x = path_length(objects()[0], only("bed"))'], {(BED, i) for i in range(1, 6)}),
        (['x = path_length(only("bed"), only("piano"))'], set()),
    ],
)  # fmt: skip
def test_ways_are_sought_between_what_the_arguments_may_be(lines, pairs):
    assert ways(*lines) == {(min(pair), max(pair)) for pair in pairs}


def test_no_ways_where_there_are_too_many():
    source = "def answer():\n    return number(path_length(objects()[0], objects()[1]), 'm')\n"
    assert len(uses.way_pairs(source, CATEGORIES)) == 15
    assert not uses.way_pairs(source, tuple(f"thing {i}" for i in range(8)))  # 28 pairs


def test_a_way_does_not_depend_on_the_neighbours():
    """The second program hides what it asks about; the first one's table has that pair, and must not help it."""
    layout = layouts.scene(
        hand.box("b", "bed", (1.0, 2.0, 0.5), (1.0, 1.0, 1.0)),
        hand.box("s", "sofa", (5.0, 2.0, 0.5), (1.0, 1.0, 1.0)),
        floor=layouts.HALL,
    )
    plain = 'def answer():\n    return number(path_length(only("bed"), only("sofa")), "m")'
    hidden = plain.replace('"bed"', '"be" + "d"').replace('"sofa"', '"so" + "fa"')
    near = 'def answer():\n    return number(distance(only("bed"), only("sofa")), "m")'
    tables = api.tables(layout, None, hand.SHARE)
    with SandboxPool() as pool:
        found = pool.run(tables, [plain, hidden, near, plain])
        alone = [pool.run(tables, [source])[0] for source in (plain, hidden, near, plain)]
    assert found == alone
    assert [o.reason or o.answer.value for o in found] == [3.0, "too_many_pairs", 3.0, 3.0]


@pytest.mark.parametrize(
    ("word", "categories", "meant"),
    [
        ("Couches", ("sofa", "chair"), "sofa"),
        ("chairs", ("chair",), "chair"),
        ("Trash_Can", ("trash bin",), "trash bin"),
        ("shelves", ("shelf",), "shelf"),
        ("fridge", ("refrigerator",), "refrigerator"),
        ("sofa", ("couch", "sofa"), None),
        ("sofas", ("couch", "sofa"), None),
        ("chair", ("couch", "sofa", "chair"), "chair"),
        ("glasses", ("glass", "glasses"), "glasses"),  # a scene's own name before another one's plural
        ("glass", ("glass", "glasses"), "glass"),
        ("office chair", ("chair",), None),
        ("piano", ("chair",), None),
    ],
)
def test_words_for_categories(word, categories, meant):
    assert names.resolve(word, categories) == meant


@pytest.fixture(scope="module")
def ask():
    layout = layouts.scene(
        hand.box("s", "couch", (0, 0, 0), (1, 1, 1)),
        hand.box("b", "trash bin", (3, 0, 0), (1, 1, 1)),
        hand.box("c", "trash bin", (6, 0, 0), (1, 1, 1)),
        hand.box("t", "tv", (9, 0, 0), (1, 1, 1)),
        hand.box("u", "television", (12, 0, 0), (1, 1, 1)),
    )
    with SandboxPool() as pool:
        tables = api.tables(layout, None, hand.SHARE)

        def run(body: str):
            source = f"def answer():\n    {body}"
            outcome = pool.run(tables, [source])[0]
            assert pool.confirm(tables, [source], [outcome]) == [outcome]
            return outcome

        yield run


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('count("trash cans")', 2),
        ('count("Sofa", "garbage bin")', 3),
        ('count("couch", "sofas")', 1),
        ('len(objects("dustbins"))', 2),
        ('len([o for o in objects() if o.category == "couch"])', 1),
        ('only("sofa").frames == ()', True),
        ('count("piano")', 0),
    ],
)
def test_programs_may_use_other_words(ask, expression, value):
    assert ask(f"return number(int({expression}), 'count')").answer.value == value


def test_two_names_for_one_thing_are_unclear(ask):
    for expression in ('only("tv")', 'count("televisions")', 'objects("television", "couch")'):
        outcome = ask(f"{expression}\n    return number(1, 'count')")
        assert outcome.reason == "unclear", expression
        assert "more than one category" in outcome.detail
    assert ask("return number(len(categories()), 'count')").answer.value == 4


def test_a_miss_tells_what_is_there(ask):
    listed = "the scene has couch, television, trash bin, tv"
    assert listed in ask("return number(distance(only('piano'), only('sofa')), 'm')").detail
    outcome = ask("near = sorted(objects('pianos'))\n    return number(near[0].center[0], 'm')")
    assert outcome.reason == "runtime"
    assert outcome.detail.startswith("line 3, column") and f"no 'pianos' here, {listed}" in outcome.detail
