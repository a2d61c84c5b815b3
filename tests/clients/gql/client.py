"""Drives the server with the Python client gql and prints what it gets as JSON."""

import asyncio
import json
import os

from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.aiohttp_websockets import AIOHTTPWebsocketsTransport
from gql.transport.exceptions import TransportError
from gql.transport.websockets import WebsocketsTransport

HTTP = os.environ["AUDITGRAPH_URL"] + "/graphql"
SOCKET = HTTP.replace("http", "ws", 1)
TOKEN = {"Authorization": "Bearer " + os.environ["AUDITGRAPH_TOKEN_AUDIT_READER"]}
SUBSCRIPTION = gql("subscription { auditEventsRecorded { resumeCursor } }")


async def unset_variables():
    """A query whose variables are all None."""
    query = gql(
        """query ($category: String, $period: AuditPeriodInput, $first: Int) {
          auditEvents(first: $first, occurredAt: $period, filter: { category: { eq: $category } }) { occurredAt { from } }
        }"""
    )
    query.variable_values = {"category": None, "period": None, "first": None}
    async with Client(transport=AIOHTTPTransport(url=HTTP, headers=TOKEN)) as session:
        return await session.execute(query)


async def first_batch(transport):
    """The first result of a subscription."""
    async with Client(transport=transport) as session:
        async for result in session.subscribe(SUBSCRIPTION):
            return result


async def refused(transport):
    """The error of a subscription."""
    try:
        return await first_batch(transport)
    except (TransportError, Exception) as error:
        return f"{type(error).__name__}: {error} {error.__cause__}"


async def main():
    print(
        json.dumps(
            {
                "unset": await unset_variables(),
                "aiohttp": await first_batch(AIOHTTPWebsocketsTransport(url=SOCKET, init_payload=TOKEN)),
                "websockets": await refused(WebsocketsTransport(url=SOCKET, init_payload=TOKEN)),
            }
        )
    )


asyncio.run(main())
