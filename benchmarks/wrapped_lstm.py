"""A training step of a weight-normalized LSTM as a ratio to the plain one's, in stock Keras.

Each layer trains in a process of its own, on one core with one thread, turn by turn, every other round in the opposite
order. The first epoch warms up; the second counts.

    python -m benchmarks.wrapped_lstm [--rounds 3] [--steps 100] [--backend tensorflow]
"""

import json
import sys
from time import perf_counter

import keras
import numpy as np

from benchmarks.common import Results, in_turn, interruptible, parser, printed

BATCH, LENGTH, FEATURES, UNITS = 32, 64, 32, 128
LAYERS = ("plain", "wrapped")


def main() -> None:
    """Measure both layers, or, with --layer, one of them in this process."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=3, help="measurements of each layer (default: 3)")
    options.add_argument("--steps", type=int, default=100, help="training steps of an epoch (default: 100)")
    options.add_argument("--backend", default="tensorflow", help="Keras's backend (default: tensorflow)")
    options.add_argument("--layer", choices=LAYERS, help="measure this one here and print it as JSON")
    arguments = options.parse_args()
    if arguments.layer:
        print(json.dumps(measured(arguments.layer, steps=arguments.steps)))
        return
    settings = {"batch": BATCH, "length": LENGTH, "features": FEATURES, "units": UNITS, "steps": arguments.steps}
    results = Results("wrapped_lstm", {**settings, "backend": arguments.backend}, arguments.results)
    for number in range(arguments.rounds):
        for layer in in_turn(LAYERS, number):
            command = [sys.executable, "-m", "benchmarks.wrapped_lstm", "--layer", layer, "--steps", arguments.steps]
            environment = {"KERAS_BACKEND": arguments.backend}
            results.measure(
                {"layer": layer, "round": number},
                lambda command=command, environment=environment: printed(
                    command, one_core=True, environment=environment
                ),
            )


def measured(layer: str, *, steps: int) -> dict[str, float]:
    """Milliseconds of a step of `fit`, over the second epoch of `steps` batches."""
    from wncompare.layers import WeightNormalization

    keras.utils.set_random_seed(0)
    lstm = keras.layers.LSTM(UNITS)
    body = WeightNormalization(lstm, data_init=False) if layer == "wrapped" else lstm
    model = keras.Sequential([keras.Input((LENGTH, FEATURES)), body, keras.layers.Dense(1)])
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(BATCH * steps, LENGTH, FEATURES)).astype("float32")
    y = x.mean((1, 2))
    seconds = []
    for _ in range(2):
        start = perf_counter()
        model.fit(x, y, batch_size=BATCH, verbose=0)
        seconds.append(perf_counter() - start)
    return {"step_ms": 1000 * seconds[1] / steps}


if __name__ == "__main__":
    interruptible(main)
