"""The warm start's own rooms: furnished and asked about as the recipe says, never the run's."""

import json

import pytest

from ouroboros_data.config import load_recipe
from ouroboros_data.errors import RecipeError
from ouroboros_data.ids import canonical_json
from ouroboros_data.models.tiny_rooms import RoomPlan, make_lessons

PLAN = {"seed": 3, "rooms": 2, "frames": 2, "clips": 2, "captions_per_clip": 1, "questions_per_clip": 6}
WORLD = canonical_json(
    {"arrangement": "scattered", "categories": ["chair", "table", "stool"], "objects": [4, 6]}
)
ASKED = canonical_json({"include": ["object_counting/*", "room_size_estimation/*"]})


def test_rooms_and_questions_follow_the_options(tmp_path):
    plan = RoomPlan(**PLAN, blind_share=0.0, world=WORLD, asked=ASKED)
    found = make_lessons(plan, tmp_path / "media", lambda count: None)
    assert {item.category for lesson in found for item in lesson.scene.objects} == {"chair", "table", "stool"}
    types = {item.question.question_type for lesson in found for item in lesson.questions}
    assert types == {"object_counting", "room_size_estimation"}


def test_the_plan_is_known_by_its_options():
    keys = [
        RoomPlan(**PLAN, blind_share=share, world=world, asked=asked).key()
        for share in (0.0, 0.1)
        for world in ("{}", WORLD)
        for asked in ("{}", ASKED)
    ]
    assert len(set(keys)) == 8


def test_an_unknown_option_of_rooms_or_questions_is_named():
    with pytest.raises(RecipeError, match="catgories"):
        RoomPlan(**PLAN, blind_share=0.0, world=json.dumps({"catgories": []})).key()
    with pytest.raises(RecipeError, match="object_countin"):
        RoomPlan(**PLAN, blind_share=0.0, asked=json.dumps({"include": ["object_countin/*"]})).key()


def test_the_quickstart_warms_up_on_what_it_asks():
    recipe = load_recipe("quickstart")
    assert recipe.solver.options["asked"] == recipe.proposer.options
    world = {name: value for name, value in recipe.scenes.options.items() if name != "count"}
    given = recipe.solver.options.get("world", {})
    assert {name: value for name, value in given.items() if name != "count"} == world
