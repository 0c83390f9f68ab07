"""Boxes seen from above: outlines, areas, what two of them share, and how far apart they are on the floor."""

from __future__ import annotations

import numpy as np

from ouroboros_data.geometry.boxes import Array, Boxes
from ouroboros_data.geometry.convex import edge_half_planes, shared_areas


def footprints_m(boxes: Boxes) -> Array:
    """(..., 6, 2) outlines of the boxes seen from above, world xy, counter-clockwise.

    The shadow of a box is a hexagon with parallel sides (a zonogon); where the box stands upright, corners repeat.
    """
    edges = 2.0 * np.swapaxes(boxes.R_world_box, -1, -2)[..., :2] * boxes.half_m[..., None]  # one row an edge
    # Turned into the half-plane of positive y and sorted by angle, the edges run around half the outline.
    flip = (edges[..., 1] < 0) | ((edges[..., 1] == 0) & (edges[..., 0] < 0))
    edges = np.where(flip[..., None], -edges, edges)
    order = np.argsort(np.arctan2(edges[..., 1], edges[..., 0]), axis=-1, kind="stable")
    edges = np.take_along_axis(edges, order[..., None], -2)
    start = boxes.center_m[..., :2] - edges.sum(-2) / 2
    half = start[..., None, :] + np.concatenate([np.zeros_like(edges[..., :1, :]), np.cumsum(edges, -2)], -2)
    outline: Array = np.concatenate(
        [half[..., :3, :], 2 * boxes.center_m[..., None, :2] - half[..., :3, :]], -2
    )
    return outline


def footprint_areas_m2(boxes: Boxes) -> Array:
    """(...) areas of `footprints_m`."""
    ground = boxes.R_world_box[..., :2, :] * (2.0 * boxes.half_m[..., None, :])
    x, y = ground[..., 0, :], ground[..., 1, :]
    area: Array = np.abs(x * np.roll(y, -1, -1) - y * np.roll(x, -1, -1)).sum(-1)
    return area


def footprint_overlaps_m2(a: Boxes, b: Boxes) -> Array:
    """(...) floor area that lies under both boxes, m²; 0 where their outlines only touch."""
    first, second = np.broadcast_arrays(footprints_m(a), footprints_m(b))
    return shared_areas(first.reshape(-1, 6, 2), second.reshape(-1, 6, 2)).reshape(first.shape[:-2])


def horizontal_distances_m(a: Boxes, b: Boxes) -> Array:
    """(...) gap between the boxes' footprints, m; 0 where they touch or overlap. Heights never enter."""
    first, second = np.broadcast_arrays(footprints_m(a), footprints_m(b))
    shape = first.shape[:-2]
    first, second = first.reshape(-1, 6, 2), second.reshape(-1, 6, 2)
    gap = np.full(len(first), -np.inf)
    for one, other in ((first, second), (second, first)):
        normals, offsets = edge_half_planes(one)
        beyond = np.einsum("nid,nkd->nik", normals, other).min(-1) - offsets
        gap = np.maximum(gap, beyond.max(-1))
    near = np.minimum(_corner_to_edge_m(first, second), _corner_to_edge_m(second, first))
    distance: Array = np.where(gap > 0, near, 0.0).reshape(shape)
    return distance


def _corner_to_edge_m(a: Array, b: Array) -> Array:
    """(n,) least distance from a corner of a (n, k, 2) to an edge of b (n, m, 2)."""
    start, edge = b, np.roll(b, -1, 1) - b
    away = a[:, :, None] - start[:, None]
    length2 = (edge**2).sum(-1)[:, None]
    share = (away * edge[:, None]).sum(-1) / np.where(length2 > 0, length2, 1.0)
    rest = away - np.clip(share, 0.0, 1.0)[..., None] * edge[:, None]
    least: Array = np.sqrt((rest**2).sum(-1).min((1, 2)))
    return least
