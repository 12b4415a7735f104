"""Python AnyIO on uvloop: the library whose model structio re-creates."""

import json
import os
import sys
import threading

import anyio
from anyio.abc import SocketStream


async def echo(stream: SocketStream) -> None:
    async with stream:
        try:
            while True:
                await stream.send(await stream.receive(65536))
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            pass


async def accept(stream: SocketStream) -> None:
    await stream.aclose()


TABLE = {"echo": echo, "accept": accept}


def exit_with_standard_input() -> None:
    sys.stdin.readline()
    os._exit(0)


async def main(works: list[str]) -> None:
    async with anyio.create_task_group() as group:
        ports = {}
        for name in works:
            listener = await anyio.create_tcp_listener(local_host="127.0.0.1", backlog=4096)
            ports[name] = listener.extra(anyio.abc.SocketAttribute.local_port)
            group.start_soon(listener.serve, TABLE[name])
        print(json.dumps({"event": "listening", "pid": os.getpid(), "ports": ports}), flush=True)


if __name__ == "__main__":
    assert sys.argv[1] == "--work", "usage: anyio_uvloop.py --work echo,accept"
    threading.Thread(target=exit_with_standard_input, daemon=True).start()
    anyio.run(main, sys.argv[2].split(","), backend="asyncio", backend_options={"use_uvloop": True})
