"""Network namespaces: each has a link to this machine that can be cut. Root makes them."""

import subprocess

from command import PATIENCE


class Link:
    """A network namespace whose only link leads to this machine, and can be cut."""

    def __init__(self, name: str, network: str) -> None:
        """`name`: at most ten characters. `network`: the first three numbers of its addresses.

        Raises OSError or subprocess.CalledProcessError where a namespace can't be made.
        """
        self.name = name
        self.here, self.there = f"{network}.1", f"{network}.2"
        ip("netns", "add", name)
        ip("link", "add", f"{name}0", "type", "veth", "peer", "name", f"{name}1", "netns", name)
        ip("addr", "add", f"{self.here}/30", "dev", f"{name}0")
        self.mend()
        for arguments in (
            f"addr add {self.there}/30 dev {name}1",
            f"link set {name}1 up",
            f"route add default via {self.here}",
            "link set lo up",
        ):
            ip("-n", name, *arguments.split())

    @property
    def prefix(self) -> tuple[str, ...]:
        """Words before a command that is to run behind the link."""
        return ("ip", "netns", "exec", self.name)

    def cut(self) -> None:
        ip("link", "set", f"{self.name}0", "down")

    def mend(self) -> None:
        ip("link", "set", f"{self.name}0", "up")

    def close(self) -> None:
        ip("netns", "del", self.name)


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=PATIENCE)
