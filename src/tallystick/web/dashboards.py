"""The dashboards: the pages that `ui/` builds, for customers and for admins, or a plain one that says how to get them."""

from functools import cache
from html import escape
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from tallystick.web import pay_page
from tallystick.web.door import door_of

BUILT = Path(__file__).with_name("_ui")
_FOREVER = "public, max-age=31536000, immutable"
_ABSENT = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Tallystick</title><h1>The dashboards are not in this installation</h1>
<p>The service itself runs: the <a href="docs">API</a> answers, and so does the shell (<code>tallystick --help</code>).
<p>To have the pages, install Node 20.19 or newer, run <code>make ui</code> in the source tree, and load this page again.
A wheel of Tallystick carries them ready-made: <code>pip install tallystick</code>.
<h2 lang="ja">この環境にはダッシュボードがありません</h2>
<p lang="ja">サービス自体は動いています。Node 20.19 以降を入れ、ソースの中で <code>make ui</code> を実行し、
このページを開き直してください。
"""


def add_to(app: FastAPI, built: Path = BUILT) -> None:
    """`/billing` for a customer, `/admin` for those who run the business; what they load is under `/ui`."""

    async def show(request: Request) -> Response:
        return _shown(request, built)

    for path in ("/billing", "/admin"):
        app.add_route(path, show, methods=["GET"], include_in_schema=False)
    app.mount("/ui", _Assets(directory=built / "ui", check_dir=False), name="ui")


class _Assets(StaticFiles):
    """Their names say what is in them, so a browser need never ask for one twice."""

    def file_response(self, full_path: object, stat_result: object, scope: Scope, status_code: int = 200) -> Response:
        response: Response = super().file_response(full_path, stat_result, scope, status_code)  # type: ignore[arg-type]
        if isinstance(response, FileResponse):
            response.headers["cache-control"] = _FOREVER
        return response


def _shown(request: Request, built: Path) -> Response:
    page = built / "index.html"
    if not page.exists():
        return HTMLResponse(_ABSENT)
    door = door_of(request)
    mode = "sandbox" if door.billing.sandbox is not None else "live" if door.settings.live else "test"
    language = pay_page.language_of(request.headers.get("accept-language", ""), None)
    text = _template(page, page.stat().st_mtime_ns)
    for name, value in {"mode": mode, "lang": language}.items():
        text = text.replace("{{" + name + "}}", escape(value))
    return HTMLResponse(text, headers={"Content-Language": language, "Vary": "Accept-Language"})


@cache
def _template(page: Path, _built_at: int) -> str:
    return page.read_text("utf-8")
