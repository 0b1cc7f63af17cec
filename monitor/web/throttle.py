"""How often somebody may try to log in. What is kept for that is bounded, whoever tries."""

from __future__ import annotations

import ipaddress
import math
from collections import deque

from monitor.clock import Clock

PER_ADDRESS = 5
OVERALL = 30
WITHIN_S = 300.0


class Throttle:
    """So many failed attempts within five minutes from one address, and from all of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: deque[tuple[float, str]] = deque(maxlen=OVERALL)

    def take(self, address: str) -> int:
        """Take one attempt; 0 if that may be made, else in how many seconds it might."""
        now, home = self._clock.monotonic(), network_of(address)
        while self._tries and self._tries[0][0] <= now - WITHIN_S:
            self._tries.popleft()
        own = [at for at, other in self._tries if other == home]
        waits = [own[-PER_ADDRESS]] if len(own) >= PER_ADDRESS else []
        waits += [self._tries[0][0]] if len(self._tries) >= OVERALL else []
        if waits:
            return max(1, math.ceil(max(waits) + WITHIN_S - now))
        self._tries.append((now, home))
        return 0

    def forgive(self, address: str) -> None:
        """The password was right: what failed before from there was typed badly, not guessed."""
        home = network_of(address)
        self._tries = deque((entry for entry in self._tries if entry[1] != home), maxlen=OVERALL)


def network_of(address: str) -> str:
    """What counts as one: an IPv4 address; of IPv6, the /64 that one household or machine has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
