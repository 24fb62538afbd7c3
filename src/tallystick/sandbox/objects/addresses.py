"""Where a browser may be sent: an address as the caller gave it, and nothing that only looks like one."""

from urllib.parse import urlsplit

from tallystick.sandbox.errors import Refusal, invalid

LENGTH_MAX = 2048


def check_url(url: str, param: str) -> None:
    """Raises unless it is an absolute http or https address that fits into one header line."""
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > LENGTH_MAX:
        raise _not_valid(param)
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_whole = False
    if not is_whole:
        raise _not_valid(param)


def _not_valid(param: str) -> Refusal:
    message = (
        "Not a valid URL. An absolute one is needed, with its scheme (http or https), in ASCII, of at most 2,048 characters."
    )
    return invalid(message, param=param, code="url_invalid")
