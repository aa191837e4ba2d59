"""The folder of a report: what may be replaced in it, and how it is filled."""

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from videogan.errors import UsageError, VideoganError, reason_of
from videogan.files import printable, write_text
from videogan.metrics.measure import Measured
from videogan.metrics.page import VIDEOS, page, write_videos
from videogan.metrics.report import REPORT, Report, read_report
from videogan.metrics.sources import ClipSource
from videogan.parts import abandoned_parts, hold_part, part_of

PAGE = "report.html"
FILES = (*VIDEOS, PAGE, REPORT)
"""All that a report's folder holds, in the order in which it is replaced."""


def check_report_folder(out: Path, *, overwrite: bool) -> None:
    """Check that a report can be written to ``out``, and that nothing is lost by it: only a report is ever replaced.

    Raises:
        UsageError: the folder cannot be made, holds anything else than a report, or may not be overwritten.
    """
    shown = printable(out)
    try:
        out.lstat()
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:  # a name that no folder can have
        raise UsageError(f"{shown}: cannot be made ({reason_of(error)}); name another folder by --out") from None
    if not os.path.lexists(out):
        parent = next(path for path in out.absolute().parents if os.path.exists(path))  # noqa: PTH110 (never raises)
        try:  # where everything seems to be allowed, as to root below /proc, only trying tells
            Path(tempfile.mkdtemp(prefix=".", dir=parent)).rmdir()
        except OSError:
            raise UsageError(
                f"{shown}: cannot be written below {printable(parent)}; name another folder by --out"
            ) from None
        return
    try:
        read_report(out / REPORT)
        strangers = sorted(
            path.name for path in out.iterdir() if path.name not in FILES or not stat.S_ISREG(path.lstat().st_mode)
        )
    except (OSError, UsageError):
        raise UsageError(f"{shown}: exists and holds no report; name another folder by --out") from None
    if strangers:
        raise UsageError(
            f"{shown}: holds {printable(strangers[0])}, which is not of a report; move that away, or name another "
            "folder by --out"
        )
    if not overwrite:
        raise UsageError(f"{shown}: exists already; --yes replaces it, --out names another folder")


def write_report(
    out: Path, report: Report, sources: tuple[ClipSource, ClipSource], real: Measured, fake: Measured
) -> None:
    """Write report.json, report.html and the videos: a new folder whole or not at all, an earlier one file by file.

    Raises:
        UsageError: there is no room or no permission, or ``out`` has become something else than a report meanwhile.
    """
    final = out.absolute()
    part = part_of(final.with_name(f".{final.name}"))
    try:
        part.mkdir(parents=True)
        held = hold_part(part)
        _remove_abandoned(final)
    except OSError as error:
        raise _not_written(out, error) from None
    try:
        write_videos(part, sources, real, fake)
        write_text(part / PAGE, page(report, real, fake))
        write_text(part / REPORT, report.model_dump_json(indent=2) + "\n")
        check_report_folder(final, overwrite=True)
        if os.path.lexists(final):
            for name in FILES:
                (part / name).replace(final / name)
        else:
            part.rename(final)
    except OSError as error:
        if isinstance(error, VideoganError):
            raise
        raise _not_written(out, error) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
        os.close(held)


def _remove_abandoned(final: Path) -> None:
    """Remove what processes that were killed left half-written of this report, as far as it is of a report."""
    for part in abandoned_parts(final.with_name(f".{final.name}")):
        with suppress(OSError):
            for name in FILES:
                (part / name).unlink(missing_ok=True)
            part.rmdir()


def _not_written(out: Path, error: OSError) -> UsageError:
    return UsageError(f"{printable(out)}: the report cannot be written ({error.strerror}); make room or use --out")
