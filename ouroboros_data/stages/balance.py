"""Takes rows out of a round until no answer is more common than chance would make it."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Sequence

from ouroboros_data.ids import content_hash
from ouroboros_data.stages.gates import Rejection, reject
from ouroboros_data.types import Draft, Verdict

Item = tuple[Draft, Verdict]
Group = tuple[str, ...]

SPREAD = 2.0
"""Standard deviations of a fair draw that are left alone."""
ALWAYS = 4
"""So many of a kind may stay whatever the others: of a handful, none can be told to be too common."""
BOTH_ASKED = 8
"""A type asks for both ends of a ranking when each end comes at least so often; below it the other end is an exception."""

_NEAR = re.compile(r"\b(?:closest|nearest)\b(?!\s+points?\b)")
_FAR = re.compile(r"\b(?:farthest|furthest)\b")


def most(counts: Sequence[int], kinds: int) -> int:
    """How many of each kind may stay: `ALWAYS`, or at most `SPREAD` standard deviations over an even share of what stays.

    Args:
        counts: How often each kind occurs.
        kinds: How many kinds there could be.
    """
    for limit in range(max(counts), ALWAYS, -1):
        share = sum(min(count, limit) for count in counts) / kinds
        if limit <= share + SPREAD * math.sqrt(share):
            return limit
    return ALWAYS


def balance(items: Sequence[Item]) -> dict[int, Rejection]:
    """Which accepted rows of a round to take out, and why; the rest stays as it is.

    Letters are weighed per question type and number of options, answers per type and set of options (also yes and
    no), then closest against farthest per type that asks for both. Of what is too common, the rows that go are
    drawn by a hash of their question's id: nothing of the answer, margin or order decides.

    Args:
        items: All drafts of one round with their verdicts.
    """
    out: dict[int, Rejection] = {}
    rules: tuple[tuple[str, Callable[[Item], tuple[Group, str, int] | None]], ...] = (
        ("letter", _letter),
        ("answer", _answer),
        ("wording", _end),
    )
    for reason, classify in rules:
        groups: dict[tuple[Group, int], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for i, item in enumerate(items):
            found = classify(item) if item[1].status == "accepted" and i not in out else None
            if found is not None:
                group, kind, kinds = found
                groups[group, kinds][kind].append(i)
        for (_, kinds), members in sorted(groups.items()):
            out |= _too_many(items, members, kinds, reason)
    return out


def _too_many(
    items: Sequence[Item], members: dict[str, list[int]], kinds: int, reason: str
) -> dict[int, Rejection]:
    counts = {kind: len(rows) for kind, rows in members.items()}
    if reason == "wording" and (len(counts) < kinds or min(counts.values()) < BOTH_ASKED):
        return {}
    limit = most(list(counts.values()), kinds)
    gone: dict[int, Rejection] = {}
    for kind, rows in sorted(members.items()):
        drawn = sorted(rows, key=lambda i: content_hash("balance", items[i][0].question.id))
        detail = f"{kind!r} {len(rows)} times of {sum(counts.values())}, {limit} stay"
        gone |= dict.fromkeys(drawn[limit:], reject("balance", reason, detail))
    return gone


def _letter(item: Item) -> tuple[Group, str, int] | None:
    draft, verdict = item
    if verdict.answer is None or verdict.answer.type != "choice":
        return None
    kinds = len(draft.question.options)
    return (draft.question.question_type,), verdict.answer.text, kinds


def _answer(item: Item) -> tuple[Group, str, int] | None:
    draft, verdict = item
    if verdict.answer is None or verdict.answer.type not in ("choice", "boolean"):
        return None
    options = draft.question.options or ("no", "yes")
    said = verdict.answer.text if verdict.answer.type == "boolean" else str(verdict.answer.value)
    return (draft.question.question_type, *sorted(options)), said, len(options)


def _end(item: Item) -> tuple[Group, str, int] | None:
    draft, _ = item
    text = draft.question.text.lower()
    near, far = bool(_NEAR.search(text)), bool(_FAR.search(text))
    return ((draft.question.question_type,), "closest" if near else "farthest", 2) if near != far else None
