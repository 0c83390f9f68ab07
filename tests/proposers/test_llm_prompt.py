from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import grammar_rooms as rooms
import llm_kit as kit
import numpy as np
import pytest

from ouroboros_data.errors import RecipeError
from ouroboros_data.feedback import estimate_tokens
from ouroboros_data.models.chat import ImagePart, TextPart
from ouroboros_data.plugins import BandCounts, Past, Proposal
from ouroboros_data.programs import api
from ouroboros_data.proposers.llm import api_page, prompt
from ouroboros_data.proposers.llm.proposer import Llm
from ouroboros_data.proposers.llm.scene_text import describe
from ouroboros_data.proposers.view import look

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "llm_prompt.txt"
OPTIONS = {
    "model": {"name": "openai", "options": {"model": "a-model", "base_url": "http://127.0.0.1:9/v1"}},
    "include": list(kit.PLAIN),
    "exemplars": 2,
}


def proposer(**more) -> Llm:
    return Llm(options={**OPTIONS, **more}, cache=None)


def test_every_function_of_the_api_is_on_the_page_or_left_out_on_purpose() -> None:
    page = api_page.page("full")
    named = {line.partition("(")[0] for line in page.splitlines() if " - " in line and "(" in line}
    assert named | set(api_page.LEFT_OUT) >= set(api.FUNCTIONS)
    assert named <= set(api.FUNCTIONS)  # nothing is promised that a program cannot call
    assert set(api_page.CORE) <= set(api.FUNCTIONS)
    assert {line.partition("(")[0] for line in api_page.page("core").splitlines() if " - " in line} == set(
        api_page.CORE
    )
    for name in named:
        assert api_page.functions()[name].partition(" - ")[2], f"{name} has no docstring"


def test_golden_prompt() -> None:
    scene = rooms.random_scene(3)
    text = proposer().preview(scene, kit.frame_ids(scene), kit.brief(seed=5))
    text = text.replace(api_page.page("full"), "[the page on the API]")
    assert text == GOLDEN.read_text("utf-8"), f"if that is meant, write this to {GOLDEN}:\n{text}"


def test_a_preview_asks_nothing_and_needs_no_server() -> None:
    scene = rooms.random_scene(3)
    made = proposer(model={"name": "openai", "options": {"model": "x", "api_key_env": "NO_SUCH_VARIABLE"}})
    assert "BRIEF" in made.preview(scene, kit.frame_ids(scene), kit.brief())


def requests(made: Llm, scenes, *, count=4, frames=None, model=None, history=()):
    model = model or kit.Scripted(lambda request, number: "no")
    made.__dict__["model"] = model
    items = [
        Proposal(scene=s, frame_ids=kit.frame_ids(s), brief=replace(kit.brief(count), history=history))
        for s in scenes
    ]
    made.propose_many(items, frames)
    return model.requests


def texts(request) -> list[str]:
    return [part.text for turn in request.messages for part in turn.parts if isinstance(part, TextPart)]


