"""The diagnosis of one machine: reads what the look does not, and changes nothing."""

from __future__ import annotations

import time
from dataclasses import replace

from bluegreen.check.evidence import Diagnosis, Java
from bluegreen.host import jvm, nginx_config
from bluegreen.host.facts import Facts, lines_of
from bluegreen.host.files import root_files
from bluegreen.host.files.root_files import HostFile
from bluegreen.host.look import State
from bluegreen.host.machine import Machine
from bluegreen.host.nginx_config import NginxConfig
from bluegreen.host.sites import in_charge, names_bucket
from bluegreen.host.survey import Change, changes, exposed, survey
from bluegreen.host.workdir import Source, Workdir, planned
from bluegreen.jar.spring_config import of_file


def diagnose(machine: Machine, state: State) -> Diagnosis:
    """Returns the diagnosis of a machine, from one round trip.

    Raises:
        Failed: the script failed.
    """
    settings = machine.settings
    files = _files(machine, state, None)
    paths = "\n".join(file.path for file in files)
    facts = machine.run(
        "diagnose",
        paths=paths,
        pids=" ".join(f"{slot.name}:{slot.owner}" for slot in state.slots.values() if slot.has_known_owner),
        root=machine.root_script(user=_user(machine)),
    )
    now_s = time.time()
    config = nginx_config.parse(facts.text("nginx.config"), settings.switch.include)
    jvms = jvm.read(facts, settings.slots)
    workdir = planned(facts, settings, jvms, state.live)
    return Diagnosis(
        clock_ahead_s=(facts.number("now") or 0) - now_s,
        may_sudo_all=bool(facts.text("sudo_all")),
        may_sudo_switch=bool(facts.text("sudo.switch")),
        may_sudo_preview=bool(facts.text("sudo.preview")),
        java=_java(facts),
        memory_total_bytes=(facts.number("memory_total_kb") or 0) * 1024,
        swap_free_bytes=(facts.number("swap_free_kb") or 0) * 1024,
        nginx_problem=_nginx_problem(facts.text("nginx.test").strip()),
        nginx_starts_at_boot=not facts.text("systemd") or facts.text("nginx.enabled") in ("enabled", ""),
        nginx_config=config,
        other_unit=facts.text("unit.others"),
        exposed=exposed(files, facts),
        changes=_changes(machine, state, facts, config) if settings.nginx.sudo else (),
        workdir=workdir,
        jvms=jvms,
        config_files=_config_files(facts, workdir, state.live),
    )


def _config_files(facts: Facts, workdir: Workdir, live: str | None) -> dict[str, str]:
    """The profiles that have a file where the next JVM will run, each with the file."""
    # What is in the folder of the live release is moved to the working directory.
    key = "workdir" if workdir.source is Source.PRESENT else f"jvm.{live}"
    files = lines_of(facts.text(f"{key}.config"))
    return {name: file for file in files if (name := of_file(file))}


def as_root_sees(machine: Machine, found: Diagnosis) -> Diagnosis:
    """Returns the diagnosis with the files that only root may read, if sudo allows it; a second round trip.

    No finding about them stops a rollout, so `check` alone asks for it.

    Raises:
        Failed: the survey as root failed.
    """
    if not (machine.settings.nginx.sudo and found.may_sudo_all):
        return found
    return replace(found, changes=survey(machine, _user(machine)).changes)


def _java(facts: Facts) -> Java:
    return Java(
        path=facts.text("java.path"),
        version=facts.text("java.version"),
        searched=facts.text("java.searched"),
        elsewhere=facts.text("java.elsewhere"),
        elsewhere_version=facts.text("java.elsewhere_version"),
    )


def _nginx_problem(output: str) -> str | None:
    """The line of `nginx -t` that says what is wrong, empty if nothing is, None if it did not run."""
    if not output:
        return None
    lines = output.splitlines()
    # diagnose.sh prints it if nginx -t succeeds.
    if lines[-1] == "sound":
        return ""
    return next((line for line in lines if "[emerg]" in line or "[alert]" in line), lines[0])


def _changes(machine: Machine, state: State, facts: Facts, config: NginxConfig | None) -> tuple[Change, ...]:
    own_site = in_charge(config, machine.settings) is None
    # The configuration of nginx changes the text of the site, but no path.
    files = _files(machine, state, config)
    return changes(files, facts, settings=machine.settings, own_site=own_site)


def _files(machine: Machine, state: State, config: NginxConfig | None) -> tuple[HostFile, ...]:
    user = _user(machine)
    return root_files.wanted(
        machine.settings,
        machine.root_script(user=user),
        user=user,
        nginx_version=state.proxy.version,
        names_fit=names_bucket(config, machine.settings) is not None,
    )


def _user(machine: Machine) -> str:
    return machine.settings.user or machine.connection.user
