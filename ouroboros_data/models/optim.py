"""Muon for the small solver's matrices, Adam for the rest; one state dict.

``torch.optim.Muon`` iterates in bfloat16, one matrix at a time: on a CPU without bfloat16 units a step of the tiny solver
takes longer than its forward and backward pass (measured: 1.46 s against 0.6 s). Here equal shapes go through the
iteration together, in float32.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Literal, Protocol

import torch

OptimizerName = Literal["muon", "adamw"]
MUON_MOMENTUM = 0.95
ADAM_SHARE = 0.2
"""Learning rate of Muon's Adam part / Muon's own."""
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


class Stepper(Protocol):
    """What training needs of an optimiser."""

    def step(self) -> None:
        """Apply the gradients."""

    def zero_grad(self) -> None:
        """Drop the gradients."""

    def set_learning_rate(self, learning_rate: float) -> None:
        """Change the rate from the next step on."""

    def state_dict(self) -> dict[str, Any]:
        """Plain state, for `torch.save`."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over saved state."""


def make_optimizer(model: torch.nn.Module, name: OptimizerName, learning_rate: float) -> Stepper:
    """Optimiser over the trainable parameters at a constant learning rate."""
    trainable = [(key, p) for key, p in model.named_parameters() if p.requires_grad]
    if name == "adamw":
        return _AdamW(torch.optim.AdamW([p for _, p in trainable], lr=learning_rate, weight_decay=0.0))
    tables = {id(m.weight) for m in model.modules() if isinstance(m, torch.nn.Embedding)}
    matrices = [p for _, p in trainable if p.ndim == 2 and id(p) not in tables]
    chosen = {id(p) for p in matrices}
    return MuonWithAdam(matrices, [p for _, p in trainable if id(p) not in chosen], learning_rate)


class MuonWithAdam:
    """Muon (Keller Jordan, github.com/KellerJordan/Muon) on matrices; Adam on embeddings, norms and biases."""

    def __init__(
        self,
        matrices: Iterable[torch.nn.Parameter],
        others: Iterable[torch.nn.Parameter],
        learning_rate: float,
    ) -> None:
        self._lr = learning_rate
        self._groups: dict[tuple[int, int], list[torch.nn.Parameter]] = defaultdict(list)
        for p in matrices:
            self._groups[(p.shape[0], p.shape[1])].append(p)
        self._momentum = {
            shape: torch.zeros(len(group), *shape, device=group[0].device)
            for shape, group in self._groups.items()
        }
        self._adam = torch.optim.Adam(list(others), lr=learning_rate * ADAM_SHARE, betas=(0.9, 0.95))

    def set_learning_rate(self, learning_rate: float) -> None:
        """Change the rate of both parts from the next step on."""
        self._lr = learning_rate
        self._adam.param_groups[0]["lr"] = learning_rate * ADAM_SHARE

    @torch.no_grad()
    def step(self) -> None:
        """Apply the gradients; a matrix without one counts as zero (a text-only batch leaves the vision tower out)."""
        for shape, group in self._groups.items():
            if all(p.grad is None for p in group):
                continue
            gradient = torch.stack([torch.zeros_like(p) if p.grad is None else p.grad for p in group]).float()
            momentum = self._momentum[shape]
            momentum.lerp_(gradient, 1 - MUON_MOMENTUM)
            update = orthogonalised(gradient.lerp(momentum, MUON_MOMENTUM))
            rate = self._lr * max(1.0, shape[0] / shape[1]) ** 0.5
            for p, change in zip(group, update, strict=True):
                p.add_(change.to(p.dtype), alpha=-rate)
        self._adam.step()

    def zero_grad(self) -> None:
        """Drop the gradients."""
        for group in self._groups.values():
            for p in group:
                p.grad = None
        self._adam.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, Any]:
        """Momenta by shape, and Adam's state."""
        return {
            "momentum": {f"{a}x{b}": value for (a, b), value in self._momentum.items()},
            "adam": self._adam.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over saved state; the learning rate stays this optimiser's own."""
        for (a, b), value in self._momentum.items():
            value.copy_(state["momentum"][f"{a}x{b}"])
        rate = self._adam.param_groups[0]["lr"]
        self._adam.load_state_dict(state["adam"])
        self._adam.param_groups[0]["lr"] = rate


class _AdamW:
    def __init__(self, inner: torch.optim.AdamW) -> None:
        self._inner = inner

    def step(self) -> None:
        params = self._inner.param_groups[0]["params"]
        torch.nn.utils.clip_grad_norm_([p for p in params if p.grad is not None], 1.0)
        self._inner.step()

    def zero_grad(self) -> None:
        self._inner.zero_grad(set_to_none=True)

    def set_learning_rate(self, learning_rate: float) -> None:
        self._inner.param_groups[0]["lr"] = learning_rate

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = self._inner.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        rate = self._inner.param_groups[0]["lr"]
        self._inner.load_state_dict(state)
        self._inner.param_groups[0]["lr"] = rate


def orthogonalised(matrices: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """Nearest (semi-)orthogonal matrices, roughly: singular values end in about 0.7..1.2.

    Args:
        matrices: (n, rows, columns), float32.
        steps: Newton–Schulz iterations.
    """
    a, b, c = _NEWTON_SCHULZ
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(steps):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.transpose(1, 2) if tall else x
