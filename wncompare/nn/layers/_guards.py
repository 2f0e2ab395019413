"""What must not be done to a layer while its kernel is computed from v and g."""

from collections.abc import Callable, Iterable
from typing import Any

import keras

from ._kernels import Kernel

FORBIDDEN = {"quantize": "quantize", "enable_lora": "enable LoRA in"}


def refusal(act: str, layer: keras.layers.Layer) -> ValueError:
    """Why the kernel of a wrapped layer cannot be quantized or given a LoRA, and the way to it."""
    return ValueError(
        f"Cannot {act} layer '{layer.name}' of type {type(layer).__name__} inside a reparameterization: it computes "
        "with w(v, g), not with its own kernel. Fold first: wncompare.layers.fold(model), or layer.remove() for one."
    )


def check_plain(wrapper: str, kernels: Iterable[Kernel]) -> None:
    """Refuses kernels that are quantized or have a LoRA, which would go on acting on v instead of w.

    Raises:
        ValueError: for such a kernel.
    """
    for kernel in kernels:
        owner = kernel.owner
        found = "a LoRA" if getattr(owner, "lora_rank", None) else None
        found = f"the quantized policy '{owner.dtype_policy.name}'" if owner.quantization_mode is not None else found
        if found:
            raise ValueError(
                f"{wrapper} cannot wrap layer '{owner.name}' of type {type(owner).__name__} with {found}, which would "
                "act on v and not on the kernel w. Expected a plain layer; make it without, or leave it unwrapped."
            )


def guard(kernels: Iterable[Kernel]) -> None:
    """Makes the owners of kernels refuse quantization and LoRA; `Model.quantize` calls them past their wrapper."""
    for owner in {id(kernel.owner): kernel.owner for kernel in kernels}.values():
        for name, act in FORBIDDEN.items():
            if getattr(type(owner), name, None) is not getattr(keras.layers.Layer, name, None):
                vars(owner)[name] = _refusing(act, owner, vars(owner).get(name))


def release(kernels: Iterable[Kernel]) -> None:
    """Undoes `guard`."""
    for kernel in kernels:
        own = vars(kernel.owner)
        for name in FORBIDDEN:
            if hasattr(own.get(name), "replaced"):
                replaced = own.pop(name).replaced
                own.update({} if replaced is None else {name: replaced})


def _refusing(act: str, owner: keras.layers.Layer, replaced: Any) -> Callable[..., None]:
    error = str(refusal(act, owner))

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise ValueError(error)

    refuse.replaced = getattr(replaced, "replaced", replaced)  # type: ignore[attr-defined]
    return refuse
