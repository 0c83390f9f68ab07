import itertools

import numpy as np
import pytest

from scene_adapters.procedural.catalog import CATEGORIES
from scene_adapters.procedural.shapes import part_mesh

LOOKS = [(name, style) for name, entry in CATEGORIES.items() for style in range(len(entry.shapes))]


@pytest.mark.parametrize(("name", "style"), LOOKS)
def test_a_shape_fills_its_box_at_every_size(name, style):
    entry = CATEGORIES[name]
    for corner in itertools.product((0, 1), repeat=3):
        size = np.array([span[end] for span, end in zip(entry.size_m, corner, strict=True)])
        meshes = [part_mesh(part) for part in entry.shapes[style](*size)]
        points = np.concatenate([vertices for vertices, _ in meshes])
        np.testing.assert_allclose(points.min(0), (-size[0] / 2, -size[1] / 2, 0), atol=1e-9)
        np.testing.assert_allclose(points.max(0), (size[0] / 2, size[1] / 2, size[2]), atol=1e-9)
        for vertices, faces in meshes:
            assert faces.min() >= 0 and faces.max() < len(vertices)
            assert len(np.unique(faces)) == len(vertices)


@pytest.mark.parametrize(("name", "style"), LOOKS)
def test_primitives_are_closed_and_not_inside_out(name, style):
    size = [sum(span) / 2 for span in CATEGORIES[name].size_m]
    for part in CATEGORIES[name].shapes[style](*size):
        for block in part.blocks:
            assert block[0] < block[1] and block[2] < block[3] and block[4] < block[5], (part.tone, block)
        for drum in part.drums:
            low, high = drum.block[0::2], drum.block[1::2]
            assert all(a < b for a, b in zip(low, high, strict=True)), drum
        _, faces = part_mesh(part)
        edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
        assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def lab(color):
    """CIE Lab of an sRGB colour, lightness at three quarters: shading changes it anyway."""
    linear = np.where(
        np.array(color) <= 0.04045, np.array(color) / 12.92, ((np.array(color) + 0.055) / 1.055) ** 2.4
    )
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ linear / (0.9505, 1.0, 1.089)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([0.75 * (116 * f[1] - 16), 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_categories_can_be_told_apart_by_colour_or_pattern():
    assert len(CATEGORIES) >= 30
    for one, other in itertools.combinations(CATEGORIES.values(), 2):
        distance = np.linalg.norm(lab(one.color) - lab(other.color))
        assert distance >= (20 if one.pattern == other.pattern else 13), (one.name, other.name, distance)


def test_sizes_are_ranges_in_metres():
    for entry in CATEGORIES.values():
        assert all(0.02 < low < high < 3.0 for low, high in entry.size_m), entry.name
