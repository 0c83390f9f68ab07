"""The question families of a proposer: knobs, and an example each, made live on a procedural room."""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from ouroboros_data import registry
from ouroboros_data.config import FrameSettings, ProgramSettings
from ouroboros_data.errors import PluginError, RecipeError
from ouroboros_data.ids import seed_from
from ouroboros_data.media.frames import sample_frame_ids
from ouroboros_data.plugins import Brief, Proposer
from ouroboros_data.programs.worker import sandbox_here
from ouroboros_data.proposers.families import FAMILIES
from ouroboros_data.stages.ground import ground
from ouroboros_data.store import write_atomic
from ouroboros_data.types import Scene

START, END = "<!-- families: made by `ouroboros-data families --into` -->", "<!-- end of families -->"
ROOMS = 40
"""Rooms that are searched for an example; most bins have one in the first few."""
FRAMES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An accepted question of a procedural room."""

    bin: str
    scene_id: str
    question: str
    options: tuple[str, ...]
    answer: str
    unit: str
    program: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyEntry:
    """What there is to know of a family."""

    name: str
    group: str
    """Empty where the proposer's family is none of ours."""
    note: str
    prior_bound: float | None
    wordings: int | None
    bins: Mapping[str, str]
    """Knob setting → what it does."""
    examples: tuple[Example, ...] = ()


def entries(proposer: Proposer) -> list[FamilyEntry]:
    """The families of a proposer, in its order, without examples."""
    bins: dict[str, dict[str, str]] = {}
    for name, note in proposer.bins().items():
        family, _, knob = name.partition("/")
        bins.setdefault(family, {})[knob] = note
    found = []
    for name, knobs in bins.items():
        known = FAMILIES.get(name)
        found.append(
            FamilyEntry(
                name=name,
                group=known.group if known else "",
                note=known.note if known else "",
                prior_bound=known.prior_bound if known else None,
                wordings=len(known.wordings) if known else None,
                bins=knobs,
            )
        )
    return found


def chosen(every: Sequence[FamilyEntry], names: Sequence[str]) -> list[FamilyEntry]:
    """The named families, all of them where none is named.

    Raises:
        RecipeError: A name is unknown.
    """
    by_name = {entry.name: entry for entry in every}
    for name in names:
        if name not in by_name:
            close = difflib.get_close_matches(name, by_name, n=1)
            hint = f"did you mean {close[0]}?" if close else "`ouroboros-data families` lists them"
            raise RecipeError(f"no family {name!r}", fix=hint)
    return [by_name[name] for name in dict.fromkeys(names)] if names else list(every)


def with_examples(
    proposer: Proposer, wanted: Sequence[FamilyEntry], programs: ProgramSettings, *, every_knob: bool
) -> Iterator[FamilyEntry]:
    """The same entries with one example each, or one for every knob, as they are found.

    An example has passed all gates. A knob is without one where `ROOMS` rooms have nothing to ask of its kind.

    Raises:
        PluginError: The proposer asks a model, which examples are not worth.
        SandboxError: Programs cannot be run here.
    """
    if getattr(proposer, "where", "worker") != "worker":
        raise PluginError(f"{proposer.id} asks a model", fix="--no-examples, or `propose --dry-run`")
    rooms: list[Scene] = []
    with tempfile.TemporaryDirectory() as media:
        adapter = registry.load("scene_adapters", "procedural")(root=None, seed=0, options={"count": ROOMS})
        refs = iter(adapter.refs())

        def room(number: int) -> Scene:
            while len(rooms) <= number:
                rooms.append(adapter.load(next(refs), Path(media)))
            return rooms[number]

        for entry in wanted:
            groups = [[knob] for knob in entry.bins] if every_knob else [list(entry.bins)]
            examples = []
            for knobs in groups:
                bins = [f"{entry.name}/{knob}" for knob in knobs]
                found = next(
                    (e for n in range(ROOMS) if (e := _example(proposer, room(n), bins, programs))), None
                )
                examples += [found] if found else []
            yield replace(entry, examples=tuple(examples))


