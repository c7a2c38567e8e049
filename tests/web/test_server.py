from __future__ import annotations

import asyncio
import socket

from fullwell.web.server import _listening


def test_small_packets_are_sent_at_once():
    """Else each answer waits for the other side to confirm its first packet, which takes it up to 40 ms."""

    async def delay_of_answers(listener):
        asked = asyncio.get_running_loop().create_future()

        async def answer(_, writer):
            asked.set_result(
                writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            )
            writer.close()

        async with await asyncio.start_server(answer, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            try:
                return await asyncio.wait_for(asked, 20)
            finally:
                writer.close()

    with _listening(0) as listener:
        assert asyncio.run(delay_of_answers(listener)) != 0
