"""The systems that are compared, each a program of its own, and `parts`, which takes a step apart.

A system takes the .npz that `common.write_cifar10` writes and `--epochs`, trains the regular LeNet and then the
weight-normalized one at batch 32, evaluates after each epoch, and prints one JSON object:

    {"versions": {…}, "start_up_seconds": …,
     "arms": {"regular": {"epochs": [{"train_seconds": …, "eval_seconds": …}, …]}, "weight_norm": …}}
"""

PRODUCT_SIDE = 2048
"""Rows and columns of the matrix product that stands for the limit."""
