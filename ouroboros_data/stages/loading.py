"""Scenes out of an adapter one by one, so that a bad one costs itself and not the run."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from ouroboros_data.engine.local import LocalEngine
from ouroboros_data.errors import OuroborosError, SceneError, StoreError
from ouroboros_data.plugins import SceneAdapter
from ouroboros_data.types import Scene, SceneRef

KILLED = "loading it ends its worker process, most likely for lack of memory (use fewer --workers)"
A = TypeVar("A")
R = TypeVar("R")


def load_usable(adapter: SceneAdapter, ref: SceneRef, media: Path) -> Scene:
    """Load a scene that questions can be asked about.

    Raises:
        SceneError: The adapter cannot load it, or it has no objects or no posed frames.
    """
    scene = adapter.load(ref, media)
    if not scene.objects:
        raise SceneError("the scene has no objects", where=ref.id, fix="annotate it or leave it out")
    if not scene.frames:
        raise SceneError("the scene has no posed frames", where=ref.id, fix="check its video and poses")
    return scene


def bug(error: Exception) -> str:
    """One line about an exception that an adapter should not have let out."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    at = f"{Path(place.filename).name}:{place.lineno}"
    return f"the adapter failed: {type(error).__name__} at {at}: {' '.join(str(error).split())[:200]}"


def run_each(
    function: Callable[[A], R], items: Sequence[A], workers: int, *, died: R
) -> Iterator[tuple[A, R]]:
    """Results as they come, in worker processes. An item that takes its process down gives ``died``, others go on.

    Interrupted, it ends the workers at once: for work that appears whole or not at all.

    Args:
        function: At module level; its failures are results, but for StoreError.
        items: What it is called with, one by one.
        workers: Processes; 0 means one per core, 1 works in this process, where nothing can be caught that ends it.
        died: See above.

    Raises:
        StoreError: From ``function``.
    """
    todo = dict(enumerate(items))
    while todo:
        numbers = list(todo)
        engine = LocalEngine(workers)
        try:
            for position, result in engine.map(function, [todo[n] for n in numbers]):
                yield todo.pop(numbers[position]), result
        except StoreError:
            raise
        except (
            OuroborosError
        ):  # a worker died, over one of those that were handed out: try each of them alone
            for number in [n for n in numbers if n in todo][: 2 * engine.workers]:
                item = todo.pop(number)
                yield item, _alone(function, item, died)
        finally:
            engine.kill()


def _alone(function: Callable[[A], R], item: A, died: R) -> R:
    engine = LocalEngine(2)  # with 1, it would run in this process
    try:
        return next(result for _, result in engine.map(function, [item]))
    except StoreError:
        raise
    except OuroborosError:
        return died
    finally:
        engine.kill()
