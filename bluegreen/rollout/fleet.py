"""The machines of a host, side by side: connected, locked, and one step run on all of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.errors import BluegreenError
from bluegreen.host import lock
from bluegreen.host.machine import Machine
from bluegreen.ssh.connection import Connection, Login


class Connected(Protocol):
    """What a step is run for: a machine, or what an earlier step made of it."""

    @property
    def connection(self) -> Connection: ...


Subject = TypeVar("Subject", bound=Connected)
Given = TypeVar("Given")


@contextmanager
def connected(
    settings: Settings, console: Console, environ: Mapping[str, str] = os.environ
) -> Iterator[list[Machine]]:
    """Connects to every machine of a host, and closes all connections at the end of the block.

    Raises:
        CannotConnect: a machine was not reached; nothing was done on any.
    """
    with _connecting(settings, console, environ, side_by_side) as found:
        yield list(found.machines)


@dataclass(frozen=True)
class Reached:
    """The machines of a host of which not all may have been reached.

    Args:
        errors: why each of the others was not reached, by its address.
    """

    machines: tuple[Machine, ...]
    errors: Mapping[str, BluegreenError]


@contextmanager
def reached(
    settings: Settings, console: Console, environ: Mapping[str, str] = os.environ
) -> Iterator[Reached]:
    """Connects to those machines of a host that can be reached, as `connected`.

    Raises:
        CannotConnect: none of them was reached.
    """
    with _connecting(settings, console, environ, try_each) as found:
        for address, error in found.errors.items():
            console.warn(f"{address} could not be reached: {error.message}")
        yield found


@contextmanager
def _connecting(
    settings: Settings,
    console: Console,
    environ: Mapping[str, str],
    each: Callable[[Sequence[Machine], Callable[[Machine], None]], Sequence[BluegreenError | None]],
) -> Iterator[Reached]:
    """Connects to the machines of a host, and closes all connections at the end of the block.

    Args:
        each: `side_by_side` where all must be reached, `try_each` where one suffices.
    """
    machines = unconnected(settings, console, environ)
    with ExitStack() as closing:
        for machine in machines:
            closing.callback(machine.connection.close)
        with console.step(f"connect to {settings.host}", name="connect") as step:
            results = each(machines, lambda machine: machine.connection.connect())
            errors = {
                machine.address: error
                for machine, error in zip(machines, results, strict=True)
                if error is not None
            }
            there = tuple(machine for machine in machines if machine.address not in errors)
            if not there:
                raise next(iter(errors.values()))
            step.done(f"connected to {', '.join(f'{one.connection.user}@{one.address}' for one in there)}")
        yield Reached(there, errors)


def unconnected(
    settings: Settings, console: Console, environ: Mapping[str, str] = os.environ
) -> list[Machine]:
    """Every machine of a host, not connected yet."""
    several = len(settings.addresses) > 1
    return [
        Machine(
            settings,
            Connection(_login(settings, address), environ=environ),
            console.on(address) if several else console,
        )
        for address in settings.addresses
    ]


@contextmanager
def locked(machines: Sequence[Machine], command: str) -> Iterator[list[Machine]]:
    """Takes the lock of every machine, in the order of their addresses, or of none.

    Raises:
        Locked: another deploy holds one of them; nothing was changed.
    """
    with ExitStack() as releasing:
        by_address = {
            machine.address: releasing.enter_context(lock.held(machine, command))
            for machine in sorted(machines, key=lambda machine: machine.address)
        }
        yield [by_address[machine.address] for machine in machines]


def side_by_side(subjects: Sequence[Subject], step: Callable[[Subject], Given]) -> list[Given]:
    """Runs a step for each at once.

    Returns:
        What each step returned, in the order of the subjects.

    Raises:
        BluegreenError: the first error in that order, after all have ended.
    """
    results = try_each(subjects, step)
    for result in results:
        if isinstance(result, BluegreenError):
            raise result
    return [result for result in results if not isinstance(result, BluegreenError)]


def try_each(subjects: Sequence[Subject], step: Callable[[Subject], Given]) -> list[Given | BluegreenError]:
    """Runs a step for each at once, as `side_by_side`; an expected error is returned, not raised."""

    def tried(subject: Subject) -> Given | BluegreenError:
        try:
            return step(subject)
        except BluegreenError as error:
            return error

    # One machine, the usual case, stays in this thread, which a Ctrl-C reaches.
    if len(subjects) == 1:
        return [tried(subjects[0])]
    with ThreadPoolExecutor(max_workers=len(subjects) or 1) as pool:
        futures: list[Future[Given | BluegreenError]] = [pool.submit(tried, each) for each in subjects]
        try:
            pending = set(futures)
            while pending:
                # A wait without a timeout cannot be interrupted on every platform.
                _, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
        except KeyboardInterrupt:
            # A thread cannot be interrupted, but its connection can be closed: that ends its step.
            for subject in subjects:
                subject.connection.close()
            raise
        return [future.result() for future in futures]


def in_main_thread() -> bool:
    """Whether signals reach this thread."""
    return threading.current_thread() is threading.main_thread()


def _login(settings: Settings, address: str) -> Login:
    return Login(
        address=address,
        port=settings.port,
        user=settings.user,
        host_keys=settings.host_keys,
        identity=settings.identity,
    )
