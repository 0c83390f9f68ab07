"""ARKitScenes downloads (raw and 3dod layout) as scenes."""

from scene_adapters.arkitscenes.adapter import ARKitScenes

__all__ = ["ARKitScenes"]
