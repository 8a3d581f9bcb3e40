"""Sending over a channel that the other side may close meanwhile.

Paramiko sends a message outside of the channel's lock, so its answer to a CLOSE of sshd can overtake the data
or the EOF that another thread is just sending. sshd ends the whole connection at a message for a channel that
is closed on both sides (OpenSSH, channels.c, `channel_from_packet_id`: "bad id: channel free").
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import paramiko


class _Senders:
    """How many threads send over a channel, and the CLOSE that arrived meanwhile."""

    def __init__(self) -> None:
        self.count = 0
        self.close: paramiko.Message | None = None


_senders: WeakKeyDictionary[paramiko.Channel, _Senders] = WeakKeyDictionary()
_changed = threading.Condition()


@contextmanager
def _sending(channel: paramiko.Channel) -> Iterator[None]:
    """Holds back the answer to a CLOSE until the block has sent its message."""
    with _changed:
        senders = _senders.setdefault(channel, _Senders())
        senders.count += 1
    try:
        yield
    finally:
        with _changed:
            senders.count -= 1
            close, senders.close = (None, senders.close) if senders.count else (senders.close, None)
            _changed.notify_all()
        if close is not None:
            answer_close(channel, close)


def send(channel: paramiko.Channel, data: bytes) -> int:
    """Sends the start of the data; returns the number of bytes, 0 if the channel is closed.

    Raises:
        TimeoutError: the other side accepts none within the channel's timeout.
        OSError: the channel is closed.
    """
    with _sending(channel):
        return channel.send(data)


def send_end(channel: paramiko.Channel) -> None:
    """Sends the end of the input."""
    with _sending(channel):
        channel.shutdown_write()


def answer_close(channel: paramiko.Channel, message: paramiko.Message) -> None:
    """Paramiko's handler of a CLOSE, once nobody sends over the channel."""
    with _changed:
        senders = _senders.get(channel)
        if senders and senders.count:
            senders.close = message
            return
    channel._handle_close(message)  # type: ignore[attr-defined]


def close(channel: paramiko.Channel) -> None:
    """Closes a channel, once nobody sends over it."""
    with _changed:
        _changed.wait_for(lambda: channel not in _senders or not _senders[channel].count)
    channel.close()
