"""What a machine sees of the site: answers of the verify path, through nginx and on the port of a slot."""

from __future__ import annotations

from dataclasses import dataclass

from bluegreen.host.facts import Facts
from bluegreen.host.machine import Machine


@dataclass(frozen=True)
class View:
    """The answer of the verify path through nginx.

    Args:
        named: the slot that the answer names, empty if it names none.
        code: HTTP status, 0 if there was no answer.
        redirect: the URL that a redirect leads to, empty if it is not a redirect.
        browser_code: HTTP status that a browser's user agent gets, None if it was not asked for.
        everything: whether the site gives the same answer to a path that no application has.
    """

    named: str = ""
    code: int = 0
    body: str = ""
    redirect: str = ""
    browser_code: int | None = None
    everything: bool = False

    @property
    def html(self) -> bool:
        """Whether the answer is a page for a browser."""
        return self.body.lstrip()[:1] == "<"


@dataclass(frozen=True)
class OwnAnswer:
    """The answer to a path on a slot's own port.

    Args:
        named: the slot that the answer names, empty if it names none.
        code: HTTP status, 0 if there was no answer.
    """

    named: str
    code: int
    body: str


def own_answers(machine: Machine, path: str) -> dict[str, OwnAnswer]:
    """What each slot where something listens answers to a path on its own port.

    Raises:
        Failed: the script failed.
    """
    facts = machine.run("own", path=path)
    return {slot: own for slot in machine.settings.slots if (own := read_own(facts, slot))}


def read_view(facts: Facts) -> View:
    """The view from the facts of view.sh."""
    return View(
        named=facts.text("view.named"),
        code=facts.number("view.code") or 0,
        body=facts.text("view.body"),
        redirect=facts.text("view.redirect"),
        browser_code=facts.number("view.agent"),
        everything=bool(facts.text("view.everything")),
    )


def read_own(facts: Facts, slot: str) -> OwnAnswer | None:
    """The answer of a slot on its own port, None if it was not asked."""
    code = facts.number(f"own.{slot}.code")
    if code is None:
        return None
    return OwnAnswer(facts.text(f"own.{slot}.named"), code, facts.text(f"own.{slot}.body"))
