"""The steps that change where nginx routes: convert the include, preview a slot, switch to it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bluegreen.config import Settings
from bluegreen.errors import BluegreenError, Failed, Unclear
from bluegreen.host.facts import Report
from bluegreen.host.health import fix_application
from bluegreen.host.machine import Machine, server_name, step_failed, verify_path
from bluegreen.host.proxy import Proxy
from bluegreen.host.view import OwnAnswer, View, read_own, read_view
from bluegreen.remote import limits
from bluegreen.remote.exit_codes import ExitCode


class Reloaded(Enum):
    """Why a switch needed a reload."""

    METHOD = "method"
    FORM = "form"
    EDITED = "edited"
    HIDDEN = "hidden"

    @property
    def why(self) -> str:
        return {
            Reloaded.METHOD: "switch.method is reload",
            Reloaded.FORM: "the include was not yet made for method instant",
            Reloaded.EDITED: "nginx had not loaded the include, which somebody edited",
            Reloaded.HIDDEN: "nginx did not see the marker; is there an open_file_cache in its server?",
        }[self]

    @property
    def advice(self) -> str:
        """How the next switch avoids the reload."""
        return {
            Reloaded.METHOD: "switch.method: instant reloads once and never again",
            Reloaded.FORM: "the include is now made for method instant, and no further switch needs a reload",
            Reloaded.EDITED: "the include is loaded now, and no further switch needs a reload",
            Reloaded.HIDDEN: "with `open_file_cache off;` in its server no switch needs a reload",
        }[self]


@dataclass(frozen=True)
class Switched:
    """A switch that was verified.

    Args:
        route: the word for the new route.
        began_ms: when switch.sh began, in epoch milliseconds of the host's clock.
        duration_ms: the duration of the whole step, the verification included.
        reloaded: why nginx was reloaded for it, None if it was not.
        verified: whether the answer through nginx named the slot; else some application answered.
    """

    route: str
    began_ms: int
    duration_ms: int
    reloaded: Reloaded | None
    verified: bool

    @property
    def ended_ms(self) -> int:
        """When it was verified, in epoch milliseconds of the host's clock."""
        return self.began_ms + self.duration_ms

    def __str__(self) -> str:
        method = "reload" if self.reloaded is Reloaded.METHOD else "instant"
        how = (
            "one rename without a reload"
            if self.reloaded is None
            else f"with a reload of nginx ({self.reloaded.why})"
        )
        return f"in {self.duration_ms} ms on the host by method {method}, {how}"


class NotSwitched(Failed):
    """The switch failed before a user was moved, and the previous route is restored.

    Args:
        began_ms: when it began, in epoch milliseconds of the host's clock.
    """

    def __init__(self, message: str, *, why: Sequence[str], remedy: str, began_ms: int) -> None:
        super().__init__(message, why=why, remedy=remedy)
        self.began_ms = began_ms


class MovedBack(NotSwitched):
    """The new slot failed its first users, and the machine has switched back already."""


class RootScriptTooOld(Failed):
    """The root script that `setup` installed has no such step, and this user may run no other."""


@dataclass(frozen=True)
class Preview:
    """What a request with a one-off token saw of a slot, through nginx, before any user was moved.

    Args:
        view: the answer through nginx.
        own: the answer of the slot on its own port, None if the slot answered through nginx.
    """

    slot: str
    view: View
    own: OwnAnswer | None

    @property
    def verified(self) -> bool:
        """Whether the slot answered through nginx with its name."""
        return self.view.named == self.slot


def convert(machine: Machine, before: Proxy, live: str) -> Switched:
    """Writes the include for the live slot in the form of the method, and makes nginx load it: nothing moves.

    Raises:
        NotSwitched: the previous include is restored.
        Unclear: it failed, and restoring the previous include failed as well.
    """
    return _step(machine, "convert", before, live, named=before.view.named == live)


def rewritten(machine: Machine, before: Proxy, to: str) -> str:
    """The text that the include would have for a slot; nothing is changed."""
    first, second = (before.include.targets.get(each, "") for each in machine.settings.slots)
    facts = machine.run(
        "rewritten",
        method=machine.settings.switch.method,
        variable=before.include.variable,
        target=before.include.targets.get(to, ""),
        target_1=first,
        target_2=second,
    )
    return facts["rewritten"]


def preview(machine: Machine, before: Proxy, slot: str) -> Preview:
    """Asks the verify path through nginx with a one-off token that sends this request alone to the slot.

    Raises:
        Failed: the step failed.
    """
    report = _run(machine, "preview", before, slot, named=False, answer_s=limits.LOOK_ANSWER_S)
    if report.exit_code != 0:
        raise _not_done(machine, "preview", slot, report)
    return Preview(slot, read_view(report.facts), read_own(report.facts, slot))


