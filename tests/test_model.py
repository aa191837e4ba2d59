import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from tiny_generator import tiny_generator
from tiny_run import tiny_config

import videogan
from videogan.artifacts.runs import find_weights
from videogan.artifacts.weights import Card, save_weights
from videogan.errors import CheckpointError, MissingPathError, UsageError
from videogan.generation import chunks
from videogan.generation.steering import Controls, SteeredVideo
from videogan.models.build import build_encoder


@pytest.fixture
def weights(tmp_path) -> Path:
    config = tiny_config()
    card = Card(config, ("circle", "square"), frame_rate=25, step=7, clips_seen=28)
    save_weights(tmp_path / "own.safetensors", tiny_generator(2), build_encoder(config), card)
    return tmp_path / "own.safetensors"


def test_import_is_light():
    code = "import sys, videogan; print([m for m in ('torch', 'av', 'numpy') if m in sys.modules]); videogan.load"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    with pytest.raises(AttributeError):
        _ = videogan.nothing


def test_stream_yields_uint8_frames(weights):
    model = videogan.load(weights)
    frames = list(islice(model.stream(seed=3), 21))
    assert all(frame.shape == (32, 32, 3) and frame.dtype == np.uint8 for frame in frames)
    again = list(islice(model.stream(seed=3, class_name="square"), 21))
    assert np.array_equal(frames, again), "seed 3 takes the second of two classes"
    assert not np.array_equal(frames, list(islice(model.stream(seed=3, class_name="circle"), 21)))


def test_samples_and_the_studio_share_the_recordings(weights, monkeypatch):
    monkeypatch.setattr(chunks, "GRAPH_AFTER", 1)
    model = videogan.load(weights)
    plain = model.sample(32).array()
    model.__dict__["replays"] = replays = chunks.Replays(model.generator, graphs=True)
    again = [model.sample(32).array() for _ in range(2)]
    assert replays.recorded == 3  # the beginning, the first chunk, and those that follow
    assert all(np.abs(frames.astype(int) - plain).max() <= 1 for frames in again)
    for _ in range(2):
        SteeredVideo(model.generator, Controls(), None, model.replays).frames()
    assert replays.recorded == 4


def test_interpolate_and_encode(weights):
    model = videogan.load(str(weights))
    frames = list(model.interpolate([1, 2], 30))
    assert len(frames) == 30
    codes = model.encode(np.stack(frames[:28])).latents
    assert codes.content.shape == (1, 8)
    assert codes.motion_codes.shape == (1, 7, 16)
    latents = model.encode(np.stack(frames), refine=3, class_name="circle").latents
    assert (latents.num_frames, latents.label, latents.motion_codes.shape[1]) == (30, 0, 8)
    assert model.decode(latents).array().shape == (30, 32, 32, 3)
    assert len(list(model.interpolate([latents, 7], 20, axis="both", loop=True))) == 20
    for clip in (np.zeros((0, 32, 32, 3), np.uint8), np.zeros((8, 32, 32, 3), np.float32), np.zeros((8, 16, 32, 3))):
        with pytest.raises(UsageError, match="must be uint8 t 32 32 3"):
            model.encode(clip)


def test_the_median_change_is_that_of_the_whole_clip(weights):
    """Also of frames before the end that the future is predicted from, and between the middle two of an even number."""
    clip = np.zeros((91, 32, 32, 3), np.uint8)
    levels = np.concatenate([np.full(45, 2), np.full(45, 5)]).cumsum() % 250
    clip[1:] = levels.astype(np.uint8)[:, None, None, None]
    future = videogan.load(weights).predict(clip, 4, refine=0)
    change = np.abs(clip[1:].astype(int) - clip[:-1]).mean(axis=(1, 2, 3))
    assert future.figures["median_change"] == pytest.approx(float(np.median(change)), abs=1e-4)
    assert float(np.median(change)) == 3.5


