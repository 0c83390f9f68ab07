from __future__ import annotations

from ouroboros_data.stages.solve import elsewhere_questions
from ouroboros_data.types import Question


def ask(name: str, scene: str, *frames: str) -> Question:
    return Question(
        id=name,
        scene_id=scene,
        frame_ids=frames,
        question_type="t",
        text=f"text of {name}",
        answer_type="choice",
        options=("a", "b"),
    )


def test_the_control_asks_the_same_of_another_scenes_frames() -> None:
    asked = [ask("q1", "s2", "f2"), ask("q2", "s1", "f1", "g1"), ask("q3", "s3", "f3"), ask("q4", "s2", "f2")]
    control = elsewhere_questions(asked)
    assert [(q.scene_id, q.frame_ids) for q in control] == [
        ("s3", ("f3",)), ("s2", ("f2",)), ("s1", ("f1", "g1")), ("s3", ("f3",)),
    ]  # fmt: skip
    assert [(q.id, q.text, q.options) for q in control] == [(q.id, q.text, q.options) for q in asked]


def test_one_scene_has_no_other() -> None:
    asked = [ask("q1", "s1", "f1")]
    assert elsewhere_questions(asked) == asked
    assert elsewhere_questions([]) == []
