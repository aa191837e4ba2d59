"""Arrays in one file, with a hash by which damage shows: what JSON would be too slow and too large for."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from videogan.files import open_regular, write_bytes

_ABOUT = "about"


def write_columns(path: Path, columns: Mapping[str, np.ndarray], about: Any = None) -> None:
    """Replace a file by these arrays, and by what JSON can say about them.

    Raises:
        OSError: there is no room or no permission; an earlier file is still there.
    """
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    content = save({**{name: np.ascontiguousarray(column) for name, column in columns.items()}, _ABOUT: text})
    write_bytes(path, hashlib.sha256(content).digest() + content)


def read_columns(path: Path) -> tuple[dict[str, np.ndarray], Any] | None:
    """Return what :func:`write_columns` wrote; None where the file is absent, unreadable, damaged or another."""
    try:
        with open_regular(path) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as opened:
            file = opened.read()
        content = file[32:]
        if hashlib.sha256(content).digest() != file[:32]:
            return None
        columns = load(content)
        return columns, json.loads(columns.pop(_ABOUT).tobytes())
    except (OSError, SafetensorError, ValueError, KeyError):
        return None
