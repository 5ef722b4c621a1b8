"""A host's turns shared by the processes of one machine, through small files that they lock.

A host's URLs are fetched by one worker, but what redirects lead to is not known before: two workers
may be sent to one host. The kernel lets go of the locks of a killed process.
"""

import fcntl
import os
import struct
from pathlib import Path

from schemas.keys import make_key

_READY = struct.Struct("<d")


class SharedTurns:
    """One host's turns in a folder: when the next request may start, and who is at it."""

    def __init__(self, folder: str, host: str) -> None:
        self._path = f"{folder}/{make_key(host)}"
        Path(folder).mkdir(parents=True, exist_ok=True)

    def ready_at(self) -> float:
        """When the next request may start, in seconds of the clock that all of them share."""
        descriptor = self._locked()
        try:
            return _read(descriptor)
        finally:
            os.close(descriptor)

    def take(self, now: float, delay_s: float) -> bool:
        """Takes the turn if it is free; the next one is free after the delay."""
        descriptor = self._locked()
        try:
            if now < _read(descriptor):
                return False
            os.pwrite(descriptor, _READY.pack(now + delay_s), 0)
            return True
        finally:
            os.close(descriptor)

    def hold_off(self, until: float) -> None:
        """Lets nobody begin before then; a shorter wish does not undo a longer one."""
        descriptor = self._locked()
        try:
            os.pwrite(descriptor, _READY.pack(max(until, _read(descriptor))), 0)
        finally:
            os.close(descriptor)

    def take_slot(self, slots: int) -> int | None:
        """One of so many slots, as a descriptor that holds it; None where all are taken."""
        for number in range(slots):
            descriptor = os.open(f"{self._path}.{number}", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            except BlockingIOError:
                os.close(descriptor)
        return None

    def leave_slot(self, slot: int) -> None:
        """Gives a slot back."""
        os.close(slot)

    def _locked(self) -> int:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor


def _read(descriptor: int) -> float:
    content = os.pread(descriptor, _READY.size, 0)
    return _READY.unpack(content)[0] if len(content) == _READY.size else 0.0
