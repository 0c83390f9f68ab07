"""Training: it learns, it resumes to the same weights, and it reads confidence from its own forward pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the solver extra")
pytest.importorskip("transformers", reason="needs the solver extra")

from solver_kit import SCENES, Frames, clips, lesson_items, make_solver, question  # noqa: E402

from ouroboros_data.errors import SolverError  # noqa: E402
from ouroboros_data.models import sft  # noqa: E402
from ouroboros_data.models.optim import orthogonalised  # noqa: E402
from ouroboros_data.plugins import Labelled  # noqa: E402

pytestmark = pytest.mark.solver


@pytest.fixture()
def frames():
    return Frames(clips(SCENES))


def train(solver, frames, place: Path, *, steps=6, seed=1, progress=lambda n, loss: None, items=None):
    return solver.train(
        items or lesson_items(), frames, steps=steps, seed=seed, checkpoint=place, progress=progress
    )


class Killed(Exception):
    pass


def test_training_lowers_the_loss_and_learns_from_the_pixels(frames, tmp_path):
    solver = make_solver(learning_rate=0.02)
    losses = []
    report = train(solver, frames, tmp_path, steps=60, progress=lambda n, loss: losses.append(loss))
    assert len(losses) == 60 and report.steps == 60
    assert losses[-1] < 0.25 * losses[0]
    assert report.loss == pytest.approx(sum(losses[-6:]) / 6)
    items = [item for item in lesson_items() if item.question.options]
    asked = [item.question for item in items]
    right = [a == item.answer for a, item in zip(solver.answer(asked, frames), items, strict=True)]
    blind = [
        a == item.answer for a, item in zip(solver.answer(asked, frames, blind=True), items, strict=True)
    ]
    assert sum(right) == len(items)
    assert sum(blind) < len(items)


def test_confidence_is_read_from_the_forward_pass_before_the_step(frames, tmp_path):
    solver = make_solver()
    before = {s.question_id: s for s in solver.score(lesson_items(), frames)}
    report = train(solver, frames, tmp_path, steps=1)
    assert len(report.confidences) == 8
    for score in report.confidences:
        assert score.p == pytest.approx(before[score.question_id].p, abs=1e-6)
        assert score.n_tokens == before[score.question_id].n_tokens


def test_each_question_is_reported_once_at_its_first_use(frames, tmp_path):
    report = train(make_solver(), frames, tmp_path, steps=6)  # three times round
    names = [score.question_id for score in report.confidences]
    assert sorted(names) == sorted(item.question.id for item in lesson_items())


def test_the_loss_is_over_answer_and_end_tokens_only(frames, tmp_path):
    solver = make_solver(batch_size=2, micro_batch=2)
    items = lesson_items()[:2]
    rows = [solver.row(item, frames) for item in items]
    with torch.no_grad():
        logits = solver.answer_logits(solver.encoder.batch(rows), rows, end=True)
    end = solver.tokenizer.eos_token_id
    parts = [
        -values.log_softmax(-1)[range(len(row.reply) + 1), [*row.reply, end]]
        for values, row in zip(logits, rows, strict=True)
    ]
    losses = []
    train(solver, frames, tmp_path, steps=1, items=items, progress=lambda n, loss: losses.append(loss))
    assert losses[0] == pytest.approx(float(torch.cat(parts).mean()), abs=1e-6)


def test_micro_batches_give_the_same_step(frames, tmp_path):
    whole, parts = make_solver(), make_solver(micro_batch=3)
    train(whole, frames, tmp_path / "a", steps=2)
    train(parts, frames, tmp_path / "b", steps=2)
    for one, other in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        assert torch.allclose(one, other, atol=2e-4)


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("at", [1, 4, 6])
def test_killed_training_resumes_to_the_same_weights(frames, tmp_path, at, optimizer):
    whole = make_solver(optimizer=optimizer)
    expected = train(whole, frames, tmp_path / "whole")

    def stop(n, loss):
        stop.done += n
        if stop.done == at:
            raise Killed

    stop.done = 0
    with pytest.raises(Killed):
        train(make_solver(optimizer=optimizer), frames, tmp_path / "part", progress=stop)
    again = make_solver(optimizer=optimizer)
    told = []
    found = train(again, frames, tmp_path / "part", progress=lambda n, loss: told.append(n))
    assert sum(told) == 6
    if at > 2:
        assert told[0] == 4  # a checkpoint every 2 steps, but none after the last
    assert again.id == whole.id
    assert found == expected


def test_optimizer_state_is_carried_over_and_saved(frames, tmp_path):
    once = make_solver()
    train(once, frames, tmp_path / "1")
    once.save(tmp_path / "saved")
    loaded, forgetful = make_solver(seed=5), make_solver(seed=5)
    loaded.load(tmp_path / "saved")
    forgetful.load(tmp_path / "saved")
    forgetful._optimizer = None
    for solver in (once, loaded, forgetful):
        assert solver.id == (once.id if solver is once else loaded.id if solver is loaded else forgetful.id)
        train(solver, frames, tmp_path / f"{id(solver)}", seed=2)
    assert loaded.id == once.id
    assert forgetful.id != once.id


def test_state_of_another_call_is_not_resumed(frames, tmp_path):
    train(make_solver(), frames, tmp_path, seed=1)
    told = []
    other = make_solver()
    train(other, frames, tmp_path, seed=2, progress=lambda n, loss: told.append(n))
    assert told == [1] * 6
    fresh = make_solver()
    train(fresh, frames, tmp_path / "elsewhere", seed=2)
    assert other.id == fresh.id


def test_the_learning_rate_falls_where_it_is_told_to(frames, tmp_path, monkeypatch):
    solver = make_solver()
    rates: list[float] = []
    known = solver.optimizer.set_learning_rate
    monkeypatch.setattr(
        solver.optimizer, "set_learning_rate", lambda rate: (rates.append(rate / 1e-3), known(rate))
    )
    solver.config = replace(solver.config, learning_rate=1e-3)
    solver.train(
        lesson_items(),
        frames,
        steps=10,
        seed=1,
        checkpoint=tmp_path,
        progress=lambda n, loss: None,
        decay_from=0.5,
    )
    assert rates == pytest.approx([1.0] * 6 + [0.82, 0.64, 0.46, 0.28])
    rates.clear()
    train(solver, frames, tmp_path / "constant", steps=2)
    assert rates == []


def test_blind_rows_are_trained_on_without_their_frames(frames, tmp_path):
    asked: list[str] = []

    def watched(question):
        asked.append(question.id)
        return frames(question)

    items = [replace(item, blind=number % 2 == 0) for number, item in enumerate(lesson_items())]
    make_solver().train(items, watched, steps=4, seed=1, checkpoint=tmp_path, progress=lambda n, loss: None)
    hidden = {item.question.id for item in items if item.blind}
    assert asked and not hidden & set(asked)


def test_packing_and_seed_decide_the_order(frames):
    items = lesson_items()
    batches = sft._order(items, 4, 2, seed=3)
    seen = [next(batches) for _ in range(4)]
    assert sorted(i for batch in seen for i in batch) == list(range(16))  # without replacement
    for batch in seen:
        assert (
            batch[0] // 2 == batch[1] // 2 and batch[2] // 2 == batch[3] // 2
        )  # a scene's two rows together
    assert seen == [batch for batch, _ in zip(sft._order(items, 4, 2, seed=3), range(4), strict=False)]
    assert seen != [batch for batch, _ in zip(sft._order(items, 4, 2, seed=4), range(4), strict=False)]


def test_save_and_load_give_equal_scores(frames, tmp_path):
    solver = make_solver()
    train(solver, frames, tmp_path / "t", steps=2)
    solver.save(tmp_path / "saved")
    other = make_solver(seed=9)
    assert other.id != solver.id
    other.load(tmp_path / "saved")
    assert other.id == solver.id
    assert other.score(lesson_items(), frames) == solver.score(lesson_items(), frames)
    assert not list(tmp_path.glob("*.tmp"))
    solver.save(tmp_path / "saved")  # over an older one
    assert (tmp_path / "saved" / "solver.json").is_file()


def test_what_cannot_be_trained_or_loaded_is_said_in_one_line(frames, tmp_path):
    solver = make_solver()
    with pytest.raises(SolverError, match="nothing to train on"):
        solver.train([], frames, steps=1, seed=1, checkpoint=tmp_path, progress=lambda n, loss: None)
    with pytest.raises(SolverError, match="cannot load"):
        solver.load(tmp_path / "nowhere")
    bad = Labelled(question=question("q", "s0", "Which?", "choice", ("red", "blue")), answer="C")
    with pytest.raises(SolverError, match="'C' is not one of A, B"):
        solver.score([bad], frames)
    with pytest.raises(SolverError, match="1 frames for 2 frame ids"):
        solver.score(lesson_items(), lambda asked: frames(asked)[:1])
    wild = make_solver(learning_rate=1e30)
    with pytest.raises(SolverError, match="learning_rate"):
        train(wild, frames, tmp_path / "wild", steps=4)
    damaged = tmp_path / "saved"
    solver.save(damaged)
    weights = damaged / "model.safetensors"
    raw = bytearray(weights.read_bytes())
    raw[-1] ^= 0xFF
    weights.write_bytes(raw)
    with pytest.raises(SolverError, match="digest"):
        make_solver().load(damaged)
    weights.write_bytes(raw[:200])
    with pytest.raises(SolverError, match="cannot load"):
        make_solver().load(damaged)


def test_zero_steps_leave_the_weights(frames, tmp_path):
    solver = make_solver()
    before = solver.id
    assert train(solver, frames, tmp_path, steps=0).confidences == ()
    assert solver.id == before


def test_muon_makes_updates_nearly_orthogonal():
    random = torch.Generator().manual_seed(0)
    for shape in ((3, 16, 16), (2, 32, 8), (2, 8, 32)):
        values = torch.linalg.svdvals(orthogonalised(torch.randn(shape, generator=random)))
        assert 0.5 < float(values.min()) and float(values.max()) < 1.3


def test_the_digest_covers_prompt_words(frames):
    solver = make_solver()
    assert make_solver(replace(solver.config.style, frame_label="{n}")).id != solver.id
    assert make_solver().id == solver.id
