"""Findings about what the next JVM is given: working directory, profiles, options and arguments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bluegreen.check.evidence import Evidence
from bluegreen.check.finding import Finding, Step, failure, ok, warning
from bluegreen.config import Settings
from bluegreen.host import command_line, launch
from bluegreen.host.jvm import Jvm
from bluegreen.host.workdir import Workdir
from bluegreen.jar.profiles import Document, Profiles, active_with, inactive

# What teams call the profile of their production. A jar with settings for it is rarely meant to run without.
_PRODUCTION = {"prod", "production", "prd", "live", "real", "release", "op"}


def working_directory(evidence: Evidence) -> Iterator[Finding]:
    """Where the JVMs run, so that what the application writes survives a release."""
    diagnosis, live = evidence.diagnosis, evidence.state.live or ""
    if diagnosis is None or diagnosis.workdir is None:
        return
    workdir, jvm = diagnosis.workdir, diagnosis.jvms.get(live)
    user = evidence.user or "the user who deploys"
    name = "working directory"
    keep = f"write into config.yml: java: {{workdir: {workdir.elsewhere.get(live, 'FOLDER')}}}"
    if workdir.lost:
        yield _stops(
            name,
            f"{workdir.path} is a link to {workdir.lost}, which is not there",
            f"restore it, or let the link lead to another folder: ln -sfn FOLDER {workdir.path}",
        )
    elif not workdir.writable:
        yield _stops(
            name,
            f"{user} may not write {workdir.path}",
            f"sudo install -d -o {user} {workdir.path}, or set java.workdir in config.yml",
        )
    elif jvm and not jvm.folder and not evidence.settings.java.workdir:
        owner = evidence.state.slots[live].owner_user or "another user"
        yield _stops(
            name,
            f"the working directory of {live}, which {owner} runs, cannot be read; "
            "files that the application keeps there would be missing in the new version",
            keep,
        )
    elif evidence.settings.supervisor == "systemd" and (why := _hidden_by_unit(workdir.place)):
        yield _stops(
            name,
            f"{workdir.place} cannot be the working directory: {why}",
            "move the files to another folder, and write it into config.yml: java: {workdir: FOLDER}",
        )
    elif live in workdir.elsewhere:
        yield _stops(
            name,
            f"the version that serves runs in {workdir.elsewhere[live]}, and the new one would run in "
            f"{workdir.path}, without the files there",
            f"move the files, or {keep}",
        )
    elif workdir.strays and workdir.apart:
        yield _stops(
            name,
            f"{workdir.path} is on another disk than the folders of releases, where the application keeps "
            f"files: {_places(workdir)}",
            f"copy them to {workdir.path}, and deploy with --force working-directory",
        )
    else:
        yield ok(name, f"the JVMs run in {workdir.text}")
        yield from _files_elsewhere(workdir)


def _files_elsewhere(workdir: Workdir) -> Iterator[Finding]:
    for slot, folder in workdir.elsewhere.items():
        yield warning(
            "working directory",
            f"the JVM in {slot}, which is not live, runs in {folder}: the new version does not see the files "
            "there",
            f"if they are needed, write into config.yml: java: {{workdir: {folder}}}",
        )
    if workdir.strays:
        yield warning(
            "files in releases",
            f"the application wrote into folders of releases ({_places(workdir)})",
            f"the next deploy moves them to {workdir.path}",
        )


def _places(workdir: Workdir) -> str:
    return "; ".join(f"{release}: {', '.join(names)}" for release, names in workdir.strays.items())


def _hidden_by_unit(folder: str) -> str:
    """Why the unit of a slot cannot use a folder, empty if it can (systemd.exec(5))."""
    top = f"{folder}/".split("/")[1]
    if top == "tmp" or f"{folder}/".startswith("/var/tmp/"):  # noqa: S108 # it is compared
        return "systemd gives the unit a /tmp of its own (PrivateTmp)"
    if top in ("usr", "boot", "efi", "etc"):
        return f"systemd makes /{top} read-only for the unit (ProtectSystem)"
    return ""


def _stops(name: str, text: str, remedy: str) -> Finding:
    return failure(name, text, remedy, stops=(Step.START,))


def profiles(evidence: Evidence) -> Iterator[Finding]:
    """Whether the profiles that the application has settings for, and had so far, are active."""
    settings, diagnosis = evidence.settings, evidence.diagnosis
    chosen = settings.java.profiles
    configured = evidence.jar.profiles if evidence.jar else Profiles()
    active = {slot: active_with(configured, _next(settings, slot).profiles) for slot in settings.slots}
    everywhere = set.intersection(*map(set, active.values()))
    jvm = diagnosis.jvms.get(evidence.state.live or "") if diagnosis else None
    before = [
        name for name in (jvm.profiles if jvm and not jvm.bluegreen else ()) if name not in settings.slots
    ]
    lost = [name for name in before if name not in everywhere]
    beside = diagnosis.config_files if diagnosis else {}
    documents = [*configured.documents, *(Document(file, (name,)) for name, file in beside.items())]
    unused = {
        name: file
        for names in active.values()
        for name, file in inactive(documents, names).items()
        if name not in settings.slots
    }
    if lost and chosen is None:
        yield failure(
            "profiles",
            f"the JVM that serves has the profiles {', '.join(jvm.profiles if jvm else ())}; "
            f"{' and '.join(lost)} would not be active in the new version",
            _write(lost),
            stops=(Step.FORWARD,),
        )
    elif (missing := [name for name in unused if name.lower() in _PRODUCTION]) and chosen is None:
        yield failure(
            "profiles",
            f"{unused[missing[0]]} has settings for the profile {missing[0]}, which would not be active",
            f"{_write(missing)}; or java: {{profiles: []}} if they are for other machines",
            stops=(Step.FORWARD,),
        )
    elif lost:
        yield warning(
            "profiles",
            f"the JVM that serves has the profile {', '.join(lost)}, which is not active in the new version",
            _write([*(chosen or ()), *lost]),
        )
    elif evidence.jar or beside:
        names = ", ".join((*(chosen or ()), "the slot's"))
        others = f"; not active: {', '.join(unused)}" if unused else ""
        yield ok("profiles", f"active: {names}{others}")


def options(evidence: Evidence) -> Iterator[Finding]:
    """What the JVM that serves was given and the next one is not, unless bluegreen started it."""
    settings, diagnosis = evidence.settings, evidence.diagnosis
    jvm = diagnosis.jvms.get(evidence.state.live or "") if diagnosis else None
    if jvm is None or jvm.bluegreen:
        return
    options, args = _missing(jvm.options, settings.java.options), _missing(jvm.args, settings.java.args)
    names = _missing(jvm.settings, (*settings.env, *settings.secrets))
    lists = (
        ("options", command_line.shown(options, program=False), "java.options", "cmdline"),
        ("arguments", command_line.shown(args, program=False), "java.args", "cmdline"),
        ("variables", " ".join(names), "env or secrets", "environ"),
    )
    owner = evidence.state.slots[evidence.state.live or ""].owner
    for what, missing, key, file in lists:
        if missing:
            yield warning(
                f"{what} so far",
                f"the JVM that serves has {what} that the new one does not have: {missing}",
                f"write those that are needed into config.yml, under {key}; "
                f"to see their values, on the machine: tr '\\0' '\\n' </proc/{owner}/{file}",
            )


def _next(settings: Settings, slot: str) -> Jvm:
    """The JVM of a slot as a deploy would start it. The values of secrets are not known here."""
    environment = tuple(f"{name}={value}" for name, value in settings.env.items())
    return Jvm("", tuple(launch.command(settings, slot, "next")), environment)


def _missing(had: Iterable[str], has: Iterable[str]) -> list[str]:
    given = set(has)
    return [word for word in had if word not in given]


def _write(names: Iterable[str]) -> str:
    return f"write into config.yml: java: {{profiles: [{', '.join(dict.fromkeys(names))}]}}"
