"""What every page shares: language, templates, and the words that a template may use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.edge import garage_of
from api.pages.words import (
    LANGUAGES,
    all_words,
    energy,
    field_word,
    money,
    plate_shown,
    refusals_told,
    say,
    state_word,
    waiting_time,
    why_told,
)

LANGUAGE_COOKIE = "language"

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters.update(money=money, energy=energy, plate=plate_shown)


def language_of(request: Request) -> str:
    """The remembered language, else the browser's, else Chinese."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    for part in request.headers.get("accept-language", "").split(","):
        tag = part.strip()[:2].lower()
        if tag in LANGUAGES:
            return tag
    return "zh"


def local_time(utc_ms: int | None, offset_minutes: int) -> str:
    """A moment on the site's clock."""
    if utc_ms is None:
        return "–"
    moment = datetime.fromtimestamp(utc_ms / 1000, UTC) + timedelta(minutes=offset_minutes)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def render(request: Request, name: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page or a part of one, in the caller's language."""
    language = language_of(request)
    site = garage_of(request).site
    html = _TEMPLATES.get_template(name).render(
        lang=language,
        lang_other="en" if language == "zh" else "zh",
        site_name=site.name,
        t=partial(say, language),
        state_word=partial(state_word, language),
        refusals_told=partial(refusals_told, language),
        why_told=partial(why_told, language),
        field_word=partial(field_word, language),
        waiting_time=partial(waiting_time, language),
        clock=lambda utc_ms: local_time(utc_ms, site.utc_offset_minutes),
        words=all_words(language),
        **context,
    )
    return HTMLResponse(html, status, headers={"Content-Language": "zh-CN" if language == "zh" else "en"})
