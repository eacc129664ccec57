"""The legacy app of the guide to migration, on its own stack.

A line holds the method, the path and the arguments of a request, the answer its status and body.
"""

import asyncio
import json
import sys

from tests.docs.samples import client_of, load


async def serve(sample):
    async with client_of(sample.app) as client:
        for line in sys.stdin:
            method, path, arguments = json.loads(line)
            try:
                response = await client.request(method, path, **arguments)
                answer = [response.status_code, response.json()]
            except Exception as error:
                # The server would answer 500.
                answer = [500, type(error).__name__]
            print(json.dumps(answer), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(serve(load(*sys.argv[1:])))
