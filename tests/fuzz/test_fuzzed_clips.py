"""Videos of any bytes, recipes, the clip cache's index and the list of probes."""

import io
import json
import tomllib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from fuzzing import EXAMPLES, changed_trees, damaged, try_all
from hypothesis import strategies as st
from PIL import Image

from videogan.config import DataConfig
from videogan.data.cache.clip_cache import open_cache
from videogan.data.folder import scan_folder
from videogan.preparation.cutting import find_videos
from videogan.preparation.recipes import VideosRecipe, load_recipe, recipe_folders
from videogan.preparation.synthetic import moving_shapes
from videogan.video import VideoReader, VideoWriter, probe

CODECS = {
    "a.mp4": ("libx264", "yuv420p"), "b.mkv": ("libx265", "yuv420p"), "c.webm": ("libvpx-vp9", "yuv420p"),
    "d.ts": ("libx264", "yuv420p"), "e.avi": ("mjpeg", "yuvj420p"), "f.mov": ("qtrle", "rgb24"),
    "g.y4m": ("wrapped_avframe", "yuv420p"), "h.nut": ("ffv1", "yuv444p"), "i.gif": ("gif", "rgb8"),
    "j.apng": ("apng", "rgb24"), "k.flv": ("flv", "yuv420p"), "l.mpg": ("mpeg1video", "yuv420p"),
}  # fmt: skip

OPTIONS = {"libx265": {"x265-params": "log-level=none"}}


def encoded(name: str) -> bytes:
    """Return a small video of four moving frames."""
    codec, pixel_format = CODECS[name]
    target = io.BytesIO()
    target.name = name
    frames, _ = moving_shapes(0, size=32, num_frames=4)
    with av.open(target, "w", format={"y4m": "yuv4mpegpipe", "mkv": "matroska", "ts": "mpegts", "mpg": "mpeg"}.get(
        name.rpartition(".")[2], name.rpartition(".")[2]
    )) as container:  # fmt: skip
        stream = container.add_stream(codec, rate=25, options=OPTIONS.get(codec, {}))
        stream.width, stream.height, stream.pix_fmt = 32, 32, pixel_format
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format=pixel_format, threads=1)
            picture.pts, picture.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return target.getvalue()


def images(name: str) -> bytes:
    """Return the same with Pillow."""
    frames, _ = moving_shapes(0, size=32, num_frames=4)
    pictures = [Image.fromarray(frame) for frame in frames]
    target = io.BytesIO()
    pictures[0].save(target, name.rpartition(".")[2].upper(), save_all=True, append_images=pictures[1:])
    return target.getvalue()


@pytest.mark.parametrize("share", EXAMPLES)
@pytest.mark.parametrize("name", [*CODECS, "m.webp", "n.tiff"])
def test_videos(share: float, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    data = encoded(name) if name in CODECS else images(name)
    path.write_bytes(data)
    assert probe(path).num_frames == 4

    def check(data: bytes) -> None:
        path.write_bytes(data)
        info = probe(path)
        with VideoReader(path, size=(16, 16), frame_rate=25) as reader:
            for _, frame in zip(range(8), reader.frames(), strict=False):
                assert frame.shape == (16, 16, 3)
            reader.read([min(2, len(reader) - 1)])
        assert info.num_frames < 20_000

    assert try_all(damaged(data), check, 150 * share)


RECIPES = sorted(path for folder in recipe_folders()[:1] for path in folder.glob("*.toml"))


def to_toml(tree: object) -> str:
    """Write a tree as TOML, tables as inline ones."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {to_toml(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(to_toml, tree)) + "]"
    return json.dumps(tree) if tree is not None else "''"


@pytest.mark.parametrize("share", EXAMPLES)
def test_recipes(share: float, tmp_path: Path) -> None:
    trees = st.one_of([changed_trees(tomllib.loads(path.read_text())) for path in RECIPES])
    texts = trees.map(
        lambda tree: (
            "\n".join(f"{json.dumps(str(key))} = {to_toml(value)}" for key, value in tree.items())
            if isinstance(tree, dict)
            else to_toml(tree)
        )
    )
    bytes_of = texts.map(lambda text: text.encode("utf-8", "replace"))
    path = tmp_path / "r.toml"
    raw = tmp_path / "raw"
    (raw / "walk").mkdir(parents=True)
    (raw / "walk" / ("a" * 40 + ".mp4")).write_bytes(b"x")

    def check(data: bytes) -> None:
        path.write_bytes(data)
        recipe = load_recipe(str(path))
        if isinstance(recipe, VideosRecipe):
            find_videos(recipe, raw, None)

    good = [path.read_bytes() for path in RECIPES]
    assert try_all(bytes_of | st.one_of([damaged(data) for data in good]), check, 700 * share)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    (tmp_path / "clips").mkdir()
    for number, count in enumerate((8, 12)):
        with VideoWriter(tmp_path / "clips" / f"{number}.mp4", preset="ultrafast") as writer:
            writer.write(moving_shapes(number, size=32, num_frames=count)[0])
    return tmp_path / "clips"


@pytest.mark.parametrize("share", EXAMPLES)
@pytest.mark.parametrize("limit_gb", [1, 4e-5])
def test_the_index_of_the_clip_cache(share: float, limit_gb: float, clips: Path, tmp_path: Path) -> None:
    data_config = DataConfig(size=32, cache_dir=str(tmp_path / "cache"), cache_limit_gb=limit_gb)
    folder = scan_folder(clips, cache_dir=data_config.cache_dir)

    def frames() -> list[np.ndarray]:
        cache = open_cache(folder, data_config)
        shown = []
        for number, video in enumerate(cache.videos):
            out = np.empty((video.num_frames, 32, 32, 3), np.uint8)
            cache.read(number, range(video.num_frames), out)
            shown.append(out)
        cache.close()
        return shown

    whole = frames()
    (index,) = (tmp_path / "cache" / "clips").glob("*/*.columns")
    content = index.read_bytes()

    def check(data: bytes) -> None:
        index.write_bytes(data)
        assert all(np.array_equal(a, b) for a, b in zip(frames(), whole, strict=True))

    assert try_all(damaged(content), check, 300 * share)


@pytest.mark.parametrize("share", EXAMPLES)
def test_the_list_of_probes(share: float, clips: Path, tmp_path: Path) -> None:
    folder = scan_folder(clips, cache_dir=tmp_path / "cache")
    (index,) = (tmp_path / "cache" / "probes").glob("*.columns")
    content = index.read_bytes()

    def check(data: bytes) -> None:
        index.write_bytes(data)
        assert scan_folder(clips, cache_dir=tmp_path / "cache") == folder

    assert try_all(damaged(content), check, 600 * share)
