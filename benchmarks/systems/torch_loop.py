"""A hand-written PyTorch loop: tensors in memory, `Adam(fused=True)`, torch's own parametrizations.weight_norm."""

from time import perf_counter
from typing import Any

STARTED = perf_counter()

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402
from torch.nn.utils.parametrizations import weight_norm  # noqa: E402

from benchmarks.common import BATCH, read_split  # noqa: E402
from benchmarks.systems.program import finish, options  # noqa: E402

EVALUATION_BATCH = 1000


def main() -> None:
    """Train both arms."""
    chosen = options(__doc__)
    torch.manual_seed(0)
    train, test = (tensors(*read_split(chosen.file, split)) for split in ("train", "test"))
    start_up = perf_counter() - STARTED
    epochs = {}
    for arm in ("regular", "weight_norm"):
        model = lenet(weight_norm if arm == "weight_norm" else nn.Identity())
        optimizer = torch.optim.Adam(model.parameters(), lr=0.001, eps=1e-7, fused=True)
        epochs[arm] = [epoch(model, optimizer, train, test) for _ in range(chosen.epochs)]
    finish(start_up, epochs, "torch")


def tensors(images: Any, classes: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Images with the channels first, as torch's convolutions like them, and classes."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(classes)


def lenet(wrap: Any) -> nn.Module:
    """The same LeNet, with logits for the loss; `wrap` takes each layer with a kernel."""
    return nn.Sequential(
        wrap(nn.Conv2d(3, 6, 5)),
        nn.ReLU(),
        nn.MaxPool2d(2),
        wrap(nn.Conv2d(6, 16, 5)),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        wrap(nn.Linear(400, 120)),
        nn.ReLU(),
        wrap(nn.Linear(120, 84)),
        nn.ReLU(),
        wrap(nn.Linear(84, 10)),
    )


def epoch(model: nn.Module, optimizer: torch.optim.Optimizer, train: Any, test: Any) -> dict[str, float]:
    """Train on every batch once, evaluate, and time both."""
    started = perf_counter()
    train_once(model, optimizer, *train)
    trained = perf_counter()
    evaluate(model, *test)
    return {"train_seconds": trained - started, "eval_seconds": perf_counter() - trained}


def train_once(
    model: nn.Module, optimizer: torch.optim.Optimizer, images: torch.Tensor, classes: torch.Tensor
) -> torch.Tensor:
    """Train on every batch once; loss and accuracy are kept, summed, as the others do."""
    total = torch.zeros(2)
    for chosen in torch.randperm(len(images)).split(BATCH):
        x, y = images[chosen], classes[chosen]
        optimizer.zero_grad()
        logits = model(x)
        loss = cross_entropy(logits, y)
        loss.backward()
        optimizer.step()
        total += sums(logits.detach(), loss.detach(), y)
    return total


@torch.inference_mode()
def evaluate(model: nn.Module, images: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Loss and accuracy over a split, summed."""
    total = torch.zeros(2)
    for x, y in zip(images.split(EVALUATION_BATCH), classes.split(EVALUATION_BATCH), strict=True):
        logits = model(x)
        total += sums(logits, cross_entropy(logits, y), y)
    return total


def sums(logits: torch.Tensor, loss: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """A batch's loss and number of right answers, summed over its images."""
    return torch.stack([loss * len(y), (logits.argmax(1) == y).sum()])


if __name__ == "__main__":
    main()
