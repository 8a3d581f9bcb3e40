"""From a command's end to what GitHub shows of it: the step's outputs and the job's summary."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from bluegreen.config import Settings
from bluegreen.console import Console
from bluegreen.errors import BluegreenError
from bluegreen.github.summary import Moved, Report, render
from bluegreen.procedures.attempt import Attempt
from bluegreen.workflow_commands import add_to_summary, on_github, set_outputs


class Ended:
    """What a command came to; `attempts` is set once it has ended well."""

    def __init__(self) -> None:
        self.attempts: Sequence[Attempt] = ()


@contextmanager
def reported(
    command: str, settings: Settings, say: Console, environ: Mapping[str, str] = os.environ
) -> Iterator[Ended]:
    """Tells GitHub what came of the block; elsewhere nothing."""
    ended = Ended()
    if not on_github(environ):
        yield ended
        return
    what = f"{command} of {settings.app} on {settings.host}"
    report = Report(f"❌ {what}: ended by a defect of bluegreen; see the log")
    outputs = {"switched": "false", "url": url_of(settings)}
    try:
        yield ended
        report = Report(
            f"✅ {what}: {_came(ended.attempts)}",
            moved=tuple(_moved(each) for each in ended.attempts if not each.plan),
            plan=tuple(sentence for each in ended.attempts for sentence in each.plan),
        )
        outputs |= _outputs(ended.attempts)
    except BluegreenError as error:
        report = Report(f"❌ {what}: {error.message}", cause=str(error))
        raise
    except KeyboardInterrupt:
        report = Report(f"⚠️ {what}: interrupted, nothing was changed")
        raise
    finally:
        set_outputs(outputs, environ)
        add_to_summary(render(report, say.times), environ)


def url_of(settings: Settings) -> str:
    """Where users find the application: the site's name, else the machine's address."""
    names = [name for name in settings.site.server_name.split() if name != "_"]
    name = (names or [*settings.addresses])[0]
    port = "" if settings.site.listen == 80 else f":{settings.site.listen}"
    return f"http://{name}{port}"


def _came(attempts: Sequence[Attempt]) -> str:
    first = attempts[0]
    if first.plan:
        return f"dry run of {first.version}, nothing was changed"
    if first.serves:
        return f"{first.version} is live in {first.slot}"
    return f"{first.version} is UP in {first.slot} and waits"


def _outputs(attempts: Sequence[Attempt]) -> dict[str, str]:
    return {
        "slot": _each(attempt.slot for attempt in attempts),
        "release": _each(attempt.release.id for attempt in attempts if attempt.release),
        "previous": _each(attempt.before.id for attempt in attempts if attempt.before),
        "switched": "true" if all(attempt.serves for attempt in attempts) else "false",
    }


def _each(values: Iterable[str]) -> str:
    # Machines usually agree; where they do not, all are told.
    return ",".join(dict.fromkeys(values))


def _moved(attempt: Attempt) -> Moved:
    return Moved(
        address=attempt.machine.address,
        before=attempt.came_from,
        now=attempt.goes_to,
        # A switch whose connection was lost was seen to serve, and has no figures.
        how=str(attempt.switched or ("yes" if attempt.serves else "not yet")),
        proof=str(attempt.proof or ""),
    )
