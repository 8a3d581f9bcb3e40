"""nginx: the slot that it routes to, and the switch to another.

The include is the single source of truth (P3). With method `instant` it contains two checks for a marker file
below /run, so that one rename moves running traffic; its first line decides after a boot, when /run is empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bluegreen.config import Settings
from bluegreen.errors import Failed, Unclear
from bluegreen.host.facts import Facts
from bluegreen.host.files.include import Form, first_target, form_of, is_group, slot_named
from bluegreen.host.files.site import KEEPALIVE_MIN_TIMEOUT_SINCE
from bluegreen.host.machine import Machine, step_failed
from bluegreen.remote import limits
from bluegreen.remote.exit_codes import ExitCode


@dataclass(frozen=True)
class Proxy:
    """How nginx routes, and what it answers.

    Args:
        include: the text of the include, empty if there is none.
        form: the method that the include is made for.
        groups: whether its targets are upstream groups (our own site), not addresses.
        route: a word that changes whenever the route does.
        routed: the slot that the include and its marker name, None if they name none of ours.
        first: the slot that the first line names, for the next start of nginx.
        answers: the slot that answered through nginx, None if the answer named none.
        front: the https address of the site that was requested, as `https://name:port`, empty for plain http.
        listens: whether a process accepts connections on site.listen.
        code: HTTP status of that answer, 0 if there was none in time.
        body: the body of that answer.
        version: of nginx, empty if there is no nginx.
    """

    include: str
    form: Form
    groups: bool
    route: str
    routed: str | None
    first: str | None
    answers: str | None
    front: str
    listens: bool
    code: int
    body: str
    version: str


class Reloaded(Enum):
    """Why a switch needed a reload."""

    METHOD = "method"
    FORM = "form"
    HIDDEN = "hidden"

    @property
    def why(self) -> str:
        return {
            Reloaded.METHOD: "switch.method is reload",
            Reloaded.FORM: "the include was not yet made for method instant",
            Reloaded.HIDDEN: "nginx did not see the marker; is there an open_file_cache in its server?",
        }[self]

    @property
    def advice(self) -> str:
        """How the next switch avoids the reload."""
        return {
            Reloaded.METHOD: "switch.method: instant reloads once and never again",
            Reloaded.FORM: "the include is now made for method instant, and no further switch needs a reload",
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
    """The switch failed, and the previous route is restored.

    Args:
        began_ms: when it began, in epoch milliseconds of the host's clock.
    """

    def __init__(self, message: str, *, why: Sequence[str], began_ms: int) -> None:
        super().__init__(message, why=why)
        self.began_ms = began_ms


def read(facts: Facts, settings: Settings) -> Proxy:
    """The state of nginx from the facts of a look."""
    include = facts.text("include")
    first_line = first_target(include)
    first = slot_named(first_line, settings)
    form = form_of(include)
    markers = [name for name in facts.text("marker").split(",") if name in settings.slots]
    # If both markers exist, the last check of the include wins.
    marked = next((slot for slot in reversed(list(settings.slots)) if slot in markers), None)
    return Proxy(
        include=include,
        form=form,
        groups=is_group(first_line),
        route=facts.text("route"),
        routed=(marked or first) if form is Form.INSTANT else first,
        first=first,
        answers=named_slot(facts.text("through.body"), settings)
        or named_slot(facts.text("through.slot"), settings),
        front=facts.text("through.front"),
        listens=bool(facts.text("through.listens")),
        code=int(facts.text("through.code") or 0),
        body=facts.text("through.body"),
        version=facts.text("nginx"),
    )


def named_slot(body: str, settings: Settings) -> str | None:
    """The slot that an answer names, by its name (the profile page of the old scripts) or by its target."""
    text = "".join(body.replace('"', "").split())
    return text if text in settings.slots else slot_named(text, settings)


def reloads_without_loss(found: Proxy) -> bool:
    """Whether a reload loses no request: our own site makes newer versions of nginx keep waiting clients."""
    version = tuple(int(part) for part in found.version.split(".") if part)
    return found.groups and version >= KEEPALIVE_MIN_TIMEOUT_SINCE


def switch(machine: Machine, before: Proxy, to: str) -> Switched:
    """Switches nginx to the slot `to`; the machine itself verifies it, or restores the previous route.

    Args:
        before: the state that the look found; if the route has changed since, nothing is done.

    Raises:
        NotSwitched: the previous route is restored.
        Unclear: not switched, and restoring the previous route failed as well.
    """
    settings = machine.settings
    root = machine.root_script(
        groups=before.groups,
        names_slot=before.answers is not None or settings.switch.verify is not None,
    )
    report = machine.attempt(
        "switch",
        slot=to,
        route=before.route,
        timeout_s=limits.STEP_LOCK_S + 4 * limits.SWITCH_VERIFY_S,
        root=root,
    )
    facts = report.facts
    if report.exit_code == ExitCode.NOT_SWITCHED:
        raise NotSwitched(
            f"not switched to {to}: nginx still routes as before",
            why=report.errors,
            began_ms=int(facts["began"]),
        )
    if report.exit_code == ExitCode.NOT_RESTORED:
        raise Unclear(
            f"the switch to {to} failed, and restoring the previous route failed as well",
            why=report.errors,
            remedy=f"look at {settings.switch.include} on {machine.address} and run `nginx -t` there",
        )
    if report.exit_code != 0:
        raise step_failed("switch", report)
    return Switched(
        route=facts["route"],
        began_ms=int(facts["began"]),
        duration_ms=int(facts["took"]),
        reloaded=Reloaded(facts["reloaded"]) if "reloaded" in facts else None,
        verified="verified" in facts,
    )
