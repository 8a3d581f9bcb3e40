"""From a command's end to what GitHub shows of it: the step's outputs and the job's summary."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.console.workflow_commands import add_to_summary, on_github, set_outputs
from bluegreen.errors import BluegreenError, Unclear
from bluegreen.host.lock import person, run_url
from bluegreen.report.job_summary import Moved, Report, render
from bluegreen.rollout.attempt import Attempt


class Ended:
    """What a command came to; `attempts` is set once it has ended well."""

    def __init__(self) -> None:
        self.attempts: Sequence[Attempt] = ()


@contextmanager
def reported(
    command: str, settings: Settings, console: Console, environ: Mapping[str, str] = os.environ
) -> Iterator[Ended]:
    """Tells GitHub what came of the block; elsewhere only that an interrupt changed nothing.

    An interrupt that changes something is an error, or ends well: the procedures see to that.
    """
    ended = Ended()
    if not on_github(environ):
        try:
            yield ended
        except KeyboardInterrupt:
            console.line("nothing was changed")
            raise
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
        if isinstance(error, Unclear):
            outputs["switched"] = ""
        raise
    except KeyboardInterrupt:
        console.line("nothing was changed")
        report = Report(f"⚠️ {what}: interrupted, nothing was changed")
        raise
    finally:
        set_outputs(outputs, environ)
        add_to_summary(render(replace(report, started=_started(environ)), console.times), environ)


def url_of(settings: Settings) -> str:
    """Where users find the application: the site's name, else the machine's address; empty if none tells."""
    # No pattern of names is one, and no id of an instance, which SSM takes for an address.
    names = [name for name in settings.site.server_name.split() if name[0] not in "_*~."]
    hosts = [*names, *(each for each in settings.addresses if not re.fullmatch(r"m?i-[0-9a-f]+", each))]
    if not hosts:
        return ""
    scheme, usual = ("https", 443) if settings.site.listen == 443 else ("http", 80)
    port = "" if settings.site.listen == usual else f":{settings.site.listen}"
    return f"{scheme}://{f'[{hosts[0]}]' if ':' in hosts[0] else hosts[0]}{port}"


def _started(environ: Mapping[str, str]) -> str:
    url = run_url(environ)
    return f"Started by {person(environ)}{f', {url}' if url else ''}"


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
        # A dry run makes none.
        "release": _each(each.release.id for each in attempts if each.release and not each.plan),
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
