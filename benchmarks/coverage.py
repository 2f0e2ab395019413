"""How often verdicts and intervals are right: simulated seeds with a known truth, and real runs split at random.

    python -m benchmarks.coverage [--experiments 10000]

Takes about 5 minutes on one core. It writes results/coverage.json; `python -m benchmarks.tables` makes the tables of
it, which docs/statistics.md has too.
"""

from math import sqrt

import numpy as np

from benchmarks.common import Results, interruptible, parser
from benchmarks.studies import STUDIES, Outcomes


def main() -> None:
    """Run every study and write its row."""
    options = parser(__doc__)
    options.add_argument("--experiments", type=int, default=10_000)
    chosen = options.parse_args()
    results = Results("coverage", {"experiments": chosen.experiments}, chosen.results)
    for study in STUDIES:
        count = max(chosen.experiments // study.cost, 1)
        cells = {column: summarized(cell(count)) for column, cell in study.columns.items()}
        results.add(table=study.table, what=study.what, should_be=study.should_be, experiments=count, cells=cells)


def summarized(outcomes: Outcomes) -> dict[str, float | bool]:
    """The share of yes, or the mean of numbers, with its Monte Carlo standard error."""
    values = np.asarray(outcomes, np.float64)
    error = float(values.std() / sqrt(len(values)))
    return {"value": float(values.mean()), "error": error, "is_share": outcomes.dtype == bool}


if __name__ == "__main__":
    interruptible(main)
