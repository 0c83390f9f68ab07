"""What a question's wording asks for, as a set of notions, so that two wordings can be held against each other.

A list of words cannot understand a question. It can tell that two texts differ in a notion that changes what is asked:
closest and farthest, width and height, first and last. What differs only in words that are on no list counts as the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_NOTIONS: tuple[tuple[str, str], ...] = (
    # Longer phrases first: what they took is gone for the words after them.
    ("gap", r"closest points?|nearest points?|(?:shortest|smallest|minimum|least)(?: gap|(?= distance))|at (?:its|the|their) narrowest(?: point)?|\bgaps?"),
    ("distance", r"distances?|how far|far apart|apart|how wide is the"),
    ("middle", r"cent(?:er|re)s?(?: points?)?|middles?|midpoints?"),
    ("straight ahead", r"straight ahead|ahead"),
    ("count", r"how many|numbers? of|counts?|counting|counted|what number"),
    ("difference", r"difference|how much (?:more|less|taller|longer|wider|larger|bigger|higher|farther|further|closer)|by how much"),
    ("sum", r"total|sum|combined|altogether|added|adding|put together"),
    ("average", r"average|mean"),
    ("product", r"multipl\w+|product"),
    ("fewer", r"at most|no more than"),
    ("more", r"at least|no (?:less|fewer) than"),
    ("ratio", r"times as|ratio|twice|percent\w*"),
    ("nearest", r"closest|nearest|closer|nearer|near|nearby"),
    ("farthest", r"farthest|furthest|farther|further|most distant|most remote"),
    ("taller", r"taller|tallest|higher|highest"),
    ("lower", r"lower|lowest"),
    ("shorter", r"shorter|shortest"),
    ("longer", r"longer|longest"),
    ("wider", r"wider|widest"),
    ("narrower", r"narrower|narrowest"),
    ("larger", r"larger|largest|bigger|biggest|greater|greatest|maximum"),
    ("smaller", r"smaller|smallest|minimum|littlest"),
    ("more", r"more|most"),
    ("fewer", r"fewer|fewest|less|least"),
    ("length", r"length|lengthwise|how long|long"),
    ("width", r"width|how wide|wide"),
    ("height", r"height|how tall|tall|how high|high"),
    ("volume", r"volume|cubic"),
    ("footprint", r"footprint"),
    ("area", r"area|square"),
    ("size", r"size|how large|how big|large|big"),
    ("perimeter", r"perimeter|circumference"),
    ("left", r"left(?:-hand)?|leftmost"),
    ("right", r"right(?:-hand)?|rightmost"),
    ("back", r"back|behind|rear"),
    ("front", r"in front|front"),
    ("above", r"above|over"),
    ("below", r"below|under|underneath|beneath"),
    ("inside", r"inside|within|contain\w*"),
    ("on top", r"on top|upon|rest(?:s|ing)? on|stand(?:s|ing)? on|l(?:ies|ying) on|sit(?:s|ting)? on|support\w*"),
    ("first", r"first(?:-time)?|earliest|earlier|initial\w*|beginning"),
    ("last", r"last|latest|later|final\w*"),
    ("before", r"before"),
    ("after", r"after(?:wards?)?"),
    ("order", r"order|sequence|sort|rank\w*|arrange"),
    ("appear", r"appear\w*|come(?:s)? into view|into view|show(?:s|n|ed|ing)? up|visible"),
    ("camera", r"cameras?|viewer|photographer"),
    ("frame", r"frames?|pictures?|images?|views?"),
    ("turn", r"turn(?:s|ed|ing)?|rotat\w+"),
    ("walk", r"walk\w*|path|route|way|steps?|navigat\w+|drives?|robot"),
    ("move", r"mov(?:e|es|ed|ing)|shift\w*|push\w*|pull\w*|carr(?:y|ied)|slid\w*|swap\w*|remov\w+|plac(?:e|ed|ing)|put"),
    ("wall", r"walls?"),
    ("door", r"doorways?"),
    ("not", r"not|n't|never|without|except|excluding|other than|besides|apart from|ignoring|neither|nor"),
    ("both", r"both|all of|every|each of"),
    ("second", r"second|third|fourth|2nd|3rd|4th|next"),
)  # fmt: skip
_SEARCH = [(name, re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])")) for name, pattern in _NOTIONS]
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")
_WORD_NUMBERS = {
    name: str(value)
    for value, name in enumerate(
        "two three four five six seven eight nine ten eleven twelve".split(), start=2
    )
}
_CUES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(rf"(?<![\w-])(?:{pattern})$"))
    for name, pattern in (
        ("facing", r"(?:facing|face|faces|towards?|look\w* (?:\w+ )?(?:at|to))(?: \w+ly)?"),
        ("away", r"away from|back to"),
        ("than", r"than"),
        ("to", r"to"),
        ("from", r"from"),
        ("before", r"before|in front of"),
        ("after", r"after"),
        ("on", r"on(?: top of)?|onto|upon"),
        ("at", r"at|by|next to|beside|near|where|(?:position|place|side) of"),
        ("in", r"in|inside|into|within"),
        ("over", r"above|over"),
        ("under", r"below|under|beneath"),
        ("behind", r"behind"),
        ("with", r"with"),
        ("for", r"for"),
        ("as", r"as"),
    )
)
_ARTICLE = re.compile(r"(?:\s+(?:the|a|an|any|this|that|your|its|their))?\s*$")


def notions(text: str) -> frozenset[str]:
    """The notions that a lower-case text touches, and its numbers as ``#135``."""
    found = set()
    for name, pattern in _SEARCH:
        text, hits = pattern.subn(" ", text)
        if hits:
            found.add(name)
    found |= {f"#{number}" for number in _NUMBER.findall(text)}
    found |= {f"#{_WORD_NUMBERS[word]}" for word in re.findall(r"[a-z]+", text) if word in _WORD_NUMBERS}
    return frozenset(found)


def cue(before: str) -> str:
    """Which part a name has in a sentence, by the words before it: ``facing``, ``than``, ``at`` and so on, or nothing.

    Args:
        before: The lower-case text up to the name.
    """
    before = " ".join(_ARTICLE.sub("", before).split())
    return next((name for name, pattern in _CUES if pattern.search(before)), "")


def cues(text: str, names: Mapping[int, str]) -> dict[str, frozenset[str]]:
    """Cues of each name in a text.

    Args:
        text: Lower case.
        names: What is named, by the place in the text where the name begins.
    """
    found: dict[str, set[str]] = {}
    for start, name in names.items():
        found.setdefault(name, set()).add(cue(text[:start]))
    return {name: frozenset(kinds) for name, kinds in found.items()}


def order(names: Sequence[str]) -> tuple[str, ...]:
    """Names in the order of their first mention."""
    return tuple(dict.fromkeys(names))
