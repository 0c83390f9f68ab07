"""What the checks of scenes found, for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from ouroboros_data.scenes.check import Verdict
from ouroboros_data.stages.check import Checked

_COLORS: dict[Verdict, str] = {"ok": "green", "usable with warnings": "yellow", "unusable": "red"}


def show_checks(console: Console, checked: Sequence[Checked]) -> None:
    """Print each scene with a finding, what to do about it, and how many scenes there are of each verdict."""
    for scene in checked:
        if not scene.findings:
            continue
        _line(console, Text(scene.id, "bold"), Text(f"  {scene.verdict}", _COLORS[scene.verdict]))
        for finding in scene.findings:
            color = "red" if finding.severity == "error" else "yellow"
            _line(console, Text(f"  {finding.check}: ", color), Text(finding.what))
            _line(console, Text(f"    → {finding.fix}", "dim"))
    verdicts = Counter(scene.verdict for scene in checked)
    parts = [Text(f"{verdicts[name]} {name}", color) for name, color in _COLORS.items()]
    _line(console, Text(f"{len(checked)} scenes: "), Text(", ").join(parts))
    kinds = Counter(kind for scene in checked for kind in {finding.check for finding in scene.findings})
    if kinds:
        _line(
            console, Text("scenes by check: " + ", ".join(f"{kind} {n}" for kind, n in kinds.most_common()))
        )


def _line(console: Console, *parts: Text) -> None:
    console.print(Text.assemble(*parts), soft_wrap=True)
