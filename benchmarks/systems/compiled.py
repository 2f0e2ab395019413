"""wncompare's compiled trainer."""

from collections.abc import Iterator
from time import perf_counter

STARTED = perf_counter()

from benchmarks.common import ROOT  # noqa: E402
from benchmarks.systems.program import finish, options  # noqa: E402
from wncompare import config as configs  # noqa: E402
from wncompare import data  # noqa: E402
from wncompare.nn import arms  # noqa: E402
from wncompare.nn.training.trainer import Trainer  # noqa: E402


def main() -> None:
    """Train both arms as `wncompare run` does."""
    chosen = options(__doc__)
    config = configs.load(ROOT / "configs/cifar10.yaml", [f"dataset={{name: npz, path: {chosen.file}}}"])
    dataset = data.load("npz", config.dataset)
    start_up = perf_counter() - STARTED
    epochs = {}
    for variant in config.variants:
        model = arms.build(config, variant.id, 0, dataset, dataset.train)
        trainer = Trainer(model, dataset.train, dataset.test, batch_size=config.training.batch_size)
        epochs[variant.id] = list(timed(trainer, chosen.epochs))
    finish(start_up, epochs, "tensorflow-cpu", "tensorflow", "keras")


def timed(trainer: Trainer, epochs: int) -> Iterator[dict[str, float]]:
    """Each epoch by the clock on the wall: whatever is neither evaluation nor compilation counts as training."""
    started = perf_counter()
    for result in trainer.epochs(epochs, seed=0):
        seconds = perf_counter() - started - result.eval_seconds - result.compile_seconds
        yield {"train_seconds": seconds, "eval_seconds": result.eval_seconds}
        started = perf_counter()


if __name__ == "__main__":
    main()
