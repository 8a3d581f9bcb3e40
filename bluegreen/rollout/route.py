"""Before a switch: the include in the form that the method needs, and a preview through nginx (P6)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bluegreen.check import visibility
from bluegreen.check.visibility import Cause
from bluegreen.errors import Failed
from bluegreen.host import health, proxy, route
from bluegreen.host.drift import DriftKind
from bluegreen.host.files.include import Form
from bluegreen.host.judging import answered_well
from bluegreen.host.look import look
from bluegreen.host.machine import verify_path
from bluegreen.host.proxy import Proxy
from bluegreen.host.route import RootScriptTooOld
from bluegreen.host.view import View, own_answers
from bluegreen.report.run import Rollout
from bluegreen.rollout.reconnect import retry_once
from bluegreen.rollout.stage import Staged
from bluegreen.rollout.undo import Undo


def converted(rollout: Rollout, undo: Undo) -> Rollout:
    """Makes nginx load the include in the form that the method needs, if it has another one; nothing moves.

    Returns:
        The rollout with the route that is in force since.

    Raises:
        NotSwitched: the previous include is restored.
        Unclear: it failed, and restoring the previous include failed as well.
    """
    machine, found = rollout.machine, rollout.before.proxy
    if not needs_conversion(rollout):
        return rollout
    machine.console.line(f"first the include is made ready for this switch: {cost_of_reload(found)}")
    with machine.console.step("convert the include", name="convert the include") as step:
        done = retry_once(rollout, lambda: route.convert(machine, look(machine).proxy, rollout.live))
        undo.routed(rollout, done.route)
        why = done.reloaded.why if done.reloaded else "it was loaded already"
        step.done(
            f"converted {rollout.settings.switch.include} in {done.duration_ms} ms with a reload of nginx "
            f"({why}); {rollout.live} is live as before"
        )
    return replace(rollout, before=replace(rollout.before, proxy=look(machine).proxy))


def needs_conversion(rollout: Rollout) -> bool:
    """Whether the include must be written and loaded before a switch."""
    found, settings = rollout.before.proxy, rollout.settings
    if rollout.command == "rollback" and proxy.marker_suffices(found, settings):
        # Not even for the include of bluegreen 0.1: a way back waits for nothing (P5).
        return False
    if settings.switch.method == "reload":
        # The switch itself reloads. An include that was edited and never loaded is repaired first: a switch
        # that fails puts back the include that it found, and would take traffic from the live slot (P5).
        return found.answers not in (None, found.routed)
    return not proxy.converted(found, settings)


def cost_of_reload(found: Proxy) -> str:
    """What the one reload of a conversion costs users."""
    if proxy.reloads_without_loss(found):
        return f"one reload of nginx {found.version}, which loses no request"
    return (
        f"one reload of nginx {found.version}, which may lose requests of clients on keep-alive connections; "
        "later switches need no reload"
    )


def previewed(staged: Staged) -> Staged:
    """Sees the idle slot answer through nginx, to a request that goes there alone, before any user is moved.

    Returns:
        The staged release, with whether its name was seen, and what the watch may ask of it.

    Raises:
        Failed: it does not answer, so that a switch could not be verified; with the cause and the key of
            config.yml that helps.
    """
    rollout = staged.rollout
    machine, slot, settings = rollout.machine, rollout.slot, rollout.settings
    with machine.console.step(f"preview {slot}", name="preview check") as step:
        look_at = _by_own_name if settings.switch.method == "reload" else _through_nginx
        found = look_at(staged)
        if found.named:
            step.done(f"{slot} answers {found.how}")
        else:
            step.done(f"{slot} was not seen by its name ({found.how}); it is judged by its own port")
        judged = settings.switch.verify if found.named and settings.switch.verify else _judged_path(staged)
    return replace(staged, named=found.named, judged_path=judged)


@dataclass(frozen=True)
class _Seen:
    """Whether the slot was seen by its name, and how, or why not."""

    named: bool
    how: str


def _through_nginx(staged: Staged) -> _Seen:
    rollout = staged.rollout
    if staged.proxy.include.form is Form.MARKERS:
        return _by_own_port(staged, "its include of bluegreen 0.1 has no preview")
    try:
        found = retry_once(rollout, lambda: route.preview(rollout.machine, staged.proxy, rollout.slot))
    except RootScriptTooOld as error:
        return _by_own_port(staged, f"it has no preview, as {error.message}")
    if found.verified:
        return _Seen(True, "through nginx, to a preview request alone")
    view = found.view
    if rollout.settings.switch.verify is None and 100 <= view.code < 500:
        if view.everything and view.html:
            rollout.machine.console.warn(
                "nginx answers every path with the same HTML page, so no request through nginx shows which "
                "version serves; set switch.verify in config.yml to a path that reaches the application"
            )
        return _Seen(False, "switch.verify is null")
    cause = visibility.cause(rollout.settings, view, found.own, config=rollout.config, slot=rollout.slot)
    names_itself = found.own is not None and found.own.named == rollout.slot
    if rollout.command == "rollback" and found.own and answered_well(found.own.code, strict=False):
        # An older version may lack the path, and the site may be hidden from the machine. Neither blocks a
        # way back to a slot that answers.
        rollout.machine.console.warn(f"{cause.text}; what to do: {cause.remedy}")
        return _Seen(False, "this is a way back")
    raise _not_verifiable(staged, cause, by_application=not names_itself)


def _by_own_port(staged: Staged, why: str) -> _Seen:
    """Without a preview: a slot that names itself will do so through nginx, if the live one does."""
    rollout = staged.rollout
    own = own_answers(rollout.machine, verify_path(rollout.settings)).get(rollout.slot)
    live_named = staged.proxy.view.named == rollout.live
    # Without switch.verify nginx itself names the slot.
    names_itself = rollout.settings.switch.verify is None or bool(own and own.named == rollout.slot)
    return _Seen(live_named and names_itself, f"its health check; {why}")


def _by_own_name(staged: Staged) -> _Seen:
    """With method reload nginx cannot be asked beforehand: the slot's own port and the live slot must do."""
    rollout = staged.rollout
    settings, proxy = rollout.settings, rollout.before.proxy
    if settings.switch.verify is None:
        return _Seen(proxy.answers is not None, "switch.verify is null")
    own = own_answers(rollout.machine, settings.switch.verify)
    mine, live = own.get(rollout.slot), own.get(rollout.live)
    live_names_itself = live is not None and live.named == rollout.live
    nginx_answers_itself = proxy.view.named == rollout.live and not live_names_itself
    if rollout.command == "rollback" and not (mine and mine.named) and not nginx_answers_itself:
        return _Seen(False, f"{settings.switch.verify} does not name it")
    if nginx_answers_itself or (mine and mine.named == rollout.slot):
        return _Seen(True, f"{settings.switch.verify} on its own port with its name")
    cause = visibility.cause(settings, View(), mine, config=rollout.config, slot=rollout.slot)
    raise _not_verifiable(staged, cause, by_application=True)