def test_predict_goes_on_from_a_clip(weights):
    model = videogan.load(weights)
    clip = np.stack(list(islice(model.stream(seed=3), 22)))
    future = model.predict(clip, 9, seeds=[1], refine=3).array()
    assert (future.shape, future.dtype) == ((9, 32, 32, 3), np.uint8)
    assert np.array_equal(future, model.predict(clip, 9, seeds=[1], refine=3).array())
    assert not np.array_equal(future, model.predict(clip, 9, seeds=[2], refine=3).array())
    for options in ({"frames": 0}, {"frames": 4, "seeds": [-1]}, {"frames": 4, "refine": -1}):
        with pytest.raises(UsageError, match="must be"):
            model.predict(clip, **options)


def test_latents_are_saved_and_loaded(weights, tmp_path):
    model = videogan.load(weights)
    latents = model.encode(np.zeros((6, 32, 32, 3), np.uint8), class_name="square").latents
    model.save_latents(tmp_path / "a.safetensors", latents)
    again = model.load_latents(tmp_path / "a.safetensors")
    assert again.label == 1
    assert np.array_equal(model.decode(latents).array(), model.decode(again).array())
    with pytest.raises(UsageError, match="exists"):
        model.save_latents(tmp_path / "a.safetensors", latents)


def test_mistakes(weights):
    model = videogan.load(weights)
    with pytest.raises(UsageError, match="did you mean 'circle'"):
        model.stream(class_name="circel")
    for options in ({"speed": 0}, {"truncation": 2}, {"seed": -1}):
        with pytest.raises(UsageError, match="must be"):
            model.stream(**options)
    with pytest.raises(UsageError, match="at least one"):
        model.interpolate([], 10)
    with pytest.raises(UsageError, match="did you mean 'motion'"):
        model.interpolate([1, 2], 10, axis="motoin")
    with pytest.raises(UsageError, match="at most"):
        model.interpolate([1, 2], 10**9)
    with pytest.raises(UsageError, match="at most"):
        model.encode(np.zeros((4, 32, 32, 3), np.uint8), refine=10**12)
    for device in ("cudda", "mps"):
        with pytest.raises(UsageError, match=device):
            videogan.load(weights, device)
    with pytest.raises(MissingPathError):
        videogan.load("absent")


def test_the_shipped_model_is_used_where_there_is_no_run(weights, tmp_path, monkeypatch):
    monkeypatch.setattr("videogan.artifacts.runs.SHIPPED", weights)
    assert find_weights(None, tmp_path / "runs") == weights
    monkeypatch.setattr("videogan.artifacts.runs.SHIPPED", tmp_path / "absent")
    with pytest.raises(CheckpointError, match="no trained model"):
        find_weights(None, tmp_path / "runs")


def test_animate_begins_with_the_models_drawing_of_the_picture(weights):
    model = videogan.load(weights)
    picture = next(iter(model.stream(seed=3)))
    video = model.animate(picture, 21, seeds=[0, 1], refine=20)
    frames = video.array()
    assert frames.shape == (2, 21, 32, 32, 3)
    assert np.abs(frames[0, 0].astype(int) - frames[1, 0]).max() <= 1
    assert not np.array_equal(frames[0, 9:], frames[1, 9:])
    error = np.square((frames[0, 0].astype(float) - picture) / 255).mean()
    assert video.figures["psnr"] == pytest.approx(-10 * np.log10(error), abs=0.1)
    best = model.reconstruct(picture[None], refine=20).refined["psnr"]
    assert video.figures["psnr"] > best - 1
    for wrong in (picture[None], picture[:16], picture / 255):
        with pytest.raises(UsageError, match="shape"):
            model.animate(wrong)


def test_a_single_frame_is_a_clip_that_can_be_continued(weights):
    model = videogan.load(weights)
    frame = next(iter(model.stream(seed=3)))
    future = model.predict(frame[None], 9, refine=3)
    assert future.array().shape == (9, 32, 32, 3)
    assert future.figures["median_change"] is None
    assert future.figures["change_at_join"][0] < 20
