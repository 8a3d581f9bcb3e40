"""setup and a site that serves users already: leave it in charge, or take over from it once a slot is UP."""

from __future__ import annotations

from dataclasses import replace

from bluegreen.config import Settings
from bluegreen.errors import Failed
from bluegreen.host.files.include import VARIABLE, Form, render, slots_from
from bluegreen.host.files.root_files import HostFile
from bluegreen.host.look import look
from bluegreen.host.machine import Machine
from bluegreen.host.sites import InCharge
from bluegreen.host.survey import Change, SiteWish, Survey

# Where the packages of nginx include whole files with sites.
_FOLDERS_OF_SITES = ("/etc/nginx/conf.d", "/etc/nginx/sites-enabled")


def require_site_free(machine: Machine, found: Survey, wish: SiteWish) -> str:
    """Requires that `setup` takes requests from no site that serves users now, unless it is asked to.

    Returns:
        The file with the site to disable, empty if there is none.

    Raises:
        Failed: another site is in charge; nothing was changed.
    """
    site, settings = found.in_charge, machine.settings
    if wish is SiteWish.TAKE_OVER:
        return _file_to_disable(machine, site) if site else ""
    if site is None or site.adopted:
        if site:
            machine.console.line(f"{site.server.file} reads the include, so setup leaves the site as it is")
        return ""
    if wish is SiteWish.NONE:
        _require_slot_of_site(machine, site)
        return ""
    raise Failed(
        f"{_described(site)} on {machine.address} serves the requests that the site of bluegreen would get",
        why=["nothing was changed: setup takes no traffic from a site that serves users"],
        remedy=_remedy(settings, site),
    )


def show_lines_for_site(machine: Machine, found: Survey) -> None:
    """Prints what a site of somebody else needs in order to be deployed to."""
    site, settings = found.in_charge, machine.settings
    if site is None or site.adopted or found.own_site:
        return
    console = machine.console
    console.line(f"write into {site.server.file}, then: sudo nginx -t && sudo nginx -s reload")
    for line in _lines(settings):
        console.line(f"    {line}")


def with_own_include(machine: Machine, plan: Survey) -> Survey:
    """The plan of a take-over: the include names the live slot by the upstream group of our own site."""
    settings = machine.settings
    live = look(machine).require_live()
    text = render(settings, live, form=Form(settings.switch.method), groups=True) + "\n"
    file = HostFile("include", settings.switch.include, 0o644, text)
    others = tuple(change for change in plan.changes if change.file.path != file.path)
    return replace(plan, changes=(Change(file, "", edited=False), *others))


def _file_to_disable(machine: Machine, site: InCharge) -> str:
    """The file of a site that is taken over from.

    Raises:
        Failed: no slot serves its users yet, or the file has more than this site.
    """
    settings, file = machine.settings, site.server.file
    state = look(machine)
    live = state.slots.get(state.live or "")
    if live is None or not live.up or site.port not in (None, live.port):
        raise Failed(
            f"no slot of {settings.app} serves the users of {_described(site)} yet; nothing was changed",
            remedy=f"first: bluegreen setup --host {settings.host} --no-site, the lines that it prints, and "
            f"bluegreen deploy --host {settings.host}",
        )
    if not site.alone or file.rpartition("/")[0] not in _FOLDERS_OF_SITES:
        raise Failed(
            f"{file} has more than the site of {settings.app}, so setup does not replace it",
            remedy=f"remove the server of the site by hand, then: bluegreen setup --host {settings.host}",
        )
    if others := sorted({port for port in site.server.ports if port != settings.site.listen}):
        raise Failed(
            f"the site in {file} listens on port {others[0]}, which the site of bluegreen would not",
            why=["nothing was changed: its users would get no answer there"],
            remedy="keep that site: deploys work with it as it is",
        )
    return file


def _require_slot_of_site(machine: Machine, site: InCharge) -> None:
    settings = machine.settings
    if site.port is None or site.port in settings.slots.values():
        return
    raise Failed(
        f"{_described(site)} on {machine.address} serves users, and that is not the port of a slot; "
        "nothing was changed",
        remedy=slots_from(site.port, settings),
    )


def _remedy(settings: Settings, site: InCharge) -> str:
    steps = [f"keep that site: bluegreen setup --host {settings.host} --no-site, and write into it: "]
    steps += [" ".join(_lines(settings))]
    if site.port and site.port not in settings.slots.values():
        steps.insert(0, f"{slots_from(site.port, settings)}; then ")
    names = [name for name in settings.site.server_name.split() if name != "_"]
    if not names:
        steps.append("; or set site.server_name in config.yml to a name that no other site has")
    elif not any(site.server.matches(name) for name in names):
        steps.append(f"; or, if it serves no users of {names[0]}, give it a server_name of its own")
    return "".join(steps)


def _lines(settings: Settings) -> tuple[str, ...]:
    return (f"include {settings.switch.include};", f"proxy_pass ${VARIABLE};", "open_file_cache off;")


def _described(site: InCharge) -> str:
    names = " ".join(name for name in site.server.names if name) or "_"
    where = f", which passes requests to port {site.port}" if site.port else ""
    return f"the site in {site.server.file} (server_name {names}{where})"
