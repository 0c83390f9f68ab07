from __future__ import annotations

import resource
import struct
from pathlib import Path

import numpy as np
import pytest
from raw.mutate import mutations

from ouroboros_data.errors import SceneError
from ouroboros_data.media.ply import read_ply

POINTS = np.array([(0, 0, 0), (1, 0, 0), (0, 2, 0), (0, 0, 3), (4, 5, 6)], "<f4")
FACES = np.array([(0, 1, 2), (0, 2, 3), (4, 1, 0)], "<i4")
COLORS = np.arange(15, dtype="u1").reshape(5, 3) + 100


def binary(
    points: np.ndarray = POINTS, faces: list[tuple[int, ...]] | None = None, colors: bool = True
) -> bytes:
    rows = [tuple(map(int, row)) for row in FACES] if faces is None else faces
    names = ("red", "green", "blue", "alpha") if colors else ()
    head = ["ply", "format binary_little_endian 1.0", "comment made here", f"element vertex {len(points)}"]
    head += [f"property float {axis}" for axis in "xyz"] + [f"property uchar {name}" for name in names]
    head += [f"element face {len(rows)}", "property list uchar int vertex_indices", "end_header"]
    body = b"".join(
        struct.pack("<3f", *point) + (bytes([*COLORS[i % 5], 255]) if colors else b"")
        for i, point in enumerate(points)
    )
    body += b"".join(struct.pack(f"<B{len(row)}i", len(row), *row) for row in rows)
    return "\n".join(head).encode() + b"\n" + body


def ascii_text() -> bytes:
    head = "ply\nformat ascii 1.0\nelement vertex 5\nproperty float x\nproperty float y\nproperty float z\nelement face 3\n"
    lines = [" ".join(f"{v:g}" for v in point) for point in POINTS]
    lines += [f"3 {a} {b} {c}" for a, b, c in FACES]
    return (head + "property list uchar int vertex_indices\nend_header\n" + "\n".join(lines) + "\n").encode()


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "mesh.ply"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("data", [binary(), ascii_text()], ids=["binary", "ascii"])
def test_vertices_and_faces_keep_their_order(tmp_path: Path, data: bytes) -> None:
    mesh = read_ply(written(tmp_path, data))
    np.testing.assert_array_equal(mesh.vertices_m, POINTS)
    np.testing.assert_array_equal(mesh.faces, FACES)
    assert mesh.vertices_m.dtype == np.float64 and mesh.faces.dtype == np.int32
    if mesh.colors is not None:
        np.testing.assert_array_equal(mesh.colors, COLORS)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"solid cube", "not a PLY file"),
        (binary()[:-1], "unexpected length"),
        (binary() + b"\0", "unexpected length"),
        (binary(faces=[]), "no element face"),
        (binary(faces=[(0, 1, 2), (0, 1, 5)]), "vertices that are not there"),
        (binary(faces=[(0, 1, -1)]), "vertices that are not there"),
        (binary(faces=[(0, 1, 2, 3)]), "triangles"),
        # Two quads and a pair in the bytes of three triangles: the total length is right.
        (binary(faces=[(0, 1, 2), (0, 1, 2, 3), (0, 1)]), "triangles"),
        (binary(points=np.where(POINTS == 6, np.nan, POINTS)), "not finite"),
        (binary().replace(b"element vertex 5", b"element vertex 999999999999"), "do not fit"),
        (binary().replace(b"element face 3", b"element face -3"), "not one count"),
        (binary().replace(b"end_header", b"end_heade_"), "no end_header"),
    ],
)  # fmt: skip
def test_damage_is_named(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(SceneError) as caught:
        read_ply(written(tmp_path, data))
    assert says in str(caught.value) and "mesh.ply" in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="no such file"):
        read_ply(tmp_path / "none.ply")


@pytest.mark.parametrize("data", [binary(), ascii_text()], ids=["binary", "ascii"])
def test_damaged_files_fail_in_one_way(tmp_path: Path, data: bytes) -> None:
    path, refused = tmp_path / "mesh.ply", 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for damaged in mutations(data, 1500, hot=(0, data.index(b"end_header"))):
        path.write_bytes(damaged)
        try:
            mesh = read_ply(path)
        except SceneError as error:
            assert "mesh.ply" in str(error) and "\n" not in str(error)
            refused += 1
        else:
            assert np.isfinite(mesh.vertices_m).all() and mesh.faces.max() < len(mesh.vertices_m)
    assert refused > 700
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


def test_a_real_mesh(shared_data: Path) -> None:
    mesh = read_ply(shared_data / "scannet/scans/scene0000_00/scene0000_00_vh_clean_2.labels.ply")
    assert mesh.vertices_m.shape == (81369, 3) and mesh.faces.shape == (153587, 3)
    assert mesh.colors is not None
