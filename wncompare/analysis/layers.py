"""‖v‖, g and the effective learning rate of each layer over training, as the runs of an arm recorded them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wncompare import records
from wncompare.analysis import stats
from wncompare.analysis.arms import Arm

QUANTITIES = ("v_norm", "g", "effective_learning_rate")


@dataclass(frozen=True, eq=False)
class LayerCurves:
    """One quantity of one layer from before training on: by finished run (runs, epochs + 1), and their mean by epoch.

    NaN where a run has no such row.
    """

    runs: NDArray[np.float64]
    mean: NDArray[np.float64]


def layer_curves(arm: Arm) -> dict[str, dict[str, LayerCurves]]:
    """The curves of `QUANTITIES` by layer in the network's order; none where no run has a layers.csv."""
    runs = [run for run in arm.ended if run.record.status == "finished"]
    tables = [records.read_layers(run.folder) for run in runs]
    shape = (len(runs), max((run.epochs for run in runs), default=0) + 1)
    values = {row["layer"]: {name: np.full(shape, np.nan) for name in QUANTITIES} for table in tables for row in table}
    for index, table in enumerate(tables):
        for row in table:
            if 0 <= row["epoch"] < shape[1]:
                for name, quantity in values[row["layer"]].items():
                    quantity[index, row["epoch"]] = row[name]
    return {
        layer: {name: LayerCurves(quantity, stats.mean_band(quantity).mean) for name, quantity in quantities.items()}
        for layer, quantities in values.items()
    }
