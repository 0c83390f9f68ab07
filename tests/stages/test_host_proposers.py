"""Proposers in the main process: stored before they are checked, discards counted, the reviewer at the end."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import hand_scenes as hand
import pytest

from ouroboros_data.config import FrameSettings, ProposerSettings, Recipe, ReviewerSettings
from ouroboros_data.engine.local import LocalEngine
from ouroboros_data.errors import ModelError
from ouroboros_data.plugins import Brief, Reviewed
from ouroboros_data.progress import Silent
from ouroboros_data.stages import propose, review
from ouroboros_data.store import RunStore
from ouroboros_data.summary import rejections, summarise
from ouroboros_data.types import Discarded, ProbeResult, Review, Vote

SCENES = [replace(hand.room(), id=f"room{k}") for k in range(10)]
BRIEFS = {s.id: Brief(iteration=1, count=3, seed=0, weights={}) for s in SCENES}


def drafts_of(scene, frame_ids):
    chairs = hand.draft(
        "How many chairs are in the room?", 'return number(count("chair"), "count")',
        mentions=("chair",), unit="count", kind="object_counting", scene_id=scene.id, frames=tuple(frame_ids),
    )  # fmt: skip
    hostile = hand.draft(
        "How far is it from the table to the tv?", "import os\nreturn os",
        mentions=("table", "tv"), scene_id=scene.id, frames=tuple(frame_ids),
    )  # fmt: skip
    lost = Discarded(
        scene_id=scene.id, bin="object_abs_distance/near", stage="parse", reason="not_json", detail="prose",
        raw="Sure! Here is a question", proposer="host/1", seed=3,
    )  # fmt: skip
    return [
        replace(d, question=replace(d.question, id=f"{scene.id}-{k}"))
        for k, d in enumerate((chairs, hostile))
    ] + [lost]


class Host:
    id = "host/1"
    where = "host"
    scenes_at_once = 8

    def __init__(self):
        self.calls = []

    def bins(self):
        return {"object_counting/near": "x"}

    def propose_many(self, items, frames):
        self.calls.append([item.scene.id for item in items])
        self.frames = frames
        return [drafts_of(item.scene, item.frame_ids) for item in items]


class Objects:
    """A reviewer that objects to every third row."""

    id = "objector/1"
    asked: ClassVar[list[str]] = []

    def review(self, items, frames):
        type(self).asked += [item.question.id for item in items]
        votes = (Vote(blind=True, contradicted=None, said="hm"),)
        found = Review(reviewer=self.id, votes=votes)
        return [
            Reviewed(
                review=found,
                reason="contradicted" if item.question.scene_id.endswith("3") else "",
                detail="no",
            )
            for item in items
        ]


@pytest.fixture
def host(monkeypatch):
    made = Host()
    monkeypatch.setattr(propose, "open_proposer", lambda recipe, cache=None: made)
    return made


def recipe(**more) -> Recipe:
    made = Recipe(name="x", frames=FrameSettings(count=4), proposer=ProposerSettings(name="host"), **more)
    return replace(made, programs=replace(made.programs, jitters=2, constant_check_scenes=0))


def run(tmp_path, engine=None, watch=None, frames=None):
    with RunStore(tmp_path / "run") as store, engine or LocalEngine(1) as engine:
        return propose.propose_round(
            recipe(), SCENES, BRIEFS, [], label="x", store=store, engine=engine, progress=Silent(), frames=frames, watch=watch
        )  # fmt: skip


def test_all_that_came_back_is_counted_stored_and_read_again(tmp_path, host) -> None:
    seen = []
    found = run(tmp_path, watch=seen.extend, frames="pictures")
    assert host.calls == [[s.id for s in SCENES[:8]], [s.id for s in SCENES[8:]]]
    assert host.frames == "pictures"
    assert len(found.checked) == 20 and len(found.discarded) == 10
    assert rejections(found)["parse/not_json"] == 10 and rejections(found)["execute/lint"] == 10
    assert len(seen) == 30  # whoever watches sees discards as well
    assert {d.raw for d in found.discarded} == {"Sure! Here is a question"}
    again = run(tmp_path)
    assert len(host.calls) == 2 and again == found

    probes = {
        item.draft.question.id: ProbeResult(
            question_id=item.draft.question.id, solver="s", confidence=0.5, blind_confidence=0.1,
            elsewhere_confidence=0.1, band="frontier",
        )
        for item in found.checked
    }  # fmt: skip
    summary = summarise(1, found, probes, train_loss=0.0, exam=None, seconds={})
    assert summary.proposed == 30 == summary.accepted + sum(summary.rejected.values())
    assert summary.accepted > 0
    assert sum(summary.proposed_by_bin.values()) == 30
    assert summary.proposed_by_bin["object_abs_distance/near"] == 20


class Dies(LocalEngine):
    """Stops between the reply and the check."""

    def map(self, function, items):
        raise KeyboardInterrupt


def test_what_was_written_is_not_asked_for_again_when_checking_was_stopped(tmp_path, host) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, engine=Dies(1))
    assert len(host.calls) == 1
    found = run(tmp_path)
    # The first eight scenes were stored; only the other two are asked about.
    assert host.calls[1:] == [[s.id for s in SCENES[8:]]]
    assert len(found.checked) == 20


def test_a_model_that_cannot_be_asked_ends_the_round_and_loses_nothing(tmp_path, host) -> None:
    asks = host.propose_many

    def fails(items, frames):
        if len(host.calls) == 1:
            raise ModelError("nobody answers")
        return asks(items, frames)

    host.propose_many = fails
    with pytest.raises(ModelError):
        run(tmp_path)
    host.propose_many = asks
    assert len(run(tmp_path).checked) == 20
    assert [len(call) for call in host.calls] == [8, 2]


def reviewed(tmp_path, checked, monkeypatch):
    monkeypatch.setattr(review, "open_reviewer", lambda recipe, cache=None: Objects())
    with RunStore(tmp_path / "run") as store:
        chosen = recipe(reviewer=ReviewerSettings(name="objects"))
        return review.review_round(chosen, SCENES, checked, None, store=store, progress=Silent())


def test_the_reviewer_is_the_last_gate_and_its_votes_stay(tmp_path, host, monkeypatch) -> None:
    Objects.asked = []
    checked = run(tmp_path).checked
    accepted = [c.draft.question.id for c in checked if c.verdict.status == "accepted"]
    after = reviewed(tmp_path, checked, monkeypatch)
    assert Objects.asked == accepted  # what other gates rejected is not shown to it
    assert [c.draft for c in after] == [c.draft for c in checked]
    for one, old in zip(after, checked, strict=True):
        if old.verdict.status == "rejected":
            assert one == old and one.verdict.review is None
            continue
        assert one.verdict.review is not None and one.verdict.review.votes[0].contradicted is None
        assert one.verdict.answer == old.verdict.answer and one.verdict.margin == old.verdict.margin
        out = old.draft.question.scene_id == "room3"
        assert (one.verdict.status, one.verdict.stage, one.verdict.reason) == (
            ("rejected", "review", "contradicted") if out else ("accepted", "", "")
        )
    assert (
        reviewed(tmp_path, checked, monkeypatch) == after and Objects.asked == accepted
    )  # read, not asked again


def test_without_a_reviewer_nothing_changes(tmp_path, host) -> None:
    checked = run(tmp_path).checked
    with RunStore(tmp_path / "run") as store:
        assert review.review_round(recipe(), SCENES, checked, None, store=store, progress=Silent()) == list(
            checked
        )


def test_another_program_for_the_same_question_has_to_agree() -> None:
    from ouroboros_data.config import ProgramSettings
    from ouroboros_data.programs.sandbox import SandboxPool
    from ouroboros_data.stages.ground import ground

    def asked(witness: str):
        made = hand.draft(
            "How far apart are the closest points of the table and the tv in metres?",
            'return number(distance(only("table"), only("tv")), "m")',
            mentions=("table", "tv"),
        )  # fmt: skip
        return replace(made, witness=f"def answer():\n    {witness}\n" if witness else "")

    right = 'return number(distance(only("tv"), only("table")), "m")'
    cases = {
        "": "",
        right: "",
        'return number(center_distance(only("tv"), only("table")), "m")': "disagree",
        'return number(100 * distance(only("tv"), only("table")), "cm")': "disagree",
        'return boolean(distance(only("tv"), only("table")) > 1)': "disagree",
        'return number(distance(only("tv"), only("chair")), "m")': "witness",
        "import os": "witness",
        'only("lamp"); return number(distance(only("tv"), only("table")), "m")': "evidence",
        'camera_height(0); return number(distance(only("tv"), only("table")), "m")': "evidence",
    }
    with SandboxPool() as pool:
        for witness, reason in cases.items():
            verdict = ground(
                hand.room(), hand.FRAMES, [asked(witness)], programs=ProgramSettings(jitters=2), min_pixel_share=0.002, pool=pool
            )[0]  # fmt: skip
            assert verdict.reason == reason, witness
            assert verdict.stage == ("agreement" if reason else "")
