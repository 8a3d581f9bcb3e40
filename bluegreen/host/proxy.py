"""nginx as it is: the slot that it routes to, and what it answers.

The include is the single source of truth (P3). With method `instant` it checks for two marker files below
/run, so that one rename moves running traffic; after a boot /run is empty, and the include's own line counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from bluegreen.config import Settings
from bluegreen.host import nginx_config
from bluegreen.host.facts import Facts
from bluegreen.host.files import include
from bluegreen.host.files.include import Form, Include
from bluegreen.host.files.site import KEEPALIVE_MIN_TIMEOUT_SINCE
from bluegreen.host.view import View, read_view


@dataclass(frozen=True)
class Proxy:
    """How nginx routes, and what it answers.

    Args:
        include: the include of the machine.
        route: a word that changes whenever the route does.
        routed: the slot that the include and its marker name, None if they name none of ours.
        view: what this machine sees of the verify path through nginx.
        answers: the slot that answered through nginx, None if no answer named one.
        front: the https address of the site that was requested, as `https://name:port`, empty for plain http.
        https: whether the clients of the site use https, as far as this machine sees.
        listens: whether a process accepts connections on site.listen.
        version: of nginx, empty if there is no nginx.
        server: what else serves web pages there: the name of a program, or `container`; empty if nothing
            does, or if a slot answers.
    """

    include: Include
    route: str
    routed: str | None
    view: View
    answers: str | None
    front: str
    https: bool
    listens: bool
    version: str
    server: str = ""

    @property
    def first(self) -> str | None:
        """The slot that the include names for the next start of nginx."""
        return self.include.slot

    @property
    def groups(self) -> bool:
        """Whether the include names upstream groups, not addresses."""
        return bool(self.include.target) and not self.include.by_address


def read(facts: Facts, settings: Settings) -> Proxy:
    """The state of nginx from the facts of a look."""
    config = nginx_config.parse(facts.text("nginx.config"), settings.switch.include)
    found = include.parse(facts.text("include"), settings, config.groups if config else None)
    markers = [name for name in facts.text("marker").split(",") if name in settings.slots]
    # If both markers exist, the last check of the include wins.
    marked = next((slot for slot in reversed(list(settings.slots)) if slot in markers), None)
    answers = facts.text("through.slot")
    return Proxy(
        include=found,
        route=facts.text("route"),
        routed=found.slot if found.form is Form.PLAIN else marked or found.slot,
        view=read_view(facts),
        answers=answers if answers in settings.slots else None,
        front=facts.text("through.front"),
        https=facts.text("through.proto") == "https",
        listens=bool(facts.text("through.listens")),
        version=facts.text("nginx"),
        server=facts.text("through.server"),
    )


def reloads_without_loss(found: Proxy) -> bool:
    """Whether a reload loses no request: our own site makes newer versions of nginx keep waiting clients."""
    version = tuple(int(part) for part in found.version.split(".") if part)
    return found.groups and version >= KEEPALIVE_MIN_TIMEOUT_SINCE


def marker_suffices(found: Proxy, settings: Settings) -> bool:
    """Whether one rename moves running traffic, so that nginx need not reload or test its configuration."""
    return (
        settings.switch.method == "instant"
        and found.include.form is not Form.PLAIN
        and found.answers in (None, found.routed)
    )


def converted(found: Proxy, settings: Settings) -> bool:
    """Whether the include is as the method needs it, and what nginx answers from is what it names."""
    form = found.include.form
    wanted = form is Form.INSTANT if settings.switch.method == "instant" else form is Form.PLAIN
    return wanted and found.answers in (None, found.routed)
