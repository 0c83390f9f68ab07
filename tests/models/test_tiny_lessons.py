"""The warm start: captions say what the scene record says, and the vision lesson teaches the vision tower."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the solver extra")
pytest.importorskip("transformers", reason="needs the solver extra")

import numpy as np  # noqa: E402
from solver_kit import COLORS, make_solver  # noqa: E402

from ouroboros_data.errors import RecipeError  # noqa: E402
from ouroboros_data.ids import rng  # noqa: E402
from ouroboros_data.models import tiny_vision  # noqa: E402
from ouroboros_data.models.tiny import _checked  # noqa: E402
from ouroboros_data.models.tiny_lessons import TASKS, lessons, naming  # noqa: E402
from ouroboros_data.types import CameraFrame, ObjectView, Room, Scene, SceneObject  # noqa: E402

pytestmark = pytest.mark.solver
EYE3 = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
EYE4 = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))


def thing(name: str, category: str, x: float, y: float, size: float = 1.0) -> SceneObject:
    return SceneObject(
        id=name, category=category, center_m=(x, y, 0.5), extent_m=(size, 0.5, 0.5), R_world_object=EYE3
    )


def frame(index: int, **shares: float) -> CameraFrame:
    return CameraFrame(
        id=f"f{index}",
        index=index,
        time_s=float(index),
        size_px=(48, 32),
        K_px=EYE3,
        T_world_camera=EYE4,
        views=tuple(ObjectView(object_id=name, pixel_share=share) for name, share in shares.items()),
    )


SCENE = Scene(
    id="s",
    source="test",
    space_id="s",
    license="CC0-1.0",
    frames_origin="rendered",
    room=Room(area_m2=20.4),
    objects=(
        thing("a", "chair", 0, 0),
        thing("b", "chair", 3, 0),
        thing("t", "table", 0, 4, size=1.62),
        thing("l", "lamp", -4, 0),
        thing("d", "door", 0, -4),
    ),
    frames=(frame(0, a=0.02, b=0.02, t=0.03, l=0.001), frame(1, t=0.1, l=0.05), frame(2, d=0.2)),
)


def said(task: str) -> set[tuple[str, str]]:
    every = lessons(SCENE, ("f0", "f1", "f2"), 40, seed=1)
    return {(x.question.text, x.answer) for x in every if x.question.question_type == f"lesson/{task}"}


def test_a_frame_is_named_by_what_it_shows_most_of():
    assert naming(SCENE, "f0").answer == "chair, table"  # two chairs together; the lamp is too small to see
    assert naming(SCENE, "f1").answer == "table, lamp"
    assert naming(SCENE, "f1").question.frame_ids == ("f1",)


def test_captions_of_clips_are_true():
    assert said("frames") == {("What is in each frame?", "1 chair, table; 2 table, lamp; 3 door")}
    assert said("counts") == {("How many of each are there?", "2 chair, 1 door, 1 lamp, 1 table")}
    assert said("room") == {("How large is the room?", "20")}
    first = {"chair": "1", "table": "1", "lamp": "2", "door": "3"}
    for text, answer in said("order"):
        named = text.removeprefix("In which frame is first ").rstrip("?").split(", ")
        assert answer.split(", ") == [first[name] for name in named]
    for text, answer in said("sizes"):
        named = text.removeprefix("How long are ").rstrip("?").split(", ")
        assert answer.split(", ") == [{"table": "160"}.get(name, "100") for name in named]
    for text, answer in said("distances"):
        anchor, others = text.removeprefix("How far from the ").rstrip("?").split(" are ")
        gaps = dict(zip(others.split(", "), answer.split(", "), strict=True))
        if anchor == "table" and "door" in gaps:
            assert gaps["door"] == "7.5"  # 8 m between centres, half a metre of depth
    assert all(said(task) for task in TASKS)


def test_directions_are_seen_from_above():
    for text, answer in said("directions"):
        head, tail = text.split(", where are ")
        words = dict(zip(tail.rstrip("?").split(", "), answer.split(", "), strict=True))
        if head == "Standing at the door, facing the table" and "lamp" in words:
            assert words["lamp"] == "front-left"
        if head == "Standing at the table, facing the door" and "lamp" in words:
            assert words["lamp"] == "front-right"


def test_the_vision_lesson_teaches_the_tower_and_leaves_the_language_layers():
    solver = make_solver()
    names = list(COLORS)
    random = rng("vision lesson")
    share = np.zeros((64, len(names)), np.float32)
    images = []
    for row in range(64):
        share[row, row % len(names)] = 1.0
        noise = random.integers(0, 20, (32, 48, 3))
        images.append((np.array(COLORS[names[row % len(names)]]) + noise).clip(0, 255).astype(np.uint8))
    pictures = tiny_vision.make_pictures(images, share, solver.image_processor)
    layers = [p.clone() for p in solver.model.model.language_model.layers.parameters()]
    losses: list[float] = []
    tiny_vision.learn_to_see(
        solver.model,
        solver.tokenizer,
        pictures,
        names,
        steps=25,
        seed=0,
        progress=lambda n, loss: losses.append(loss),
    )
    assert losses[-1] < 0.3 * losses[0]
    after = solver.model.model.language_model.layers.parameters()
    assert all(torch.equal(old, new) for old, new in zip(layers, after, strict=True))


def test_mirroring_patches_is_mirroring_the_picture():
    solver = make_solver()
    image = rng("mirror").integers(0, 255, (32, 48, 3)).astype(np.uint8)
    share = np.zeros((2, 1), np.float32)
    both = tiny_vision.make_pictures([image, image[:, ::-1].copy()], share, solver.image_processor)
    turned = tiny_vision.mirrored(both.patches, both.grid_thw, solver.model.config.vision_config)
    assert torch.equal(turned[0], both.patches[1])
    assert not torch.equal(turned[0], both.patches[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rooms": 0}, "rooms: 0 is less than 1"),
        ({"width": 100}, "width: must be a multiple of 32"),
        ({"max_pixels": 100}, "max_pixels"),
        ({"warm_step": 3}, "did you mean warm_steps"),
        ({"rooms": "many"}, "rooms"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(RecipeError, match=message):
        _checked(options)
