"""An S3 server on loopback for the tests of stores."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faulty_proxy import FaultyProxy
from s3_server import moto_port, s3_behind_proxy


@pytest.fixture(scope="session")
def port_of_s3() -> Iterator[int]:
    with moto_port() as port:
        yield port


@pytest.fixture
def s3(port_of_s3, monkeypatch) -> Iterator[FaultyProxy]:
    """An empty bucket, reached through the proxy, with credentials in the environment."""
    with s3_behind_proxy(port_of_s3, monkeypatch) as proxy:
        yield proxy
