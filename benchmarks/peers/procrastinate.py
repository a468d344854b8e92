"""procrastinate on PostgreSQL."""

import asyncio
import os
import sys

from procrastinate import App, PsycopgConnector

from benchmarks.ticks import tick

app = App(connector=PsycopgConnector(conninfo=os.environ["PROCRASTINATE_URL"], max_size=10))


@app.task(name="noop")
async def noop():
    tick()


async def fill(count):
    async with app.open_async():
        await noop.batch_defer_async(*({} for _ in range(count)))


if __name__ == "__main__":
    asyncio.run(fill(int(sys.argv[1])))
