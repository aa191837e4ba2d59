"""A share of a dataset as one tar, so that any number of machines prepare it together.

OUT/shards.json          what all shards of the folder are made by
OUT/clips-000017.tar     CLASS/NAME.mp4 in order; the same input gives the same bytes
OUT/clips-000017.jsonl   a line for each clip, and for each video that cannot be read
"""

import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from videogan.data.summary import file_report
from videogan.errors import UsageError, reason_of
from videogan.files import parse_json, printable, read_bytes, read_json, sync, write_json, write_text
from videogan.parts import hold_part, is_held
from videogan.preparation.cutting import Prepared
from videogan.video import probe

MAX_SHARDS = 1_000_000
_RECORD = "shards.json"
_MAX_LINES_BYTES = 1 << 30


@dataclass(frozen=True)
class Shard:
    """Which share of a dataset: ``index`` from 0 on, of ``count``."""

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count <= MAX_SHARDS:
            raise UsageError(
                f"shard {self.index}/{self.count}: must be I/N with I from 0 to N-1 and N at most {MAX_SHARDS}"
            )

    def takes(self, name: str) -> bool:
        """Tell whether a source video is of this share: by its name alone, so that one video more moves no other."""
        digest = hashlib.sha256(os.fsencode(name)).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.index

    def tar(self, out: Path) -> Path:
        """Return the file of its clips."""
        return out / f"clips-{self.index:06d}.tar"


def join_folder(out: Path, record: dict[str, Any], *, overwrite: bool) -> None:
    """Make the folder of the shards, or check that those in it are made by the same.

    Args:
        out: the folder.
        record: what decides over the clips, and the number of shards, as plain values.
        overwrite: whether it may hold other files.

    Raises:
        UsageError: it holds something else, or cannot be made.
    """
    earlier = read_json(out / _RECORD)
    if earlier is None:
        try:
            out.mkdir(parents=True, exist_ok=True)
            others = [path.name for path in out.iterdir() if not path.name.startswith((".", "clips-", _RECORD))]
            if others and not overwrite:
                raise UsageError(f"{printable(out)}: is not empty; use --yes to write into it, or another name")
            # Not beside each other by number of process: containers on two machines may have the same.
            with tempfile.TemporaryDirectory(prefix=".", dir=out) as own:
                write_json(Path(own) / _RECORD, record)
                (Path(own) / _RECORD).replace(out / _RECORD)
        except (FileExistsError, NotADirectoryError):
            raise UsageError(f"{printable(out)}: exists and is not a folder; choose another name") from None
        except OSError as error:
            raise UsageError(f"{printable(out)}: cannot be made ({reason_of(error)})") from error
    elif earlier != record:
        changed = [key for key in record if not isinstance(earlier, dict) or earlier.get(key) != record[key]]
        raise UsageError(
            f"{printable(out)}: holds shards made by other settings ({', '.join(changed)}); choose another folder, or "
            "remove it"
        )


def earlier_shard(tar: Path) -> Prepared | None:
    """Return what came of a shard that is finished, by the lines beside it; None where it is not."""
    if not tar.is_file():
        return None
    try:
        text = read_bytes(tar.with_suffix(".jsonl"), limit=_MAX_LINES_BYTES)
        rows = [parse_json(line) for line in text.splitlines()]
        clips = [row for row in rows if row["status"] != "rejected"]
        rejected = [(Path(row["source"]), row["reason"]) for row in rows if row["status"] == "rejected"]
        names = {row["class"] for row in clips} - {None}
        return Prepared(tar.parent, len(clips), sum(row["frames"] for row in clips), names, 0, rejected, tar)
    except (OSError, ValueError, TypeError, KeyError):
        return None


class ShardWriter:
    """Collects clips in a hidden folder beside the tar, and makes the tar of them, whole or not at all.

    A context manager: the hidden folder is removed when the block ends, and so are those of processes that were killed.
    """

    def __init__(self, tar: Path) -> None:
        self.tar = tar
        self._clips: list[tuple[dict[str, Any], Path]] = []
        prefix = f".{tar.stem}."
        for left in tar.parent.glob(f"{prefix}*.part"):
            if not is_held(left):
                shutil.rmtree(left, ignore_errors=True)
        try:
            # Locked before it has the name by which another process would take it for abandoned.
            folder = Path(tempfile.mkdtemp(prefix=prefix, dir=tar.parent))
            self._held = hold_part(folder)
            self._folder = folder.rename(f"{folder}.part")
        except OSError as error:
            raise self._failure(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._held)
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, source: str, make: Callable[[Path], Prepared]) -> Prepared:
        """Let ``make`` write the clips of a source video below the folder that it is given; threads may call this."""
        folder = self._folder / hashlib.sha256(os.fsencode(source)).hexdigest()
        prepared = make(folder)
        for path in folder.rglob("*.mp4"):
            name = path.relative_to(folder)
            report = file_report(name, probe(path), name.parts[0] if len(name.parts) > 1 else None)
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            self._clips.append(({**report, "sha256": sha256, "source": source}, path))
        return prepared

    def finish(self, prepared: Prepared) -> None:
        """Write tar and lines, and note the tar in ``prepared``; UsageError where they cannot be written."""
        clips = sorted(self._clips, key=lambda clip: (clip[0]["path"], clip[0]["source"]))
        rejected = [
            {**file_report(path, why), "sha256": None, "source": os.fspath(path)} for path, why in prepared.rejected
        ]
        part = self._folder / self.tar.name
        try:
            with tarfile.open(part, "w") as file:
                for report, path in clips:
                    _append(file, report["path"], path)
            sync(part)
            lines = self._folder / "lines.jsonl"
            reports = [*(report for report, _ in clips), *rejected]
            write_text(lines, "".join(json.dumps(report) + "\n" for report in reports))
            # The tar comes last and an earlier one goes first: where there is one, its lines are beside it.
            self.tar.unlink(missing_ok=True)
            lines.replace(self.tar.with_suffix(".jsonl"))
            part.replace(self.tar)
        except OSError as error:
            raise self._failure(error) from error
        with suppress(OSError):
            sync(self.tar.parent)
        prepared.tar = self.tar

    def _failure(self, error: OSError) -> UsageError:
        return UsageError(f"{printable(self.tar)}: cannot be written ({reason_of(error)}); nothing was kept")


def _append(tar: tarfile.TarFile, name: str, path: Path) -> None:
    """Move a file into an open tar, without owner and time, which would tell one machine's tar from another's."""
    member = tarfile.TarInfo(name)
    member.size = path.stat().st_size
    with path.open("rb") as file:
        tar.addfile(member, file)
    path.unlink()
