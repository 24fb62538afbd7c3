"""Events can be asked for, for thirty days; and the endpoints that are told of them."""

from tallystick.sandbox.call import EVENTS_KEPT_SECONDS, Call, merged, unset
from tallystick.sandbox.errors import Refusal, invalid
from tallystick.sandbox.lists import page
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
_ENDPOINTS_MAX = 16


@routes.add("GET", "/v1/events/{id}", "EventRetrieveParams")
def retrieve(call: Call) -> Doc:
    return call.get("event", call.ids[0])


@routes.add("GET", "/v1/events", "EventListParams")
def list_page(call: Call) -> Doc:
    one, several, delivered = call.params.get("type"), call.params.get("types"), call.params.get("delivery_success")
    if one and several:
        raise invalid("You may only specify one of these parameters: type, types.", param="types")
    wanted = several or ([one] if one else None)

    def is_wanted(doc: Doc) -> bool:
        return (
            doc["_at"] > call.wall - EVENTS_KEPT_SECONDS
            and (wanted is None or any(_matches(doc["type"], name) for name in wanted))
            and (delivered is None or delivered == (doc["pending_webhooks"] == 0))
        )

    by = ("type", wanted[0]) if wanted and len(wanted) == 1 and "*" not in wanted[0] else None
    return page(call, "event", by=by, where=is_wanted)


@routes.add("POST", "/v1/webhook_endpoints", "WebhookEndpointCreateParams")
def create_endpoint(call: Call) -> Doc:
    """The signing secret is told now, and never again."""
    params = call.params
    _check_url(params["url"])
    if not params["enabled_events"]:
        raise invalid("You must enable at least one event.", param="enabled_events")
    if len(call.list("webhook_endpoint")) >= _ENDPOINTS_MAX:
        raise invalid(f"You have reached the maximum of {_ENDPOINTS_MAX} test webhook endpoints.")
    doc = call.create(
        "webhook_endpoint", api_version=params.get("api_version"), description=unset(params.get("description")),
        enabled_events=params["enabled_events"], metadata=merged({}, params.get("metadata", {})), status="enabled",
        url=params["url"],
        _secret="whsec_" + call.text(32),
    )  # fmt: skip
    return {**doc, "secret": doc["_secret"]}


@routes.add("POST", "/v1/webhook_endpoints/{id}", "WebhookEndpointUpdateParams")
def update_endpoint(call: Call) -> Doc:
    doc, params = call.get("webhook_endpoint", call.ids[0]), call.params
    changes: Doc = {name: unset(params[name]) for name in ("description", "enabled_events", "url") if name in params}
    if "url" in changes:
        _check_url(changes["url"])
    if "disabled" in params:
        changes["status"] = "disabled" if params["disabled"] else "enabled"
    if "metadata" in params:
        changes["metadata"] = merged(doc["metadata"], params["metadata"])
    return call.update(doc, **changes)


@routes.add("DELETE", "/v1/webhook_endpoints/{id}", "WebhookEndpointDeleteParams")
def delete_endpoint(call: Call) -> Doc:
    return call.remove(call.get("webhook_endpoint", call.ids[0]))


routes.readable("webhook_endpoint", "/v1/webhook_endpoints", "WebhookEndpoint")


def _matches(event: str, pattern: str) -> bool:
    return event == pattern or (pattern.endswith(".*") and event.startswith(pattern[:-1]))


def _check_url(url: str) -> None:
    if not url.startswith(("http://", "https://")) or len(url) < 10:
        raise _bad_url(url)


def _bad_url(url: str) -> Refusal:
    return invalid(f"Invalid URL: {url}. An explicit scheme (such as https) must be provided.", param="url", code="url_invalid")
