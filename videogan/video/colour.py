"""Brings pictures of a wider range (PQ, HLG) or gamut (BT.2020, P3) to that of an ordinary display."""

from dataclasses import dataclass
from functools import cache

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorTrc

# BT.2408: a white sheet of paper in an HDR picture is at 203 candela per square metre.
_WHITE = 203.0
_KNEE = 0.75

# Plain numbers, which are looked up at every picture.
_PQ, _HLG = int(ColorTrc.SMPTE2084), int(ColorTrc.ARIB_STD_B67)
_BT2020, _UNSPECIFIED = int(ColorPrimaries.BT2020), int(ColorPrimaries.UNSPECIFIED)

_BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
_P3_TO_BT709 = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]], np.float32)
_TO_BT709 = {
    _BT2020: _BT2020_TO_BT709,
    int(ColorPrimaries.SMPTE431): _P3_TO_BT709,
    int(ColorPrimaries.SMPTE432): _P3_TO_BT709,
}
_BT2020_LUMA = np.array([0.2627, 0.6780, 0.0593], np.float32)


@dataclass(frozen=True)
class Light:
    """How a picture's numbers stand for light: its transfer curve and its primaries, in FFmpeg's numbers."""

    transfer: int
    primaries: int


def of(picture: av.VideoFrame) -> Light | None:
    """Return how a picture's numbers stand for light, by its tags; None where they are an ordinary display's."""
    transfer, primaries = picture.color_trc, picture.color_primaries
    if transfer in (_PQ, _HLG):
        return Light(int(transfer), _BT2020 if primaries == _UNSPECIFIED else int(primaries))
    return Light(int(transfer), int(primaries)) if primaries in _TO_BT709 else None


@cache
def _light_of_code(transfer: int) -> np.ndarray:
    """Linear light of each 16-bit code: 1 = white, for HLG the scene's, of which the display's is made."""
    code = np.linspace(0.0, 1.0, 65536)
    if transfer == _PQ:  # SMPTE ST 2084
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        root = code ** (1 / m2)
        light = 10000.0 / _WHITE * (np.maximum(root - c1, 0.0) / (c2 - c3 * root)) ** (1 / m1)
    elif transfer == _HLG:  # BT.2100
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    else:  # BT.1886, as the result is coded
        light = code**2.4
    return light.astype(np.float32)


def to_sdr(codes: np.ndarray, light: Light) -> np.ndarray:
    """Turn RGB codes (h w 3, uint16) into display-ready BT.709 RGB (h w 3, uint8).

    Of PQ and HLG, light up to three quarters of white is kept as it is; what is brighter is compressed towards white,
    at the same hue. HLG is shown as on a display of 1000 candela per square metre (BT.2100: gamma 1.2).
    """
    linear = _light_of_code(light.transfer)[codes]
    if light.transfer == _HLG:
        linear *= 1000.0 / _WHITE * np.maximum(linear @ _BT2020_LUMA, 1e-6)[..., None] ** 0.2
    if light.primaries in _TO_BT709:
        linear = np.clip(linear @ _TO_BT709[light.primaries].T, 0.0, None)
    if light.transfer in (_PQ, _HLG):
        peak = linear.max(axis=-1, keepdims=True)
        bright = np.maximum(peak - _KNEE, 0.0)
        shown = np.minimum(peak, _KNEE) + (1 - _KNEE) * (1 - np.exp(-bright / (1 - _KNEE) / 2))
        linear *= shown / np.maximum(peak, 1e-6)
    return (255.0 * np.clip(linear, 0.0, 1.0) ** (1 / 2.4) + 0.5).astype(np.uint8)
