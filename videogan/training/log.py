"""A tick of a run in words."""

from videogan.artifacts.metrics_file import Row


def in_words(row: Row) -> str:
    """Return the rate and the sums of the generator's and the discriminators' losses."""
    generator = sum(value for name, value in row.items() if name.startswith("generator_"))
    discriminators = sum(value for name, value in row.items() if name.endswith("_loss"))
    parts = [f"{row['clips_per_second']:.1f} clips/s", f"generator {generator:.3f}"]
    parts.append(f"discriminators {discriminators:.3f}")
    if "reconstruction" in row:
        parts.append(f"reconstruction {row['reconstruction']:.3f}")
    return "  ".join(parts)


def duration(seconds: float) -> str:
    """Write seconds as ``1:02:03`` or ``4:05``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
