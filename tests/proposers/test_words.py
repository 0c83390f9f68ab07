from __future__ import annotations

import pytest

from ouroboros_data.proposers.words import pointable, strangers


@pytest.mark.parametrize(
    ("name", "others", "answer"),
    [
        ("table", ["table", "chair"], True),
        ("table", ["table", "coffee table"], False),
        ("coffee table", ["table", "coffee table"], True),
        ("chair", ["chair", "armchair"], False),
        ("shelf", ["shelf", "bookshelf"], False),
        ("book", ["book", "books"], False),
        ("blinds", ["blinds"], False),
        ("floor", ["floor"], False),
        ("object 3", ["object 3"], False),
        ("tv", ["tv", "tv stand"], True),
    ],
)
def test_pointable(name: str, others: list[str], answer: bool) -> None:
    assert pointable(name, others) is answer


def test_strangers_are_whole_words_in_either_number() -> None:
    categories = ["table", "coffee table", "chair", "lamp", "shelf"]
    text = "How far is the coffee table from the lampshade and the Shelves?"
    assert strangers(text, ["coffee table"], categories) == {"shelf"}
    assert strangers(text, [], categories) == {"coffee table", "shelf"}
    assert strangers(text, ["table"], categories) == {"coffee table", "shelf"}
