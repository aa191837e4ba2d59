"""Tar shards are folders: the same videos, classes and clips, whatever is damaged in one."""

import io
import json
import logging
import os
import random
import shutil
import tarfile

import numpy as np
import pytest
import torch

from videogan.config import DataConfig
from videogan.data.cache.clip_cache import open_cache
from videogan.data.folder import scan_folder, survey_folder
from videogan.data.frame_store import IdleReaders
from videogan.data.loader import ClipLoader
from videogan.data.shards import open_shard
from videogan.errors import DataError, MissingPathError, UsageError, VideoError
from videogan.storage import member
from videogan.training.resume import listing_sha256
from videogan.video import VideoReader, VideoWriter, probe

STREAM = 1e-9
"""A limit that no cache fits into, in GB."""


def pack(tar, *files, **options):
    """Write (name, content) pairs to a tar, content being bytes or a file."""
    tar.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(tar, "w", **options) as opened:
        for name, content in files:
            content = content if isinstance(content, bytes) else content.read_bytes()
            header = tarfile.TarInfo(name)
            header.size = len(content)
            opened.addfile(header, io.BytesIO(content))
    return tar


@pytest.fixture
def shard(labelled, tmp_path):
    """The videos of ``labelled``, in an order of their own, as ``tar`` packs a folder."""
    names = ("./b/0.mp4", "./a/2.mp4", "./a/0.mp4", "./a/1.mp4")
    return pack(tmp_path / "shards" / "clips-000.tar", *((name, labelled / name) for name in names))


@pytest.fixture
def survey(tmp_path):
    return lambda *places: survey_folder([*places] if len(places) > 1 else places[0], cache_dir=tmp_path / "cache")


def names(folder):
    return [(video.path.name, video.label) for video in folder.videos]


def test_a_shard_is_the_folder_that_was_packed(labelled, shard, survey):
    files = survey(labelled)
    for place in (shard, shard.parent):
        packed = survey(place)
        assert packed.class_names == files.class_names == ("a", "b")
        assert names(packed) == names(files)
        assert packed.rejected == packed.ignored == ()
        for one, other in zip(packed.videos, files.videos, strict=True):
            assert one.path == shard / other.path.relative_to(labelled)
            facts = vars(probe(one.source)) | {"path": other.path}
            assert facts == vars(one.info) | {"path": other.path} == vars(other.info)
    assert listing_sha256(survey(shard)) == listing_sha256(files)


@pytest.mark.parametrize("limit", [None, STREAM])
def test_batches_are_those_of_the_files(labelled, shard, tmp_path, limit):
    data = DataConfig(size=32, num_frames=8, cache_dir=str(tmp_path / "cache"), cache_limit_gb=limit)
    loaders = []
    for place in (labelled, shard):
        folder = scan_folder(place, cache_dir=data.cache_dir, frames=data)
        loaders.append(ClipLoader(open_cache(folder, data), data, batch_size=4, seed=3))
    assert loaders[1].cache.kind == ("stream" if limit else "raw")
    for step in (7, 0):  # random access: no step needs those before it
        files, packed = (loader.batch(step) for loader in loaders)
        assert torch.equal(files.frames, packed.frames)
        assert torch.equal(files.labels, packed.labels)


@pytest.mark.parametrize("suffix", [".webm", ".gif", ".webp", ".mkv", ".y4m"])
def test_every_container_is_read_from_memory_as_from_a_file(tmp_path, survey, suffix):
    file = tmp_path / f"video{suffix}"
    frames = np.random.default_rng(0).integers(0, 256, (9, 16, 16, 3), np.uint8)
    if suffix in (".mkv", ".y4m"):
        import av

        with av.open(str(file), "w") as container:
            stream = container.add_stream({".mkv": "ffv1", ".y4m": "wrapped_avframe"}[suffix], rate=25)
            stream.width = stream.height = 16
            stream.pix_fmt = "yuv420p"
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame).reformat(format="yuv420p")))
            container.mux(stream.encode())
    else:
        with VideoWriter(file, frame_rate=25) as writer:
            writer.write(frames)
    (video,) = survey(pack(tmp_path / "one.tar", (file.name, file))).videos
    with VideoReader(file) as reader, VideoReader(video.source) as packed:
        assert np.array_equal(np.stack(list(reader.frames())), np.stack(list(packed.frames())))
        some = [7, 2, 2]
        assert np.array_equal(reader.read(some), packed.read(some))