def _example(
    proposer: Proposer, scene: Scene, bins: Sequence[str], programs: ProgramSettings
) -> Example | None:
    frames = FrameSettings(count=FRAMES)
    frame_ids = sample_frame_ids(scene, frames.count)
    weights = {**dict.fromkeys(proposer.bins(), 0.0), **dict.fromkeys(bins, 1.0)}
    seed = seed_from("example", scene.id, *bins)
    brief = Brief(iteration=1, count=1, seed=seed, weights=weights, min_pixel_share=frames.min_pixel_share)
    drafts = proposer.propose(scene, frame_ids, brief)
    verdicts = ground(
        scene,
        frame_ids,
        drafts,
        programs=programs,
        min_pixel_share=frames.min_pixel_share,
        pool=sandbox_here(programs.jail, programs.allow_unjailed),
    )
    for draft, verdict in zip(drafts, verdicts, strict=True):
        if verdict.status == "accepted" and verdict.answer is not None and draft.bin in bins:
            question = draft.question
            return Example(
                bin=draft.bin,
                scene_id=scene.id,
                question=question.text,
                options=question.options,
                answer=verdict.answer.text,
                unit=question.unit or "",
                program=draft.program.source,
            )
    return None


def show(console: Console, entry: FamilyEntry, *, searched: bool, every_knob: bool) -> None:
    """Print one family; ``searched``: for examples, for each knob or for one."""
    facts = [entry.group, entry.note]
    if entry.prior_bound is not None:
        facts.append(f"{entry.wordings} wordings, no answer above {entry.prior_bound:.0%}")
    console.print(f"[bold cyan]{entry.name}[/]  ", end="")
    console.print("; ".join(fact for fact in facts if fact), markup=False, soft_wrap=True)
    width = max(map(len, entry.bins))
    for knob, note in entry.bins.items():
        console.print(f"  {knob:<{width}}  {note}", markup=False, soft_wrap=True)
    missing = [knob for knob in entry.bins if f"{entry.name}/{knob}" not in {e.bin for e in entry.examples}]
    if searched and (not entry.examples or every_knob) and missing:
        console.print(f"  [dim]no example in {ROOMS} rooms: {', '.join(missing)}[/]")
    for example in entry.examples:
        console.print(f"  [dim]{example.bin} in {example.scene_id}[/]")
        console.print(f"    Q: {example.question}", markup=False, soft_wrap=True)
        for letter, option in zip("ABCDEFGHIJ", example.options, strict=False):
            console.print(f"       {letter}. {option}", markup=False, soft_wrap=True)
        unit = f" {example.unit}" if example.unit not in ("", "count") else ""
        console.print(f"    A: {example.answer}{unit}", markup=False, soft_wrap=True)
        for line in example.program.rstrip("\n").split("\n"):
            console.print(f"       {line}", markup=False, soft_wrap=True, style="green")
    console.print()


def markdown(listed: Sequence[FamilyEntry]) -> str:
    """Two tables for docs/families.md: families, then bins. The same text on every machine: no examples."""
    lines = [
        "| family | group | what it asks | wordings | no answer above |",
        "|---|---|---|---|---|",
    ]
    for entry in listed:
        bound = "" if entry.prior_bound is None else f"{entry.prior_bound:.0%}"
        lines.append(f"| `{entry.name}` | {entry.group} | {entry.note} | {entry.wordings or ''} | {bound} |")
    lines += ["", "| bin | what the knob does |", "|---|---|"]
    lines += [f"| `{entry.name}/{knob}` | {note} |" for entry in listed for knob, note in entry.bins.items()]
    return "".join(f"{line}\n" for line in lines)


def put_into(path: Path, listed: Sequence[FamilyEntry]) -> None:
    """Replace what stands between `START` and `END` in a page by the tables.

    Raises:
        RecipeError: The page does not have both marks, in this order.
    """
    head, start, rest = path.read_text("utf-8").partition(START)
    _, end, tail = rest.partition(END)
    if not start or not end:
        raise RecipeError(
            "the page has no place for the tables", where=str(path), fix=f"put in {START} {END}"
        )
    write_atomic(path, f"{head}{START}\n\n{markdown(listed)}\n{END}{tail}")
