"""The list `machines` of what a command that reads found, with those that could not be reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bluegreen.config import Settings
from bluegreen.errors import CannotConnect
from bluegreen.rollout.fleet import Reached


def listed(
    settings: Settings, found: Reached, data: Sequence[Mapping[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """The machines in the order of config.yml: each with its address, and its data or an `error`.

    Args:
        data: of each machine that was reached, in their order.
    """
    read = data or [{} for _ in found.machines]
    known = {
        **{
            machine.address: {"address": machine.address, **of_machine}
            for machine, of_machine in zip(found.machines, read, strict=True)
        },
        **{
            address: {"address": address, "error": "; ".join([error.message, *error.why])}
            for address, error in found.errors.items()
        },
    }
    order = [address for address in settings.addresses if address in known]
    return [known[address] for address in order or known]


def shown(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The machines of a command's data that were reached, for a person; the others were named before."""
    return [machine for machine in data["machines"] if "error" not in machine]


def require_all_reached(machines: Sequence[Mapping[str, Any]]) -> None:
    """Requires that every machine was reached: for the end of a command, after it has shown the others.

    Raises:
        CannotConnect: a machine was not; it and the reason are named.
    """
    missing = [machine for machine in machines if "error" in machine]
    if not missing:
        return
    addresses = ", ".join(machine["address"] for machine in missing)
    raise CannotConnect(
        f"{len(missing)} of {len(machines)} machines could not be reached: {addresses}",
        why=[f"{machine['address']}: {machine['error']}" for machine in missing],
        remedy=f"check that {missing[0]['address']} is up and that its sshd answers",
    )