def test_a_class_is_named_by_a_folder_or_beside_the_clip(tmp_path, labelled, survey):
    video = labelled / "a" / "0.mp4"
    about = {"label": 7, "text": "x"}
    sidecars = [
        ("2.cls", b"walk\n"),
        ("1.json", json.dumps(about).encode()),
        ("3.json", b'{"class": "run"}'),
        ("3.txt", b""),
    ]
    others = [("3.txt", b""), ("dance/4.json", b'{"class": "run"}'), ("README.md", b"")]
    clips = [(name, video) for name in ("1.mp4", "2.mp4", "3.mp4", "dance/4.mp4")]
    tar = pack(tmp_path / "web" / "0.tar", *sidecars, *others, *clips)
    folder = survey(tar)
    assert folder.class_names == ("7", "dance", "run", "walk")
    assert {video.path.name: folder.class_names[video.label] for video in folder.videos} == {
        "1.mp4": "7",
        "2.mp4": "walk",
        "3.mp4": "run",
        "4.mp4": "dance",
    }
    assert folder.ignored == (tar / "README.md",)
    (tmp_path / "web" / "swim").mkdir()
    tar.rename(tmp_path / "web" / "swim" / "0.tar")
    assert survey(tmp_path / "web").class_names == ("swim",), "a folder around shards comes first"


