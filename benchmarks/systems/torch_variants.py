"""LeNet's variants in PyTorch, with torch's own layers where it has them, and an epoch of a hand-written loop."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import weight_norm

from benchmarks.systems.torch_loop import train_once

Norm = Callable[[int, bool], nn.Module]
"""Of the number of channels and whether they are a convolution's."""


class MeanOnly(nn.Module):
    """Mean-only batch normalization, x − μ + β, which torch has not."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.zeros(channels))
        self.register_buffer("moving", torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of (n, c, …) in training."""
        mean = x.mean([axis for axis in range(x.ndim) if axis != 1])
        with torch.no_grad():
            self.moving.lerp_(mean, 0.01)
        return x + (self.beta - mean).view(1, -1, *[1] * (x.ndim - 2))


class Standardized(nn.Module):
    """A parametrization, g · (v − μ) / √(N (σ² + ε)), which torch has not."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.ones(outputs))

    def forward(self, v: torch.Tensor) -> torch.Tensor:
        """Of a weight whose outputs are its first axis."""
        centred = v - v.flatten(1).mean(1).view(-1, *[1] * (v.ndim - 1))
        scale = self.g * torch.rsqrt(centred.flatten(1).square().sum(1) + 1e-4 * centred[0].numel())
        return centred * scale.view(-1, *[1] * (v.ndim - 1))


def _batch(channels: int, of_images: bool) -> nn.Module:
    return nn.BatchNorm2d(channels, eps=1e-3) if of_images else nn.BatchNorm1d(channels, eps=1e-3)


def _layer(channels: int, of_images: bool) -> nn.Module:
    return nn.GroupNorm(1, channels, eps=1e-3) if of_images else nn.LayerNorm(channels, eps=1e-3)


def _mean_only(channels: int, of_images: bool) -> nn.Module:
    return MeanOnly(channels)


def _standardized(layer: nn.Module) -> nn.Module:
    parametrize.register_parametrization(layer, "weight", Standardized(len(layer.weight)))
    return layer


def lenet(norm: Norm | None, wrap: Callable[[Any], Any], *, last: bool) -> nn.Module:
    """LeNet with logits; where `last`, the output layer is normalized or wrapped too, as the variant has it."""

    def block(layer: Any, is_output: bool = False) -> list[nn.Module]:
        if is_output and not last:
            return [layer]
        outputs, of_images = len(layer.weight), isinstance(layer, nn.Conv2d)
        if norm is not None:
            layer.bias = None
        behind = [] if norm is None else [norm(outputs, of_images)]
        return [wrap(layer), *behind]

    pool = [nn.ReLU(), nn.MaxPool2d(2)]
    convolutions = [*block(nn.Conv2d(3, 6, 5)), *pool, *block(nn.Conv2d(6, 16, 5)), *pool, nn.Flatten()]
    hidden = [*block(nn.Linear(400, 120)), nn.ReLU(), *block(nn.Linear(120, 84)), nn.ReLU()]
    return nn.Sequential(*convolutions, *hidden, *block(nn.Linear(84, 10), is_output=True))


MODELS: dict[str, Callable[[], nn.Module]] = {
    "regular": lambda: lenet(None, nn.Identity(), last=True),
    "weight_norm": lambda: lenet(None, weight_norm, last=True),
    "batch_norm": lambda: lenet(_batch, nn.Identity(), last=True),
    "mean_only_batch_norm": lambda: lenet(_mean_only, nn.Identity(), last=True),
    "weight_norm_mean_only_batch_norm": lambda: lenet(_mean_only, weight_norm, last=True),
    "layer_norm": lambda: lenet(_layer, nn.Identity(), last=False),
    "weight_standardization": lambda: lenet(None, _standardized, last=False),
}


def epochs(x: Any, y: Any, variants: Sequence[str]) -> dict[str, Callable[[], object]]:
    """A function for each variant that trains an epoch."""
    images = torch.from_numpy(x).permute(0, 3, 1, 2).contiguous().float() / 255
    classes = torch.from_numpy(y)
    return {variant: _epoch(MODELS[variant](), images, classes) for variant in variants}


def _epoch(model: nn.Module, images: torch.Tensor, classes: torch.Tensor) -> Callable[[], object]:
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, eps=1e-7, fused=True)
    return lambda: train_once(model, optimizer, images, classes)
