"""The dataset card, generated from the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Features

_LICENSE_LINKS = {
    "procedural": "CC0-1.0 (rendered rooms, no scan behind them)",
    "scannet": "ScanNet Terms of Use, http://www.scan-net.org",
    "arkitscenes": "ARKitScenes licence, https://github.com/apple/ARKitScenes/blob/main/LICENSE",
}
_COLUMNS = """\
| column | meaning |
|---|---|
| `id`, `iteration` | content hash of the question; round of the loop |
| `source`, `scene_id`, `space_id` | the scan; rescans of one physical space share `space_id` |
| `frames` | `captured`, or `rendered` where the source has no video of its own |
| `frame_ids`, `frame_times_s`, `sample_fps` | the frames of the scene's video that the question is asked about; no pixels are included |
| `question`, `question_type`, `bin` | text; one of the VSI-Bench kinds; question type and difficulty knob |
| `answer_type`, `options`, `answer`, `answer_value`, `unit` | `answer` is what a model should say (letter, number, yes/no); `answer_value` the option's text or the unrounded number |
| `program`, `program_api`, `evidence` | the program that gave the answer; the objects it touched |
| `margin` | largest tested multiple of the annotation noise (0.5, 1, 2, 4) at which the answer still holds |
| `confidence`, `band` | exp(mean log p) of the answer's tokens under `solver`, before it was trained on the row; easy > 0.9, hard < 0.1; null where an audit corrected the answer afterwards |
| `blind_confidence`, `elsewhere_confidence` | the same without frames; the same with another scene's frames (as long as it is near `confidence`, looking did not help) |
| `train_confidence` | the same read from the training forward pass (null if not drawn) |
| `solver`, `proposer`, `seed`, `scene_sha256` | digests and versions to derive the row again |
| `writing`, `review` | JSON: what was set right in a model's reply; a reviewer's votes; null where no model wrote, nobody reviewed |
"""


def card(manifest: Mapping[str, Any], features: Features, sizes: Mapping[int, int]) -> str:
    """README.md of the dataset: YAML that `load_dataset` reads, then what a reader needs to know.

    Args:
        manifest: The manifest that is written beside it.
        features: Column types.
        sizes: Bytes of each iteration's files.
    """
    return f"---\n{_header(manifest, features, sizes)}\n---\n\n{_body(manifest)}"


def _header(manifest: Mapping[str, Any], features: Features, sizes: Mapping[int, int]) -> str:
    from datasets import DatasetInfo, SplitDict, SplitInfo
    from datasets.info import DatasetInfosDict
    from datasets.utils.metadata import MetadataConfigs
    from huggingface_hub import DatasetCardData

    snapshots = manifest["snapshots"]
    rows = {s["iteration"]: s["rows"] for s in snapshots}
    data = DatasetCardData(
        language="en",
        license="other",
        license_name="see-card",
        task_categories=["visual-question-answering"],
        annotations_creators=["machine-generated"],
        size_categories=_size_category(sum(rows.values())),
        tags=["spatial-reasoning", "curriculum", "3d", "ouroboros-data"],
        pretty_name=manifest["recipe"]["name"],
    )
    configs, infos = {}, {}
    everything = [(f"iter_{i}", f"data/iter_{i}-*.parquet", i) for i in rows]
    layouts = {"default": everything} | {name: [("train", path, i)] for name, path, i in everything}
    for config, splits in layouts.items():
        configs[config] = {"data_files": [{"split": split, "path": path} for split, path, _ in splits]}
        infos[config] = DatasetInfo(
            features=features,
            config_name=config,
            splits=SplitDict(
                {
                    split: SplitInfo(name=split, num_bytes=sizes[i], num_examples=rows[i])
                    for split, _, i in splits
                }
            ),
            download_size=sum(sizes[i] for *_, i in splits),
            dataset_size=sum(sizes[i] for *_, i in splits),
        )
    configs["default"]["default"] = True  # type: ignore[assignment] # the hub's own key, a flag among lists
    MetadataConfigs(configs).to_dataset_card_data(data)
    DatasetInfosDict(infos).to_dataset_card_data(data)
    return str(data.to_yaml())


def _body(manifest: Mapping[str, Any]) -> str:
    recipe, last = manifest["recipe"], manifest["snapshots"][-1]
    purpose = (
        "\n> **Test data.** The recipe says `purpose: test` (benchmark scenes, for instance). Do not train on it.\n"
        if recipe["purpose"] == "test"
        else ""
    )
    sources = "\n".join(
        f"- {name}: {_LICENSE_LINKS.get(name, 'see its licence')}" for name in manifest["sources"]
    )
    return f"""# {recipe["name"]}