def test_shards_are_named_by_ranges_lists_and_beside_files(tmp_path, labelled, survey, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in range(9, 12):
        pack(tmp_path / f"clips-{number:03d}.tar", (f"{number}.mp4", labelled / "a" / "0.mp4"))
    whole = [(f"{number}.mp4", None) for number in (9, 10, 11)]
    (tmp_path / "list.txt").write_text("clips-{009..010}.tar\nclips-011.tar\n")
    for given in ("clips-{009..011}.tar", "clips-*.tar", tmp_path / "clips-{009..011}.tar", "list.txt"):
        assert names(survey(given)) == whole, given
    with pytest.raises(MissingPathError, match=r"clips-012\.tar: no such file"):
        survey("clips-{009..012}.tar")
    for empty in ("{9..1}", "{0..999999999}"):
        with pytest.raises(UsageError, match="names; 1 to 1000000"):
            survey(f"clips-{empty}.tar")
    both = survey(tmp_path / "clips-009.tar", labelled)
    assert names(both) == [("0.mp4", 0), ("1.mp4", 0), ("2.mp4", 0), ("0.mp4", 1), ("9.mp4", None)]
    for name in ("run", "walk"):
        pack(tmp_path / "by-class" / name / "0.tar", ("0.mp4", labelled / "a" / "0.mp4"))
    assert survey("by-class/run", "by-class/walk").class_names == ("run", "walk")


def test_damaged_members_are_left_out_by_their_names(tmp_path, labelled, survey):
    good, link = labelled / "a" / "0.mp4", tarfile.TarInfo("link.mp4")
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{good}\n#EXT-X-ENDLIST\n".encode()
    bad = [("empty.mp4", b""), ("list.mp4", playlist), ("noise.mp4", os.urandom(2000)), ("._good.mp4", b"x")]
    tar = pack(tmp_path / "clips.tar", ("good.mp4", os.urandom(999)), *bad, ("good.mp4", good))
    with tarfile.open(tar, "a") as opened:
        link.type, link.linkname = tarfile.SYMTYPE, str(good)
        opened.addfile(link)
    folder = survey(tar)
    assert names(folder) == [("good.mp4", None)], "of two files of one name the later one counts"
    assert folder.hidden == 1
    reasons = {path.relative_to(tar).as_posix(): reason for path, reason in folder.rejected}
    assert set(reasons) == {"link.mp4", "empty.mp4", "list.mp4", "noise.mp4"}
    assert "a link" in reasons["link.mp4"]
    for name, content in bad[:3]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(VideoError) as refused:
            probe(tmp_path / name)
        assert reasons[name] == refused.value.reason


def test_a_damaged_shard_gives_what_comes_before_the_damage(shard, tmp_path, survey):
    content = shard.read_bytes()
    with tarfile.open(shard) as tar:
        last = tar.getmembers()[-1]
    cases = {
        "cut.tar": content[: last.offset_data + 100],
        "between.tar": content[: last.offset],
        "broken.tar": content[: last.offset] + os.urandom(len(content) - last.offset),
    }
    for name, damaged in cases.items():
        (tmp_path / name).write_bytes(damaged)
        folder = survey(tmp_path / name)
        assert names(folder) == [("0.mp4", 0), ("2.mp4", 0), ("0.mp4", 1)], name
        assert any("damaged or cut off at byte" in reason for _, reason in folder.rejected), name
    (tmp_path / "joined.tar").write_bytes(content + content)
    joined = survey(tmp_path / "joined.tar")
    assert len(joined.videos) == 4
    assert "damaged or cut off" in joined.rejected[0][1], "what lies behind the end of a tar is not read in silence"
    for name, content in (("no.tar", b"PK"), ("empty.tar", b""), ("other.tar", os.urandom(5000))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=r"no usable video .*: not a tar"):
            scan_folder(tmp_path / name, cache_dir=tmp_path / "cache")


def test_changed_headers_are_damage_and_no_more(tmp_path):
    draw = random.Random(0)
    names = ("0.mp4", "é" * 90 + ".mp4", "a" * 120 + ".json", "3.cls", "4.mp4")
    tar = pack(tmp_path / "clips.tar", *((name, b"{}" * 300) for name in names), format=tarfile.PAX_FORMAT)
    whole = tar.read_bytes()
    for number in range(150):
        content = bytearray(whole)
        for start in draw.sample(range(0, len(whole), 512), 2):
            content[start + draw.randrange(512)] = draw.choice([0, 255, 48, 55])
            header = content[start : start + 512]
            if header[257:262] == b"ustar":  # so that the checksum does not tell
                content[start + 148 : start + 156] = b"%06o\0 " % (sum(header[:148]) + 256 + sum(header[156:]))
        tar.write_bytes(content[: draw.choice([len(whole), draw.randrange(len(whole))])])
        shard = open_shard(tar, tmp_path / f"cache-{number}")
        offsets, sizes, _ = shard.extents.T
        assert ((offsets >= 512) & (sizes >= 0) & (offsets + sizes <= tar.stat().st_size)).all()


def test_compressed_tars_are_refused_with_what_to_do(tmp_path, labelled, survey):
    clip = ("0.mp4", labelled / "a" / "0.mp4")
    with tarfile.open(tmp_path / "clips.tar.gz", "w:gz") as tar:
        tar.add(clip[1], clip[0])
    with pytest.raises(UsageError, match=r"a compressed tar.* decompress it"):
        survey(tmp_path / "clips.tar.gz")
    (tmp_path / "several").mkdir()
    shutil.copy(tmp_path / "clips.tar.gz", tmp_path / "several" / "disguised.tar")
    shutil.copy(tmp_path / "clips.tar.gz", tmp_path / "several" / "plain.tgz")
    reasons = [reason for _, reason in survey(tmp_path / "several").rejected]
    assert len(reasons) == 2
    assert all("a compressed tar" in reason for reason in reasons)


def test_a_shard_is_looked_at_once_and_a_change_is_told(shard, tmp_path, survey):
    before = survey(shard)
    status = shard.stat()
    shard.write_bytes(bytes(status.st_size))
    os.utime(shard, ns=(status.st_atime_ns, status.st_mtime_ns))
    again = survey(shard)
    assert names(again) == names(before), "size and time are the same: what is kept of it still holds"
    for change in (lambda: None, lambda: os.truncate(shard, 700)):
        change()
        with pytest.raises(VideoError, match=r"clips-000\.tar/a/0\.mp4: its shard has changed"):
            VideoReader(again.videos[0].source)
    assert not survey(shard).videos
    shard.unlink()
    with pytest.raises(MissingPathError):
        VideoReader(again.videos[0].source)
    cache_file = tmp_path / "cache" / "shards"
    shutil.rmtree(cache_file)
    cache_file.write_text("in the way")
    pack(shard, ("0.mp4", b"x"))
    assert open_shard(shard, tmp_path / "cache").names == ["0.mp4"]


def test_a_shard_that_changes_while_training_costs_only_its_clips(labelled, shard, tmp_path, caplog):
    pack(shard.with_name("clips-001.tar"), *((f"a/{n}.mp4", labelled / "a" / f"{n % 3}.mp4") for n in range(9)))
    data = DataConfig(
        size=32, num_frames=8, cache_dir=str(tmp_path / "cache"), cache_limit_gb=STREAM, max_bad_share=0.5
    )
    folder = scan_folder(shard.parent, cache_dir=data.cache_dir)
    loader = ClipLoader(open_cache(folder, data), data, batch_size=4, seed=3)
    with caplog.at_level(logging.WARNING):
        shard.write_bytes(os.urandom(shard.stat().st_size))
        frames = [loader.batch(step).frames for step in range(20)]
    assert len(frames) == 20
    told = [record.getMessage() for record in caplog.records if "has changed" in record.getMessage()]
    assert told
    assert all("clips-000.tar/" in text for text in told)
    assert len(told) == len(set(told)), "once a video"


def test_open_readers_hold_no_more_than_their_share_of_memory(shard, survey):
    first, *others = [VideoReader(video.source) for video in survey(shard).videos[:3]]
    idle = IdleReaders(most_bytes=first.memory + others[0].memory)
    for reader in (first, *others):
        idle.give_back(reader.path, reader)
    assert idle.take(first.path) is None
    assert idle.take(others[1].path) is others[1]
    idle.close()
    others[1].close()


def test_what_is_too_large_for_memory_is_refused(shard, tmp_path, monkeypatch):
    monkeypatch.setattr(member, "LARGEST", 100)
    with pytest.raises(DataError, match="too large within a shard; unpack it"):
        scan_folder(shard, cache_dir=tmp_path / "cache")
