"""The OpenAPI document and the page /docs: plain HTML from the document, without a script and without the network."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from repose.serve.forms import Field

ERROR = {
    "type": "object",
    "required": ["error", "where", "what_to_do"],
    "properties": {
        "error": {"type": "string", "description": "What is wrong, a sentence."},
        "where": {"type": "string", "description": "The field of the form, the header or the path."},
        "what_to_do": {"type": "string", "description": "A sentence; empty where the error says it."},
    },
}

_STATUSES = {
    400: "the form, a field, the host or a value is wrong",
    401: "the token is missing or wrong",
    403: "a page of another site",
    404: "there is no such job or path",
    408: "the body came too slowly",
    409: "the video is not done",
    413: "too many bytes or pixels",
    415: "the body is no form, or a file no picture",
    422: "nobody is on the picture, or the picture or pose cannot be used",
    500: "a mistake of the server",
    501: "a network that is needed is not installed on this server",
    503: "the queue is full or the server stops; see Retry-After",
    504: "it took too long to compute",
}


def form_body(fields: Mapping[str, Field]) -> dict[str, Any]:
    """The entry `requestBody` of an operation."""
    properties = {}
    for name, field in fields.items():
        about: dict[str, Any] = {"type": "string", "description": field.about}
        if field.kind == "file":
            about |= {"format": "binary"}
        elif field.kind == "either":
            about["x-kind"] = "file or text"
        if field.default is not None and isinstance(field.default, str | int | float | bool):
            about["default"] = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        if field.example:
            about["example"] = field.example
        properties[name] = about
    schema = {
        "type": "object", "properties": properties, "additionalProperties": False,
        "required": [name for name, field in fields.items() if field.required],
    }  # fmt: skip
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The entries `responses` of errors."""
    content = {"application/json": {"schema": ERROR}}
    return {status: {"description": _STATUSES[status], "content": content} for status in statuses}


def page(document: Mapping[str, Any]) -> str:
    """The page /docs of an OpenAPI document."""
    text = html.escape
    info = document["info"]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>{text(info['title'])}</title><style>{_STYLE}</style><main><h1>{text(info['title'])}</h1>",
        f"<p>Version {text(info['version'])}. The same as a document for programs: <a href='/openapi.json'>"
        "/openapi.json</a>.</p>",
        "".join(f"<p>{text(line)}</p>" for line in info.get("description", "").split("\n\n")),
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts.append(f"<section><h2><b>{text(method.upper())}</b> <code>{text(path)}</code></h2>")
            parts += [f"<p>{_code(line)}</p>" for line in operation.get("description", "").split("\n\n") if line]
            content = operation.get("requestBody", {}).get("content", {})
            for schema in (one["schema"] for one in content.values()):
                parts.append(_fields(schema))
                parts.append(f"<pre>{text(_curl(method, path, schema))}</pre>")
            rows = "".join(
                f"<tr><td>{text(str(status))}</td><td>{text(answer['description'])}</td></tr>"
                for status, answer in operation.get("responses", {}).items()
            )
            parts.append(f"<table><tr><th>status</th><th>answer</th></tr>{rows}</table></section>")
    return "".join(parts) + "</main></html>"


def _code(text: str) -> str:
    """HTML of a paragraph, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _fields(schema: Mapping[str, Any]) -> str:
    needed = schema.get("required", [])
    rows = []
    for name, about in schema.get("properties", {}).items():
        kind = about.get("x-kind", "file" if about.get("format") == "binary" else "text")
        default = "needed" if name in needed else html.escape(str(about.get("default", "")))
        rows.append(
            f"<tr><td><code>{html.escape(name)}</code></td><td>{kind}</td><td>{default}</td>"
            f"<td>{html.escape(about.get('description', ''))}</td></tr>"
        )
    return f"<table><tr><th>field</th><th>kind</th><th>default</th><th>what</th></tr>{''.join(rows)}</table>"


def _curl(method: str, path: str, schema: Mapping[str, Any]) -> str:
    files = {"source": "me.jpg", "target": "dancer.jpg", "picture": "me.jpg", "clip": "dance.mp4"}
    properties = schema.get("properties", {})
    given = [f"-F {name}=@{file}" for name, file in files.items() if name in properties]
    end = "-o result.png" if "transfer" in path else ""
    return f"curl -X {method.upper()} http://127.0.0.1:8000{path} {' '.join(given)} {end}".strip()


_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:0}main{max-width:60rem;margin:0 auto;padding:1rem}
section{border-top:1px solid #8886;margin-top:2rem}h2{font-size:1.15rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0;display:block;overflow-x:auto}
td,th{border:1px solid #8886;padding:.25rem .5rem;text-align:left;vertical-align:top}
pre{background:#8882;padding:.75rem;overflow-x:auto;white-space:pre-wrap}
"""
