"""The warm start: captions say what the scene record says, and the vision lesson teaches the vision tower."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs the solver extra")
pytest.importorskip("transformers", reason="needs the solver extra")

import numpy as np  # noqa: E402
from solver_kit import COLORS, make_solver  # noqa: E402

from ouroboros_data.errors import RecipeError  # noqa: E402
from ouroboros_data.ids import rng  # noqa: E402
from ouroboros_data.models import tiny_vision  # noqa: E402
from ouroboros_data.models.tiny import _checked  # noqa: E402
from ouroboros_data.models.tiny_lessons import TASKS, clips, lessons  # noqa: E402
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


ALL = ("f0", "f1", "f2")


def said(task: str, frame_ids: tuple[str, ...] = ALL) -> dict[str, str]:
    every = lessons(SCENE, frame_ids, 60, seed=1)
    return {x.question.text: x.answer for x in every if x.question.question_type == f"lesson/{task}"}


def test_captions_of_clips_are_true_and_in_alphabetical_order():
    assert said("frame") == {
        "What is in frame 1?": "chair, table",  # the lamp is too small to see
        "What is in frame 2?": "lamp, table",
        "What is in frame 3?": "door",
    }
    assert set(said("first").values()) == {"chair 1, door 3, lamp 2, table 1"}
    assert set(said("counts").values()) == {"chair 2, door 1, lamp 1, table 1"}
    assert set(said("sizes").values()) == {"door 100, lamp 100, table 160"}
    assert set(said("room").values()) == {"20"}
    # 8 m between the centres of door and table, half a metre of depth.
    assert said("distances")["How far is each from the table?"] == "door 7.5, lamp 4.5"
    assert all(said(task) for task in TASKS)


def test_captions_speak_of_their_own_frames():
    later = ("f1", "f2")
    assert said("frame", later)["What is in frame 1?"] == "lamp, table"
    assert set(said("first", later).values()) == {"door 2, lamp 1, table 1"}
    assert set(said("counts", later).values()) == {"door 1, lamp 1, table 1"}


def test_directions_are_seen_from_above():
    found = said("directions")
    assert found["Standing at the door, facing the table, where is each?"] == "lamp front-left"
    assert found["Standing at the table, facing the door, where is each?"] == "lamp front-right"


def test_clips_differ_and_keep_to_time():
    every = clips(replace(SCENE, frames=tuple(frame(i) for i in range(12))), ("f0", "f5", "f11"), 6, seed=3)
    assert every[0] == ("f0", "f5", "f11")
    assert len(set(every)) == 6
    for clip in every:
        numbers = [int(name[1:]) for name in clip]
        assert numbers == sorted(set(numbers)) and len(numbers) == 3
    assert clips(SCENE, ALL, 6, seed=3) == [ALL]  # there are no others


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
        ({"blind_share": 1.5}, "blind_share: 1.5 is not in 0 to 1"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(RecipeError, match=message):
        _checked(options)
