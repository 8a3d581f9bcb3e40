"""The values of the settings' secrets, from the environment of the deploy. No message shows a value (P10)."""

from __future__ import annotations

from collections.abc import Mapping

from bluegreen.config.settings import Settings
from bluegreen.config.types.environment import require_one_line_of_environment
from bluegreen.errors import WrongUsage

BUNDLE = "BLUEGREEN_SECRETS"
"""A variable that holds several secrets: a reusable workflow does not know their names."""


def secrets_from(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The values of the settings' secrets, by name: from variables of that name, or from BLUEGREEN_SECRETS.

    Raises:
        WrongUsage: some are missing or empty, or have several lines. The error names all of them.
    """
    # GitHub passes a secret that it does not have as an empty variable: the bundle's value wins.
    environ = {
        **environ,
        **{name: value for name, value in bundled(environ).items() if not environ.get(name)},
    }
    _require_present(settings.secrets, environ)
    values = {name: environ[name] for name in settings.secrets}
    _require_one_line_each(values)
    return values


def bundled(environ: Mapping[str, str]) -> dict[str, str]:
    """The secrets in BLUEGREEN_SECRETS, by name: one line NAME=value each.

    Raises:
        WrongUsage: a line does not have this form. The error has its number.
    """
    found = {}
    for number, line in enumerate(environ.get(BUNDLE, "").splitlines(), start=1):
        name, separator, value = line.partition("=")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not separator:
            raise WrongUsage(
                f"{BUNDLE}, line {number}: contains no '='",
                remedy="write one line NAME=value for each secret",
            )
        found[name.strip()] = value
    return found


def _require_present(names: tuple[str, ...], environ: Mapping[str, str]) -> None:
    missing = [name for name in names if not environ.get(name)]
    if not missing:
        return
    on_github = ", ".join(f"{name}: ${{{{ secrets.{name} }}}}" for name in missing)
    exported = " ".join(f"{name}=…" for name in missing)
    raise WrongUsage(
        f"secrets missing from the environment: {', '.join(missing)}",
        why=[
            f"{name} is empty (GitHub passes a secret that it does not have as an empty text)"
            if name in environ
            else f"{name} is not set"
            for name in missing
        ],
        remedy=f"on GitHub, in the step that deploys: `env: {{{on_github}}}`, or one line NAME=value each in "
        f"the secret {BUNDLE}; in a shell: export {exported}",
    )


def _require_one_line_each(values: Mapping[str, str]) -> None:
    wrong = []
    for name, value in values.items():
        try:
            require_one_line_of_environment(value)
        except ValueError as error:
            wrong.append(f"{name}: {error}")
    if wrong:
        raise WrongUsage("secrets that an environment file cannot hold:", why=wrong)


def values_to_mask(environ: Mapping[str, str]) -> list[str]:
    """The values in BLUEGREEN_SECRETS; none if it is malformed, which the command that reads it reports."""
    try:
        return list(bundled(environ).values())
    except WrongUsage:
        return []
