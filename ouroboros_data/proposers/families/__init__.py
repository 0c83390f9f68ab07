"""The question types. A new one is a finder, a `Family` and an entry in this table."""

from __future__ import annotations

from collections.abc import Mapping

from ouroboros_data.proposers.ask import Family
from ouroboros_data.proposers.families import direct, measure, relate, sequence

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
}
"""By question type, in the naming of VSI-Bench."""
