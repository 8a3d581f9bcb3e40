"""Findings about the machine itself: clock, Java, permissions, memory, disk, lock."""

from __future__ import annotations

from collections.abc import Iterator

from bluegreen.check.evidence import Diagnosis, Evidence, Java
from bluegreen.check.finding import Finding, Step, failure, ok, warning
from bluegreen.console.units import size
from bluegreen.host.survey import java_release

CLOCK_TOLERANCE_S = 60
# The usual size of a Spring application with the default heap, where no JVM runs that could be measured.
ASSUMED_JVM_BYTES = 400_000_000
# What a release needs besides its jar: its facts, the log, the journal.
SPARE_BYTES = 20_000_000


def clock(evidence: Evidence) -> Iterator[Finding]:
    """Whether the clock is right: releases are sorted by time, and certificates depend on it."""
    if evidence.diagnosis is None:
        return
    ahead_s = evidence.diagnosis.clock_ahead_s
    if abs(ahead_s) > CLOCK_TOLERANCE_S:
        direction = "ahead of" if ahead_s > 0 else "behind"
        yield warning(
            "clock",
            f"the clock is {abs(ahead_s):.0f} s {direction} the clock here",
            "sudo timedatectl set-ntp true",
        )
    else:
        yield ok("clock", f"the clock differs from this computer's by less than {CLOCK_TOLERANCE_S} s")


def java(evidence: Evidence) -> Iterator[Finding]:
    """Whether the supervisor finds a Java that is new enough for java.version and the jar's class files."""
    if evidence.diagnosis is None:
        return
    found, wanted = evidence.diagnosis.java, evidence.settings.java
    remedy = f"{evidence.state.install_command('java')}, or: {evidence.setup}"
    if wanted.bin != "java":
        remedy = f"set java.bin in config.yml to the path of Java {wanted.version}; to install it: {remedy}"
    if found.path:
        yield _java_version(evidence, found, remedy)
    elif java_release(found.elsewhere_version) >= _needed(evidence):
        yield failure(
            "java",
            f"{_not_found(evidence, found)}, but Java {found.elsewhere_version} is {found.elsewhere}",
            f"write into config.yml: java: {{bin: {found.elsewhere}}}; or: {remedy}",
            stops=(Step.START,),
        )
    else:
        yield failure("java", _not_found(evidence, found), remedy, stops=(Step.START,))


def _not_found(evidence: Evidence, found: Java) -> str:
    command = evidence.settings.java.bin
    if command.startswith("/"):
        return f"the command {command} was not found"
    whose = "that env: in config.yml sets" if "PATH" in evidence.settings.env else "of a command over SSH"
    if whose.startswith("of") and evidence.settings.supervisor == "systemd":
        whose = "of systemd, which is not that of a login shell"
    return f"the command {command} was not found on the PATH {whose} ({found.searched})"


def _needed(evidence: Evidence) -> int:
    return max(evidence.settings.java.version, (evidence.jar.java_release if evidence.jar else None) or 0)


def _java_version(evidence: Evidence, found: Java, remedy: str) -> Finding:
    if not found.version:
        return failure(
            "java",
            f"{found.path} -version prints no version: it is not a Java, or does not start",
            remedy,
            stops=(Step.START,),
        )
    needed = _needed(evidence)
    if java_release(found.version) >= needed:
        return ok("java", f"{found.path} is Java {found.version}")
    if needed == evidence.settings.java.version:
        return failure(
            "java",
            f"Java {found.version} is too old: java.version is {needed}",
            remedy,
            stops=(Step.START,),
        )
    return failure(
        "java",
        f"Java {found.version} is too old: the jar's class files need Java {needed}",
        f"set java.version: {needed} in config.yml, then: {evidence.setup}",
        stops=(Step.START,),
    )


def folder(evidence: Evidence) -> Iterator[Finding]:
    """Whether the user may write the folder of the releases, or make it."""
    base, user = evidence.settings.releases.path, evidence.user
    if evidence.state.writable:
        yield ok("folder", f"{user} may write {base}")
    else:
        yield failure(
            "folder",
            f"{user} may not write {base}",
            f"sudo install -d -o {user} {base}",
            stops=(Step.START,),
        )


