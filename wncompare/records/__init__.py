"""The results folder: what a run leaves on disk, written atomically and read back with its schema checked.

    results/cifar10/
      experiment.json                  schema version, resolved config, the protocol where seeds are added
      looks.json                       what the verdict said whenever a command ended, and over which seeds
      weight_norm/[<point>/]seed-0/    <variant id>/<point of the grid, where there is one>/seed-<seed>
        run.json  history.csv  layers.csv  log.txt  checkpoint.npz  model.keras

Reading executes nothing: JSON and CSV are validated as data, and a record that is damaged is named, not believed.
A record that says "running" while no process holds the run reads as interrupted, however its worker ended.
"""

from wncompare.records.layout import (
    CHECKPOINT_FILE,
    EXPERIMENT_FILE,
    EXTRA_COLUMNS,
    HISTORY_COLUMNS,
    HISTORY_FILE,
    LAYERS_FILE,
    LOG_FILE,
    LOOKS_FILE,
    METRICS,
    MODEL_FILE,
    RUN_FILE,
    SCORE,
    run_folder,
    run_name,
)
from wncompare.records.looks import log_looks, read_looks
from wncompare.records.protocol import protocol_fingerprint, protocol_of
from wncompare.records.reading import difference, find, read, read_config, read_protocol, read_record, read_run
from wncompare.records.schema import (
    TIMING,
    DatasetRecord,
    Experiment,
    LookedAt,
    LookRecord,
    Run,
    RunRecord,
    Status,
    is_done,
)
from wncompare.records.scores import Scores, is_scores, read_scores
from wncompare.records.tables import read_history, read_layers, read_rows
from wncompare.records.writing import clear_run, delete_run, write_experiment, write_history, write_layers, write_run

__all__ = [
    "CHECKPOINT_FILE",
    "EXPERIMENT_FILE",
    "EXTRA_COLUMNS",
    "HISTORY_COLUMNS",
    "HISTORY_FILE",
    "LAYERS_FILE",
    "LOG_FILE",
    "LOOKS_FILE",
    "METRICS",
    "MODEL_FILE",
    "RUN_FILE",
    "SCORE",
    "TIMING",
    "DatasetRecord",
    "Experiment",
    "LookRecord",
    "LookedAt",
    "Run",
    "RunRecord",
    "Scores",
    "Status",
    "clear_run",
    "delete_run",
    "difference",
    "find",
    "is_done",
    "is_scores",
    "log_looks",
    "protocol_fingerprint",
    "protocol_of",
    "read",
    "read_config",
    "read_history",
    "read_layers",
    "read_looks",
    "read_protocol",
    "read_record",
    "read_rows",
    "read_run",
    "read_scores",
    "run_folder",
    "run_name",
    "write_experiment",
    "write_history",
    "write_layers",
    "write_run",
]
