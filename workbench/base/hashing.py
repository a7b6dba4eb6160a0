"""Hashes of content: canonical JSON, arrays and files, all SHA-256."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def hash_json(value: Any) -> str:
    """Hash a JSON-like value, independent of key order.

    Args:
        value: Nested dicts, lists, strings, numbers, booleans and None.

    Returns:
        64 hexadecimal digits.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def hash_arrays(arrays: Mapping[str, NDArray[Any]] | Iterable[NDArray[Any]]) -> str:
    """Hash arrays by dtype, shape and bytes; a mapping is hashed in the order of its sorted keys."""
    digest = hashlib.sha256()
    pairs = (
        sorted(arrays.items()) if isinstance(arrays, Mapping) else [(str(i), array) for i, array in enumerate(arrays)]
    )
    for name, array in pairs:
        digest.update(f"{name}:{array.dtype.str}:{array.shape};".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """Hash a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
