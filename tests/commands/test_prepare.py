import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from videogan.commands.prepare import prepare
from videogan.data.folder import scan_folder
from videogan.errors import DataError, MissingPathError, UsageError
from videogan.preparation.cutting import find_videos, pieces
from videogan.preparation.recipes import Cutting, SyntheticRecipe, VideosRecipe, load_recipe, recipe_names
from videogan.preparation.scene_cuts import scene_starts
from videogan.preparation.synthetic import moving_shapes
from videogan.video import VideoWriter

# A few paths as each dataset unpacks them, and the class (or None) and split of each; None for what is no video of it.
LAYOUTS = {
    "weizmann-actions": {
        "walk/daria_walk.avi": ("walk", "train"),
        "lena_run1.avi": ("run", "train"),
        "moshe_wave1.avi": ("wave1", "test"),
        "moshe_wave2.avi": ("wave2", "test"),
        "lena_skip2.avi": ("skip", "train"),
    },
    "kth-actions": {
        "boxing/person11_boxing_d1_uncomp.avi": ("boxing", "train"),
        "boxing/person01_boxing_d2_uncomp.avi": ("boxing", "validation"),
        "handwaving/person22_handwaving_d4_uncomp.avi": ("handwaving", "test"),
        "boxing/other.avi": None,
    },
    "ucf101": {
        "UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi": ("ApplyEyeMakeup", "train"),
        "UCF-101/YoYo/v_YoYo_g07_c02.avi": ("YoYo", "test"),
    },
    "hmdb51": {"hmdb51_org/brush_hair/April_09_brush_hair_u_nm_np1_ba_goo_0.avi": ("brush_hair", None)},
    "kinetics-folder": {
        "train/playing kazoo/abc_000001_000011.mp4": ("playing kazoo", "train"),
        "k400/val/abseiling/x_000001_000011.mp4": ("abseiling", "validation"),
        "zumba/x.mkv": ("zumba", None),
    },
    "sky-timelapse": {
        "sky_timelapse/sky_train/07U1fSrk9oI/07U1fSrk9oI_1/": (None, "train"),
        "sky_timelapse/sky_test/abc/abc_10/": (None, "test"),
    },
    "faceforensics": {
        "original_sequences/youtube/c23/videos/000.mp4": (None, None),
        "manipulated_sequences/Deepfakes/c23/videos/000_003.mp4": None,
    },
    "taichi-hd": {
        "taichi/train/A7ZVlMRXa2o#000000#000128.mp4": (None, "train"),
        "taichi/test/b#1#2.mp4/": (None, "test"),
    },
    "bair-pushing": {
        "processed_data/train/traj_0_to_255/0/": (None, "train"),
        "processed_data/test/traj_10174_to_10429/12/": (None, "test"),
    },
    "folder": {"anything/deep/er.mp4": ("anything", None), "flat.mkv": (None, None)},
}


def clip_of(num_frames=20, seed=0, size=48):
    return moving_shapes(seed, size=size, num_frames=num_frames)[0]


def write(path: Path, frames: np.ndarray, frame_rate=25) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.with_name("being-written.mp4")
    with VideoWriter(target, frame_rate=frame_rate, overwrite=True) as writer:
        writer.write(frames)
    return target.rename(path)


def write_images(folder: Path, frames: np.ndarray) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(folder.with_name("images")) as writer:
        writer.write(frames)
    folder.with_name("images").rename(folder)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))


def run(recipe, out, raw=None, **options):
    defaults = {"count": None, "seed": 0, "size": None, "split": None, "yes": False}
    prepare(recipe, out, raw, **{**defaults, **options})


def test_every_recipe_is_tried_here():
    real = {name for name in recipe_names() if isinstance(load_recipe(name), VideosRecipe)}
    assert real == set(LAYOUTS)
    drawn = {name for name in recipe_names() if isinstance(load_recipe(name), SyntheticRecipe)}
    assert drawn == {"moving-shapes", "moving-digits"}


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_recipe_cuts_its_real_layout(name, tmp_path, capsys):
    raw = tmp_path / "raw"
    frames = clip_of(40)
    for path in LAYOUTS[name]:
        if path.endswith("/"):
            write_images(raw / path, frames)
        else:
            write(raw / path, frames)
    recipe = load_recipe(name)
    assert isinstance(recipe, VideosRecipe)
    expected = {path.rstrip("/"): what for path, what in LAYOUTS[name].items() if what is not None}
    found = {video.path.relative_to(raw).as_posix(): video.label for video in find_videos(recipe, raw, None)[0]}
    assert found == {path: None if label is None else label.replace(" ", "-") for path, (label, _) in expected.items()}
    for split in recipe.layout.splits:
        wanted = {path for path, (_, of) in expected.items() if of == split}
        assert not wanted or {v.path.relative_to(raw).as_posix() for v in find_videos(recipe, raw, split)[0]} == wanted
    run(name, tmp_path / "out", raw, size=32)
    folder = scan_folder(tmp_path / "out", cache_dir=tmp_path / "cache", labels="none")
    assert len(folder.videos) == len(expected)
    assert {(video.info.width, video.info.height) for video in folder.videos} == {(32, 32)}
    assert capsys.readouterr().out.strip() == str(tmp_path / "out")


