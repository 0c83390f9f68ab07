"""``run-program``, ``verify`` and ``audit``: programs and their answers, outside of a build."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ouroboros_data.cli_common import SandboxOption, SetOption, UnjailedOption, boundary, jail_overrides

if TYPE_CHECKING:
    from rich.console import Console

    from ouroboros_data.auditing.audit import Report, Scenes
    from ouroboros_data.auditing.drafts import SceneSource
    from ouroboros_data.config import FrameSettings, ProgramSettings, Recipe

JsonOption = Annotated[bool, typer.Option("--json", help="Print everything as JSON.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes; 0: one per core.")]
SceneFile = Annotated[
    Path | None,
    typer.Option("--scene", metavar="SCENE.json", help="A scene file (schemas/scene.schema.json)."),
]
Store = Annotated[Path | None, typer.Option("--store", help="A store made by `scenes ingest`.")]
SettingsOf = Annotated[
    str | None,
    typer.Option("--recipe", help="Noise, tolerances and visibility of this recipe. [default: the defaults]", show_default=False),
]  # fmt: skip
MAX_BYTES = 1 << 20
SHOWN = 20
"""Rows that are printed in full; --json has them all."""


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("run-program")(run_program)
    app.command("verify")(verify)
    app.command("audit")(audit)


def run_program(
    program: Annotated[Path, typer.Argument(metavar="PROGRAM.py", help="Text of `def answer(): …`.")],
    scene_file: SceneFile = None,
    store: Store = None,
    scene_id: Annotated[
        str | None, typer.Option("--scene-id", help="Which scene of --store or --recipe.")
    ] = None,
    frames: Annotated[
        str | None,
        typer.Option(
            help="Ids of the question's frames, with commas between. [default: all]", show_default=False
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", help="Settings of this recipe, and its scenes where no other are given."),
    ] = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
    sandbox: SandboxOption = None,
    allow_unjailed: UnjailedOption = False,
) -> None:
    """Run one program on one scene: answer, margin, and what it looked at. Exit code 1 if it gives no answer."""
    with boundary() as console:
        import tempfile

        from ouroboros_data.errors import RecipeError
        from ouroboros_data.programs.try_program import try_program
        from ouroboros_data.records import to_json

        source = _program_text(program)
        resolved = _recipe(recipe, overrides, sandbox, allow_unjailed)
        place = _scene_source(scene_file, store, resolved if recipe else None)
        if scene_file is None and not scene_id:
            raise RecipeError("no --scene-id", fix="`ouroboros-data scenes list` shows ids")
        with tempfile.TemporaryDirectory() as media:
            scene = place.get(scene_id or "", Path(media))
        named = [name for name in frames.split(",") if name] if frames is not None else None
        tried = try_program(
            source, scene, named, programs=resolved.programs, min_pixel_share=resolved.frames.min_pixel_share
        )
        if as_json:
            typer.echo(json.dumps(to_json(tried), indent=1, ensure_ascii=False))
        else:
            _show_tried(console, tried)
        if not tried.ok:
            raise typer.Exit(1)


def verify(
    drafts: Annotated[
        Path, typer.Argument(metavar="DRAFTS.jsonl", help="One draft a line (schemas/draft.schema.json).")
    ],
    scene_file: SceneFile = None,
    store: Store = None,
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", help="Settings of this recipe, and its scenes where no other are given."),
    ] = None,
    overrides: SetOption = None,
    workers: Workers = 0,
    as_json: JsonOption = False,
    sandbox: SandboxOption = None,
    allow_unjailed: UnjailedOption = False,
) -> None:
    """Take drafts through the gates of a build. Exit code 1 if one is rejected."""
    with boundary() as console:
        from ouroboros_data.auditing.drafts import verify as verify_file
        from ouroboros_data.progress import Silent, Terminal
        from ouroboros_data.records import to_json

        resolved = _recipe(recipe, overrides, sandbox, allow_unjailed)
        lines = verify_file(
            drafts,
            _scene_source(scene_file, store, resolved if recipe else None),
            programs=resolved.programs,
            min_pixel_share=resolved.frames.min_pixel_share,
            workers=workers,
            progress=Silent() if as_json else Terminal(console),
        )
        rejected = [line for line in lines if line.verdict.status == "rejected"]
        if as_json:
            typer.echo(json.dumps([to_json(line) for line in lines], indent=1, ensure_ascii=False))
        else:
            for line in lines:
                v = line.verdict
                if v.status == "rejected":
                    said = f"rejected {v.stage}/{v.reason}: {v.detail}"
                else:
                    said = f"accepted: {v.answer.text if v.answer else ''}{_times(v.margin)}"
                console.print(f"{line.line}: {v.question_id}: {said}", markup=False, soft_wrap=True)
            console.print(
                f"{len(lines)} drafts, {len(lines) - len(rejected)} accepted, {len(rejected)} rejected"
            )
            for why, n in Counter(f"{r.verdict.stage}/{r.verdict.reason}" for r in rejected).most_common():
                console.print(f"  {n} {why}")
        if rejected:
            raise typer.Exit(1)


def audit(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Directory of a published dataset.")],
    scenes: Annotated[
        Path | None, typer.Option("--scenes", metavar="STORE", help="A store with its scenes.")
    ] = None,
    run: Annotated[Path | None, typer.Option("--run", help="The run directory that it came from.")] = None,
    repair: Annotated[
        Path | None,
        typer.Option("--repair", metavar="OUT", help="Write a corrected copy here, with changes.jsonl."),
    ] = None,
    recipe: SettingsOf = None,
    workers: Workers = 0,
    as_json: JsonOption = False,
    sandbox: SandboxOption = None,
    allow_unjailed: UnjailedOption = False,
) -> None:
    """Derive every row again from its program and its scene. Exit code 1 if one differs or could not be checked."""
    with boundary("Nothing was changed.") as console:
        from dataclasses import replace

        from ouroboros_data.auditing.audit import audit as audit_rows
        from ouroboros_data.auditing.published import read_published
        from ouroboros_data.auditing.repair import need_free, write_copy
        from ouroboros_data.progress import Silent, Terminal
        from ouroboros_data.records import to_json

        there = _audit_scenes(scenes, run)
        if repair is not None:
            need_free(repair)
        published = read_published(dataset)
        looked, programs = _audit_settings(published, recipe)
        programs = replace(programs, jail=sandbox or "auto", allow_unjailed=allow_unjailed)
        report = audit_rows(
            published,
            there,
            programs=programs,
            min_pixel_share=looked.min_pixel_share,
            workers=workers,
            progress=Silent() if as_json else Terminal(console),
            repair=repair is not None,
        )
        written = None
        if repair is not None and (report.differing or report.files):
            written = write_copy(published, report, repair, programs)
        if as_json:
            whole = {"clean": report.clean, **to_json(report), "fix": there.fix if report.missing else ""}
            whole["repair"] = to_json(written) if written else None
            typer.echo(json.dumps(whole, indent=1, ensure_ascii=False))
        else:
            _show_audit(console, report, there)
            if written is not None:
                console.print(
                    f"{repair}: {written.rows} rows, {written.corrected} corrected, {written.dropped} dropped, "
                    f"{written.unchecked} not checked; changes.jsonl lists them",
                    markup=False,
                    soft_wrap=True,
                )
            elif repair is not None:
                console.print("nothing to correct: no copy was written")
        if not report.clean:
            raise typer.Exit(1)


def _program_text(path: Path) -> str:
    from ouroboros_data.errors import DraftError

    with path.open("rb") as handle:
        data = handle.read(MAX_BYTES + 1)
    try:
        if len(data) > MAX_BYTES:
            raise ValueError
        return data.decode("utf-8")
    except ValueError:
        raise DraftError("not a program: not UTF-8 text, or too long", where=str(path)) from None


def _recipe(
    recipe: str | None, overrides: list[str] | None, sandbox: str | None, allow_unjailed: bool
) -> Recipe:
    from ouroboros_data.config import load_recipe, overridden, recipe_from_mapping

    extra = [*(overrides or []), *jail_overrides(sandbox, allow_unjailed)]
    if recipe is not None:
        return load_recipe(recipe, extra)
    return recipe_from_mapping(overridden({"name": "defaults"}, extra), where="--set")


def _scene_source(scene_file: Path | None, store: Path | None, recipe: Recipe | None) -> SceneSource:
    from ouroboros_data.auditing.drafts import FileScene, RecipeScenes, StoreScenes
    from ouroboros_data.errors import RecipeError
    from ouroboros_data.scenes import store as scenestore

    if scene_file is not None and store is not None:
        raise RecipeError("both --scene and --store", fix="give one of them")
    if scene_file is not None:
        return FileScene(path=scene_file)
    if store is not None:
        scenestore.need_store(store)
        return StoreScenes(store=store)
    if recipe is None:
        raise RecipeError("no scenes", fix="give --scene SCENE.json, --store STORE or --recipe RECIPE")
    return RecipeScenes(recipe=recipe)


def _audit_scenes(store: Path | None, run: Path | None) -> Scenes:
    from ouroboros_data.auditing.audit import scenes_of_run, scenes_of_store
    from ouroboros_data.errors import RecipeError

    if store is not None and run is None:
        return scenes_of_store(store)
    if run is not None and store is None:
        return scenes_of_run(run)
    raise RecipeError("scenes come from one place", fix="give --scenes STORE or --run RUN")


def _audit_settings(published: Any, recipe: str | None) -> tuple[FrameSettings, ProgramSettings]:
    from ouroboros_data.config import load_recipe

    if recipe is None:
        found: tuple[FrameSettings, ProgramSettings] = published.settings()
        return found
    resolved = load_recipe(recipe)
    return resolved.frames, resolved.programs


def _times(margin: float | None) -> str:
    return "" if margin is None else f", holds at {margin:g} × the annotation noise"


def _show_tried(console: Console, tried: Any) -> None:
    if tried.answer is None:
        console.print(f"no answer: {tried.reason}: {tried.detail}", markup=False, soft_wrap=True)
    else:
        unit = f" {tried.answer.unit}" if tried.answer.unit else ""
        console.print(f"answer    {tried.answer.text}{unit}", markup=False, soft_wrap=True)
        console.print(f"value     {tried.answer.value!r} ({tried.answer.type})", markup=False, soft_wrap=True)
        if tried.options:
            console.print(f"options   {', '.join(tried.options)}", markup=False, soft_wrap=True)
        detail = f" ({tried.margin_detail})" if tried.margin_detail else ""
        console.print(f"margin    {tried.margin:g}{detail}", markup=False, soft_wrap=True)
    console.print(f"objects   {', '.join(tried.evidence.object_ids) or 'none'}", markup=False, soft_wrap=True)
    console.print(f"calls     {' '.join(tried.evidence.calls) or 'none'}", markup=False, soft_wrap=True)


def _show_audit(console: Console, report: Report, scenes: Scenes) -> None:
    def say(text: str) -> None:
        console.print(text, markup=False, soft_wrap=True)

    for problem in report.files:
        say(f"file {problem}")
    for row in report.differing[:SHOWN]:
        say(f"{row.file} row {row.position}: {row.id} (scene {row.scene_id})")
        for d in row.differences:
            say(f"  {d.column}: {_short(d.stored)} → {_short(d.found)}")
    if len(report.differing) > SHOWN:
        say(f"… and {len(report.differing) - SHOWN} more rows; --json lists them all")
    for scene in report.missing:
        say(f"scene {scene.id} of {scene.source} is missing, {scene.rows} rows not checked: {scene.reason}")
    if report.missing:
        say(f"to check those rows: {scenes.fix}")
    for version, n in report.other_api.items():
        say(f"{n} rows were made for program API {version!r} and are not judged")
    columns = Counter(d.column for row in report.differing for d in row.differences)
    what = f" ({', '.join(f'{c} {n}' for c, n in columns.most_common())})" if columns else ""
    say(
        f"{report.rows} rows: {report.same} as published, {len(report.differing)} differ{what}, "
        f"{len(report.unchecked)} not checked"
    )


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else f"{text[:160]}…"
