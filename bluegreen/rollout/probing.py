"""The probes of a run: on each machine a client that sends requests through nginx during switch and watch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bluegreen.errors import BluegreenError, Failed
from bluegreen.host import probe
from bluegreen.host.probe import Probe, Proof
from bluegreen.host.route import NotSwitched, Switched
from bluegreen.host.watch import Through
from bluegreen.report.run import Rollout
from bluegreen.rollout.fleet import try_each
from bluegreen.rollout.stage import Staged


class Probes:
    """The probes of all machines where one could be started."""

    def __init__(self) -> None:
        self._by_address: dict[str, Probe] = {}

    def start(self, staged: Staged) -> None:
        """Starts the probe of one machine; warns if the machine opens no further session."""
        machine = staged.rollout.machine
        try:
            self._by_address[machine.address] = probe.start(machine, staged.health)
        except Failed as error:
            machine.console.warn(f"no probe: {error.message}")

    def stop(self, rollout: Rollout, switched: Switched | None = None) -> None:
        """Stops the probe of one machine: from then on all reports agree.

        Args:
            switched: the switch, of which one answer from after it is waited for.
        """
        if found := self._by_address.get(rollout.machine.address):
            found.close(after_ms=switched.ended_ms if switched else None)

    def stop_all(self) -> None:
        for each in self._by_address.values():
            each.close(after_ms=None)

    def through(self, rollout: Rollout, switched: Switched | None) -> Through | None:
        """What the probe of a machine sees through nginx, None without a probe.

        Args:
            switched: None if the connection was lost meanwhile.
        """
        found = self._by_address.get(rollout.machine.address)
        if found is None:
            return None
        verified = switched is None or switched.verified
        began_ms = switched.began_ms if switched else 0
        return Through(found.path, found.asked, began_ms, _strict(rollout, verified=verified))

    def before_switch(self, rollout: Rollout) -> Proof | None:
        """What the probe of a machine saw before the switch, which caused none of the failures."""
        return self._proof(rollout, began_ms=None, counted_from_ms=None, verified_ms=None, verified=True)

    def after_switch(self, rollout: Rollout, switched: Switched | None) -> Proof | None:
        """What the probe of a machine saw of a switch that worked.

        Args:
            switched: None if the connection was lost meanwhile.
        """
        began_ms = switched.began_ms if switched else None
        verified = switched is None or switched.verified
        if rollout.before.slots[rollout.live].owner is None:
            # Nothing listened there: until the new slot answered, no request could succeed.
            counted_from_ms = switched.ended_ms if switched else None
        else:
            counted_from_ms = began_ms or 0
        return self._proof(
            rollout,
            began_ms=began_ms,
            counted_from_ms=counted_from_ms,
            verified_ms=switched.duration_ms if switched and verified else None,
            verified=verified,
        )

    def after_failure(self, rollout: Rollout, error: BluegreenError) -> Proof | None:
        """What the probe of a machine saw of a switch that failed."""
        began_ms = error.began_ms if isinstance(error, NotSwitched) else None
        nobody_listened = rollout.before.slots[rollout.live].owner is None
        return self._proof(
            rollout,
            began_ms=began_ms,
            counted_from_ms=None if nobody_listened else began_ms or 0,
            verified_ms=None,
            verified=True,
        )

    def _proof(
        self,
        rollout: Rollout,
        *,
        began_ms: int | None,
        counted_from_ms: int | None,
        verified_ms: int | None,
        verified: bool,
    ) -> Proof | None:
        found = self._by_address.get(rollout.machine.address)
        if found is None:
            return None
        return found.proof(
            rollout.slot,
            began_ms=began_ms,
            counted_from_ms=counted_from_ms,
            verified_ms=verified_ms,
            strict=_strict(rollout, verified=verified),
        )


def _strict(rollout: Rollout, *, verified: bool) -> bool:
    """Whether the application is known to have the path of the probe."""
    switch = rollout.settings.switch
    return switch.probe is not None or (switch.verify is not None and verified)


@contextmanager
def probed(staged: Sequence[Staged]) -> Iterator[Probes]:
    """Sends requests through nginx, on every machine, from before the block to its end."""
    probes = Probes()
    # A connection that is lost here is reported by the switch.
    try_each(staged, probes.start)
    try:
        yield probes
    finally:
        probes.stop_all()
