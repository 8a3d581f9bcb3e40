"""Every way of not getting in, each as an error that names its cause and what to do about it."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

from paramiko.ssh_exception import ChannelException, IncompatiblePeer

from bluegreen.console.ci import on_github
from bluegreen.errors import CannotConnect
from bluegreen.ssh.hops import Hop

# The users of the common EC2 images; each is what somebody tried on the other's machine.
OTHER_USER = {"ec2-user": "ubuntu", "ubuntu": "ec2-user"}


def bad_client_config(why: str) -> CannotConnect:
    return CannotConnect(
        "ssh_config cannot be used", why=[why], remedy="mend ~/.ssh/config; `ssh -G HOST` checks it"
    )


# --- no connection ---------------------------------------------------------------------------------


def name_not_found(hop: Hop, why: str) -> CannotConnect:
    return CannotConnect(
        f"{hop.name}: the name {hop.hostname} is not found",
        why=[why],
        remedy="check `address` in config.yml (an EC2 instance that was stopped has a new public name)",
    )


def not_reached(hop: Hop, errors: Sequence[OSError], timeout_s: float) -> CannotConnect:
    """Why no address of the machine took the connection; the most telling error speaks for all.

    Args:
        errors: one for each address that was tried.
        timeout_s: how long each was given.
    """
    why = [str(error) for error in errors if str(error)]
    if any(isinstance(error, ConnectionRefusedError) for error in errors):
        return CannotConnect(
            f"{hop}: connection refused",
            why=why,
            remedy=f"see on the host that sshd runs and listens on port {hop.port} (`ss -ltn`); "
            "`port` in config.yml sets another",
        )
    if any(isinstance(error, TimeoutError) for error in errors):
        return CannotConnect(
            f"{hop}: no answer within {timeout_s:g} s",
            why=["a firewall or security group that does not let this machine in drops its packets silently"],
            remedy=_let_in(hop),
        )
    unreachable = (errno.EHOSTUNREACH, errno.ENETUNREACH)
    if any(error.errno in unreachable for error in errors):
        return CannotConnect(
            f"{hop}: no route to it",
            why=why,
            remedy="check the address, this machine's network or VPN, and that the host runs",
        )
    return CannotConnect(f"{hop}: cannot connect", why=why, remedy="check address and port in config.yml")


def _let_in(hop: Hop) -> str:
    if not on_github():
        return f"let this machine's address in on port {hop.port}, and see that the host runs"
    return (
        "see that the host runs; if it does, its security group does not let this runner's address in on "
        f"port {hop.port}, and a runner of GitHub has another one each time. The three usual ways "
        "(docs/github.md): AWS SSM as ProxyCommand, EC2 Instance Connect, or a self-hosted runner in the "
        "host's network"
    )


def proxy_failed(hop: Hop, command: str, said: str) -> CannotConnect:
    return CannotConnect(
        f"{hop}: its ProxyCommand failed",
        why=[command, *(said.splitlines()[-10:] or ["(it said nothing)"])],
        remedy="run the command by hand; it stands in ~/.ssh/config",
    )


def jump_failed(jump: Hop, hop: Hop, error: Exception) -> CannotConnect:
    why = error.text if isinstance(error, ChannelException) else str(error)
    return CannotConnect(
        f"{hop}: the jump host {jump.name} cannot reach it",
        why=[why or type(error).__name__],
        remedy=f"see that {jump.name} reaches that address and port, and its sshd has AllowTcpForwarding yes",
    )


# --- not an SSH server, or not one we can talk to ----------------------------------------------------


def handshake_failed(hop: Hop, error: BaseException, said: Sequence[str]) -> CannotConnect:
    """What answered, but did not get as far as showing its host key.

    Args:
        error: what Paramiko raised.
        said: the lines the other side sent in place of an SSH banner.
    """
    if said:
        return CannotConnect(
            f"{hop}: what answers is not an SSH server",
            why=[f"it said: {said[0][:200]}"],
            remedy="check `port` in config.yml",
        )
    if isinstance(error, socket.timeout):
        return CannotConnect(
            f"{hop}: something takes connections and then says nothing",
            why=["an SSH server would have sent its banner; this one is hung, or is no SSH server"],
            remedy="check `port` in config.yml, and that the host is not out of memory",
        )
    if isinstance(error, IncompatiblePeer):
        return CannotConnect(
            f"{hop}: no way of encrypting that both sides know",
            why=[str(error)],
            remedy="bring sshd on the host up to date",
        )
    return CannotConnect(
        f"{hop}: the connection was closed before the SSH handshake was done",
        why=[str(error) or type(error).__name__],
        remedy="see sshd's log on the host (`journalctl -u ssh`): MaxStartups, fail2ban, hosts.deny",
    )


# --- host keys ---------------------------------------------------------------------------------------


def unknown_host_key(hop: Hop, kind: str, fingerprint: str, line: str, *, pinnable: bool) -> CannotConnect:
    return CannotConnect(
        f"{hop}: its host key is not known here",
        why=[f"it shows {kind} {fingerprint}"],
        remedy=f"compare that fingerprint first, {_own_fingerprint()}; "
        f"then {_trusting(hop, line, pinnable=pinnable)}",
    )


def changed_host_key(
    hop: Hop,
    kind: str,
    fingerprint: str,
    line: str,
    known: Sequence[tuple[str, str, str]],
    *,
    pinnable: bool,
) -> CannotConnect:
    """Another key than the one we know.

    Args:
        known: kind, fingerprint and place of each key that would have been taken.
    """
    places = ", ".join(where for _, _, where in known)
    return CannotConnect(
        f"{hop}: its host key is not the one we know",
        why=[
            f"it shows {kind} {fingerprint}",
            *(f"known is {old_kind} {old} ({where})" for old_kind, old, where in known),
            "the usual innocent cause is an instance that was rebuilt, or an address given to another; "
            "the other cause is somebody in the middle",
        ],
        remedy=f"compare the new fingerprint, {_own_fingerprint()}; if it is right, remove the old one "
        f"({places}) and {_trusting(hop, line, pinnable=pinnable)}",
    )


def revoked_host_key(hop: Hop, fingerprint: str, where: str) -> CannotConnect:
    return CannotConnect(
        f"{hop}: its host key is revoked",
        why=[f"{fingerprint} is marked @revoked ({where})"],
        remedy="do not connect until it is known why the host still shows this key; give it a new one",
    )


def _own_fingerprint() -> str:
    return "on the host's own console (`ssh-keygen -lf` on /etc/ssh/ssh_host_*_key.pub; EC2: the system log)"


def _trusting(hop: Hop, line: str, *, pinnable: bool) -> str:
    if pinnable:
        return f"add this line under the host in config.yml (`invoke trust` does it):\n    host_key: {line}"
    return f"add this line for the jump host to ~/.ssh/known_hosts:\n    {hop.known_as} {line}"


# --- keys --------------------------------------------------------------------------------------------


def key_unusable(source: str, why: str, remedy: str) -> CannotConnect:
    """A key that was asked for cannot be read. Its text is never part of the message (P10).

    Args:
        source: where it comes from: a path, an environment variable.
    """
    return CannotConnect(f"the SSH key of {source} cannot be used: {why}", remedy=remedy)


def no_key(hop: Hop, looked_at: Sequence[str]) -> CannotConnect:
    return CannotConnect(
        f"{hop}: there is no SSH key to log in with as {hop.user}",
        why=looked_at,
        remedy="set `identity` in config.yml, or BLUEGREEN_SSH_KEY to a private key's text, or `ssh-add` one",
    )


def key_not_accepted(
    hop: Hop, tried: Sequence[str], *, closed: bool, allowed: Sequence[str], looked_at: Sequence[str]
) -> CannotConnect:
    """The host took none of our keys.

    Args:
        tried: each key with fingerprint and source.
        closed: the host hung up, as it does after too many keys.
        allowed: the ways of logging in the host offers, if it said so.
        looked_at: keys that could not be tried, with the reason.
    """
    why = [f"tried {key}" for key in tried] + list(looked_at)
    if closed:
        why.append("then the host closed the connection: it allows only so many keys (MaxAuthTries)")
        remedy = "name the right key: `identity` in config.yml, or BLUEGREEN_SSH_KEY"
    elif allowed and "publickey" not in allowed:
        why.append(f"the host takes no keys, only: {', '.join(allowed)}")
        remedy = "set PubkeyAuthentication yes in the host's sshd_config"
    else:
        remedy = f"add the public half of one to ~{hop.user}/.ssh/authorized_keys on the host"
    if hop.user in OTHER_USER:
        remedy += f"; or is the user {OTHER_USER[hop.user]}? (`user` in config.yml; {hop.user} was tried)"
    return CannotConnect(
        f"{hop}: no SSH key of ours was accepted for the user {hop.user}", why=why, remedy=remedy
    )


def more_than_a_key(hop: Hop, key: str, wanted: Sequence[str]) -> CannotConnect:
    return CannotConnect(
        f"{hop}: the host wants more than a key from {hop.user}",
        why=[f"it took {key} and now asks for: {', '.join(wanted)}"],
        remedy="a deploy cannot answer that: let the user in with the key alone (AuthenticationMethods)",
    )


def login_broken_off(hop: Hop, why: str) -> CannotConnect:
    return CannotConnect(
        f"{hop}: logging in as {hop.user} did not come to an end",
        why=[why],
        remedy="try again; if it stays, see sshd's log on the host (`journalctl -u ssh`)",
    )
