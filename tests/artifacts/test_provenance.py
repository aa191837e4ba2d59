import json
import os

import numpy as np
import pytest
import torch

from videogan.artifacts.provenance import (
    SampleOptions,
    checked_options,
    environment,
    read_provenance,
    sample_options,
    versions,
)
from videogan.errors import UsageError, VideoError
from videogan.video import VideoWriter


def video_of(path, options, **changes):
    about = {"videogan": "1", "command": "sample", "model_sha256": "ab" * 32, "step": 3, "seed": 0, "frames": 8}
    about |= {"options": options, "device": "cpu", "versions": versions()}
    with VideoWriter(path, comment=json.dumps(about | changes)) as writer:
        writer.write(np.zeros((2, 32, 32, 3), np.uint8))
    return path


def test_what_is_written_is_read_again(tmp_path):
    options = SampleOptions(frames=8, seeds=(0, 5), speed=0.5)
    about, again = sample_options(video_of(tmp_path / "a.mp4", options.model_dump(mode="json"), seed=5))
    assert again == options
    assert about.seed == 5


@pytest.mark.parametrize(
    "options",
    [
        {"frames": 10**12},
        {"frames": -5},
        {"frames": 10**9, "loop": True},
        {"frames": "inf", "loop": True},
        {"seeds": list(range(100_000))},
        {"seeds": [2**70]},
        {"seeds": []},
        {"grid": "4x4"},
        {"grid": "99999x99999"},
        {"speed": 1e300},
        {"unknown": 1},
    ],
)
def test_options_out_of_bounds_are_refused(tmp_path, options):
    with pytest.raises(VideoError, match="recipe"):
        sample_options(video_of(tmp_path / "a.mp4", options))


def test_the_environment_names_machine_and_versions():
    about = environment("CPU", "scipy", "no-such-package")
    assert about["device"] == "CPU"
    assert about["torch"] == torch.__version__.split("+")[0]
    assert about["no-such-package"] == "not installed"


def test_a_comment_of_any_size_is_not_parsed(tmp_path):
    path = video_of(tmp_path / "a.mp4", {"padding": "x" * 200_000})
    assert read_provenance(path) is None


def test_postscript_named_png_is_never_opened(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")
    assert read_provenance(path) is None


@pytest.mark.parametrize("values", [{"truncation": 2}, {"speed": 0}, {"seeds": (-1,)}, {"frames": 0}, {"seeds": ()}])
def test_a_users_values_out_of_range_cost_one_line(values):
    with pytest.raises(UsageError, match=rf"^{next(iter(values))} .*must") as caught:
        checked_options(values)
    assert "\n" not in str(caught.value)


def test_a_pipe_or_device_named_png_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "device.png").symlink_to("/dev/zero")
    for name in ("pipe.png", "device.png"):
        assert read_provenance(tmp_path / name) is None
        with pytest.raises(VideoError):
            sample_options(tmp_path / name)
