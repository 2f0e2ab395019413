"""What a config can name: datasets, models, variants, optimizers, schedules, losses and metrics, with typed options.

An entry holds the options' types and a ``"module:function"`` target which is imported only where it runs, so that
reading a config loads neither Keras nor TensorFlow. A new dataset, model or variant is one function plus one entry.
"""
