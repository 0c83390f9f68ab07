"""ScanNet downloads as scenes."""

from scene_adapters.scannet.adapter import ScanNet

__all__ = ["ScanNet"]
