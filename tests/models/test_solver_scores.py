"""Confidence is what it says: the geometric mean of the answer's token probabilities, by hand from the full logits."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs the solver extra")
pytest.importorskip("transformers", reason="needs the solver extra")

from solver_kit import COLORS, SCENES, Frames, clips, lesson_items, make_solver, question  # noqa: E402

from ouroboros_data.models.encoding import Row  # noqa: E402
from ouroboros_data.models.prompts import PromptStyle  # noqa: E402
from ouroboros_data.plugins import Labelled  # noqa: E402

pytestmark = pytest.mark.solver


@pytest.fixture(scope="module")
def solver():
    return make_solver()


@pytest.fixture()
def frames():
    return Frames(clips(SCENES))


def by_hand(solver, item, text, frames):
    """p from one unpadded, unpacked forward pass through the public model, pixel values and all."""
    tokenizer, asked = solver.tokenizer, item.question
    chat = [
        {
            "role": "user",
            "content": [
                *({"type": "image"} for _ in (frames or ())),
                {
                    "type": "text",
                    "text": asked.text + (f"\nOptions: {'; '.join(asked.options)}." if asked.options else ""),
                },
            ],
        }
    ]
    prompt = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    inputs = {}
    if frames:
        pixels = solver.image_processor(images=frames, return_tensors="pt", input_data_format="channels_last")
        per_image = int(pixels["image_grid_thw"][0].prod()) // 4
        prompt = prompt.replace("<|image_pad|>", "<|image_pad|>" * per_image)
        inputs = dict(pixels)
    ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    reply = tokenizer(text, add_special_tokens=False)["input_ids"]
    full = torch.tensor([ids + reply])
    if frames:
        inputs["mm_token_type_ids"] = (full == solver.core.config.image_token_id).int()
    with torch.no_grad():
        logits = solver.core(input_ids=full, **inputs).logits[0].double()
    logp = [float(logits[len(ids) - 1 + i].log_softmax(-1)[token]) for i, token in enumerate(reply)]
    return math.exp(sum(logp) / len(logp)), len(reply)


ITEMS = [
    (lesson_items()[0], "red"),
    (lesson_items()[1], "3"),
    (
        Labelled(
            question=question("o", "s2", "In which order?", "ordering"), answer="red, blue, green, white"
        ),
        "red, blue, green, white",
    ),
]


@pytest.mark.parametrize("blind", [False, True])
def test_score_is_the_log_softmax_over_the_answer_tokens(solver, frames, blind):
    scores = solver.score([item for item, _ in ITEMS], frames, blind=blind)
    for (item, text), score in zip(ITEMS, scores, strict=True):
        p, tokens = by_hand(solver, item, text, None if blind else frames(item.question))
        assert score.question_id == item.question.id
        assert score.n_tokens == tokens
        assert score.p == pytest.approx(p, abs=1e-6)
    assert scores[2].n_tokens == 7  # four words and three commas: no end token


@pytest.mark.parametrize("blind", [False, True])
@pytest.mark.parametrize(("size", "pack"), [(1, 1), (3, 1), (64, 1), (64, 4), (7, 16)])
def test_batching_packing_and_order_do_not_change_scores(solver, frames, size, pack, blind):
    items = [*lesson_items(), ITEMS[2][0]]
    alone = [solver.score([item], frames, blind=blind)[0].p for item in items]
    solver.config = replace(solver.config, score_batch=size, pack=pack)
    together = solver.score(items, frames, blind=blind)
    backwards = solver.score(items[::-1], frames, blind=blind)[::-1]
    assert [s.p for s in together] == pytest.approx(alone, abs=1e-5)
    assert [s.p for s in backwards] == pytest.approx(alone, abs=1e-5)


def test_packed_rows_do_not_see_each_other(solver, frames):
    items = [item for item in lesson_items() if item.question.scene_id == "s1"]
    rows = [solver.row(item, frames) for item in items]
    other = Row(prompt=rows[0].prompt, reply=solver.encoder.reply("white, white, white"))
    with torch.no_grad():
        mine = solver.answer_logits(solver.encoder.batch(rows, pack=2), rows, end=True)[1]
        beside = solver.answer_logits(
            solver.encoder.batch([other, rows[1]], pack=2), [other, rows[1]], end=True
        )[1]
    assert solver.encoder.batch(rows, pack=2).input_ids.shape[0] == 1
    assert torch.allclose(mine, beside, atol=1e-5)


def test_rows_without_frames_share_a_sequence_too(solver):
    rows = [solver.row(item, None) for item in lesson_items()[:3]]
    batch = solver.encoder.batch(rows, pack=4)
    assert batch.input_ids.shape[0] == 1 and batch.pixel_values is None
    starts = [place - len(row.prompt.ids) + 1 for (_, place), row in zip(batch.asked, rows, strict=True)]
    assert [int(batch.position_ids[0, 0, start]) for start in starts] == [
        0,
        0,
        0,
    ]  # each counts from its own start


def test_blind_has_no_image_tokens_and_asks_for_no_frames(solver, frames):
    item = lesson_items()[0]
    image = solver.core.config.image_token_id
    seen, blind = solver.encoder.prompt(item.question, frames), solver.encoder.prompt(item.question, None)
    assert seen.ids.count(image) == 2 * 6  # rounded to 32 x 48 px: two frames of 2 x 3 merged patches
    assert image not in blind.ids
    assert not {"<|vision_start|>", "<|vision_end|>"} & set(solver.tokenizer.convert_ids_to_tokens(blind.ids))
    calls = frames.calls
    solver.score([item], frames, blind=True)
    solver.answer([item.question], frames, blind=True)
    assert frames.calls == calls


def test_other_pixels_give_another_score(solver, frames):
    item = lesson_items()[0]
    changed = Frames({**clips(SCENES), "s0": "blue"})
    assert abs(solver.score([item], frames)[0].p - solver.score([item], changed)[0].p) > 1e-7


def test_the_order_of_frames_matters(solver, frames):
    mixed = {"f0": (200, 30, 30), "f1": (40, 60, 220)}

    def two(asked):
        return [
            torch.tensor(mixed[f], dtype=torch.uint8).expand(36, 48, 3).numpy().copy()
            for f in asked.frame_ids
        ]

    item = lesson_items()[1]
    turned = Labelled(question=replace(item.question, frame_ids=("f1", "f0")), answer="3")
    assert abs(solver.score([item], two)[0].p - solver.score([turned], two)[0].p) > 1e-7


def test_choices_are_answered_by_the_best_option_and_come_back_as_letters(solver, frames):
    items = [item for item in lesson_items() if item.question.options]
    letters = solver.answer([item.question for item in items], frames)
    for item, letter in zip(items, letters, strict=True):
        scores = [solver.score([Labelled(question=item.question, answer=x)], frames)[0].p for x in "ABCD"]
        assert letter == "ABCD"[scores.index(max(scores))]


def test_numbers_are_decoded_greedily(solver, frames):
    item = lesson_items()[1]
    asked = [item.question, replace(item.question, id="long", text="How many? " * 9), item.question]
    together = solver.answer(asked, frames)
    assert together == [solver.answer([one], frames)[0] for one in asked]
    prompt = list(solver.encoder.prompt(item.question, frames).ids)
    reply: list[int] = []
    with torch.no_grad():
        for _ in range(16):
            row = Row(prompt=solver.encoder.prompt(item.question, frames), reply=tuple(reply))
            token = int(solver.answer_logits(solver.encoder.batch([row]), [row], end=True)[0][-1].argmax())
            if token == solver.tokenizer.eos_token_id:
                break
            reply.append(token)
    assert together[0] == solver.tokenizer.decode(reply, skip_special_tokens=True).strip()
    assert len(prompt) > 8


def test_letters_style_scores_letters(frames):
    solver = make_solver(PromptStyle())
    item = lesson_items()[0]
    text = solver.tokenizer.decode(solver.encoder.prompt(item.question, None).ids)
    assert "A. red" in text and "D. white" in text and "These are frames of a video." in text
    assert solver.score([item], frames)[0].n_tokens == 1
    assert solver.answer([item.question], frames)[0] in "ABCD"


def test_frames_are_processed_once_and_the_cache_is_bounded(frames):
    solver = make_solver(cache_mb=0)
    items = lesson_items()
    solver.score(items, frames)
    assert len(solver.encoder._patches) <= 2  # a question's own frames are always held
    roomy = make_solver()
    frames.calls = 0
    roomy.score(items, frames)
    assert frames.calls == len(SCENES)


def test_solver_colors_are_distinct():
    assert len(set(COLORS.values())) == len(COLORS)
