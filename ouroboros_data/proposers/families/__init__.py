"""The question types. A new one is a finder, a `Family` and an entry in this table."""

from __future__ import annotations

from collections.abc import Mapping

from ouroboros_data.proposers.ask import Family
from ouroboros_data.proposers.families import (
    amounts,
    choices,
    compare,
    direct,
    measure,
    moves,
    relate,
    sequence,
    sums,
    walls,
)
from ouroboros_data.proposers.families.cameras import CAMERA_FAMILIES
from ouroboros_data.proposers.families.compositions import COMPOSITIONS

FAMILIES: Mapping[str, Family] = {
    "object_counting": measure.COUNTING,
    "object_abs_distance": measure.ABS_DISTANCE,
    "object_size_estimation": measure.SIZE,
    "room_size_estimation": measure.ROOM_SIZE,
    "object_rel_distance": relate.REL_DISTANCE,
    "object_rel_direction_easy": direct.EASY,
    "object_rel_direction_medium": direct.MEDIUM,
    "object_rel_direction_hard": direct.HARD,
    "obj_appearance_order": sequence.APPEARANCE_ORDER,
    "route_planning": sequence.ROUTE_PLANNING,
    "abs_distance_choice": choices.DISTANCE_CHOICE,
    "size_choice": choices.SIZE_CHOICE,
    "room_size_choice": choices.ROOM_SIZE_CHOICE,
    "gap_comparison": compare.GAP_COMPARISON,
    "closest_pair": compare.CLOSEST_PAIR,
    "stack_comparison": compare.STACK_COMPARISON,
    "swap_places": compare.SWAP_PLACES,
    "larger_volume": amounts.LARGER_VOLUME,
    "volume_ratio": amounts.VOLUME_RATIO,
    "floor_share": amounts.FLOOR_SHARE,
    "total_footprint": amounts.TOTAL_FOOTPRINT,
    "floor_left": amounts.FLOOR_LEFT,
    "height_difference": sums.HEIGHT_DIFFERENCE,
    "row_length": sums.ROW_LENGTH,
    "average_height": sums.AVERAGE_HEIGHT,
    "count_difference": sums.COUNT_DIFFERENCE,
    "count_total": sums.COUNT_TOTAL,
    "move_closer": moves.MOVE_CLOSER,
    "move_distance": moves.MOVE_DISTANCE,
    "turn_angle": moves.TURN_ANGLE,
    "turn_goal": moves.TURN_GOAL,
    "longest_wall": walls.LONGEST_WALL,
    "free_wall_length": walls.FREE_WALL_LENGTH,
    "fits_at_wall": walls.FITS_AT_WALL,
    "walking_distance": walls.WALKING_DISTANCE,
    "walking_nearest": walls.WALKING_NEAREST,
    **CAMERA_FAMILIES,
    **COMPOSITIONS,
}
"""By question type; the first ten in the naming of VSI-Bench."""
