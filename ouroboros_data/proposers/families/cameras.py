"""The families about cameras and what they see, by question type."""

from __future__ import annotations

from collections.abc import Mapping

from ouroboros_data.proposers.ask import Family
from ouroboros_data.proposers.families import (
    camera_angles,
    camera_camera,
    camera_moves,
    camera_near,
    camera_object,
    view_frames,
    view_order,
    view_size,
)

CAMERA_FAMILIES: Mapping[str, Family] = {
    "camera_object_distance": camera_object.DISTANCE,
    "camera_object_position": camera_object.POSITION,
    "camera_object_choice": camera_object.WHICH,
    "camera_object_angle": camera_angles.BEARING,
    "camera_object_elevation": camera_angles.ELEVATION,
    "camera_object_approach": camera_near.APPROACH,
    "camera_nearest_frame": camera_near.NEAREST_FRAME,
    "camera_camera_position": camera_camera.POSITION,
    "camera_camera_distance": camera_moves.DISTANCE,
    "camera_camera_farthest": camera_moves.FARTHEST,
    "camera_camera_elevation": camera_moves.ELEVATION,
    "camera_motion_turn": camera_camera.TURN,
    "camera_motion_angle": camera_camera.TURN_ANGLE,
    "view_depth_order": view_order.DEPTH_ORDER,
    "view_depth_nearest": view_order.NEAREST,
    "view_left_right": view_order.LEFT_RIGHT,
    "view_left_to_right": view_order.LEFT_TO_RIGHT,
    "view_size_compare": view_size.COMPARE,
    "view_size_largest": view_size.LARGEST_VIEW,
    "frame_presence": view_frames.PRESENCE,
    "frame_sighting": view_frames.SIGHTING,
    "frame_together": view_frames.TOGETHER,
    "frame_count_showing": view_frames.FRAMES_SHOWN,
    "frame_object_counting": view_frames.COUNT_IN_FRAME,
}
"""Of one camera, of two, and of the frames."""
