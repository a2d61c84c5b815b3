"""Strategies for the custom scalars, and the check of responses.

The built-in check for server errors also fails on client errors. Generated arguments violate rules that a schema cannot
express (the range of a page size, one member of a one-of input), so client errors are expected here.
"""

import graphql
import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

INT = st.integers(-(2**31), 2**31 - 1).map(nodes.Int)
JSON = st.one_of(st.text(max_size=20).map(nodes.String), st.booleans().map(nodes.Boolean), INT)
MOMENT = st.datetimes().map(lambda moment: nodes.String(moment.isoformat(timespec="seconds") + "Z"))

schemathesis.graphql.scalar("DateTime", MOMENT)
schemathesis.graphql.scalar("JSON", JSON)


@schemathesis.check
def responses_without_internal_errors(ctx, response, case):
    """Below 500, in the shape of a GraphQL response, and every error has a code that is not this service's fault."""
    assert response.status_code < 500, f"status {response.status_code}: {response.text[:300]}"
    body = response.json()
    assert isinstance(body, dict) and ("data" in body or "errors" in body), f"no GraphQL response: {str(body)[:300]}"
    if "errors" in body:
        assert isinstance(body["errors"], list) and body["errors"], "errors is no list, or an empty one"
    for error in body.get("errors", []):
        assert isinstance(error.get("message"), str) and error["message"], f"no message: {error}"
        code = error.get("extensions", {}).get("code")
        assert code and code != "INTERNAL_SERVER_ERROR", f"{code}: {error['message']}"


@schemathesis.hook
def map_body(ctx, body):
    """Brings most page sizes and cursors into range, so that most lists are read."""
    return graphql.visit(body, InRange()) if isinstance(body, graphql.DocumentNode) else body


class InRange(graphql.Visitor):
    def enter_argument(self, node, *_):
        name, value = node.name.value, node.value
        if name in ("first", "last", "limit") and isinstance(value, graphql.IntValueNode) and int(value.value) % 4:
            value = graphql.IntValueNode(value=str(abs(int(value.value)) % 50 + 1))
        elif name in ("after", "before") and isinstance(value, graphql.StringValueNode) and len(value.value) % 4 != 3:
            value = graphql.NullValueNode()
        else:
            return None
        return graphql.ArgumentNode(name=node.name, value=value)
