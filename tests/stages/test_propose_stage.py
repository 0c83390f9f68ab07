"""Who is checked on other scenes, and what a round loses to balance."""

from __future__ import annotations

from dataclasses import replace

import hand_scenes as hand
import pytest

from ouroboros_data.config import FrameSettings, ProposerSettings, Recipe
from ouroboros_data.media.frames import sample_frame_ids
from ouroboros_data.plugins import Brief
from ouroboros_data.records import to_json
from ouroboros_data.stages import propose
from ouroboros_data.types import Answer, Verdict

COUNT = 'return number({} + 0 * count("chair"), "count")'


class AlwaysTwo:
    id = "two/1"

    def propose(self, scene, frame_ids, brief):
        draft = hand.draft(
            "How many chairs are in the room?",
            COUNT.format(2),
            mentions=("chair",),
            unit="count",
            kind="object_counting",
            scene_id=scene.id,
            frames=tuple(frame_ids),
        )
        return [replace(draft, question=replace(draft.question, id=scene.id))]


@pytest.mark.parametrize(
    ("name", "checks", "reason"),
    [("two", 7, "same_everywhere"), ("two", 0, ""), ("two", 3, ""), ("grammar", 7, "")],
)
def test_programs_of_other_proposers_are_run_on_the_other_scenes_of_their_shard(
    monkeypatch, name, checks, reason
):
    monkeypatch.setattr(propose, "open_proposer", lambda recipe: AlwaysTwo())
    scenes = tuple(replace(hand.room(), id=f"room{k}") for k in range(6))
    recipe = Recipe(name="x", frames=FrameSettings(count=4), proposer=ProposerSettings(name=name))
    recipe = replace(recipe, programs=replace(recipe.programs, constant_check_scenes=checks))
    assert sample_frame_ids(scenes[0], 4) == hand.FRAMES
    brief = Brief(iteration=1, count=1, seed=0, weights={})
    task = propose._Task(recipe=recipe, scenes=scenes, briefs=(brief,) * 6, seen=(frozenset(),) * 6)
    rows = propose._propose_and_ground(task)
    assert [row["verdict"]["reason"] for row in rows] == [reason] * 6


def test_what_balance_takes_out_is_rejected_and_keeps_its_answer():
    draft = hand.draft("Is it?", "pass", mentions=(), answer_type="boolean")
    yes = Answer(type="boolean", value=True, text="yes")
    checked = [
        propose.Checked(
            draft=replace(draft, question=replace(draft.question, id=f"q{k}")),
            verdict=Verdict(question_id=f"q{k}", status="accepted", answer=yes, margin=2.0),
        )
        for k in range(20)
    ]
    after = propose._balanced(checked)
    assert [item.draft for item in after] == [item.draft for item in checked]
    out = [item.verdict for item in after if item.verdict.status == "rejected"]
    assert len(out) == 12
    assert all((v.stage, v.reason, v.answer, v.margin) == ("balance", "answer", yes, 2.0) for v in out)
    # A row that was taken out may be asked again.
    assert len(propose.accepted_keys(after)["room"]) == len(propose.accepted_keys(checked[:1])["room"])
    assert propose._balanced(after) == after
    assert to_json(after[0])["verdict"]["question_id"] == "q0"