def switch(machine: Machine, before: Proxy, to: str, *, named: bool, back: bool, answer_s: float) -> Switched:
    """Switches nginx to the slot `to`; the machine itself verifies it, or restores the previous route.

    Args:
        before: the state that the look found; if the route has changed since, nothing is done.
        named: whether the verify path names the slot, so that the answer proves the switch.
        back: whether it goes back to a version that has served. Such a switch stays if the slot answers on
            its own port, even where nginx hides it from this machine.
        answer_s: seconds that an answer may take.

    Raises:
        NotSwitched: no user was moved.
        MovedBack: users were moved, the slot failed, and the previous route is restored.
        Unclear: not switched, and restoring the previous route failed as well.
    """
    return _step(machine, "switch", before, to, named=named, back=back, answer_s=answer_s)


def _step(
    machine: Machine,
    verb: str,
    before: Proxy,
    to: str,
    *,
    named: bool,
    back: bool = False,
    answer_s: float = limits.SWITCH_ANSWER_S,
) -> Switched:
    report = _run(machine, verb, before, to, named=named, back=back, answer_s=answer_s)
    if report.exit_code != 0:
        raise _not_done(machine, verb, to, report)
    facts = report.facts
    if "original" in facts:
        machine.console.note(f"the previous include is kept as {facts['original']}")
    return Switched(
        route=facts["route"],
        began_ms=int(facts["began"]),
        duration_ms=int(facts["took"]),
        reloaded=Reloaded(facts["reloaded"]) if "reloaded" in facts else None,
        verified="verified" in facts,
    )


def _run(
    machine: Machine, verb: str, before: Proxy, slot: str, *, named: bool, answer_s: float, back: bool = False
) -> Report:
    first, second = (before.include.targets.get(each, "") for each in machine.settings.slots)
    form = {
        "variable": before.include.variable,
        "target_1": first,
        "target_2": second,
        "named": "yes" if named else "",
        "back": "yes" if back else "",
        "answer_s": f"{answer_s:g}",
        # What is installed knows those of the last `setup`.
        "verify": verify_path(machine.settings),
        "server_name": server_name(machine.settings),
        "listen": str(machine.settings.site.listen),
    }
    return machine.attempt(
        "route_step",
        verb=verb,
        slot=slot,
        route=before.route,
        form="\n".join(f"{key} {value}" for key, value in form.items()),
        timeout_s=limits.STEP_LOCK_S + 4 * limits.SWITCH_VERIFY_S,
        root=machine.root_script(),
    )


def _not_done(machine: Machine, verb: str, to: str, report: Report) -> BluegreenError:
    settings, facts = machine.settings, report.facts
    if report.exit_code == ExitCode.NOT_SWITCHED:
        what = f"not switched to {to}" if verb == "switch" else f"{settings.switch.include} was not converted"
        return NotSwitched(
            f"{what}: nginx still routes as before",
            why=report.errors,
            remedy=f"on {machine.address}: `{_nginx_test(settings)}`; nginx's error log, by default "
            "/var/log/nginx/error.log, says more; then run the command again",
            began_ms=int(facts["began"]),
        )
    if report.exit_code == ExitCode.NOT_LISTENING:
        return Failed(
            f"not switched to {to}: its JVM does not listen any more",
            why=report.errors,
            remedy=fix_application(machine, to),
        )
    if report.exit_code == ExitCode.MOVED_BACK:
        return MovedBack(
            f"{to} failed right after the switch, and users are back on {settings.other(to)}",
            why=report.errors,
            remedy=fix_application(machine, to),
            began_ms=int(facts["began"]),
        )
    if report.exit_code == ExitCode.NOT_RESTORED:
        what = f"the switch to {to}" if verb == "switch" else "the conversion of the include"
        return Unclear(
            f"{what} failed, and restoring the previous route failed as well",
            why=report.errors,
            remedy=f"look at {settings.switch.include} on {machine.address} and run `nginx -t` there",
        )
    # A shell also ends with 2 where a script has a mistake.
    if report.exit_code == ExitCode.NO_SUCH_STEP and any(line.startswith("usage:") for line in report.errors):
        return RootScriptTooOld(
            "the root script on the host is that of an older bluegreen",
            why=report.errors,
            remedy=f"with a user who may sudo: bluegreen setup --host {settings.host} --login USER",
        )
    return step_failed(machine, verb, report)


def _nginx_test(settings: Settings) -> str:
    return shlex.join([*(["sudo"] if settings.nginx.sudo else []), *settings.nginx.command, "-t"])