def sudo(evidence: Evidence) -> Iterator[Finding]:
    """Whether the user may run the steps that need root, and no more than those."""
    if evidence.diagnosis is None or not evidence.settings.nginx.sudo:
        return
    user, by_setup = evidence.user, f"with a user who may sudo: {evidence.setup} --login USER"
    if evidence.diagnosis.may_sudo_preview:
        yield ok("sudo", f"{user} may run the steps that need root, and bluegreen runs no others")
    elif evidence.diagnosis.may_sudo_all:
        yield warning(
            "sudo",
            f"{user} may run everything as root, and deploys run with that right",
            f"to limit deploys to one script: {evidence.setup}",
        )
    elif evidence.diagnosis.may_sudo_switch:
        yield failure(
            "sudo",
            f"{user} may run only the steps of an older bluegreen as root: a way back, but no preview",
            by_setup,
            stops=(Step.FORWARD,),
        )
    else:
        yield failure(
            "sudo",
            f"{user} may not run the steps that need root",
            by_setup,
            stops=(Step.START, Step.SWITCH),
        )


def unit(evidence: Evidence) -> Iterator[Finding]:
    """Whether the app's unit would replace a unit of somebody else."""
    other = evidence.diagnosis.other_unit if evidence.diagnosis else ""
    if other and evidence.settings.supervisor == "systemd":
        yield failure(
            "unit",
            f"{other} is already a unit of that name",
            "give the app another name under app: in config.yml",
            stops=(Step.SETUP, Step.START),
        )


def memory(evidence: Evidence) -> Iterator[Finding]:
    """Whether a second JVM fits beside the live one. Low memory is the most common failure of two slots."""
    if evidence.diagnosis is not None:
        yield _memory(evidence, evidence.diagnosis)


def _memory(evidence: Evidence, diagnosis: Diagnosis) -> Finding:
    slots, free = evidence.state.slots, evidence.state.memory_available_bytes
    swap, total = diagnosis.swap_free_bytes, diagnosis.memory_total_bytes
    running = [slot.memory_bytes for slot in slots.values() if slot.memory_bytes]
    if len(running) == len(slots):
        return ok("memory", f"both JVMs run, and {size(free)} is still free")
    needed = max(running, default=ASSUMED_JVM_BYTES)
    basis = "as large as the live one" if running else "assumed, as no JVM runs"
    need = f"a second JVM needs {size(needed)} ({basis})"
    if free >= needed:
        return ok("memory", f"{size(free)} is free; {need}")
    if free + swap >= needed:
        return warning(
            "memory",
            f"{size(free)} is free; {need}: it would use swap ({size(swap)} is free) and be slow",
            "lower -Xmx under java.options in config.yml, or use a larger machine",
        )
    return failure(
        "memory",
        f"{size(free)} of {size(total)} is free, and {size(swap)} of swap; {need}",
        "lower -Xmx under java.options in config.yml, add swap, or use a larger machine",
        stops=(Step.START,),
    )


def disk(evidence: Evidence) -> Iterator[Finding]:
    """Whether the disk has room for another release."""
    free, needed = evidence.state.disk_free_bytes, evidence.release_bytes + SPARE_BYTES
    text = f"{size(free)} of the disk is free; a release needs {size(needed)}"
    if free >= needed:
        yield ok("disk", text)
    else:
        yield failure(
            "disk",
            text,
            f"free some space in {evidence.settings.releases.path}, or lower releases.keep in config.yml",
            stops=(Step.START,),
        )


def lock(evidence: Evidence) -> Iterator[Finding]:
    """Whether a deploy is running."""
    holder = evidence.state.lock
    if holder:
        yield warning(
            "lock", f"the lock is held by {holder}", "wait until that command ends; it releases the lock"
        )
    else:
        yield ok("lock", "the lock is free")
