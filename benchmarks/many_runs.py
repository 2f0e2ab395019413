"""How long the commands take on an experiment of 1,000 finished runs of ten epochs: they are read, never trained again.

python -m benchmarks.many_runs [--seeds 500] [--rounds 3]
"""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import yaml

from benchmarks.common import Results, in_turn, interruptible, parser, wncompare

COMMANDS = ("status", "run", "plot", "report")


def main() -> None:
    """Train the runs once, small ones, then take turns with the commands."""
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=500)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    results = Results("many_runs", {"runs": 2 * chosen.seeds, "rounds": chosen.rounds}, chosen.results)
    with TemporaryDirectory() as folder:
        config, runs = Path(folder) / "many.yaml", Path(folder) / "many"
        config.write_text(yaml.safe_dump(experiment(chosen.seeds)), encoding="utf-8")
        wncompare("run", config, "--output", runs, "--quiet")
        for number in range(chosen.rounds):
            for command in in_turn(COMMANDS, number):
                arguments = [config, "--output", runs, "--quiet"] if command == "run" else [runs]
                results.measure({"round": number, "command": command}, partial(seconds, command, *arguments))


def experiment(seeds: int) -> dict[str, object]:
    """Two arms of a small network on a few drawn images, ten epochs each."""
    return {
        "name": "many",
        "dataset": {"name": "synthetic", "shape": [8, 8, 1], "classes": 3, "train": 64, "test": 32},
        "model": {"name": "mlp"},
        "variants": [{"name": "regular"}, {"name": "weight_norm"}],
        "training": {"epochs": 10},
        "init_batch": 32,
        "seeds": list(range(seeds)),
    }


def seconds(command: str, *arguments: object) -> dict[str, float]:
    """The seconds of one command, start-up included."""
    started = perf_counter()
    wncompare(command, *arguments)
    return {"seconds": perf_counter() - started}


if __name__ == "__main__":
    interruptible(main)
