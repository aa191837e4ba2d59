"""Given clips: reconstructed, saved as latents, morphed and continued."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from read_video import read_video

from videogan.artifacts.provenance import read_provenance as read_recipe
from videogan.preparation.synthetic import moving_shapes
from videogan.video import VideoWriter, probe


@pytest.fixture
def model(trained, tiny) -> Path:
    """A run of two steps in the working folder, beside a clip of 22 frames of another size."""
    with VideoWriter("in.mp4", frame_rate=25) as writer:
        writer.write(moving_shapes(1, size=48, num_frames=22)[0][:, :, 8:])
    return Path(shutil.copytree(trained, "runs/00000-clips-32x32x8"))


def test_reconstruct_shows_the_clip_beside_what_its_latents_make(videogan, model):
    result = videogan("reconstruct", "in.mp4", "out.mp4", "--refine", 30, "--latents", "a.safetensors", "--json")
    assert result.code == 0, result.err
    report = json.loads(result.out)
    assert report["frames"] == 22
    assert report["class"] in ("circle", "square", "triangle")
    assert report["class_chosen"]
    assert report["gain"]["psnr"] > 0.2
    assert report["refined"]["psnr"] == pytest.approx(report["encoder"]["psnr"] + report["gain"]["psnr"])
    info = probe("out.mp4")
    assert (info.num_frames, info.width, info.height, info.frame_rate) == (22, 512, 256, 25)
    assert Path("a.safetensors").stat().st_size < 100_000
    assert read_recipe(Path("out.mp4")).options["clip"] == "in.mp4"


def test_reconstruct_says_the_figures_on_stdout(videogan, model):
    result = videogan("reconstruct", "in.mp4", "out", "--class", "square", "--no-metadata")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0] == "out"
    assert lines[1] == "class: square"
    assert lines[2].startswith("encoder alone: PSNR ")
    assert len(lines) == 3
    result = videogan("reconstruct", "in.mp4", "out", "--refine", 5, "--yes")
    assert "after 5 steps: PSNR " in result.out
    assert "improved by " in result.out
    real, _ = read_video("in.mp4", size=(32, 32))
    shown, _ = read_video("out")
    assert np.array_equal(shown[:, :, :32], real)


def test_another_frame_rate_is_met_by_timestamps(videogan, model):
    with VideoWriter("fast.mp4", frame_rate=50) as writer:
        writer.write(moving_shapes(1, size=32, num_frames=40)[0])
    report = json.loads(videogan("reconstruct", "fast.mp4", "out.mp4", "--json").out)
    assert report["frames"] == 20


def test_sample_renders_saved_latents(videogan, model):
    assert videogan("reconstruct", "in.mp4", "both", "--refine", 5, "--latents", "a.safetensors").code == 0
    assert videogan("sample", "--latents", "a.safetensors", "own").code == 0
    both, own = read_video("both")[0], read_video("own")[0]
    assert np.abs(both[:, :, 32:].astype(int) - own).max() <= 1
    assert videogan("sample", "--latents", "a.safetensors", "--frames", 60, "--seed", 3, "longer.mp4").code == 0
    assert probe("longer.mp4").num_frames == 60
    assert "latents a.safetensors" in videogan("inspect", "longer.mp4").out
    result = videogan("sample", "--like", "longer.mp4", "again.mp4")
    assert result.code == 3
    assert "sample --latents" in result.err
    shown = videogan("inspect", "a.safetensors")
    assert shown.code == 0
    assert "22 frames" in shown.out
    assert json.loads(videogan("inspect", "--json", "a.safetensors").out)["kind"] == "latents"


@pytest.mark.parametrize("axis", ["content", "motion", "both"])
def test_interpolate_from_anything_to_anything(videogan, model, axis):
    assert videogan("reconstruct", "in.mp4", "x.mp4", "--latents", "a.safetensors").code == 0
    options = ["--axis", axis, "--frames", 40, "--ease", "--hold", 4, "--frame-rate", 12.5, "--refine", 2]
    for start, end in (("in.mp4", "7"), ("a.safetensors", "in.mp4"), ("3", "a.safetensors")):
        result = videogan("interpolate", "--from", start, "--to", end, *options, "--yes", "out.mp4")
        assert (result.code, result.out.strip()) == (0, "out.mp4"), result.err
        info = probe("out.mp4")
        assert (info.num_frames, float(info.frame_rate)) == (40, 12.5)
    recipe = read_recipe(Path("out.mp4"))
    assert recipe.command == "interpolate"
    assert recipe.options["stops"][0] == {"seed": 3}
    assert recipe.options["axis"] == axis
    assert f"axis {axis}" in videogan("inspect", "out.mp4").out


def test_a_swap_grid(videogan, model):
    result = videogan(
        "interpolate", "--from", "in.mp4", "--to", 5, "--swap", "--frames", 20, "--refine", 2, "grid", "--no-metadata"
    )
    assert result.code == 0, result.err
    frames, _ = read_video("grid")
    assert len(frames) == 20
    left, top = frames.shape[2] - 64, frames.shape[1] - 64
    assert 0 < left <= 32 and 0 < top <= 32
    assert frames[0, :top, left:].max() > 200, "names above the columns"
    assert frames[0, top:, :left].max() > 200, "and beside the rows"
    assert videogan("interpolate", "--seeds", "1,2,3", "--swap", "seeds.mp4").code == 0
    info = probe("seeds.mp4")
    assert info.num_frames == 64
    assert 3 * 32 * 4 < info.height < info.width < 3 * 32 * 4 + 64


def test_predict_shows_the_clip_and_goes_on(videogan, model):
    result = videogan("predict", "in.mp4", "out", "--frames", 30, "--refine", 5, "--json")
    assert result.code == 0, result.err
    report = json.loads(result.out)
    assert (report["given_frames"], report["new_frames"]) == (22, 30)
    assert len(report["change_at_join"]) == 1
    real, shown = read_video("in.mp4", size=(32, 32))[0], read_video("out")[0]
    assert len(shown) == 52
    assert np.array_equal(shown[:22], real)
    result = videogan("predict", "in.mp4", "new.mp4", "--count", 2, "--frames", 9, "--refine", 5, "--new-only")
    assert result.out.split() == ["new-000.mp4", "new-001.mp4"]
    a, b = (read_video(f"new-00{number}.mp4")[0] for number in range(2))
    assert len(a) == len(b) == 9
    assert read_recipe(Path("new-001.mp4")).seed == 1
    assert "seed 1" in videogan("inspect", "new-001.mp4").out


def test_animate_makes_a_picture_move(videogan, model):
    Image.fromarray(moving_shapes(2, size=48, num_frames=1)[0][0]).save("p.jpg")
    result = videogan("animate", "p.jpg", "a.mp4", "--count", 2, "--frames", 10, "--refine", 5, "--json")
    assert result.code == 0, result.err
    report = json.loads(result.out)
    assert report["out"] == ["a-000.mp4", "a-001.mp4"]
    assert report["psnr"] > 5
    assert probe("a-001.mp4").num_frames == 10
    assert videogan("animate", "p.jpg", "b.mp4", "--motion", "in.mp4", "--refine", 5, "--class", "square").code == 0
    about = read_recipe(Path("b.mp4"))
    assert (about.command, about.options["picture"], about.options["motion"]) == ("animate", "p.jpg", "in.mp4")


def test_translate_shows_a_clip_as_another_class(videogan, model):
    for name in ("circle", "square"):
        result = videogan("translate", "in.mp4", name, "--class", name)
        assert (result.code, result.out.strip()) == (0, name), result.err
    shown = [read_video(name)[0] for name in ("circle", "square")]
    assert shown[0].shape == (22, 32, 32, 3)
    assert not np.array_equal(*shown)
    assert videogan("translate", "in.mp4", "a.mp4", "--class", "circle").code == 0
    about = read_recipe(Path("a.mp4"))
    enlarged = {"scale": 8, "scale_method": "lanczos"}
    assert (about.command, about.options) == ("translate", {"class_name": "circle", "clip": "in.mp4", **enlarged})


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["animate", "absent.jpg", "x.mp4"], 2, "absent.jpg: no such"),
        (["animate", "text.mp4", "x.mp4"], 3, "text.mp4: "),
        (["animate", "in.mp4", "x.mp4"], 3, "in.mp4: "),
        (["animate", "p.png", "x.mp4", "--motion", "text.mp4"], 3, "text.mp4: "),
        (["animate", "p.png", "x.mp4", "--class", "circel"], 2, "did you mean 'circle'?"),
        (["animate", "p.png", "taken.mp4"], 2, "taken.mp4 exists; use --yes"),
        (["translate", "in.mp4", "x.mp4"], 2, "--class"),
        (["translate", "in.mp4", "x.mp4", "--class", "circel"], 2, "did you mean 'circle'?"),
        (["translate", "text.mp4", "x.mp4", "--class", "circle"], 3, "text.mp4: "),
        (["reconstruct", "absent.mp4", "x.mp4"], 2, "absent.mp4: no such file"),
        (["predict", "absent.mp4", "x.mp4"], 2, "absent.mp4: no such file"),
        (["reconstruct", "text.mp4", "x.mp4"], 3, "text.mp4"),
        (["predict", "text.mp4", "x.mp4"], 3, "text.mp4"),
        (["reconstruct", "in.mp4", "taken.mp4"], 2, "taken.mp4 exists; use --yes"),
        (["predict", "in.mp4", "taken.mp4"], 2, "taken.mp4 exists; use --yes"),
        (["reconstruct", "in.mp4", ".mp4"], 2, "such as out.mp4"),
        (["predict", "in.mp4", "x.mp5"], 2, ".mp4"),
        (["predict", "in.mp4", "-"], 2, "only `videogan sample` writes to stdout"),
        (["reconstruct", "in.mp4", "absent/x.mp4"], 2, "absent: no such folder"),
        (["reconstruct", "in.mp4", "x.mp4", "--class", "circel"], 2, "did you mean 'circle'?"),
        (["reconstruct", "in.mp4", "x.mp4", "--refine", "-1"], 2, "--refine"),
        (["reconstruct", "in.mp4", "x.mp4", "--latents", "a.pt"], 2, "ends in .safetensors"),
        (["reconstruct", "in.mp4", "x.mp4", "--latents", "other.safetensors"], 2, "other.safetensors exists"),
        (["reconstruct", "in.mp4"], 2, "OUT"),
        (["predict", "in.mp4", "x.mp4", "--frames", "0"], 2, "--frames"),
        (["predict", "--run", "absent", "in.mp4", "x.mp4"], 2, "absent: no such run"),
        (["predict", "--run", ".", "in.mp4", "x.mp4"], 4, "no usable checkpoint"),
        (["sample", "--latents", "absent.safetensors", "x.mp4"], 2, "no such latents file"),
        (["sample", "--latents", "other.safetensors", "x.mp4"], 4, "not a readable latents file"),
        (["sample", "--latents", "a.safetensors", "--loop", "x.mp4"], 2, "leave out --loop"),
        (["interpolate", "--seeds", "1,2", "--axis", "contents", "x.mp4"], 2, "did you mean 'content'?"),
        (["interpolate", "--seeds", "1,2", "--from", "3", "x.mp4"], 2, "leave one out"),
        (["interpolate", "--from", "3", "x.mp4"], 2, "--from STOP --to STOP"),
        (["interpolate", "--from", "3", "--to", "absent.mp4", "x.mp4"], 2, "absent.mp4: no such video"),
        (["interpolate", "--from", "text.mp4", "--to", "3", "x.mp4"], 3, "text.mp4"),
        (["interpolate", "--from", "3", "--to", "other.safetensors", "x.mp4"], 4, "not a readable latents file"),
        (["interpolate", "--seeds", "1,2", "--swap", "--loop", "x.mp4"], 2, "leave out --loop"),
        (["interpolate", "--seeds", "1,2", "--frames", "8", "--hold", "9", "x.mp4"], 2, "holding takes all"),
        (["interpolate", "--seeds", "1,2", "-"], 2, "only `videogan sample` writes to stdout"),
        (["interpolate", "--seeds", ",".join("1" * 11), "--swap", "x.mp4"], 2, "at most 10"),
    ],
)
def test_mistakes_cost_one_line(videogan, model, arguments, code, said):
    Path("text.mp4").write_text("no video")
    Path("other.safetensors").write_text("no latents")
    Path("taken.mp4").write_text("precious")
    Image.new("RGB", (32, 32)).save("p.png")
    result = videogan(*arguments)
    assert result.code == code
    assert said in result.err
    assert len(result.err.strip().splitlines()) == 1
    assert result.err.startswith("error: ")
    assert not result.out
    assert not list(Path().glob("x*"))
    assert Path("taken.mp4").read_text() == "precious"


def test_latents_of_another_model(videogan, model, clips, tiny):
    assert videogan("reconstruct", "in.mp4", "x.mp4", "--latents", "a.safetensors").code == 0
    assert videogan("train", clips, *tiny, "--run", "other", "--steps", 1).code == 0
    for command in (["sample", "--latents", "a.safetensors"], ["interpolate", "--from", "1", "--to", "a.safetensors"]):
        result = videogan(*command, "--run", "other", "y.mp4")
        assert result.code == 4
        assert "latents of another model" in result.err
        assert "--run" in result.err
        assert len(result.err.strip().splitlines()) == 1
        assert not Path("y.mp4").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder(videogan, model):
    Path("locked").mkdir(mode=0o500)
    for command in ("reconstruct", "predict"):
        result = videogan(command, "in.mp4", "locked/x.mp4")
        assert result.code == 2
        assert "no permission" in result.err


def test_out_that_cannot_be_written(videogan, model):
    """A folder with other files in the place of OUT, which even --yes does not replace."""
    Path("full").mkdir()
    Path("full/notes.txt").write_text("precious")
    for command in ("reconstruct", "predict"):
        result = videogan(command, "in.mp4", "full", "--yes")
        assert result.code == 2
        assert "other files" in result.err


@pytest.mark.parametrize(
    "command",
    [
        ["reconstruct"],
        ["predict", "--frames", "4", "--refine", "1"],
        ["translate", "--class", "circle"],
        ["animate", "--frames", "4", "--refine", "1"],
        ["interpolate", "--to", "3", "--frames", "4", "--refine", "1"],
    ],
    ids=lambda command: command[0],
)
def test_a_folder_goes_in_and_a_folder_comes_out(videogan, model, command):
    Path("given").mkdir()
    if command[0] == "animate":
        Image.new("RGB", (40, 40), "red").save("given/a.png")
    else:
        shutil.copy("in.mp4", "given/a.mp4")
    Path("given/b.mp4").write_text("no video")
    Path("given/b.png").write_text("no picture")
    given = ["--from", "given"] if command[0] == "interpolate" else ["given"]
    result = videogan(*command, *given, "shown")
    assert result.code == 0, result.err
    assert result.out.splitlines()[0] == "shown/a.mp4"
    assert "is left out: " in result.err
    assert [path.name for path in Path("shown").iterdir()] == ["a.mp4"]
    assert probe("shown/a.mp4").num_frames >= 4
    again = videogan(*command, *given, "shown")
    assert (again.code, again.out) == (0, "")
    assert videogan(*command, *given, "shown.mp4").code == 2
