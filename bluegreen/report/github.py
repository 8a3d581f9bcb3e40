"""What GitHub shows of a run: the outputs of the step and the job summary."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from bluegreen.config import Settings
from bluegreen.console.ci import on_github
from bluegreen.console.terminal import Console
from bluegreen.console.workflow_commands import add_to_summary, set_outputs
from bluegreen.errors import BluegreenError, Unclear
from bluegreen.host import server_names
from bluegreen.host.lock import person, run_url
from bluegreen.report.job_summary import Moved, Report, render
from bluegreen.report.run import Command, Result


def reported(
    command: Command,
    settings: Settings,
    console: Console,
    run: Callable[[], Sequence[Result]],
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Runs a command, and on GitHub sets outputs and job summary from its results or its error.

    `rollout` turns an interrupt that changed something into an error or a finished run. So an interrupt that
    is raised here changed nothing.

    Raises:
        BluegreenError, KeyboardInterrupt: what the command raised.
    """
    if not on_github(environ):
        run()
        return
    what = f"{command} of {settings.app} on {settings.host}"
    report = Report(f"❌ {what}: ended by a bug of bluegreen; see the log")
    outputs = {"switched": "false", "url": url_of(settings)}
    try:
        results = run()
        report = Report(
            f"✅ {what}: {_outcome(results)}",
            moved=tuple(_moved(each) for each in results if not each.plan),
            plan=tuple(sentence for each in results for sentence in each.plan),
        )
        outputs |= _outputs(results)
    except BluegreenError as error:
        report = Report(f"❌ {what}: {error.message}", cause=str(error))
        if isinstance(error, Unclear):
            outputs["switched"] = ""
        raise
    except KeyboardInterrupt:
        report = Report(f"⚠️ {what}: interrupted, nothing was changed")
        raise
    finally:
        summary = render(replace(report, started=_started(environ)), console.times)
        _written(console, "outputs", lambda: set_outputs(outputs, environ))
        _written(console, "summary", lambda: add_to_summary(summary, environ))


def _written(console: Console, what: str, write: Callable[[], None]) -> None:
    # The exit code is that of the command, whether or not GitHub can show more of it.
    try:
        write()
    except OSError as error:
        console.warn(f"the {what} of this step could not be written for GitHub: {error}")


def url_of(settings: Settings) -> str:
    """Where users find the application: the site's name, else the machine's address, else empty."""
    # A pattern of names is not an address. Neither is an instance id, which SSM accepts instead of one.
    name = server_names.of_users(settings.site.server_name)
    addresses = (each for each in settings.addresses if not re.fullmatch(r"m?i-[0-9a-f]+", each))
    hosts = [*([name] if name else []), *addresses]
    if not hosts:
        return ""
    scheme, default = ("https", 443) if settings.site.listen == 443 else ("http", 80)
    port = "" if settings.site.listen == default else f":{settings.site.listen}"
    return f"{scheme}://{f'[{hosts[0]}]' if ':' in hosts[0] else hosts[0]}{port}"


def _started(environ: Mapping[str, str]) -> str:
    url = run_url(environ)
    return f"Started by {person(environ)}{f', {url}' if url else ''}"


def _outcome(results: Sequence[Result]) -> str:
    first = results[0]
    where = _joined(result.rollout.slot for result in results)
    if first.plan:
        return f"dry run of {first.rollout.version}, nothing was changed"
    if first.serves:
        return f"{first.rollout.version} is live in {where}"
    return f"{first.rollout.version} is UP in {where}, not live yet"


def _outputs(results: Sequence[Result]) -> dict[str, str]:
    rollouts = [result.rollout for result in results]
    # A dry run makes no release.
    made = [each.rollout.release for each in results if each.rollout.release and not each.plan]
    return {
        "slot": _joined(rollout.slot for rollout in rollouts),
        "release": _joined(release.id for release in made),
        "previous": _joined(rollout.previous.id for rollout in rollouts if rollout.previous),
        "switched": "true" if all(result.serves for result in results) else "false",
    }


def _joined(values: Iterable[str]) -> str:
    # Machines usually agree; where they do not, each value is listed.
    return ",".join(dict.fromkeys(values))


def _moved(result: Result) -> Moved:
    rollout = result.rollout
    return Moved(
        address=rollout.machine.address,
        before=rollout.came_from,
        now=rollout.goes_to,
        # A switch whose connection was lost was seen to serve, and has no figures.
        how=str(result.switched or ("yes" if result.serves else "not yet")),
        proof=str(result.proof or ""),
    )
