"""Whether a call sees the whole batch or a replica's share."""

import keras


def is_replica() -> bool:
    """Whether this is one of several replicas, whose copies of a layer would each start from a batch of their own.

    TensorFlow: inside `strategy.run`, as in `fit`, with several replicas or with parameter servers. torch: a process
    of a group of several. JAX has one program for all devices.
    """
    if keras.backend.backend() == "tensorflow":
        return _is_tensorflow_replica()
    return keras.backend.backend() == "torch" and _is_torch_replica()


def _is_tensorflow_replica() -> bool:
    from tensorflow import distribute

    if not distribute.has_strategy() or distribute.get_replica_context() is None:
        return False
    strategy = distribute.get_strategy()
    asynchronous = isinstance(strategy, distribute.ParameterServerStrategy)
    return bool(asynchronous or strategy.num_replicas_in_sync > 1)


def _is_torch_replica() -> bool:
    from torch import distributed

    return bool(distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1)
