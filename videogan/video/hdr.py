"""Brings pictures with the PQ transfer curve (HDR10, Dolby Vision) to the range of an ordinary display."""

from functools import cache

import numpy as np

# BT.2408: a white sheet of paper in an HDR picture is at 203 candela per square metre.
_WHITE = 203.0
_KNEE = 0.75

_BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)


@cache
def _light_of_code() -> np.ndarray:
    """Linear light, 1 = white, of each 16-bit PQ code (SMPTE ST 2084)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = np.linspace(0.0, 1.0, 65536) ** (1 / m2)
    light = 10000.0 * (np.maximum(root - c1, 0.0) / (c2 - c3 * root)) ** (1 / m1)
    return (light / _WHITE).astype(np.float32)


def pq_to_sdr(codes: np.ndarray) -> np.ndarray:
    """Turn PQ-coded BT.2020 RGB (h w 3, uint16) into display-ready BT.709 RGB (h w 3, uint8).

    Light up to three quarters of white is kept as it is; what is brighter is compressed towards white, at the same hue.
    """
    light = np.clip(_light_of_code()[codes] @ _BT2020_TO_BT709.T, 0.0, None)
    peak = light.max(axis=-1, keepdims=True)
    bright = np.maximum(peak - _KNEE, 0.0)
    shown = np.minimum(peak, _KNEE) + (1 - _KNEE) * (1 - np.exp(-bright / (1 - _KNEE) / 2))
    light *= shown / np.maximum(peak, 1e-6)
    return (255.0 * np.clip(light, 0.0, 1.0) ** (1 / 2.4) + 0.5).astype(np.uint8)
