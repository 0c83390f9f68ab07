"""The `llm` proposer: a chat model that writes questions and programs, and the reviewer that looks at them again.

What a prompt is made of, in its order: `prompt.SYSTEM`, the page on the program API (`api_page`), exemplars (`exemplars`,
`rooms`), the scene (`scene_text`), the last round's feedback, the brief (`brief`). What comes back goes through `reply` (JSON and schema),
`fixers` (what can be set right without asking again) and `faithful` (does it ask what the brief says).
"""
