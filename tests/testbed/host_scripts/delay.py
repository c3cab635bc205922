"""Delays every frame of a host's network cable, on kernels without netem.

delay.py run IFACE BRIDGE TAP MS    join IFACE to BRIDGE through TAP, each frame MS milliseconds late
delay.py offload IFACE              switch the offload of checksums and segments off, so that frames
                                    have true checksums and are no longer than the link allows
"""

from __future__ import annotations

import array
import collections
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import time

SIOCETHTOOL = 0x8946
TUNSETIFF = 0x400454CA
IFF_TAP_WITHOUT_INFO = 0x1002
ETH_P_ALL = 0x0003
PACKET_OUTGOING = 4
OFFLOADS = (0x17, 0x1F, 0x24, 0x2C, 0x15)
"""ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_SRXCSUM (linux/ethtool.h)."""
FRAMES_AT_A_TIME = 256
LONGEST_FRAME = 65536
RECEIVE_BUFFER = 1 << 24


def switch_offload_off(interface: str) -> None:
    """Ask the driver for each kind of offload to be off; one that it does not have is no error."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for command in OFFLOADS:
            request = array.array("B", struct.pack("II", command, 0))
            address, _ = request.buffer_info()
            try:
                fcntl.ioctl(asking, SIOCETHTOOL, struct.pack("16sP", interface.encode(), address))
            except OSError:
                continue


class Relay:
    """Carries frames between an interface and a TAP, both ways, each after a delay."""

    def __init__(self, interface: str, tap: str, seconds: float) -> None:
        self.seconds = seconds
        self.tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.tap, TUNSETIFF, struct.pack("16sH", tap.encode(), IFF_TAP_WITHOUT_INFO))
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.wire.bind((interface, 0))
        self.wire.setblocking(False)
        self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.queue: collections.deque[tuple[float, bool, bytes]] = collections.deque()
        """Frames on their way: when they are due, whether they go to the TAP, and their bytes."""

    def run(self) -> None:
        """Carry frames for ever."""
        while True:
            wait = max(0.0, self.queue[0][0] - time.monotonic()) if self.queue else None
            for ready in select.select([self.tap, self.wire], [], [], wait)[0]:
                self._take(from_wire=ready is self.wire)
            self._pass_on()

    def _take(self, *, from_wire: bool) -> None:
        for _ in range(FRAMES_AT_A_TIME):
            try:
                frame = self._from_wire() if from_wire else os.read(self.tap, LONGEST_FRAME)
            except BlockingIOError:
                return
            if frame is not None:
                self.queue.append((time.monotonic() + self.seconds, from_wire, frame))

    def _from_wire(self) -> bytes | None:
        frame, address = self.wire.recvfrom(LONGEST_FRAME)
        return None if address[2] == PACKET_OUTGOING else frame

    def _pass_on(self) -> None:
        now = time.monotonic()
        while self.queue and self.queue[0][0] <= now:
            _, to_tap, frame = self.queue.popleft()
            try:
                os.write(self.tap, frame) if to_tap else self.wire.send(frame)
            except OSError:
                continue  # as a wire would: a frame that cannot be carried is lost


def main(arguments: list[str]) -> None:
    """Do what the command line says."""
    if arguments[0] == "offload":
        switch_offload_off(arguments[1])
        return
    _, interface, bridge, tap, milliseconds = arguments
    relay = Relay(interface, tap, float(milliseconds) / 1000)
    subprocess.run(["ip", "link", "set", "dev", interface, "promisc", "on"], check=True)
    subprocess.run(["ip", "link", "set", tap, "master", bridge, "up"], check=True)
    relay.run()


if __name__ == "__main__":
    main(sys.argv[1:])