def _judged_path(staged: Staged) -> str:
    """What the watch asks of a slot that no path names, besides its health; empty if even that says nothing.

    Raises:
        Failed: the new version answers it with an error, and the live one does not.
    """
    rollout = staged.rollout
    own = own_answers(rollout.machine, "/")
    mine, live = own.get(rollout.slot), own.get(rollout.live)
    if mine is None or answered_well(mine.code, strict=False):
        return "/"
    if live is None or not answered_well(live.code, strict=False):
        return ""
    raise Failed(
        f"{rollout.slot} is UP, but answers / on its own port with HTTP {mine.code}, and {rollout.live} with "
        f"HTTP {live.code}",
        why=_log(rollout),
        remedy=health.fix_application(rollout.machine, rollout.slot),
    )


def _not_verifiable(staged: Staged, cause: Cause, *, by_application: bool) -> Failed:
    rollout = staged.rollout
    old_script = [str(drift) for drift in rollout.before.drift if drift.kind is DriftKind.ROOT_SCRIPT]
    return Failed(
        f"{rollout.slot} is UP, but a switch to it could not be verified: {cause.text}",
        # The log of an application that is well tells nothing about nginx.
        why=[*cause.why, *old_script, *(_log(rollout) if by_application else [])],
        remedy=cause.remedy,
    )


def _log(rollout: Rollout) -> list[str]:
    return health.log_lines(rollout.slot, tuple(health.logs_of(rollout.machine, rollout.slot)))
