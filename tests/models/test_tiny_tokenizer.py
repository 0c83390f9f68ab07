"""The small vocabulary: whole numbers, nothing lost, and a template in Qwen's form."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the solver extra")
pytest.importorskip("transformers", reason="needs the solver extra")

from hypothesis import given, settings
from hypothesis import strategies as st

from ouroboros_data.models import tiny_parts

pytestmark = pytest.mark.solver

TEXTS = ["user assistant", "How far is the trash bin from the sofa, in meters?", *tiny_parts.number_texts()]
TOKENIZER = tiny_parts.make_tokenizer(TEXTS)


def tokens(text: str) -> list[str]:
    return TOKENIZER.convert_ids_to_tokens(TOKENIZER(text, add_special_tokens=False)["input_ids"])


@pytest.mark.parametrize("number", ["0", "7", "10", "122", "999", "0.5", "3.4", "34.0", "99.9"])
def test_a_number_is_one_token_wherever_it_stands(number):
    assert len(tokens(number)) == 1
    assert tokens(f"is {number} far")[-2] == tokens(number)[0]


def test_known_words_are_one_token_each():
    assert tokens("trash bin, sofa") == ["▁trash", "▁bin", ",", "▁sofa"]


@settings(max_examples=150, deadline=None)
@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="▁<|"), max_size=40
    )
)
def test_any_text_comes_back(text):
    words = text.strip()
    ids = TOKENIZER(words, add_special_tokens=False)["input_ids"]
    assert TOKENIZER.decode(ids, skip_special_tokens=True).strip() == words


def test_the_vocabulary_depends_on_the_texts_alone():
    again = tiny_parts.make_tokenizer([*reversed(TEXTS), *TEXTS])
    assert again.get_vocab() == TOKENIZER.get_vocab()


def test_the_template_is_qwens():
    chat = [
        {
            "role": "user",
            "content": [{"type": "text", "text": "1"}, {"type": "image"}, {"type": "text", "text": "How?"}],
        }
    ]
    text = TOKENIZER.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert text == (
        "<|im_start|>user\n1<|vision_start|><|image_pad|><|vision_end|>How?<|im_end|>\n<|im_start|>assistant\n"
    )
    assert TOKENIZER.eos_token == "<|im_end|>"
    assert tokens(text)[:3] == ["<|im_start|>", "▁user", "\n"]


def test_near_numbers_start_out_near():
    config = tiny_parts.make_config(TOKENIZER, layers=1, width=128, vision_layers=1, vision_width=32)
    table = tiny_parts.make_model(config, TOKENIZER, 0).get_input_embeddings().weight.detach()

    def alike(a: str, b: str) -> float:
        one, other = (table[TOKENIZER(x, add_special_tokens=False)["input_ids"][0]] for x in (a, b))
        return float((one @ other) / (one.norm() * other.norm()))

    assert alike("34.1", "34.2") > 0.8 > 0.5 > alike("34.1", "3.4")
    assert abs(alike("34.1", "sofa")) < 0.4
    assert table.std() < 0.05
