"""One iteration in numbers: what the end-of-run table, the card and the manifest show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ouroboros_data.evaluation import scoring as evaluate
from ouroboros_data.stages.propose import Checked, Proposed
from ouroboros_data.stages.solve import Reply
from ouroboros_data.types import ProbeResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeScore:
    """Held-out accuracy of one question type, each in [0, 1] (MRA for numbers, exact match for the rest)."""

    n: int
    seen: float
    blind: float
    """The same weights without frames."""
    elsewhere: float
    """The same weights with the frames of another scene."""
    majority: float
    """The best constant answer learnt from the accepted training rows so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """Held-out accuracy of one checkpoint."""

    solver: str
    by_type: dict[str, TypeScore]

    def macro(self, which: str) -> float:
        """Unweighted mean over the question types of ``seen``, ``blind``, ``elsewhere`` or ``majority``."""
        scores = [getattr(score, which) for score in self.by_type.values()]
        return sum(scores) / len(scores) if scores else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationSummary:
    """Counts add up: proposed = accepted + the sum of rejected."""

    iteration: int
    proposed: int
    accepted: int
    rejected: dict[str, int]
    """``stage/reason`` to count."""
    bands: dict[str, int]
    bands_by_bin: dict[str, dict[str, int]]
    proposed_by_bin: dict[str, int]
    mean_confidence: float
    mean_blind_confidence: float
    mean_elsewhere_confidence: float
    train_loss: float
    exam: Exam | None
    """After training on this iteration; None without held-out scenes."""
    seconds: dict[str, float] = field(default_factory=dict)


def summarise(
    iteration: int,
    proposed: Proposed,
    probes: Mapping[str, ProbeResult],
    *,
    train_loss: float,
    exam: Exam | None,
    seconds: Mapping[str, float],
) -> IterationSummary:
    """Count one iteration."""
    accepted = [c for c in proposed.checked if c.verdict.status == "accepted"]
    bins = [*(c.draft.bin for c in proposed.checked), *(d.bin for d in proposed.discarded)]
    results = [probes[c.draft.question.id] for c in accepted]
    by_bin: dict[str, Counter[str]] = {}
    for item, probe in zip(accepted, results, strict=True):
        by_bin.setdefault(item.draft.bin, Counter())[probe.band] += 1
    return IterationSummary(
        iteration=iteration,
        proposed=len(bins),
        accepted=len(accepted),
        rejected=dict(sorted(rejections(proposed).items())),
        bands={name: sum(p.band == name for p in results) for name in ("easy", "frontier", "hard")},
        bands_by_bin={name: dict(sorted(by_bin[name].items())) for name in sorted(by_bin)},
        proposed_by_bin=dict(sorted(Counter(bins).items())),
        mean_confidence=_mean(p.confidence for p in results),
        mean_blind_confidence=_mean(p.blind_confidence for p in results),
        mean_elsewhere_confidence=_mean(p.elsewhere_confidence for p in results),
        train_loss=train_loss,
        exam=exam,
        seconds={name: round(value, 1) for name, value in seconds.items()},
    )


def rejections(proposed: Proposed) -> Counter[str]:
    """How many proposals were rejected for what, as ``stage/reason``; what never became a draft is among them."""
    verdicts = [item.verdict for item in proposed.checked if item.verdict.status == "rejected"]
    counts = Counter(f"{verdict.stage}/{verdict.reason}" for verdict in verdicts)
    counts.update(f"{discard.stage}/{discard.reason}" for discard in proposed.discarded)
    return counts


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return round(sum(listed) / len(listed), 4) if listed else 0.0


def exam_of(
    solver: str, exam: Sequence[Checked], replies: Sequence[Reply], rows: Sequence[Checked]
) -> Exam | None:
    """Grade the replies to the held-out questions; None where there are none.

    Args:
        solver: Digest of the checkpoint that replied.
        exam: Held-out questions with their answers.
        replies: One per question, in any order.
        rows: Accepted training rows so far, from which the majority answers are learnt.
    """
    if not exam:
        return None
    by_id = {reply.question_id: reply for reply in replies}
    items = [_graded(item) for item in exam]
    said = [by_id[item.question.id] for item in items]
    seen = evaluate.by_type(items, [reply.seen for reply in said])
    blind = evaluate.by_type(items, [reply.blind for reply in said])
    elsewhere = evaluate.by_type(items, [reply.elsewhere for reply in said])
    majority = evaluate.majority([_graded(row) for row in rows], items)
    counts = Counter(item.question.question_type for item in items)
    return Exam(
        solver=solver,
        by_type={
            name: TypeScore(
                n=counts[name],
                seen=round(seen[name], 4),
                blind=round(blind[name], 4),
                elsewhere=round(elsewhere[name], 4),
                majority=round(majority[name], 4),
            )
            for name in seen
        },
    )


def _graded(item: Checked) -> evaluate.Graded:
    assert item.verdict.answer is not None, "only accepted drafts have a gold answer"
    return evaluate.Graded(question=item.draft.question, gold=item.verdict.answer.text)
