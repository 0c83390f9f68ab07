"""Plug-ins by entry point. Ours are found the same way as a third party's."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from ouroboros_data.errors import PluginError

Kind = Literal["scene_adapters", "proposers", "solvers", "chat_models", "reviewers"]
_EXTRA = {
    name: "solver" for name in ("torch", "transformers", "safetensors", "tokenizers", "peft", "accelerate")
}
_EXTRA |= {"vllm": "vllm", "decord": "decord", "httpx2": "openai"}


def known(kind: Kind) -> dict[str, EntryPoint]:
    """Entry points of one group by name; nothing is imported."""
    return {entry.name: entry for entry in sorted(entry_points(group=f"ouroboros_data.{kind}"))}


def find(kind: Kind, name: str) -> EntryPoint:
    """The entry point of a name, not imported (raises PluginError that lists the known names)."""
    entries = known(kind)
    if name not in entries:
        listed = ", ".join(entries) or "none: is ouroboros-data installed?"
        raise PluginError(f"no {kind[:-1].replace('_', ' ')} named {name!r}", fix=f"known: {listed}")
    return entries[name]


def load(kind: Kind, name: str) -> Any:
    """Import the one plug-in that is named.

    Raises:
        PluginError: No such name (lists the known ones), or its import failed (names the extra to install).
    """
    entry = find(kind, name)
    try:
        return entry.load()
    except ImportError as error:
        extra = _EXTRA.get((error.name or "").split(".")[0])
        fix = (
            f"pip install 'ouroboros-data[{extra}]'"
            if extra
            else "ouroboros-data doctor tells what is missing"
        )
        raise PluginError(f"{name!r} cannot be imported: {error}", where=entry.value, fix=fix) from error
