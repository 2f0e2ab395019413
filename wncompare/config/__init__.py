"""The typed config: an experiment as one YAML file, with ``--set`` on top.

Whatever is wrong is refused here, once, with the file, line, key path and value, what is allowed and the nearest
match; past this package a config is complete and consistent. A config is data: nothing in it is executed.
"""

from wncompare.config.choices import Named, Variant
from wncompare.config.contrasts import Contrast
from wncompare.config.experiment import Config, Holdout
from wncompare.config.reading import from_data, load
from wncompare.config.seeds import Until
from wncompare.config.training import EarlyStopping, StopAt, Training

__all__ = [
    "Config",
    "Contrast",
    "EarlyStopping",
    "Holdout",
    "Named",
    "StopAt",
    "Training",
    "Until",
    "Variant",
    "from_data",
    "load",
]