def test_moving_shapes(tmp_path):
    run("moving-shapes", tmp_path / "out", count=6, seed=5, size=32)
    folder = scan_folder(tmp_path / "out", cache_dir=tmp_path / "cache")
    assert folder.class_names == ("circle", "square", "triangle")
    assert [video.info.num_frames for video in folder.videos] == [64] * 6
    assert {path.suffix for path in (tmp_path / "out").rglob("*") if path.is_file()} == {".mp4"}


def test_moving_digits(tmp_path):
    run("moving-digits", tmp_path / "out", count=10, size=32)
    folder = scan_folder(tmp_path / "out", cache_dir=tmp_path / "cache")
    assert folder.class_names == tuple("0123456789")


def test_count_takes_classes_in_turn(tmp_path):
    for number in range(3):
        write(tmp_path / "raw" / "a" / f"{number}.mp4", clip_of())
    write(tmp_path / "raw" / "b" / "0.mp4", clip_of())
    run("folder", tmp_path / "out", tmp_path / "raw", count=2)
    assert sorted(path.parent.name for path in (tmp_path / "out").rglob("*.mp4")) == ["a", "b"]


def test_names_do_not_collide(tmp_path):
    raw = tmp_path / "raw"
    for name in ("a/x y.mp4", "a/x-y.mp4", "a/x-y.mkv", "a/X-Y.mp4"):
        write(raw / name, clip_of())
    run("folder", tmp_path / "out", raw)
    assert len(list((tmp_path / "out" / "a").iterdir())) == 4


def test_scene_cuts_and_long_pieces(tmp_path):
    rng = np.random.default_rng(0)
    scenes = [
        np.tile(rng.integers(0, 255, (2, 2, 3), np.uint8).repeat(24, 0).repeat(24, 1), (n, 1, 1, 1))
        for n in (20, 30, 9)
    ]
    write(tmp_path / "raw" / "a" / "x.mp4", np.concatenate(scenes))
    recipe = tmp_path / "mine.toml"
    recipe.write_text(
        'kind = "videos"\ntitle = "t"\nhomepage = "h"\nlicence = "l"\n[layout]\nvideo = "(?P<label>a)/.*"\n'
        "[clips]\nsize = 32\nmin_frames = 10\nmax_frames = 16\nscene_cuts = true\n"
    )
    run(str(recipe), tmp_path / "out", tmp_path / "raw")
    folder = scan_folder(tmp_path / "out", cache_dir=tmp_path / "cache")
    assert [video.info.num_frames for video in folder.videos] == [16, 16, 14]
    assert [video.path.name for video in folder.videos] == ["x-000.mp4", "x-001.mp4", "x-002.mp4"]


def test_scene_starts_of_smooth_motion_is_the_first_frame():
    assert scene_starts(iter(clip_of(30, size=64)), 10) == [0]


@pytest.mark.parametrize(
    ("starts", "ticks", "shortest", "longest", "kept", "too_short"),
    [
        ([0], list(range(10)), 4, None, [(0, 10)], 0),
        ([0, 6], list(range(10)), 5, None, [(0, 6)], 1),
        ([0], list(range(10)), 3, 4, [(0, 4), (4, 8)], 1),
        ([0, 5], [0, 2, 4, 6, 8], 2, None, [(0, 3), (3, 5)], 0),
        ([0, 1], [0, 0, 0, 1], 1, None, [(0, 3), (3, 4)], 0),
        ([0], [], 1, None, [], 0),
    ],
)
def test_pieces(starts, ticks, shortest, longest, kept, too_short):
    assert pieces(starts, ticks, Cutting(min_frames=shortest, max_frames=longest)) == (kept, too_short)


def test_frame_rate_is_changed_by_time(tmp_path):
    write(tmp_path / "raw" / "a" / "x.mp4", clip_of(50), frame_rate=50)
    recipe = load_recipe("folder").model_copy(update={"clips": Cutting(frame_rate=10, min_frames=1)})
    from videogan.preparation.dataset import cut_videos

    done = cut_videos(recipe, tmp_path / "raw", tmp_path / "out")
    assert done.frames == 10
    (video,) = scan_folder(tmp_path / "out", cache_dir=tmp_path / "cache").videos
    assert video.info.frame_rate == 10


