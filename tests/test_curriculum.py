from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from ouroboros_data.config import CurriculumSettings
from ouroboros_data.curriculum import Outcome, answerable_blind, band, bin_weights, scene_weights

SETTINGS = CurriculumSettings()
BINS = ["a/1", "a/2", "b/1"]
outcomes = st.lists(
    st.builds(
        lambda i, s, b, k: Outcome(iteration=i, scene_id=s, bin=b, band=k),
        st.integers(1, 3),
        st.sampled_from(["s1", "s2"]),
        st.sampled_from(BINS),
        st.sampled_from(["easy", "frontier", "hard"]),
    ),
    max_size=60,
)


def of(name: str, kind: str, n: int, iteration: int = 1, blind: bool = False) -> list[Outcome]:
    return [Outcome(iteration=iteration, scene_id="s1", bin=name, band=kind, blind=blind)] * n  # type: ignore[arg-type]


def test_band_borders_belong_to_the_frontier() -> None:
    assert [band(p, SETTINGS) for p in (0.0, 0.0999, 0.1, 0.5, 0.9, 0.9001, 1.0)] == [
        "hard", "hard", "frontier", "frontier", "frontier", "easy", "easy",
    ]  # fmt: skip


@given(outcomes)
def test_weights_are_a_distribution_with_a_floor(seen: list[Outcome]) -> None:
    weights = bin_weights(seen, BINS, 4, SETTINGS)
    assert math.isclose(sum(weights.values()), 1.0)
    assert all(w >= SETTINGS.floor / len(BINS) - 1e-12 for w in weights.values())


@given(outcomes)
def test_order_of_outcomes_does_not_matter(seen: list[Outcome]) -> None:
    a, b = bin_weights(seen, BINS, 4, SETTINGS), bin_weights(seen[::-1], BINS, 4, SETTINGS)
    assert all(math.isclose(a[name], b[name]) for name in BINS)


@given(outcomes, st.sampled_from(BINS))
def test_one_more_frontier_sample_never_lowers_a_bin_and_one_more_easy_never_raises_it(
    seen: list[Outcome], name: str
) -> None:
    before = bin_weights([*seen, *of("a/1", "easy", 1)], BINS, 4, SETTINGS)[name]
    assert (
        bin_weights([*seen, *of("a/1", "easy", 1), *of(name, "frontier", 1, 3)], BINS, 4, SETTINGS)[name]
        >= before - 1e-12
    )
    assert (
        bin_weights([*seen, *of("a/1", "easy", 1), *of(name, "easy", 1, 3)], BINS, 4, SETTINGS)[name]
        <= before + 1e-12
    )


def test_trivial_and_junk_lose_and_the_frontier_gains() -> None:
    weights = bin_weights(
        of("a/1", "easy", 80) + of("a/2", "hard", 80) + of("b/1", "frontier", 80), BINS, 2, SETTINGS
    )
    assert weights["a/1"] < 0.1 and weights["a/2"] < 0.1 and weights["b/1"] > 0.8


def test_what_is_known_without_frames_loses_like_what_is_easy() -> None:
    seen = of("a/1", "frontier", 80, blind=True) + of("a/2", "easy", 80) + of("b/1", "frontier", 80)
    weights = bin_weights(seen, BINS, 2, SETTINGS)
    assert weights["a/1"] == weights["a/2"] < 0.1 < 0.8 < weights["b/1"]


def test_blind_confidence_is_corrected_for_chance() -> None:
    half = CurriculumSettings(blind_above=0.5)
    open_answer = [answerable_blind(p, 0, half) for p in (0.0, 0.5, 0.51, 1.0)]
    of_two = [answerable_blind(p, 2, half) for p in (0.1, 0.5, 0.75, 0.76)]
    of_four = [answerable_blind(p, 4, half) for p in (0.25, 0.6, 0.63)]
    assert open_answer == [False, False, True, True]
    assert of_two == [False, False, False, True]
    assert of_four == [False, False, True]
    assert not answerable_blind(1.0, 2, CurriculumSettings(blind_above=1.0))


def test_a_later_round_outweighs_an_earlier_one() -> None:
    moved = of("a/1", "hard", 40, 1) + of("a/1", "frontier", 40, 2)
    back = of("a/1", "frontier", 40, 1) + of("a/1", "hard", 40, 2)
    assert bin_weights(moved, BINS, 3, SETTINGS)["a/1"] > bin_weights(back, BINS, 3, SETTINGS)["a/1"]


def test_static_policy_and_no_history_are_even() -> None:
    even = dict.fromkeys(BINS, 1 / 3)
    assert bin_weights(of("a/1", "easy", 9), BINS, 2, CurriculumSettings(policy="static")) == even
    assert bin_weights([], BINS, 1, SETTINGS) == even


def test_a_scene_bends_its_own_weights_only_where_it_has_history() -> None:
    weights = dict.fromkeys(BINS, 1 / 3)
    bent = scene_weights(of("a/1", "easy", 3) + of("a/2", "frontier", 3), weights, SETTINGS)
    assert bent["a/1"] < weights["a/1"] < bent["a/2"] and bent["b/1"] == weights["b/1"]
    assert scene_weights(of("a/1", "easy", 3), weights, CurriculumSettings(scene_strength=0.0)) == weights
