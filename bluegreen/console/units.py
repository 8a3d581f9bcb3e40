"""Durations and sizes as people read them."""

from __future__ import annotations


def seconds(duration_s: float) -> str:
    """A duration as text: 40 ms, 7.8 s, 2 min 5 s."""
    if duration_s < 0.0995:
        return f"{duration_s * 1000:.0f} ms"
    if duration_s < 59.95:
        return f"{duration_s:.1f} s"
    minutes, rest = divmod(round(duration_s), 60)
    return f"{minutes} min {rest} s"


def size(size_bytes: float) -> str:
    """A number of bytes as text, in decimal units: 999 B, 23.1 MB."""
    # Not rich.filesize.decimal: it writes 999,999 bytes as "1,000.0 kB" and accepts whole numbers only.
    if size_bytes < 1000:
        return f"{size_bytes:.0f} B"
    for unit in ("kB", "MB"):
        size_bytes /= 1000
        # One decimal would round anything above this up to 1000.0.
        if size_bytes < 999.95:
            return f"{size_bytes:.1f} {unit}"
    return f"{size_bytes / 1000:.1f} GB"
