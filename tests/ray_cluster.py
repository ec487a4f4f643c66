"""A Ray cluster of several nodes on this machine: raylets that `ray start` starts, on loopback, with a token."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

START = 600
"""Seconds that a node may take to start, also on a busy machine."""


@dataclass
class LocalCluster:
    """Nodes of one core each.

    Attributes:
        folder: for logs and sockets; its name is short, as the paths of sockets are.
        nodes: by name, the process of `ray start --block`.
    """

    folder: Path
    port: int = 0
    nodes: dict[str, subprocess.Popen] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = self.port or _free_port()
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_raylet_start_wait_time_s": str(START),
            "RAY_health_check_period_ms": "1000",
            "RAY_health_check_timeout_ms": "10000",
            "RAY_worker_niceness": "0",  # on a busy machine a worker would wait for everything else
            "OMP_NUM_THREADS": "1",
        }

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self, name: str) -> None:
        """Start a node: the first one is the head."""
        where = (
            ["--address", self.address]
            if self.nodes
            else ["--head", "--port", str(self.port), "--include-dashboard", "false"]
        )
        command = [
            str(Path(sys.executable).with_name("ray")), "start", "--block", "--num-cpus", "1", "--num-gpus", "0",
            "--node-ip-address", "127.0.0.1", "--object-store-memory", str(100 << 20),
            "--temp-dir", str(self.folder), *where,
        ]  # fmt: skip
        log = (self.folder.parent / f"{self.folder.name}-{name}.log").open("w")
        self.nodes[name] = subprocess.Popen(
            command, env=self.environment, stdout=log, stderr=log, start_new_session=True
        )
        self._wait(name, Path(log.name))

    def kill(self, name: str) -> None:
        """Kill a node with all that runs on it, as if its machine had failed."""
        for process in self.processes(name):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.nodes.pop(name).wait()

    def processes(self, name: str) -> list[psutil.Process]:
        """What runs on a node."""
        with suppress(psutil.NoSuchProcess):
            node = psutil.Process(self.nodes[name].pid)
            return [node, *node.children(recursive=True)]
        return []

    def actors(self, name: str) -> list[psutil.Process]:
        """The actors of a node: Ray names a process after its class, or after the task that it runs."""
        found = []
        for process in self.processes(name):
            with suppress(psutil.NoSuchProcess):
                title = " ".join(process.cmdline())
                if title.startswith("ray::Actor") or (title.startswith("ray::") and "shard" in title):
                    found.append(process)
        return found

    def _wait(self, name: str, log: Path) -> None:
        until = time.monotonic() + START
        while "Ray runtime started" not in (text := log.read_text()):
            if self.nodes[name].poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"node {name} does not start:\n{text[-2000:]}")
            time.sleep(0.2)


@contextmanager
def cluster(folder: Path, names: tuple[str, ...]) -> Iterator[LocalCluster]:
    """A cluster that is ended, with all its processes, when it is left."""
    made = LocalCluster(folder)
    with ExitStack() as stack:
        for name in names:
            stack.callback(lambda name=name: made.kill(name) if name in made.nodes else None)
            made.start(name)
        yield made


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
