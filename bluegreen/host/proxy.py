"""nginx: which slot it routes to, and pointing it at another.

The include is the one truth (P3). With method `instant` it holds two checks for a marker file below /run,
so that one rename moves running traffic; its first line decides after a boot, when /run is empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bluegreen.config import Settings
from bluegreen.errors import Failed, Unclear
from bluegreen.host.facts import Facts
from bluegreen.host.files import root_script
from bluegreen.host.files.include import Form, first_target, form_of, is_group, slot_named
from bluegreen.host.files.site import KEEPALIVE_MIN_TIMEOUT_SINCE
from bluegreen.host.machine import Machine, step_failed

NOT_SWITCHED = 20
NEITHER = 21


@dataclass(frozen=True)
class Proxy:
    """What nginx is told, and what it answers.

    Args:
        include: the text of the include, empty if there is none.
        form: which method the include is made for.
        groups: its targets are upstream groups (our own site), not addresses.
        route: the word that changes when anybody changes the route.
        routed: the slot that the include and its marker name, None if they name none of ours.
        first: the slot that the first line names, for the next start of nginx.
        answers: the slot that answered through nginx, None if the answer named none.
        front: the https of the site where it was asked, as `https://name:port`, empty for plain http.
        listens: somebody takes connections on site.listen.
        code: status of that answer, 0 if there was none in time.
        body: that answer.
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
            Reloaded.FORM: "the include was not yet one of method instant",
            Reloaded.HIDDEN: "without one it went on as before; is there an open_file_cache in its server?",
        }[self]

    @property
    def advice(self) -> str:
        """How the next switch does without."""
        return {
            Reloaded.METHOD: "switch.method: instant reloads once and never again",
            Reloaded.FORM: "the include is made for method instant now, and no further switch needs one",
            Reloaded.HIDDEN: "with `open_file_cache off;` in its server no switch needs one",
        }[self]


@dataclass(frozen=True)
class Switched:
    """A switch that was seen to work.

    Args:
        route: the word for the route now in force.
        began_ms: when it began, by the host's clock since 1970: at the first line of switch.sh.
        duration_ms: from then on, all of the step, the verification included.
        reloaded: why nginx was reloaded for it, None if it was not.
        verified: the slot was seen to answer through nginx, rather than a 2xx of whoever it was.
    """

    route: str
    began_ms: int
    duration_ms: int
    reloaded: Reloaded | None
    verified: bool

    @property
    def ended_ms(self) -> int:
        """When it was seen to work, by the host's clock."""
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
    """The switch was tried, and the old route is in force again.

    Args:
        began_ms: when it began, by the host's clock since 1970.
    """

    def __init__(self, message: str, *, why: Sequence[str], began_ms: int) -> None:
        super().__init__(message, why=why)
        self.began_ms = began_ms


def read(facts: Facts, settings: Settings) -> Proxy:
    """Makes sense of what the look told of nginx."""
    include = facts.text("include")
    first_line = first_target(include)
    first = slot_named(first_line, settings)
    form = form_of(include)
    markers = [name for name in facts.text("marker").split(",") if name in settings.slots]
    # Where both markers exist the include's last check wins.
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
    """The slot that an answer names: by its name, as the old scripts' profile page does, or by its target."""
    text = "".join(body.replace('"', "").split())
    return text if text in settings.slots else slot_named(text, settings)


def reloads_without_loss(found: Proxy) -> bool:
    """Whether a reload spares clients on keep-alive connections: our own site has a newer nginx do so."""
    version = tuple(int(part) for part in found.version.split(".") if part)
    return found.groups and version >= KEEPALIVE_MIN_TIMEOUT_SINCE


def switch(machine: Machine, before: Proxy, to: str) -> Switched:
    """Points nginx at `to`; the machine itself verifies it, or puts back what was.

    Args:
        before: what the look found; if the route has moved since, nothing is done.

    Raises:
        NotSwitched: the old route is in force.
        Unclear: not switched, and the way back failed as well.
    """
    settings = machine.settings
    root = machine.root_script(
        groups=before.groups,
        names_slot=before.answers is not None or settings.switch.verify is not None,
    )
    result = machine.attempt(
        "switch",
        slot=to,
        route=before.route,
        timeout_s=4 * root_script.VERIFY_TIMEOUT_S,
        root=root,
    )
    told = dict(line.partition(" ")[::2] for line in result.stdout.splitlines())
    why = result.stderr.strip().splitlines()
    if result.exit_code == NOT_SWITCHED:
        raise NotSwitched(
            f"not switched to {to}: nginx stays as it was", why=why, began_ms=int(told["began"])
        )
    if result.exit_code == NEITHER:
        raise Unclear(
            f"the switch to {to} failed, and so did the way back",
            why=why,
            remedy=f"look at {settings.switch.include} on {machine.address} and run `nginx -t` there",
        )
    if result.exit_code != 0:
        raise step_failed("switch", result)
    return Switched(
        route=told["route"],
        began_ms=int(told["began"]),
        duration_ms=int(told["took"]),
        reloaded=Reloaded(told["reloaded"]) if "reloaded" in told else None,
        verified="verified" in told,
    )
