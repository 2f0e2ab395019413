"""Training compiled: a Keras model, its data on the device, an epoch a program."""
