"""Thin events, of version 2, which say only that something happened; and where they are sent."""

from datetime import UTC, datetime

from tallystick.sandbox.call import Call, listens, merged
from tallystick.sandbox.errors import invalid
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
_KIND, _URL = "v2.core.event_destination", "/v2/core/event_destinations"
_EVENT = "v2.core.event"


@routes.add("POST", _URL, "v2.core.EventDestinationCreateParams")
def create(call: Call) -> Doc:
    """The signing secret is told now, to who asks for it, and never again."""
    params = call.params
    if params["event_payload"] != "thin" or params["type"] != "webhook_endpoint" or "webhook_endpoint" not in params:
        raise invalid("The sandbox sends thin events to webhook endpoints only; see its README.", param="type")
    now = rfc3339(call.now)
    doc = call.create(
        _KIND, created=now, updated=now, name=params["name"], description=params.get("description", ""), status="enabled",
        enabled_events=params["enabled_events"], event_payload="thin", events_from=["@self"], type="webhook_endpoint",
        metadata=merged({}, params.get("metadata", {})), _url=params["webhook_endpoint"]["url"],
        _secret="whsec_" + call.text(32),
    )  # fmt: skip
    return _shown(call, doc, signing_secret=doc["_secret"])


@routes.add("GET", _URL, "v2.core.EventDestinationListParams")
def list_page(call: Call) -> Doc:
    return {"data": [_shown(call, doc) for doc in call.list(_KIND)[::-1]], "next_page_url": None, "previous_page_url": None}


@routes.add("GET", _URL + "/{id}", "v2.core.EventDestinationRetrieveParams")
def retrieve(call: Call) -> Doc:
    return _shown(call, call.get(_KIND, call.ids[0]))


@routes.add("DELETE", _URL + "/{id}", "v2.core.EventDestinationDeleteParams")
def delete(call: Call) -> Doc:
    doc = call.get(_KIND, call.ids[0])
    call.state.delete(_KIND, doc["id"])
    return {"id": doc["id"], "object": _KIND}


@routes.add("GET", "/v2/core/events/{id}", "v2.core.EventRetrieveParams")
def retrieve_event(call: Call) -> Doc:
    return call.get(_EVENT, call.ids[0])


def _shown(call: Call, doc: Doc, *, signing_secret: str | None = None) -> Doc:
    """With as much of where it leads to as is asked for."""
    there = {"signing_secret": signing_secret, "url": doc["_url"]}
    asked = {name.removeprefix("webhook_endpoint.") for name in call.params.get("include", [])}
    leads = {"webhook_endpoint": {name: value if name in asked else None for name, value in there.items()}}
    return doc | leads if asked else doc


def emit(call: Call, event: str, data: Doc, related: Doc | None = None) -> None:
    """Writes the event, and one delivery for each destination that listens to it; what is in it is told to who asks."""
    doc = call.create(_EVENT, created=rfc3339(call.now), type=event, data=data, reason=None)
    if related is not None:
        doc = call.update(doc, related_object=related)
    for destination in call.list(_KIND):
        if destination["status"] == "enabled" and listens(destination, event):
            call.deliver(doc, destination)


def notification(event: Doc) -> Doc:
    """What is delivered of it."""
    return {name: value for name, value in event.items() if name not in {"data", "changes"}}


def rfc3339(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
