"""A raster as a small PNG, for the first screen of a report: it prints, and needs no script."""

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode uint8 (rows, cols, 4), red, green, blue and alpha."""
    rows, cols, _ = pixels.shape
    lines = np.zeros((rows, 1 + 4 * cols), np.uint8)  # the first byte of a line names its filter: none
    lines[:, 1:] = pixels.reshape(rows, -1)
    head = struct.pack(">IIBBBBB", cols, rows, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """The PNG as a ``data:`` address."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()
