"""Families that compose references, groups and quantities (`ouroboros_data.proposers.phrases`)."""

from __future__ import annotations

from collections.abc import Mapping

from ouroboros_data.proposers.ask import Family
from ouroboros_data.proposers.families import (
    compose_between,
    compose_choices,
    compose_counts,
    compose_hops,
    compose_orders,
    compose_rests,
    compose_sides,
)

COMPOSITIONS: Mapping[str, Family] = {
    "hop_distance": compose_hops.HOP_DISTANCE,
    "hop_height": compose_hops.HOP_HEIGHT,
    "hop_nearest": compose_hops.HOP_NEAREST,
    "hop_comparison": compose_hops.HOP_COMPARISON,
    "hop_direction": compose_sides.HOP_DIRECTION,
    "same_side": compose_sides.SAME_SIDE,
    "count_within": compose_counts.COUNT_WITHIN,
    "count_closer": compose_counts.COUNT_CLOSER,
    "count_taller": compose_counts.COUNT_TALLER,
    "which_more": compose_counts.WHICH_MORE,
    "tallest_within": compose_choices.TALLEST_WITHIN,
    "odd_one_out": compose_choices.ODD_ONE_OUT,
    "farthest_of": compose_choices.FARTHEST_OF,
    "next_to": compose_choices.NEXT_TO,
    "between_two": compose_between.BETWEEN_TWO,
    "what_is_on": compose_rests.WHAT_IS_ON,
    "rests_on_what": compose_rests.RESTS_ON_WHAT,
    "is_on": compose_rests.IS_ON,
    "height_gap": compose_rests.HEIGHT_GAP,
    "distance_order": compose_orders.DISTANCE_ORDER,
    "height_order": compose_orders.HEIGHT_ORDER,
}
