"""The API's description, OpenAPI 3.1, made from the routes alone: it cannot say what they do not do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from web.guard import CSRF_HEADER
from web.problems import MEDIA_TYPE, ProblemOut
from web.route import Route

_REF = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"\{(\w+)(?::[^{}]*)?\}")
Mode = Literal["validation", "serialization"]
Schemas = Mapping[tuple[Any, Mode], Any]


def describe(routes: Sequence[Route], *, cookie: str, version: str) -> dict[str, Any]:
    """The whole document."""
    schemas, refs = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operations = paths.setdefault(_PARAMETER.sub(r"{\1}", route.path), {})
        operations[route.method.lower()] = _operation(route, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hotline 95559", "version": version},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": cookie}},
        },
    }


def _schemas(routes: Sequence[Route]) -> tuple[dict[str, Any], Schemas]:
    wanted: dict[tuple[type[BaseModel], Mode], None] = {(ProblemOut, "serialization"): None}
    for route in routes:
        for model, mode in _models(route):
            wanted[model, mode] = None
    refs, document = models_json_schema(list(wanted), ref_template=_REF)
    return document.get("$defs", {}), refs


def _models(route: Route) -> list[tuple[type[BaseModel], Mode]]:
    found: list[tuple[type[BaseModel], Mode]] = []
    if route.body is not None:
        found.append((route.body, "validation"))
    if route.returns is not None:
        found.append((route.returns, "serialization"))
    return found


def _operation(route: Route, refs: Schemas) -> dict[str, Any]:
    words = [word for word in re.split(r"\W+", route.path.removeprefix("/api")) if word]
    operation: dict[str, Any] = {
        "operationId": "_".join([route.method.lower(), *words]),
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": _parameters(route),
        "responses": _responses(route, refs),
        "security": [] if route.right is None else [{"session": []}],
    }
    if told := _rights(route):
        operation["description"] = told
    if route.body is not None:
        content = {"application/json": {"schema": refs[route.body, "validation"]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _rights(route: Route) -> str:
    if route.proof:
        return f"Needs no session but {route.proof}."
    wider = " or ".join(f"`{right}`" for right in route.wider)
    needs = f"Needs the right `{route.right}`" if route.right else ""
    if needs and wider:
        return f"{needs}; {wider} lets in as well and opens more."
    return f"{needs}." if needs else f"{wider} opens more." if wider else ""


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(route.path)
    ]
    if route.right is not None and route.method not in {"GET", "HEAD"}:
        schema = {"type": "string"}
        found.append({"name": CSRF_HEADER, "in": "header", "required": True, "schema": schema})
    if route.query is not None:
        whole = route.query.model_json_schema(by_alias=True)
        required = whole.get("required", [])
        for name, schema in whole.get("properties", {}).items():
            plain = _inlined(schema, whole.get("$defs", {}))
            found.append({"name": name, "in": "query", "required": name in required, "schema": plain})
    return found


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Without references: a query's own definitions do not stand among the components."""
    if isinstance(schema, list):
        return [_inlined(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        target = definitions[str(schema["$ref"]).rsplit("/", 1)[-1]]
        return _inlined(target | {key: value for key, value in schema.items() if key != "$ref"}, definitions)
    return {key: _inlined(value, definitions) for key, value in schema.items()}


def _responses(route: Route, refs: Schemas) -> dict[str, Any]:
    problem = {MEDIA_TYPE: {"schema": refs[ProblemOut, "serialization"]}}
    good: dict[str, Any] = {"description": "Done"}
    status = route.status
    if route.returns is not None:
        good["content"] = {"application/json": {"schema": refs[route.returns, "serialization"]}}
    elif route.produces != "application/json":
        good["content"] = {route.produces: {}}
    elif status == 200:
        status = 204
    responses: dict[str, Any] = {str(status): good}
    if route.right is not None:
        responses["401"] = {"description": "Not signed in", "content": problem}
        responses["403"] = {"description": "Right or CSRF token missing", "content": problem}
    if route.proof:
        responses["401"] = {"description": f"Without {route.proof}", "content": problem}
    if route.body is not None or route.query is not None:
        responses["422"] = {"description": "Bad input, all of it told at once", "content": problem}
    responses["default"] = {"description": "Any other problem", "content": problem}
    return responses
