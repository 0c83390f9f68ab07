"""ScanNet++ downloads as scenes."""

from scene_adapters.scannetpp.adapter import ScanNetPP

__all__ = ["ScanNetPP"]
