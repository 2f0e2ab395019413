"""Arrays from files that can execute nothing: .safetensors and .npz."""

import json
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

MAX_HEADER = 100 << 20
_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2"}
_DTYPES |= {"I8": "<i1", "U8": "<u1", "BOOL": "<?"}


def read_arrays(file: Path) -> dict[str, np.ndarray]:
    """The arrays in a file, by name.

    Raises:
        ValueError: for a file of another kind, or a damaged one.
    """
    if file.suffix == ".safetensors":
        return _safetensors(file)
    if file.suffix == ".npz":
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                return dict(arrays)
        except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, TypeError) as error:
            raise ValueError(f"{file}: damaged, or no archive of plain arrays: {error}.") from None
    raise ValueError(
        f"{file}: expected a .safetensors or .npz file, as a pickle can execute code; write one with "
        "safetensors.torch.save_file(module.state_dict(), 'weights.safetensors')."
    )


def _safetensors(file: Path) -> dict[str, np.ndarray]:
    """The format: 8 bytes that say how long the header is, a JSON header, then the arrays' bytes."""
    raw = memoryview(file.read_bytes())
    size = int.from_bytes(raw[:8], "little")
    if len(raw) < 8 or size > min(MAX_HEADER, len(raw) - 8):
        raise ValueError(f"{file}: damaged: its header claims {size:,} bytes of {len(raw):,}.")
    try:
        header = json.loads(bytes(raw[8 : 8 + size]))
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        return {name: _array(entry, raw[8 + size :]) for name, entry in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{file}: damaged, or a dtype that is not supported: {error}.") from None


def _array(entry: Any, data: memoryview) -> np.ndarray:
    dtype, shape, (start, end) = np.dtype(_DTYPES[entry["dtype"]]), entry["shape"], entry["data_offsets"]
    if not all(isinstance(x, int) and x >= 0 for x in (*shape, start, end)) or end > len(data):
        raise ValueError(f"shape {shape} at {start} to {end} of {len(data):,} bytes")
    if end - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{end - start:,} bytes for shape {shape} of {entry['dtype']}")
    array = np.frombuffer(data[start:end], dtype).reshape(shape)
    return (array.astype("<u4") << 16).view("<f4") if entry["dtype"] == "BF16" else array
