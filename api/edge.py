"""What every route shares: the garage, the settings, logins, stored answers; and the guard before it.

Decides that no route runs before its caller was found in the table of `api.access`, and that a POST
with an `Idempotency-Key` runs once.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute

from api.access import Sessions, authorize, identify
from api.idempotency import KEY_LENGTH_MAX, Answer, IdempotencyStore, request_digest
from api.logins import Logins
from api.ports import Garage
from api.problems import Problem, invalid_input, problem_response, validation_problem
from api.settings import Principal, Settings

_NOT_STORED = frozenset({"content-length", "idempotency-replayed"})


@dataclass(frozen=True, slots=True)
class Edge:
    """The parts that live as long as the application."""

    garage: Garage
    settings: Settings
    sessions: Sessions
    logins: Logins
    answers: IdempotencyStore


def edge_of(request: Request) -> Edge:
    """The edge that serves this request."""
    edge = request.app.state.edge
    if not isinstance(edge, Edge):
        raise TypeError("the application was not built by create_app")
    return edge


def garage_of(request: Request) -> Garage:
    """The garage that this request reaches."""
    return edge_of(request).garage


def principal_of(request: Request) -> Principal:
    """Who sent this request, as the guard has found out."""
    principal = request.state.principal
    if not isinstance(principal, Principal):
        raise TypeError("the route has no guard")
    return principal


GarageDep = Annotated[Garage, Depends(garage_of)]
EdgeDep = Annotated[Edge, Depends(edge_of)]
PrincipalDep = Annotated[Principal, Depends(principal_of)]

_Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


class GuardedRoute(APIRoute):
    """A route that checks the caller first and stores the answers of keyed POSTs."""

    def get_route_handler(self) -> _Endpoint:
        inner = super().get_route_handler()
        path = self.path

        async def guarded(request: Request) -> Response:
            edge = edge_of(request)
            try:
                principal = identify(request, edge.settings, edge.sessions)
                authorize(f"{request.method} {path}", principal)
            except Problem as problem:
                return _turned_away(request, problem)
            request.state.principal = principal
            key = request.headers.get("idempotency-key")
            if key is None or request.method != "POST":
                return await inner(request)
            if not 1 <= len(key) <= KEY_LENGTH_MAX:
                raise invalid_input("Idempotency-Key", f"must have 1 to {KEY_LENGTH_MAX} characters")
            # The caller's name is part of the key: nobody is given an answer that was somebody else's.
            scope = f"{principal.role}:{principal.name} {request.method} {request.url.path}\n{key}"
            return await _once(edge.answers, scope, request, inner)

        return guarded


def _turned_away(request: Request, problem: Problem) -> Response:
    """A program is told the problem; a person at a page is sent to the login."""
    path = request.url.path
    if path.startswith("/api/") or problem.status not in (401, 403):
        return problem_response(problem)
    back = "/ledger" if path.startswith("/ledger") else "/operator"
    target = f"/login?back={quote(back)}"
    if request.headers.get("hx-request"):
        return Response(status_code=problem.status, headers={"HX-Redirect": target})
    return RedirectResponse(target, 303)


async def _once(store: IdempotencyStore, scope: str, request: Request, inner: _Endpoint) -> Response:
    """Run a request, or give the stored answer of the first one with this key."""
    stored = store.begin(scope, request_digest(await request.body()))
    if stored is not None:
        headers = dict(stored.headers) | {"Idempotency-Replayed": "true"}
        return Response(stored.body, stored.status, headers)
    try:
        try:
            response = await inner(request)
        except Problem as problem:
            response = problem_response(problem)
        except RequestValidationError as error:
            response = problem_response(validation_problem(error))
    except BaseException:
        store.abandon(scope)
        raise
    headers_kept = tuple((k, v) for k, v in response.headers.items() if k.lower() not in _NOT_STORED)
    store.finish(scope, Answer(response.status_code, headers_kept, bytes(response.body)))
    return response
