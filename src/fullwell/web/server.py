"""The server: one port of this machine, nothing beyond it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fullwell.errors import ParameterError

__all__ = ["HOST", "running", "serve"]

HOST = "127.0.0.1"
_PATIENCE = 20.0


def serve(app: Any, *, port: int = 0, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve an application until it is interrupted.

    Parameters
    ----------
    app : ASGI application
    port : int
        0 takes a free one.
    on_ready : callable, optional
        Called with the address once connections are accepted.

    Raises
    ------
    ParameterError
        If the port is taken or may not be used.
    """
    threading.Thread(target=_warm_up, daemon=True).start()
    with _listening(port) as listener:
        if on_ready is not None:
            on_ready(_address(listener))
        _server(app).run(sockets=[listener])


@contextmanager
def running(app: Any, *, port: int = 0) -> Iterator[str]:
    """Serve an application in a thread.

    Parameters
    ----------
    app, port
        As for `serve`.

    Yields
    ------
    str
        Address, such as ``'http://127.0.0.1:40123'``.

    Raises
    ------
    ParameterError
        As for `serve`.
    """
    with _listening(port) as listener:
        server = _server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + _PATIENCE
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.005)
        try:
            yield _address(listener)
        finally:
            server.should_exit = True
            thread.join(_PATIENCE)


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    # Said in full: asyncio turns the delay of small packets (40 ms) off only where the protocol is known.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            # From here on connections wait until they are answered.
            listener.listen(256)
        except (OSError, OverflowError) as error:
            raise ParameterError("port", port, f"a free port of this machine ({error})") from error
        yield listener
    finally:
        listener.close()


def _warm_up() -> None:
    """Load what the first frame needs while the browser opens."""
    import numpy as np

    from fullwell.kernels.histograms import count_values
    from fullwell.kernels.pooling import pool_blocks
    from fullwell.picture import find_limits

    image = np.arange(64, dtype=np.uint16).reshape(8, 8)
    count_values(image, compiled=True)
    for how in ("mean", "max", "or"):
        pool_blocks(image, 2, how=how)
    find_limits(image)


def _address(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"


def _server(app: Any) -> Any:
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        http="h11",
        loop="asyncio",
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)