def test_what_changes_least_comes_first() -> None:
    scenes = [rooms.random_scene(seed) for seed in (3, 4)]
    asked = requests(proposer(), scenes)
    assert len(asked) == 8
    first, second, other = (["".join(texts(r))][0] for r in (asked[0], asked[1], asked[4]))
    shared = next(i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    # All requests about a scene share everything up to the example of the brief's own family.
    assert "SCENE." in first[:shared] and first[:shared].endswith("question_type: object_")
    system = f"{prompt.SYSTEM}\n{api_page.page('full')}"
    assert first.startswith(system) and other.startswith(system)
    for request in asked:
        roles = [turn.role for turn in request.messages]
        assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
        body = "".join(texts(request))
        places = [
            body.index(word) for word in ("PROGRAM API", "EXAMPLES, about", "SCENE.", "EXAMPLE of this")
        ]
        assert places == sorted(places) and places[-1] < body.rindex("BRIEF")


def test_exemplars_change_from_scene_to_scene_and_stay_for_a_seed() -> None:
    scenes = [rooms.random_scene(seed) for seed in (3, 4, 5, 6)]
    asked = requests(proposer(), scenes, count=1)
    shown = [tuple(texts(request)[1:5]) for request in asked]
    assert len(set(shown)) > 1
    assert shown == [tuple(texts(request)[1:5]) for request in requests(proposer(), scenes, count=1)]


def test_pictures_go_to_models_that_take_them_and_to_no_others() -> None:
    scene = rooms.random_scene(3)

    def frames(question):
        return [np.full((4, 6, 3), k, np.uint8) for k in range(len(question.frame_ids))]

    blind = requests(proposer(), [scene], count=1, frames=frames)[0]
    assert not any(isinstance(part, ImagePart) for turn in blind.messages for part in turn.parts)
    model = kit.Scripted(lambda request, number: "no")
    model.takes_images = True
    seeing = requests(proposer(), [scene], count=1, frames=frames, model=model)[0]
    kinds = [type(part).__name__ for part in seeing.messages[-1].parts]
    assert kinds[: len(scene.frames)] == ["ImagePart"] * len(scene.frames)
    assert kinds[len(scene.frames)] == "TextPart"
    off = requests(proposer(images=False), [scene], count=1, frames=frames, model=model)[-1]
    assert not any(isinstance(part, ImagePart) for turn in off.messages for part in turn.parts)


def test_feedback_is_shown_when_there_is_any() -> None:
    scene = rooms.random_scene(3)
    past = Past(
        text="How many lamps are there?", answer="1", bin="object_counting/one", band="easy", confidence=0.97
    )
    plain = "".join(texts(requests(proposer(), [scene], count=1)[0]))
    told = "".join(texts(requests(proposer(), [scene], count=1, history=(past,))[0]))
    assert "Feedback on round" not in plain
    assert told.index("SCENE.") < told.index("How many lamps are there?") < told.rindex("BRIEF")
    counts = {"object_counting/one": BandCounts(easy=3)}
    made = proposer()
    item = Proposal(
        scene=scene, frame_ids=kit.frame_ids(scene), brief=replace(kit.brief(1), bin_counts=counts)
    )
    model = kit.Scripted(lambda request, number: "no")
    made.__dict__["model"] = model
    made.propose_many([item], None)
    assert "object_counting/one 3/0/0" in "".join(texts(model.requests[0]))


def test_a_scene_is_what_the_frames_show_within_its_budget() -> None:
    scene = rooms.random_scene(3)
    shares = {view.object_id for frame in scene.frames for view in frame.views}
    hidden = scene.objects[0]
    frames = tuple(
        replace(frame, views=tuple(v for v in frame.views if v.object_id != hidden.id))
        for frame in scene.frames
    )
    scene = replace(scene, frames=frames)
    assert hidden.id in shares
    view = look(scene, kit.frame_ids(scene), visible_share=0.002, large_share=0.02)
    whole = describe(view, kit.frame_ids(scene), budget_tokens=10_000)
    assert hidden.category not in whole.replace(",", " ").split()
    single = [name for name, places in view.seen.items() if len(places) == 1]
    several = {name: len(places) for name, places in view.seen.items() if len(places) > 1}
    lines = whole.splitlines()
    assert lines[1] == f'One of each, say "the X": {", ".join(single)}.'
    assert all(f"{name} x{number}" in lines[2] for name, number in several.items())
    assert len(lines) == 4 + len(single) + sum(several.values())
    first = view.seen[single[0]][0]
    size, place = view.size_m[first], scene.objects[first].center_m
    assert lines[4] == (
        f"{single[0]} {size[0]:.1f}x{size[1]:.1f}x{size[2]:.1f} at {', '.join(f'{x + 0.0:.1f}' for x in place)}"
    )
    short = describe(view, kit.frame_ids(scene), budget_tokens=estimate_tokens("\n".join(lines[:4])) + 60)
    assert short.splitlines()[-1].startswith("and ") and short.splitlines()[-1].endswith(" more")
    assert estimate_tokens(short) <= estimate_tokens("\n".join(lines[:4])) + 60


def test_the_share_of_free_choice() -> None:
    scene = rooms.random_scene(3)
    made = proposer(free_share=0.5)
    assert "open_question/free" in made.bins() and "open_question/free" not in proposer().bins()
    asked = requests(made, [scene], count=60)
    free = [r for r in asked if r.reply_format.name == "open_question"]
    assert 15 < len(free) < 45
    schema = free[0].reply_format.schema
    seen = look(scene, kit.frame_ids(scene), visible_share=0.002, large_share=0.02).seen
    assert set(schema["properties"]["categories"]["items"]["enum"]) == set(seen)
    assert all(r.reply_format.name == "open_question" for r in requests(proposer(free_share=1.0), [scene]))


def test_the_same_brief_asks_the_same() -> None:
    scene = rooms.random_scene(3)
    one, two = requests(proposer(), [scene]), requests(proposer(), [scene])
    assert [(texts(r), r.seed, json.dumps(r.reply_format.schema)) for r in one] == [
        (texts(r), r.seed, json.dumps(r.reply_format.schema)) for r in two
    ]
    assert len({r.seed for r in one}) == len(one)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"free_share": 1.5}, "free_share"),
        ({"exemplars": -1}, "exemplars"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 3.0}, "temperature"),
        ({"top_p": 0.0}, "top_p"),
        ({"repair": "often"}, "repair"),
        ({"include": ["no_such/*"]}, "matches no bin"),
        ({"examplars": 2}, "did you mean exemplars"),
    ],
)
def test_options_out_of_range_are_refused(options, said) -> None:
    with pytest.raises(RecipeError, match=said):
        proposer(**options)


def test_the_id_names_the_model_and_never_an_address() -> None:
    made = proposer()
    assert made.id.startswith("llm/1-") and made.id.endswith(" a-model")
    assert "127.0.0.1" not in made.id
    assert proposer(api="core").id != made.id  # another page is another proposer
