"""Streams frames from a model that `videogan export model.onnx` wrote, with numpy and onnxruntime alone.

    python examples/stream_onnx.py model.onnx out.gif

Writes 100 frames by imageio: .gif or .webp.
"""

import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import count, islice

import imageio.v3 as imageio
import numpy as np
import onnxruntime


def stream(session: onnxruntime.InferenceSession, seed: int = 0, label: int = 0) -> Iterator[np.ndarray]:
    """Yield the frames of one video for ever, uint8 h w c."""
    about = session.get_modelmeta().custom_metadata_map
    random = np.random.default_rng(seed)
    values = {node.name: np.zeros(node.shape, np.float32) for node in session.get_inputs()}
    for name in ("content_noise", "integrators"):
        values[name] = random.standard_normal(values[name].shape, np.float32)
    if "class_shares" in values:
        values["class_shares"][0, label] = 1
    for step in count():
        values["motion_noise"] = random.standard_normal(values["motion_noise"].shape, np.float32)
        frames, *state = session.run(None, values)
        values.update(zip(json.loads(about["state"]), state, strict=True))
        if step >= int(about["warm_up_steps"]):
            yield from ((frames[0].transpose(0, 2, 3, 1) + 1) * 127.5).round().astype(np.uint8)


if __name__ == "__main__":
    model = onnxruntime.InferenceSession(sys.argv[1])
    frame_rate = Fraction(model.get_modelmeta().custom_metadata_map["frame_rate"])
    imageio.imwrite(sys.argv[2], list(islice(stream(model), 100)), duration=float(1000 / frame_rate), loop=0)
