"""Trained models as plain Keras, which load without wncompare."""

from pathlib import Path

import keras

from wncompare import records
from wncompare.errors import ModelError, RecordsError
from wncompare.nn.layers import fold
from wncompare.nn.models import load_untrusted
from wncompare.storage.files import replacing


def export_run(run: Path, output: Path) -> None:
    """Write the model of a finished run as plain Keras to `output`, weight normalization folded away.

    The run's file is untrusted: Keras's safe mode reads it.

    Raises:
        RecordsError: the run has no model.
        ModelError: the file is damaged or unsafe, or `output` is not a .keras file.
    """
    if output.suffix != ".keras":
        raise ModelError(f"{output}: expected a name that ends in .keras")
    file = run / records.MODEL_FILE
    if not file.is_file():
        raise RecordsError(f"{run}: no {records.MODEL_FILE} here: name a finished run's folder, <variant>/seed-<seed>")
    folded = _folded(file)
    output.parent.mkdir(parents=True, exist_ok=True)
    with replacing(output) as temporary:
        folded.save(temporary)


def _folded(file: Path) -> keras.Model:
    model = load_untrusted(file)
    try:
        return fold(model)
    except ValueError as error:
        raise ModelError(f"model {file}: {error}") from error
