"""Shards in a store that speaks S3, over a wire that fails in every way that wires do."""

import re
import tarfile
import time

import fsspec
import pytest
import torch
from safetensors.torch import load_file
from store_server import check_keys_from_now_on, close_sessions, store_server
from tiny_run import TINY

import videogan
from videogan.artifacts.checkpoint_files import WEIGHTS, newest_checkpoint
from videogan.config import DataConfig
from videogan.data.cache.clip_cache import open_cache
from videogan.data.folder import scan_folder, survey_folder
from videogan.data.loader import ClipLoader
from videogan.data.shards import open_shard
from videogan.errors import MissingPathError, TransferError, UsageError, VideoError
from videogan.preparation.synthetic import moving_shapes
from videogan.presets import parse_setting
from videogan.storage import places
from videogan.video import VideoReader, VideoWriter, probe

CLIPS = [f"{name}/{number}.mp4" for name in ("run", "walk") for number in range(3)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six clips of two classes, and the two shards that they are packed into."""
    root = tmp_path_factory.mktemp("clips")
    for seed, name in enumerate(CLIPS):
        path = root / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with VideoWriter(path, frame_rate=25) as writer:
            writer.write(moving_shapes(seed, size=48, num_frames=16)[0])
    for number in range(2):
        with tarfile.open(root / f"clips-{number:03d}.tar", "w") as tar:
            for name in CLIPS[3 * number :][:3]:
                tar.add(root / "files" / name, name)
    return root


@pytest.fixture(scope="module")
def server():
    with pytest.MonkeyPatch.context() as patch, store_server() as (address, wire):
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{wire.port}")
        for name, value in (("ACCESS_KEY_ID", "one"), ("SECRET_ACCESS_KEY", "two"), ("DEFAULT_REGION", "us-east-1")):
            patch.setenv(f"AWS_{name}", value)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        files = fsspec.filesystem("s3")
        files.mkdir("clips")
        yield address, wire, files


@pytest.fixture
def store(server, folder):
    """The file system of a store that holds the shards and a text, and the wire to it."""
    _, wire, files = server
    for tar in sorted(folder.glob("*.tar")):
        files.pipe_file(f"clips/set/{tar.name}", tar.read_bytes())
    files.pipe_file("clips/set/README.md", b"of shards")
    yield files, wire
    wire.state = "sound"


@pytest.fixture
def data(tmp_path):
    return DataConfig(size=32, num_frames=8, cache_dir=str(tmp_path / "cache"), cache_limit_gb=1e-9, max_bad_share=0.5)


def loader(place, data):
    return ClipLoader(open_cache(scan_folder(place, cache_dir=data.cache_dir), data), data, batch_size=4, seed=3)


def test_shards_in_a_store_are_the_folder_that_was_packed(folder, store, data):
    expected = [(name, index // 3) for index, name in enumerate(CLIPS)]
    for given in (
        "s3://clips/set/clips-{000..001}.tar",
        "s3://clips/set/clips-*.tar",
        "s3://clips/set",
        "s3:/clips/set",
    ):
        scanned = survey_folder(given, cache_dir=data.cache_dir)
        assert scanned.class_names == ("run", "walk"), given
        found = [("/".join(video.path.parts[-2:]), video.label) for video in scanned.videos]
        assert found == expected, given
        assert str(scanned.videos[0].path) == "s3://clips/set/clips-000.tar/run/0.mp4"
    files, remote = loader(folder / "files", data), loader("s3://clips/set", data)
    assert torch.equal(files.batch(5).frames, remote.batch(5).frames)
    report = videogan.inspect("s3://clips/set/clips-001.tar")
    assert [file["path"] for file in report["files"]] == [f"s3://clips/set/clips-001.tar/{name}" for name in CLIPS[3:]]


def test_an_index_is_read_again_where_the_object_has_changed(folder, store, data):
    files, _ = store
    place = "s3://clips/set/clips-000.tar"
    before = survey_folder(place, cache_dir=data.cache_dir)
    files.pipe_file("clips/set/clips-000.tar", (folder / "clips-001.tar").read_bytes())
    for shorter in (False, True):
        if shorter:
            files.pipe_file("clips/set/clips-000.tar", bytes(1024))
        with pytest.raises(VideoError, match=r"^s3://clips/set/clips-000.tar/run/2.mp4: its shard has changed"):
            probe(before.videos[2].source)
    files.pipe_file("clips/set/clips-000.tar", (folder / "clips-001.tar").read_bytes())
    assert survey_folder(place, cache_dir=data.cache_dir).class_names == ("walk",)


def test_a_clip_that_is_cut_on_the_way_is_asked_for_again_and_then_reported(folder, store, data, monkeypatch):
    files, wire = store
    monkeypatch.setattr(type(files), "retries", 2)
    with tarfile.open(folder / "clips-000.tar") as tar:
        headers = tar.getmembers()
    files.pipe_file("clips/cut/0.tar", (folder / "clips-000.tar").read_bytes()[: headers[1].offset] + bytes(1024))
    open_shard(places.as_place("s3://clips/cut/0.tar"), data.cache_dir)
    wire.state = "cut"
    (left_out,) = survey_folder("s3://clips/cut/0.tar", cache_dir=data.cache_dir).rejected
    assert str(left_out[0]) == "s3://clips/cut/0.tar/run/0.mp4"
    assert "the store breaks off whenever it gives this" in left_out[1]
    assert wire.cuts > 1, "tried again"
    wire.state = "sound"
    again = survey_folder("s3://clips/cut/0.tar", cache_dir=data.cache_dir)
    assert len(again.videos) == 1, "it is asked for anew"
    wire.state = "cut"
    with pytest.raises(TransferError, match=r"^s3://clips/cut/0.tar/run/0.mp4: the store breaks off"):
        open_cache(again, data.model_copy(update={"cache_limit_gb": None}))


def test_a_store_that_does_not_answer_ends_the_work(store, data, monkeypatch):
    _, wire = store
    source = scan_folder("s3://clips/set", cache_dir=data.cache_dir).videos[0].source
    monkeypatch.setattr(places, "TIME_LIMIT", 1)
    wire.state = "silent"
    begin = time.monotonic()
    with pytest.raises(UsageError, match=r"^s3://clips/set/clips-000.tar: no answer within 1 seconds"):
        VideoReader(source)
    assert time.monotonic() - begin < 20


def test_what_a_store_refuses_is_told_on_one_line(server, store, data, monkeypatch):
    address, *_ = server
    for place in ("s3://nothing-here/clips-0.tar", "s3://nothing-here/clips-*.tar", "s3://clips/absent.tar"):
        with pytest.raises(MissingPathError, match=f"^{re.escape(place)}: no such bucket or object"):
            survey_folder(place, cache_dir=data.cache_dir)
    for place in ("s3://clips/*.mp4", "s3://clips/set/README.md", "s3://clips/absent"):
        with pytest.raises(MissingPathError, match=r"no \.tar there"):
            survey_folder(place, cache_dir=data.cache_dir)
    check_keys_from_now_on(address, checked=True)
    try:
        with pytest.raises(UsageError, match=r"^s3://clips/set/clips-000.tar: no permission to read it"):
            survey_folder("s3://clips/set/clips-000.tar", cache_dir=data.cache_dir)
    finally:
        check_keys_from_now_on(address, checked=False)
    with pytest.raises(UsageError, match=r"^none://clips/a.tar: Protocol not known"):
        survey_folder("none://clips/a.tar", cache_dir=data.cache_dir)
    with pytest.raises(UsageError, match=r"^abfs://clips/a.tar: Install adlfs"):
        survey_folder("abfs://clips/a.tar", cache_dir=data.cache_dir)
    with pytest.raises(UsageError, match="one store, or of this machine"):
        survey_folder(["s3://clips/set/clips-000.tar", "memory://a.tar"], cache_dir=data.cache_dir)


def test_a_store_that_is_not_there_is_told_with_its_address(server, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    close_sessions()
    try:
        with pytest.raises(UsageError, match=r"^s3://clips/a.tar: Could not connect .*127.0.0.1:9.*check address"):
            survey_folder("s3://clips/a.tar", cache_dir=tmp_path)
    finally:
        close_sessions()


@pytest.mark.slow
def test_a_training_whose_store_fails_goes_on_to_the_same_weights(store, tmp_path, monkeypatch):
    _, wire = store
    settings = dict(map(parse_setting, (*TINY, "train.tick_steps=2", "data.cache_limit_gb=1e-9")))

    def train(name, steps):
        where = {"run": tmp_path / name, "steps": steps, "preset": "cpu"}
        videogan.train("s3://clips/set/clips-*.tar", **where, settings={**settings, "data.cache_dir": str(tmp_path)})
        return load_file(newest_checkpoint(tmp_path / name / "checkpoints") / WEIGHTS)

    whole = train("whole", 4)
    train("halves", 2)
    with monkeypatch.context() as patch:
        patch.setattr(places, "TIME_LIMIT", 1)
        wire.state = "silent"
        with pytest.raises(UsageError, match="no answer within 1 seconds"):
            train("halves", 4)
    wire.state = "sound"
    again = train("halves", 4)
    assert again.keys() == whole.keys()
    assert all(torch.equal(again[name], whole[name]) for name in whole)
