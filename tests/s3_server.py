"""An S3 server on loopback (moto) behind a proxy that fails on demand; tests skip where moto or s3fs are not installed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from faulty_proxy import FaultyProxy, faulty_proxy

KEY, SECRET = "AKIAPLANTED0123456", "planted/secret+0123456789abcdef"
BUCKET = "states"


@contextmanager
def moto_port() -> Iterator[int]:
    """A server in a thread; its port."""
    pytest.importorskip("s3fs", reason="s3fs is not installed: pip install 'repalign[s3]'")
    server = pytest.importorskip(
        "moto.server", reason="moto is not installed: pip install 'moto[s3]' flask flask-cors"
    )
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    one = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    one.start()
    try:
        yield one.get_host_and_port()[1]
    finally:
        one.stop()


@contextmanager
def s3_behind_proxy(port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    """An empty bucket, reached through the proxy, with credentials in the environment."""
    import boto3
    from s3fs import S3FileSystem

    with faulty_proxy(port) as proxy:
        environment = {
            "AWS_ENDPOINT_URL": proxy.url, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "1", "NO_PROXY": "127.0.0.1",
        }  # fmt: skip
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("repalign.states.remote.PAUSE", 0.001)
        client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        S3FileSystem.clear_instance_cache()
        yield proxy
        proxy.fault = lambda method, path: "none"
        for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
            client.delete_object(Bucket=BUCKET, Key=one["Key"])
        client.delete_bucket(Bucket=BUCKET)
