"""Options and arguments of the commands, in this process."""

import sys
from collections.abc import Callable
from fractions import Fraction
from itertools import chain
from pathlib import Path

import pytest
from fuzzing import EXAMPLES, try_all
from hypothesis import strategies as st
from tiny_generator import tiny_generator
from tiny_run import tiny_config

from videogan.artifacts.weights import Card, save_weights
from videogan.cli import main
from videogan.models.build import build_encoder
from videogan.preparation.synthetic import moving_shapes
from videogan.training.trial import Trial
from videogan.video import VideoWriter

WORDS = [
    "",
    "x",
    "auto",
    "none",
    "é",
    "\udcff",
    "%s",
    "--",
    "-x",
    "a,b",
    ",",
    "circle",
    "circle,square",
    "1:2",
    "x" * 300,
]
NUMBERS = [
    "-1",
    "0",
    "1",
    "3",
    "1.5",
    "1e999",
    "nan",
    "inf",
    "0x10",
    "٣",
    "1_0",
    "9" * 25,
    "9" * 5000,
    "1000000001",
    "1/0",
]
FEW = ["-1", "0", "1", "2", "1.5", "nan", "9" * 25, "x", ""]
PATHS = ["", "no/such/a.mp4", "~nobody/a.mp4", "x" * 300 + ".mp4", "x" * 251 + ".mp4", ".mp4", "a.txt", "a.", "é.mp4"]
PATHS += [
    "/dev/null",
    "/proc/self/mem/a.mp4",
    "\udcff.mp4",
    "a\n.mp4",
    "CLIPS",
    "CLIP",
    "WEIGHTS",
    "a.gif",
    "a.webp",
    "a.png",
    "f",
]
GRIDS = ["1x1", "2x1", "0x1", "99x99", "x", "1x", "-1x2", "1e1x1", "9" * 400 + "x1"]

# What each command is given first, options with their values, and options without.
COMMANDS: dict[str, tuple[list[str], dict[str, list[str]], list[str]]] = {
    "sample": (
        ["--run", "WEIGHTS", "--frames", "3", "OUT"],
        {
            "--run": PATHS, "--frames": NUMBERS[:7] + NUMBERS[8:], "--count": NUMBERS, "--seed": NUMBERS,
            "--class": WORDS, "--truncation": NUMBERS, "--speed": NUMBERS, "--frame-rate": NUMBERS,
            "--grid": GRIDS, "--like": PATHS, "--latents": PATHS, "--format": WORDS,
        },
        ["--loop", "--yes", "--no-metadata"],
    ),
    "interpolate": (
        ["--run", "WEIGHTS", "--seeds", "1,2", "--frames", "3", "OUT"],
        {
            "--seeds": [*WORDS, *NUMBERS, "1,2,3", "1,,2", "1,-2"], "--from": PATHS, "--to": PATHS, "--axis": WORDS,
            "--frames": NUMBERS[:7], "--frame-rate": NUMBERS, "--ease": WORDS, "--hold": FEW, "--class": WORDS,
            "--truncation": NUMBERS, "--refine": FEW,
        },
        ["--loop", "--yes", "--swap"],
    ),
    "reconstruct": (
        ["--run", "WEIGHTS", "CLIP", "OUT", "--refine", "0"],
        {"--refine": FEW, "--class": WORDS, "--latents": PATHS, "--run": PATHS},
        ["--json", "--yes"],
    ),
    "predict": (
        ["--run", "WEIGHTS", "CLIP", "OUT", "--frames", "2", "--refine", "0"],
        {"--frames": NUMBERS[:7], "--seed": NUMBERS, "--count": FEW, "--refine": FEW, "--class": WORDS},
        ["--json", "--yes", "--new-only"],
    ),
    "inspect": (["CLIP"], {}, ["--json"]),
    "export": (["--run", "WEIGHTS", "w.safetensors"], {"--run": PATHS, "--precision": WORDS}, ["--yes"]),
    "prepare": (
        ["moving-shapes", "prepared", "--count", "1", "--size", "16"],
        {"--count": FEW, "--seed": NUMBERS, "--size": FEW, "--split": WORDS, "--from": PATHS},
        ["--yes"],
    ),
    "train": (
        ["CLIPS", "--dry-run"],
        {"--preset": WORDS, "--set": [*WORDS, "data.size=0", "train=1", "a.b=c"], "--steps": NUMBERS,
         "--minutes": NUMBERS, "--run": PATHS[:8], "--resume": WORDS},
        [],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Weights, a clip, and a folder of clips, by what stands for them above."""
    folder = tmp_path_factory.mktemp("files")
    config = tiny_config()
    card = Card(config, ("circle", "square"), Fraction(25), 7, 28)
    save_weights(folder / "w.safetensors", tiny_generator(2), build_encoder(config), card)
    (folder / "clips").mkdir()
    for number in range(2):
        with VideoWriter(folder / "clips" / f"{number}.mp4", preset="ultrafast") as writer:
            writer.write(moving_shapes(number, size=32, num_frames=9)[0])
    clip = folder / "clips" / "0.mp4"
    return {"WEIGHTS": str(folder / "w.safetensors"), "CLIP": str(clip), "CLIPS": str(clip.parent), "OUT": "out.mp4"}


def command_lines(name: str) -> st.SearchStrategy[list[str]]:
    """Command lines of one command, some arguments of which are strange, gone or too many."""
    given, valued, plain = COMMANDS[name]
    options = [st.tuples(st.just(option), st.sampled_from(values)).map(list) for option, values in valued.items()]
    flags = st.sampled_from([*plain, "--nosuch", "--json", "--help"]).map(lambda flag: [flag])
    extra = st.lists(st.one_of(*options, *[flags] * 2), max_size=3).map(lambda lists: list(chain(*lists)))
    places = st.lists(st.tuples(st.integers(0, 20), st.sampled_from(PATHS)), max_size=1)

    def line(more: list[str], changes: list[tuple[int, str]]) -> list[str]:
        arguments = list(given)
        for place, path in changes:
            free = [at for at, word in enumerate(arguments) if word in ("CLIP", "CLIPS", "OUT", "w.safetensors")]
            if free:
                arguments[free[place % len(free)]] = path
        return [name, *arguments, *more]

    return st.builds(line, extra, places)


@pytest.mark.parametrize("share", EXAMPLES)
@pytest.mark.parametrize("name", COMMANDS)
def test_command_lines(
    share: float, name: str, files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Callable
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("videogan.training.session.tell_trial", lambda *_: Trial({}, 1, 1, 1.0, 1.0, whole=True))

    def check(arguments: list[str]) -> None:
        monkeypatch.setattr(sys, "argv", ["videogan", *(files.get(word, word) for word in arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code in (None, 0, 2, 3, 4)
        assert "Traceback" not in capsys.readouterr().err

    assert try_all(command_lines(name), check, 160 * share)
