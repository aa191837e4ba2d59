"""What a file is that is no video, by its first bytes."""

from videogan.storage.member import AnyFile

_HEAD_BYTES = 1024

IMAGES = ("a still image (PNG), not a video", "a still image (JPEG), not a video")

_MARKS = (
    (b"version https://git-lfs.github.com/spec/", "a Git LFS pointer, not the video itself; `git lfs pull` fetches it"),
    (b"\x89PNG\r\n\x1a\n", IMAGES[0]),
    (b"\xff\xd8\xff", IMAGES[1]),
    (b"PK\x03\x04", "a ZIP archive; unpack it"),
    (b"\x1f\x8b", "a gzip archive; unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"%PDF", "a PDF document"),
)
_MARKUP = ((b"<!doctype html", "HTML"), (b"<html", "HTML"), (b"<?xml", "XML"), (b"<error", "XML"), (b"{", "JSON"))
TEXTS = ("a text file, not a video", *(f"a text ({name}) file, not a video" for name in ("HTML", "XML", "JSON")))
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\x1b")


def kind_of(path: AnyFile) -> str | None:
    """Return what a file is, for a message; None where its first bytes do not tell."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    for mark, kind in _MARKS:
        if head.startswith(mark):
            return kind
    if not is_text(head):
        return None
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((f"a text ({name}) file, not a video" for mark, name in _MARKUP if start.startswith(mark)), TEXTS[0])


def is_text(head: bytes) -> bool:
    """Say whether the first bytes of a file are UTF-8 text."""
    try:
        # The last character may be cut in two.
        head[:-4].decode()
    except UnicodeDecodeError:
        return False
    return len(head) > 0 and all(byte >= 32 or byte in _TEXT_CONTROLS for byte in head)
