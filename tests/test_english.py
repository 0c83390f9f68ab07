from __future__ import annotations

import pytest

from ouroboros_data.english import in_plural, named_categories, namings, plural, plurals


@pytest.mark.parametrize(
    ("one", "several"),
    [
        ("chair", "chairs"),
        ("shelf", "shelves"),
        ("bookshelf", "bookshelves"),
        ("trash bin", "trash bins"),
        ("couch", "couches"),
        ("box", "boxes"),
        ("computer mouse", "computer mice"),
        ("lamp", "lamps"),
        ("key", "keys"),
        ("berry", "berries"),
        ("glass", "glasses"),
        ("bus", "buses"),
        ("piano", "pianos"),
        ("blinds", "blinds"),
        ("toilet brush", "toilet brushes"),
    ],
)
def test_plural(one: str, several: str) -> None:
    assert plural(one) == several
    assert plurals(one)[0] == several
    assert in_plural(several) or several.endswith("mice")
    assert one == several or not in_plural(one)


@pytest.mark.parametrize(
    ("one", "several"),
    [
        ("scarf", "scarfs"),
        ("roof", "rooves"),
        ("strife", "strives"),
        ("mango", "mangoes"),
        ("iris", "irises"),
    ],
)
def test_readers_know_rarer_plurals_too(one: str, several: str) -> None:
    assert several != plural(one)
    assert several in plurals(one)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("the coffee table and the tables", {"coffee table", "table"}),
        ("two coffee tables", {"coffee table"}),
        ("two coffee\n tables", {"coffee table"}),
        ("the shelves, the boxes and the trash cans", {"shelf", "box", "trash can"}),
        ("the curtains", {"curtains"}),
        ("how many box(es) are there", {"box"}),
        ("a bookshelf", set()),
        ("a table-like thing", set()),
    ],
)
def test_named_categories(text: str, names: set[str]) -> None:
    known = {"coffee table", "table", "shelf", "box", "trash can", "curtains"}
    assert named_categories(text, known) == names


def test_a_categorys_own_name_wins_over_anothers_plural() -> None:
    assert named_categories("the books", {"book", "books"}) == {"books"}


def test_namings_say_where_and_how() -> None:
    text = "from the chairs to the  lamp"
    assert [
        (name, found, text[m.start() : m.end()]) for name, found, m in namings(text, ["lamp", "chair"])
    ] == [
        ("chair", "chairs", "chairs"),
        ("lamp", "lamp", "lamp"),
    ]
    assert list(namings(text, [])) == []
