"""One function per connection or login error; each error has its cause and a remedy."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from pathlib import Path

from paramiko.ssh_exception import ChannelException, IncompatiblePeer

from bluegreen.console.ci import on_github
from bluegreen.errors import CannotConnect
from bluegreen.ssh.hops import Hop

# The users of the common EC2 images; people often try one on an image of the other.
OTHER_USER = {"ec2-user": "ubuntu", "ubuntu": "ec2-user"}


def bad_client_config(*why: str) -> CannotConnect:
    """ssh rejects ssh_config, with its own words, or a value in it cannot be used."""
    return CannotConnect("ssh_config cannot be used", why=why, remedy="fix it; `ssh -G HOST` checks it")


def no_ssh_to_read(config: Path) -> CannotConnect:
    """There is an ssh_config, and no ssh that could read it."""
    return CannotConnect(
        f"{config} cannot be read without the program ssh",
        why=["ssh is not on PATH, or the user who runs bluegreen has no account here"],
        remedy="install it (Debian: `apt-get install openssh-client`), or remove that file",
    )


# --- no connection ---------------------------------------------------------------------------------


def name_not_found(hop: Hop, why: str) -> CannotConnect:
    """The host name has no address."""
    return CannotConnect(
        f"{hop.name}: the name {hop.hostname} is not found",
        why=[why],
        remedy="check `address` in config.yml (an EC2 instance gets a new public name when it was stopped)",
    )


def not_reached(hop: Hop, errors: Sequence[OSError], timeout_s: float) -> CannotConnect:
    """No address of the machine accepted the connection; the error with the best remedy decides.

    Args:
        errors: one for each address that was tried.
        timeout_s: the timeout of each, in seconds.
    """
    why = [str(error) for error in errors if str(error)]
    if any(isinstance(error, ConnectionRefusedError) for error in errors):
        return CannotConnect(
            f"{hop}: connection refused",
            why=why,
            remedy=f"check on the machine that sshd runs and listens on port {hop.port} (`ss -ltn`); "
            "set another port with `port` in config.yml",
        )
    if any(isinstance(error, TimeoutError) for error in errors):
        return CannotConnect(
            f"{hop}: no answer within {timeout_s:g} s",
            why=["a firewall or security group that blocks your address drops its packets silently"],
            remedy=_allowing(hop),
        )
    unreachable = (errno.EHOSTUNREACH, errno.ENETUNREACH)
    if any(error.errno in unreachable for error in errors):
        return CannotConnect(
            f"{hop}: no route to it",
            why=why,
            remedy="check `address` in config.yml, the network or VPN here, and that the machine runs",
        )
    return CannotConnect(f"{hop}: cannot connect", why=why, remedy="check `address` and `port` in config.yml")


def _allowing(hop: Hop) -> str:
    if not on_github():
        return f"check that the machine runs, and allow the address you connect from on port {hop.port}"
    return (
        "check that the machine runs; if it does, its security group does not allow this runner's address on "
        f"port {hop.port}. A GitHub runner has a new address in each run, so use one of these "
        "(docs/github.md): AWS SSM as ProxyCommand, EC2 Instance Connect, or a self-hosted runner in the "
        "machine's network"
    )


def proxy_failed(hop: Hop, command: str, stderr: str) -> CannotConnect:
    """The ProxyCommand of the hop ended."""
    return CannotConnect(
        f"{hop}: its ProxyCommand failed",
        why=[command, *(stderr.splitlines()[-10:] or ["(it printed nothing)"])],
        remedy="run the command by hand; it is in ~/.ssh/config",
    )


def jump_failed(jump: Hop, hop: Hop, error: Exception) -> CannotConnect:
    """The jump host did not open a connection to the next hop."""
    why = error.text if isinstance(error, ChannelException) else str(error)
    return CannotConnect(
        f"{hop}: the jump host {jump.name} cannot reach it",
        why=[why or type(error).__name__],
        remedy=f"check that {jump.name} reaches that address and port, and that its sshd has "
        "AllowTcpForwarding yes",
    )


# --- no SSH handshake  ----------------------------------------------------


def handshake_failed(hop: Hop, error: BaseException, lines: Sequence[str]) -> CannotConnect:
    """The other side accepted the connection, but ended it before it showed a host key.

    Args:
        error: the error that Paramiko raised.
        lines: the lines that the other side sent instead of an SSH banner.
    """
    if lines:
        return CannotConnect(
            f"{hop}: the server that answers is not an SSH server",
            why=[f"it sent: {lines[0][:200]}"],
            remedy="check `port` in config.yml",
        )
    if isinstance(error, socket.timeout):
        return CannotConnect(
            f"{hop}: the server accepts connections but sends nothing",
            why=["an SSH server sends its banner first; this server hangs, or is not an SSH server"],
            remedy="check `port` in config.yml, and that the machine is not out of memory",
        )
    if isinstance(error, IncompatiblePeer):
        return CannotConnect(
            f"{hop}: no cipher, key exchange or host key type that both sides support",
            why=[str(error)],
            remedy="update sshd on the machine",
        )
    return CannotConnect(
        f"{hop}: the connection was closed before the SSH handshake was complete",
        why=[str(error) or type(error).__name__],
        remedy="read sshd's log on the machine (`journalctl -u ssh`) for MaxStartups, fail2ban, hosts.deny",
    )


# --- host keys ---------------------------------------------------------------------------------------


def unknown_host_key(hop: Hop, kind: str, fingerprint: str, line: str, *, pinnable: bool) -> CannotConnect:
    """No host key of the machine is trusted.

    Args:
        kind: the type of the key that it shows.
        fingerprint: the fingerprint of that key.
        line: that key as type and base64.
        pinnable: whether config.yml has a place for the key (a jump host has none).
    """
    return CannotConnect(
        f"{hop}: its host key is unknown",
        why=[f"it shows {kind} {fingerprint}"],
        remedy=f"compare this fingerprint with the machine's own, {_own_fingerprint()}; "
        f"if they are equal, {_trusting(hop, line, pinnable=pinnable)}",
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
    """The machine shows another host key than the trusted one.

    Args:
        kind, fingerprint, line, pinnable: as for `unknown_host_key`.
        known: type, fingerprint and place of each key that would have been accepted.
    """
    places = ", ".join(where for _, _, where in known)
    return CannotConnect(
        f"{hop}: its host key is not the trusted one",
        why=[
            f"it shows {kind} {fingerprint}",
            *(f"trusted is {old_kind} {old} ({where})" for old_kind, old, where in known),
            "either the machine was rebuilt or its address was given to another one, or somebody intercepts "
            "the connection",
        ],
        remedy=f"compare the new fingerprint with the machine's own, {_own_fingerprint()}; if they are "
        f"equal, remove the old key ({places}) and {_trusting(hop, line, pinnable=pinnable)}",
    )


def revoked_host_key(hop: Hop, fingerprint: str, why: str) -> CannotConnect:
    """The machine shows a key that known_hosts or RevokedHostKeys revokes.

    Args:
        why: where it is revoked; follows the fingerprint.
    """
    return CannotConnect(
        f"{hop}: its host key is revoked",
        why=[f"{fingerprint} {why}"],
        remedy="find out why the machine still shows this key, and give it a new one before you connect",
    )


def _own_fingerprint() -> str:
    return (
        "on its own console: `for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done` "
        "(EC2: in the system log)"
    )


def _trusting(hop: Hop, line: str, *, pinnable: bool) -> str:
    if pinnable:
        return (
            "pin the key with `bluegreen trust`, or add this line under the host in config.yml:\n"
            f"    host_key: {line}"
        )
    return f"add this line for the jump host to ~/.ssh/known_hosts:\n    {hop.known_as} {line}"


# --- keys --------------------------------------------------------------------------------------------


def key_unusable(source: str, why: str, remedy: str) -> CannotConnect:
    """A key that config.yml, ssh_config or the environment names cannot be used (P10: its text is not shown).

    Args:
        source: the path or the environment variable that the key comes from.
    """
    return CannotConnect(f"the SSH key of {source} cannot be used: {why}", remedy=remedy)


def no_key(hop: Hop, unusable: Sequence[str]) -> CannotConnect:
    """There is no key to try.

    Args:
        unusable: keys that could not be tried, with the reason.
    """
    return CannotConnect(
        f"{hop}: there is no SSH key to log in with as {hop.user}",
        why=unusable,
        remedy="set `identity` in config.yml, or BLUEGREEN_SSH_KEY to the text of a private key, or run "
        "`ssh-add` with a key",
    )


def key_not_accepted(
    hop: Hop, tried: Sequence[str], *, closed: bool, allowed: Sequence[str], unusable: Sequence[str]
) -> CannotConnect:
    """The machine accepted none of our keys.

    Args:
        tried: each key with fingerprint and source.
        closed: whether the machine closed the connection, as it does after too many keys.
        allowed: the authentication methods that the machine offers, as far as it reported them.
        unusable: keys that could not be tried, with the reason.
    """
    why = [f"tried {key}" for key in tried] + list(unusable)
    if closed:
        why.append("then the machine closed the connection: it limits the number of keys (MaxAuthTries)")
        remedy = "set the right key: `identity` in config.yml, or BLUEGREEN_SSH_KEY"
    elif allowed and "publickey" not in allowed:
        why.append(f"the machine accepts no keys, only: {', '.join(allowed)}")
        remedy = "set PubkeyAuthentication yes in the machine's sshd_config"
    else:
        remedy = f"add the public key of one to ~{hop.user}/.ssh/authorized_keys on the machine"
    if hop.user in OTHER_USER:
        remedy += f"; or set `user: {OTHER_USER[hop.user]}` in config.yml, the user of other EC2 images"
    return CannotConnect(f"{hop}: no SSH key was accepted for the user {hop.user}", why=why, remedy=remedy)


def more_than_a_key(hop: Hop, key: str, wanted: Sequence[str]) -> CannotConnect:
    """The machine accepted a key and asks for a second factor.

    Args:
        wanted: the further authentication methods that it asks for.
    """
    return CannotConnect(
        f"{hop}: the machine wants more than a key from {hop.user}",
        why=[f"it accepted {key} and now asks for: {', '.join(wanted)}"],
        remedy="set AuthenticationMethods publickey for this user in the machine's sshd_config",
    )


def login_not_completed(hop: Hop, why: str) -> CannotConnect:
    """The login ended without an answer: a timeout, or a lost connection."""
    return CannotConnect(
        f"{hop}: the login as {hop.user} did not complete",
        why=[why],
        remedy="try again; if it fails again, read sshd's log on the machine (`journalctl -u ssh`)",
    )
