"""Findings about the machine itself: clock, rights, Java, memory, disk, lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bluegreen.check.finding import Finding, failure, ok, warning
from bluegreen.console.terminal import size
from bluegreen.host.facts import Facts
from bluegreen.host.files.root_files import HostFile
from bluegreen.host.look import State
from bluegreen.jar import Jar

CLOCK_OFF_S = 60
# A second JVM of a Spring application with its default heap, where no live one can be measured.
GUESSED_JVM_BYTES = 400_000_000
SPARE_BYTES = 20_000_000


def clock(facts: Facts, here_s: float) -> Iterator[Finding]:
    """The clock against ours: releases are sorted by time, and certificates depend on it.

    Args:
        here_s: seconds since the epoch, here, when the facts came.
    """
    off_s = (facts.number("now_ms") or 0) / 1000 - here_s
    if abs(off_s) > CLOCK_OFF_S:
        ahead = "ahead of" if off_s > 0 else "behind"
        yield warning(
            "clock", f"{abs(off_s):.0f} s {ahead} this machine's", "sudo timedatectl set-ntp true on the host"
        )
    else:
        yield ok("clock", "within a minute of this machine's")


def rights(view: State, facts: Facts, user: str) -> Iterator[Finding]:
    """What the user may do: its own folder, and the steps as root."""
    settings = view.settings
    base = settings.releases.path
    if view.writable:
        yield ok("folder", f"{user} may write {base}")
    else:
        yield failure("folder", f"{user} may not write {base}", f"sudo install -d -o {user} {base}")
    if not settings.nginx.sudo:
        return
    if facts.text("sudo_steps"):
        yield ok("sudo", f"{user} may run the steps that need root, and only those are asked for")
    elif facts.text("sudo_all"):
        yield warning(
            "sudo",
            f"{user} may run everything as root, and deploys use that",
            f"setup --host {settings.host} limits them to one script",
        )
    else:
        yield failure(
            "sudo",
            f"{user} may not run the steps that need root",
            f"setup --host {settings.host} --login USER, as a user who may sudo",
        )


def exposed(found: Sequence[tuple[HostFile, str]], user: str) -> Iterator[Finding]:
    """What root runs, reads and writes: nobody else may put something in its place."""
    for file, path in found:
        yield failure(
            "root's files",
            f"{user} may write {path}, where root keeps {file.path} ({file.what}), and so act as root",
            file.closed_by(path),
        )


def java(view: State, facts: Facts, jar: Jar | None) -> Iterator[Finding]:
    """Java there, and new enough for java.version and for the jar's class files."""
    settings = view.settings
    install = f"{view.installing('java')}, or setup --host {settings.host}"
    if not view.java:
        yield failure("java", f"there is no {settings.java.bin}", install)
        return
    told = facts.text("java.version")
    if not told:
        yield failure(
            "java", f"{view.java} -version tells no version: it is no Java, or does not start", install
        )
        return
    # Up to 8 the version is 1.8.0.
    numbers = [int(number) for number in told.split(".") if number.isdigit()] or [0]
    release = numbers[1] if numbers[0] == 1 and len(numbers) > 1 else numbers[0]
    needed = max(settings.java.version, jar.java_release or 0 if jar else 0)
    if release < needed:
        why = "the jar's class files" if jar and jar.java_release == needed else "java.version"
        if needed != settings.java.version:
            install = f"set java.version: {needed}, then setup --host {settings.host}"
        yield failure("java", f"Java {told} is too old: {why} need {needed}", install)
    else:
        yield ok("java", f"Java {told} ({view.java})")


def memory(view: State, facts: Facts) -> Iterator[Finding]:
    """Room for a second JVM beside the live one: the usual end of this design is two JVMs on 1 GB."""
    running = [slot for slot in view.slots.values() if slot.memory_bytes]
    needed = max((slot.memory_bytes or 0 for slot in running), default=GUESSED_JVM_BYTES)
    free, swap = view.memory_available_bytes, (facts.number("swap_free_kb") or 0) * 1024
    measured = "as large as the live one" if running else "guessed, as none runs"
    if len(running) == len(view.slots):
        yield ok("memory", f"both JVMs run, and {size(free)} is still free")
    elif free + swap < needed:
        total = (facts.number("memory_total_kb") or 0) * 1024
        yield failure(
            "memory",
            f"{size(free)} of {size(total)} is free, and {size(swap)} of swap; "
            f"a second JVM needs {size(needed)} ({measured})",
            "lower -Xmx in java.options, add swap, or take a larger machine",
        )
    elif free < needed:
        yield warning(
            "memory",
            f"{size(free)} is free; a second JVM needs {size(needed)} ({measured}), "
            f"which takes some of the {size(swap)} of free swap and is slow",
            "lower -Xmx in java.options, or take a larger machine",
        )
    else:
        yield ok("memory", f"{size(free)} is free; a second JVM needs {size(needed)} ({measured})")


def disk(view: State, jar: Jar | None) -> Iterator[Finding]:
    """Room for another release."""
    largest = max((release.size_bytes for release in view.releases), default=0)
    needed = (jar.size_bytes if jar else largest) + SPARE_BYTES
    if view.disk_free_bytes < needed:
        yield failure(
            "disk",
            f"{size(view.disk_free_bytes)} is free; a release needs {size(needed)}",
            f"make room in {view.settings.releases.path}, or lower releases.keep",
        )
    else:
        yield ok("disk", f"{size(view.disk_free_bytes)} is free; a release needs {size(needed)}")


def lock(view: State) -> Iterator[Finding]:
    """Whether a deploy runs."""
    if view.lock:
        yield warning(
            "lock", f"held by {view.lock}", "wait for it to end; it frees itself when its holder ends"
        )
    else:
        yield ok("lock", "free")
