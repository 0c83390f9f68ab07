"""Furnished rooms from a seed, filmed by a walking camera."""

from scene_adapters.procedural.adapter import Options, Procedural

__all__ = ["Options", "Procedural"]
