"""The plain page for who is not let in: no script, no style, nothing but a sentence and the way back."""

from __future__ import annotations

from html import escape

from aiohttp import web

from web.oidc.model import Plain


def refusal(told: Plain, *, status: int, home: str, request_id: str) -> web.Response:
    """The page, in both languages; `home` leads back to the sign-in."""
    body = f"""<!doctype html>
<html lang="zh-CN">
<head><meta charset="utf-8"><title>95559 登录未成功</title></head>
<body>
<h1>登录未成功</h1>
<p id="why">{escape(told.zh)}。</p>
<p lang="en">Not signed in: {escape(told.en)}.</p>
<p><a href="{escape(home)}">返回登录页 Back to the sign-in</a></p>
<p><small>{escape(request_id)}</small></p>
</body>
</html>
"""
    headers = {"Cache-Control": "no-store"}
    return web.Response(text=body, status=status, content_type="text/html", headers=headers)