def test_bad_videos_are_told_and_the_others_kept(tmp_path, capsys):
    write(tmp_path / "raw" / "a" / "good.mp4", clip_of())
    write(tmp_path / "raw" / "a" / "short.mp4", clip_of(5))
    (tmp_path / "raw" / "a" / "bad.mp4").write_text("not a video")
    (tmp_path / "raw" / "a" / "loop.mp4").symlink_to("loop.mp4")
    run("folder", tmp_path / "out", tmp_path / "raw")
    assert [path.name for path in (tmp_path / "out").rglob("*.mp4")] == ["good.mp4"]
    told = capsys.readouterr().err
    assert "loop.mp4 is left out: symlink loop" in told
    assert "bad.mp4 is left out: " in told
    assert "1 pieces were too short" in told


def test_errors(tmp_path):
    out, raw = tmp_path / "out", tmp_path / "raw"
    with pytest.raises(UsageError, match=r"did you mean 'ucf101'"):
        run("ucf10", out)
    with pytest.raises(UsageError, match=r"crcv\.ucf\.edu.*licence.*videogan prepare ucf101 .*out --from"):
        run("ucf101", out)
    with pytest.raises(MissingPathError, match="no such folder"):
        run("ucf101", out, raw)
    write(raw / "a" / "x.mp4", clip_of())
    with pytest.raises(DataError, match="none of its 1 videos has the recipe's layout"):
        run("ucf101", out, raw)
    with pytest.raises(UsageError, match="did you mean 'train'"):
        run("ucf101", out, raw, split="trian")
    with pytest.raises(UsageError, match="lies in the folder"):
        run("folder", raw / "out", raw)
    with pytest.raises(UsageError, match="neither --from nor --split"):
        run("moving-shapes", out, raw)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="not a folder"):
        run("moving-shapes", tmp_path / "file")
    with pytest.raises(MissingPathError, match="no such recipe file"):
        run("./nowhere.toml", out)
    (raw / "a" / "x.mp4").write_text("spoilt")
    with pytest.raises(DataError, match="1 videos gave no clip: 1 cannot be read"):
        run("folder", out, raw)


def test_an_existing_folder_needs_yes(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "keep.txt").write_text("mine")
    with pytest.raises(UsageError, match="--yes"):
        run("moving-shapes", out, count=1)
    run("moving-shapes", out, count=1, yes=True, size=32)
    assert (out / "keep.txt").read_text() == "mine"


def test_a_full_disk_is_one_line_and_leaves_no_part(tmp_path):
    out = tmp_path / "out"
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)); from videogan.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "prepare", "moving-shapes", str(out), "--count", "4", "--size", "128"]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True)
    assert done.returncode in (1, 2)
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
    assert not [path for path in out.rglob("*") if path.is_file()]


def _environment():
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*(path for path in sys.path if path), "."])}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('kind = "videos"\ntitel = "x"', "titel|title"),
        ('kind = "vidoes"', "vidoes|kind|recipe"),
        ("kind = ", "not a readable TOML file"),
        ('kind = "moving-shapes"\ntitle = "x"\ncuont = 3', "did you mean 'count'"),
        ('kind="videos"\ntitle="t"\nhomepage="h"\nlicence="l"\n[layout]\nvideo="("', "not a regular expression"),
    ],
)
def test_a_faulty_recipe_is_one_line(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        load_recipe(str(path))
    assert "\n" not in str(caught.value)


def _default_signals() -> None:
    """Undo what a shell does to jobs in the background: it lets them ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_leaves_whole_clips_only(tmp_path, number, code):
    out = tmp_path / "out"
    program = [sys.executable, "-c", "from videogan.cli import main; main()"]
    command = [*program, "prepare", "moving-shapes", str(out), "--count", "9999", "--size", "128"]
    process = subprocess.Popen(
        command, env=_environment(), stderr=subprocess.PIPE, text=True, preexec_fn=_default_signals
    )
    killer = threading.Timer(60, process.kill)
    killer.start()
    while process.poll() is None and len(list(out.rglob("*.mp4"))) < 3:
        time.sleep(0.05)
    process.send_signal(number)
    _, told = process.communicate()
    killer.cancel()
    assert process.returncode == code, told
    assert "Traceback" not in told
    assert not list(out.rglob("*.part"))
    folder = scan_folder(out, cache_dir=tmp_path / "cache")
    assert folder.rejected == ()
    assert {video.info.num_frames for video in folder.videos} == {64}
