"""Everything about codecs: reading, writing and probing videos. Frames here are uint8 RGB, laid out t h w c."""

from videogan.video.formats import as_frame_rate
from videogan.video.probe import VideoInfo, probe
from videogan.video.reader import VideoReader, read_picture
from videogan.video.tensors import to_float, to_uint8
from videogan.video.writer import VideoWriter

__all__ = ["VideoInfo", "VideoReader", "VideoWriter", "as_frame_rate", "probe", "read_picture", "to_float", "to_uint8"]
