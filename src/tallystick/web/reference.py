"""`/docs`: the OpenAPI document as one plain page, without scripts and without asking anybody else."""

from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

_STYLE = """:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:14px/1.4 ui-monospace,monospace}pre{overflow:auto;padding:1rem;border:1px solid #8886;border-radius:8px}
details{border-top:1px solid #8884;padding:.5rem 0}summary{cursor:pointer}summary b{display:inline-block;min-width:4.5rem}
small{opacity:.75}table{border-collapse:collapse}td{padding:.2rem 1rem .2rem 0;vertical-align:top}"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


async def reference_page(request: Request) -> Response:
    """Every address by noun: what it is for, which scope it needs, what it takes."""
    document = request.app.openapi()
    nouns: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            nouns.setdefault(operation["tags"][0], []).append(_operation(method, path, operation))
    body = "".join(f"<h2>{escape(noun)}</h2>{''.join(listed)}" for noun, listed in nouns.items())
    about = "".join(f"<p>{escape(part)}</p>" for part in document["info"]["description"].split("\n\n"))
    root = escape(request.scope.get("root_path", ""))
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Tallystick API</title><style>{_STYLE}</style><h1>Tallystick API {escape(document['info']['version'])}</h1>"
        f'{about}<p>For programs: <a href="{root}/openapi.json">openapi.json</a></p>{body}</html>'
    )
    return HTMLResponse(page, headers=_HEADERS)


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(given['name'])}</code><td>{escape(given['in'])}{'' if given['required'] else ', optional'}"
        f"<td>{escape(given.get('description', ''))}"
        for given in operation.get("parameters", [])
    )
    bodies = ", ".join(operation.get("requestBody", {}).get("content", {}))
    sent = f"<p>Body: <code>{escape(bodies)}</code></p>" if bodies else ""
    return (
        f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code> {escape(operation.get('summary', ''))} "
        f"<small>{escape(operation['x-policy'])}</small></summary><p>{escape(operation.get('description', ''))}</p>"
        f"{sent}<table>{rows}</table></details>"
    )
