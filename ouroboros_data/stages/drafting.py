"""Drafts of proposers that are called in the main process, stored before anything is checked: nothing is asked twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ouroboros_data.errors import StoreError
from ouroboros_data.ids import content_hash
from ouroboros_data.plugins import FrameSource, HostProposer, Proposal
from ouroboros_data.records import from_json, to_json
from ouroboros_data.store import RunStore
from ouroboros_data.types import Discarded, Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is wanted of one shard."""

    identity: Any
    """JSON-like: everything that the drafts depend on."""
    items: Callable[[], Sequence[Proposal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """What came of one shard: drafts by scene, and all that came to nothing."""

    drafts: tuple[tuple[Draft, ...], ...]
    discarded: tuple[Discarded, ...]


def drafted(
    proposer: HostProposer, shards: Sequence[Wanted], frames: FrameSource | None, store: RunStore
) -> list[Drafted]:
    """The drafts of each shard, in order. Those that are not stored yet are asked for in one call.

    Raises:
        ModelError: The proposer's model cannot be asked; what was stored stays.
        StoreError: A unit cannot be written or read.
    """
    keys = [content_hash("drafts", shard.identity) for shard in shards]
    items = [list(shard.items()) for shard in shards]
    todo = [i for i, key in enumerate(keys) if not store.done("drafts", key)]
    flat = [item for i in todo for item in items[i]]
    made = proposer.propose_many(flat, frames) if flat else []
    assert len(made) == len(flat), "a proposer gives one list a scene"
    rest = iter(made)
    for i in todo:
        rows = [_row(place, one) for place in range(len(items[i])) for one in next(rest)]
        store.write("drafts", keys[i], rows)
    return [_read(store, key, len(own)) for key, own in zip(keys, items, strict=True)]


def _row(place: int, made: Draft | Discarded) -> dict[str, Any]:
    return {"scene": place, "draft" if isinstance(made, Draft) else "discarded": to_json(made)}


def _read(store: RunStore, key: str, scenes: int) -> Drafted:
    where = f"units/drafts/{key}.jsonl"
    drafts: list[list[Draft]] = [[] for _ in range(scenes)]
    discarded = []
    for row in store.read("drafts", key):
        if "draft" in row:
            drafts[row["scene"]].append(from_json(Draft, row["draft"], where=where, error=StoreError))
        else:
            discarded.append(from_json(Discarded, row["discarded"], where=where, error=StoreError))
    return Drafted(drafts=tuple(map(tuple, drafts)), discarded=tuple(discarded))
