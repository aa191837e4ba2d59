"""Everything about codecs: reading, writing and probing videos. Frames here are uint8 RGB, laid out t h w c."""

from videogan.video.formats import VIDEO_SUFFIXES, as_frame_rate
from videogan.video.probe import VideoInfo, probe, read_comment
from videogan.video.reader import VideoReader, read_video
from videogan.video.tensors import to_float, to_uint8
from videogan.video.writer import OUTPUT_SUFFIXES, VideoWriter

__all__ = [
    "OUTPUT_SUFFIXES",
    "VIDEO_SUFFIXES",
    "VideoInfo",
    "VideoReader",
    "VideoWriter",
    "as_frame_rate",
    "probe",
    "read_comment",
    "read_video",
    "to_float",
    "to_uint8",
]
