"""All that imports Keras or TensorFlow."""
