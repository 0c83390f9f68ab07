"""Plug-ins of a third party. They log every call, so that a test can count work that was done twice."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ouroboros_data.errors import SceneError
from ouroboros_data.ids import content_hash, rng
from ouroboros_data.media.video import write_video
from ouroboros_data.plugins import Brief, FrameSource, Labelled, TrainReport
from ouroboros_data.types import (
    CameraFrame,
    Confidence,
    Draft,
    ObjectView,
    Program,
    Question,
    Room,
    Scene,
    SceneObject,
    SceneRef,
    Video,
)

IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def log(kind: str, key: str) -> None:
    place = os.environ.get("EXAMPLE_LOG")
    if place:
        with Path(place).open("a") as handle:
            handle.write(f"{kind} {key}\n")
    time.sleep(float(os.environ.get("EXAMPLE_SLEEP", "0")))


class ExampleRooms:
    """Empty rooms with a few boxes in them; every seventh is broken."""

    def __init__(self, *, root: Path | None, seed: int, options: Mapping[str, Any]) -> None:
        self._seed, self._count = seed, int(options.get("count", 8))

    def refs(self) -> Sequence[SceneRef]:
        return [
            SceneRef(id=f"example-{i}", source="example", key=content_hash(self._seed, i))
            for i in range(self._count)
        ]

    def load(self, ref: SceneRef, media: Path) -> Scene:
        log("scene", ref.id)
        number = int(ref.id.split("-")[1])
        if number % 7 == 6:
            raise SceneError("the example is broken on purpose", where=ref.id, fix="use another")
        random = rng("example", self._seed, number)
        categories = (
            ["chair"] * int(random.integers(2, 6)) + ["table"] * int(random.integers(2, 4)) + ["sofa"]
        )
        objects = tuple(
            SceneObject(
                id=f"{category}-{i}",
                category=category,
                center_m=(1.5 * i, float(random.uniform(0, 5)), 0.5),
                extent_m=(0.5, 0.5, 1.0),
                R_world_object=IDENTITY,
            )
            for i, category in enumerate(categories)
        )
        root = media / ref.id
        root.mkdir(exist_ok=True)
        write_video(root / "video.mp4", np.full((4, 32, 32, 3), 9 * number, np.uint8), fps=2.0)
        frames = tuple(
            CameraFrame(
                id=f"{i:06d}",
                index=i,
                time_s=i / 2.0,
                size_px=(32, 32),
                K_px=((30.0, 0.0, 16.0), (0.0, 30.0, 16.0), (0.0, 0.0, 1.0)),
                T_world_camera=(
                    (1.0, 0.0, 0.0, 0.0),
                    (0.0, 0.0, 1.0, -5.0),
                    (0.0, -1.0, 0.0, 1.5),
                    (0.0, 0.0, 0.0, 1.0),
                ),
                views=tuple(ObjectView(object_id=o.id, pixel_share=0.05) for o in objects),
            )
            for i in range(4)
        )
        return Scene(
            id=ref.id,
            source="example",
            space_id=ref.id,
            license="CC0-1.0",
            frames_origin="rendered",
            room=Room(area_m2=20.0),
            objects=objects,
            frames=frames,
            video=Video(path="video.mp4", sha256="0" * 64, fps=2.0, frame_count=4, size_px=(32, 32)),
            root=str(root),
        )


class ExampleCounts:
    """Asks how many there are."""

    id = "example_counts/1"

    def __init__(self, *, options: Mapping[str, Any]) -> None:
        pass

    def bins(self) -> Mapping[str, str]:
        return {"object_counting/any": "how many there are", "object_counting/pair": "how many of two kinds"}

    def propose(self, scene: Scene, frame_ids: tuple[str, ...], brief: Brief) -> Sequence[Draft]:
        log("propose", f"{brief.iteration} {scene.id}")
        by_round: list[list[tuple[str, ...]]] = [
            [("chair",), ("chair", "table"), ("chair",)],
            [("chair",), ("chair", "table"), ("chair",)],
            [("table",), ("chair", "sofa"), ("table",)],
            [("chair", "table", "sofa"), ("table", "sofa"), ("sofa", "table")],
        ]
        asked = by_round[brief.iteration]
        wordings = [
            "How many {} are there?",
            "Count the {}. How many are in the room?",
            "What is the number of {}?",
        ]
        drafts = []
        for i in range(brief.count):
            kinds = asked[i % 3]
            text = wordings[brief.iteration % 3].format(" and ".join(f"{kind}s" for kind in kinds))
            source = (
                f"def answer():\n    return number(count({', '.join(map(json.dumps, kinds))}), 'count')\n"
            )
            question = Question(
                id=content_hash(scene.id, frame_ids, text, source, brief.iteration, i // 3),
                scene_id=scene.id,
                frame_ids=frame_ids,
                question_type="object_counting",
                text=text,
                answer_type="number",
                unit="count",
            )
            drafts.append(
                Draft(
                    question=question,
                    program=Program(source=source, api_version="3"),
                    bin="object_counting/any" if len(kinds) == 1 else "object_counting/pair",
                    mentions=kinds,
                    proposer=self.id,
                    seed=brief.seed,
                )
            )
        return drafts


class Memory:
    """Confidence is a hash of weights and question; training hashes what was seen into the weights."""

    disclosure: Mapping[str, Any] = {"kind": "a table, not a network"}

    def __init__(self, seed: int) -> None:
        self._state = content_hash("memory", seed)

    @property
    def id(self) -> str:
        return self._state

    def score(
        self, items: Sequence[Labelled], frames: FrameSource, *, blind: bool = False
    ) -> list[Confidence]:
        for item in items:
            log(f"score-{blind}", f"{self._state} {item.question.id} {item.question.scene_id}")
            if not blind:
                assert len(frames(item.question)) == len(item.question.frame_ids)
        return [
            Confidence(
                question_id=item.question.id,
                p=float(rng(self._state, item.question.id, blind).uniform()),
                n_tokens=1,
            )
            for item in items
        ]

    def answer(self, questions: Sequence[Question], frames: FrameSource, *, blind: bool = False) -> list[str]:
        # The control asks the same of another scene's frames: another piece of work.
        log(f"answer-{blind}", f"{self._state} {content_hash([q.scene_id for q in questions])}")
        return ["2" for _ in questions]

    def train(
        self,
        items: Sequence[Labelled],
        frames: FrameSource,
        *,
        steps: int,
        seed: int,
        checkpoint: Path,
        progress: Callable[[int, float], None],
    ) -> TrainReport:
        log("train", self._state)
        self._state = content_hash(
            self._state, seed, steps, [[item.question.id, item.answer] for item in items]
        )
        progress(steps, 0.5)
        return TrainReport(
            steps=steps,
            loss=0.5,
            confidences=tuple(Confidence(question_id=i.question.id, p=0.5, n_tokens=1) for i in items[:3]),
        )

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "state").write_text(self._state)

    def load(self, directory: Path) -> None:
        self._state = (directory / "state").read_text()


def build_memory(
    *, options: Mapping[str, Any], seed: int, training: Any, cache: Path, progress: Any
) -> Memory:
    return Memory(seed)