{recipe["description"]}
{purpose}{_overridden(manifest)}
Spatial questions about {manifest["scenes"]["train"]} indoor scenes, in {last["iteration"]} iterations of a closed loop: each iteration was
written for what the solver of that moment found neither easy nor hopeless. Every answer is the result of a program run
on the scene's geometry; no model's word is ground truth.

```python
from datasets import load_dataset

everything = load_dataset("PATH_OR_REPO")  # splits iter_1 … iter_{last["iteration"]}
latest = load_dataset("PATH_OR_REPO", "iter_{last["iteration"]}", split="train")  # fetches that iteration alone
```

## Iterations

{_iteration_table(manifest["iterations"])}

Shares are of accepted rows. Confidence is measured before the solver is trained on the row.
{_repairs(manifest)}
## Columns

{_COLUMNS}
## How difficulty was measured

Solver `{recipe["solver"]["name"]}`, {recipe["solver"]["steps"]} steps of batch {recipe["solver"]["batch_size"]} a round. Before the loop: {_disclosed(manifest["solver"])}.

## What confined the programs

{_lines(manifest["confinement"])}

## Benchmark scenes

{_guard(manifest)}

## Sources and licences

{sources}

Rows refer to scans; they hold no pixels and no geometry. Get the scans from their owners, under their terms.

Snapshot `{last["id"]}`{f", parent `{last['parent']}`" if last["parent"] else ""}. Made by ouroboros-data {manifest["versions"]["ouroboros-data"]}.
"""


def _overridden(manifest: Mapping[str, Any]) -> str:
    guard = manifest.get("leakage", {})
    if guard.get("status") != "overridden" or not guard["benchmark_scenes"]:
        return ""
    total = manifest["scenes"]["train"] + manifest["scenes"]["held_out"]
    return (
        f"\n> **Holds benchmark scenes.** {len(guard['benchmark_scenes'])} of {total} scenes are those of VSI-Bench, of an "
        "official validation or test fold, or of the same space as one. They were let in on request "
        "(`allow_benchmark_scenes`). Scores of a model trained on this say nothing on those benchmarks.\n"
    )


def _repairs(manifest: Mapping[str, Any]) -> str:
    repairs = manifest.get("repairs", [])
    if not repairs:
        return ""
    lines = [
        f"- of snapshot `{r['of']}`: {r['corrected']} rows corrected ({r['answers_changed']} of them have another answer), "
        f"{r['dropped']} dropped, {r['unchecked']} could not be checked. Programs ran under: {r['confinement']['os_jail']}."
        for r in repairs
    ]
    left = ", ".join(f"iter_{s['iteration']} {s['rows']}" for s in manifest["snapshots"])
    return (
        "\n## Corrections\n\n"
        + "\n".join(lines)
        + (
            f"\n\nThe table above counts rows before them; left are {left}. `changes.jsonl` lists what the last one did.\n"
        )
    )


def _guard(manifest: Mapping[str, Any]) -> str:
    guard = manifest.get("leakage")
    if guard is None:
        return "Not checked."
    held = len(guard["benchmark_scenes"])
    said = {
        "on": f"None: the leakage guard was on and left out {_scenes(guard['blocked'])}",
        "off": f"{_scenes(held)}; the leakage guard is off for test data",
        "overridden": f"{_scenes(held)}; the leakage guard was overridden (`allow_benchmark_scenes`)",
    }[guard["status"]]
    flagged = guard["flagged"]
    unknown = (
        f" {_scenes(len(flagged))} could not be judged, the space is unknown: {', '.join(flagged)}."
        if flagged
        else ""
    )
    return f"{said} (ids {guard['data']}).{unknown}"


def _scenes(count: int) -> str:
    return f"{count} {'scene' if count == 1 else 'scenes'}"


def _iteration_table(iterations: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        "| iteration | proposed | accepted | easy | frontier | hard | confidence | blind |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for it in iterations:
        shares = " | ".join(
            f"{it['bands'][b] / max(it['accepted'], 1):.0%}" for b in ("easy", "frontier", "hard")
        )
        lines.append(
            f"| {it['iteration']} | {it['proposed']} | {it['accepted']} | {shares} "
            f"| {it['mean_confidence']:.3f} | {it['mean_blind_confidence']:.3f} |"
        )
    return "\n".join(lines)


def _disclosed(disclosure: Mapping[str, Any]) -> str:
    return "; ".join(f"{key.replace('_', ' ')} {value}" for key, value in disclosure.items()) or "nothing"


def _lines(mapping: Mapping[str, Any]) -> str:
    return "\n".join(f"- {key}: {value}" for key, value in mapping.items())


def _size_category(rows: int) -> str:
    for bound, name in ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M")):
        if rows < bound:
            return name
    return "1M<n<10M"
