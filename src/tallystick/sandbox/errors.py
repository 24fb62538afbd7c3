"""Stripe's refusals: the envelope, the codes, and whether an idempotency key remembers them."""

from typing import Any

from tallystick.sandbox.state import Doc

DOCS = "https://stripe.com/docs/error-codes/"


class Refusal(Exception):
    """An error answer. `stored` says whether it is what the idempotency key replays: declines are, wrong parameters are not."""

    def __init__(self, status: int, error: Doc, *, stored: bool = False, headers: dict[str, str] | None = None) -> None:
        super().__init__(error.get("message", ""))
        self.status, self.stored, self.headers = status, stored, headers or {}
        self.error = {name: value for name, value in error.items() if value is not None}
        if "code" in self.error and self.error["code"] not in _WITHOUT_PAGE:
            self.error.setdefault("doc_url", DOCS + self.error["code"].replace("_", "-"))


_WITHOUT_PAGE = {"idempotency_key_in_use"}


def invalid(message: str, *, param: str | None = None, code: str | None = None, **more: Any) -> Refusal:
    """400 before anything was done: not remembered by the key."""
    return Refusal(400, {"type": "invalid_request_error", "message": message, "param": param, "code": code, **more})


def conflict(message: str, *, param: str | None = None, code: str | None = None, **more: Any) -> Refusal:
    """400 because the object is in another state: remembered by the key, as the endpoint had begun."""
    return Refusal(400, {"type": "invalid_request_error", "message": message, "param": param, "code": code, **more}, stored=True)


def missing(kind: str, identifier: str, *, param: str = "id", status: int = 404) -> Refusal:
    """404 where the path names it; 400 where a parameter does."""
    nouns = {
        "billing_portal.configuration": "configuration",
        "payment_method": "PaymentMethod",
        "test_helpers.test_clock": "test clock",
    }
    noun = nouns.get(kind, kind.replace("_", ""))
    error = {
        "type": "invalid_request_error",
        "code": "resource_missing",
        "message": f"No such {noun}: '{identifier}'",
        "param": param,
    }
    return Refusal(status, error)


def unauthenticated(message: str) -> Refusal:
    return Refusal(
        401, {"type": "invalid_request_error", "message": message}, headers={"WWW-Authenticate": 'Basic realm="Stripe"'}
    )


def forbidden(message: str) -> Refusal:
    return Refusal(403, {"type": "invalid_request_error", "message": message})


def broken() -> Refusal:
    """500. The key remembers it, whatever was done."""
    return Refusal(500, {"type": "api_error", "message": "Something went wrong on Stripe's end. (A planted fault.)"}, stored=True)
