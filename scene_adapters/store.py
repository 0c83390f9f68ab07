"""The `store` scene adapter: scenes that `ouroboros-data scenes ingest` has loaded before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ouroboros_data.errors import RecipeError, SceneError
from ouroboros_data.ids import content_hash
from ouroboros_data.scenes import store as scenestore
from ouroboros_data.types import Scene, SceneRef
from scene_adapters.option_checks import WHERE, read_options


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a recipe may say under ``scenes.options``."""

    sources: tuple[str, ...] = ()
    """Only scenes of these sources; all if empty."""


class Store:
    """Scenes of a store, in the order of their sources and ids."""

    def __init__(
        self, *, root: Path | None = None, seed: int = 0, options: Mapping[str, Any] | None = None
    ) -> None:
        """Read the store's index.

        Args:
            root: The store.
            seed: Not used: nothing is random here.
            options: See `Options`.

        Raises:
            SceneError: Not a store, or two sources have a scene of one id.
            RecipeError: No root, or an option is unknown or names a source that is not there.
        """
        if root is None:
            fix = "set scenes.root to the --out of `ouroboros-data scenes ingest`"
            raise RecipeError("store reads scenes from a directory", where="scenes.root", fix=fix)
        self.root = root
        wanted = read_options(Options, options or {}).sources
        entries = scenestore.entries(root)
        there = sorted({entry.source for entry in entries})
        for source in wanted:
            if source not in there:
                fix = f"it has {', '.join(there) or 'no scenes'}"
                raise RecipeError(f"sources: the store has no {source!r}", where=WHERE, fix=fix)
        self._entries: dict[str, scenestore.Entry] = {}
        for entry in entries:
            if wanted and entry.source not in wanted:
                continue
            if entry.id in self._entries:
                other = self._entries[entry.id].source
                raise SceneError(
                    f"{other} and {entry.source} both have a scene {entry.id}",
                    where=str(root),
                    fix=f"set scenes.options.sources to [{entry.source}] or [{other}]",
                )
            self._entries[entry.id] = entry

    def refs(self) -> list[SceneRef]:
        """One per scene; the key is that of the stored record."""
        return [self._ref(entry) for entry in self._entries.values()]

    def load(self, ref: SceneRef, media: Path) -> Scene:
        """Read one record; its pictures stay where they are, ``media`` is not used.

        Raises:
            SceneError: Not a scene of this store, its file is damaged, or its pictures are not there.
        """
        entry = self._entries.get(ref.id)
        if entry is None or ref != self._ref(entry):
            raise SceneError("not a scene of this store", where=ref.id, fix="list the scenes again")
        return scenestore.load(self.root, entry)

    @staticmethod
    def _ref(entry: scenestore.Entry) -> SceneRef:
        return SceneRef(id=entry.id, source=entry.source, key=content_hash("store", entry.digest))
