"""The customer portal: what it may show, and short-lived sessions of it. Of its features, those about cards and invoices."""

from typing import Any

from tallystick.sandbox.call import Call, merged, unset
from tallystick.sandbox.errors import conflict, invalid
from tallystick.sandbox.lists import page
from tallystick.sandbox.objects.addresses import check_url
from tallystick.sandbox.objects.uncovered import refuse_uncovered
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
_CONFIGURATION, _CONFIGURATIONS = "billing_portal.configuration", "/v1/billing_portal/configurations"
_SESSION = "billing_portal.session"
UNUSED_SECONDS = 5 * 60  # how long a session's address is good for before it is first opened
IDLE_SECONDS = 3600  # and afterwards, from one use to the next
_PAUSE: Doc = {"type": "interval_options", "interval_options": [{"interval": "month", "interval_count": 1}]}
_COVERED_FEATURES = frozenset({"invoice_history", "payment_method_update"})


@routes.add("POST", _CONFIGURATIONS, "billing_portal.ConfigurationCreateParams")
def create_configuration(call: Call) -> Doc:
    if not call.params["features"]:
        raise invalid("Missing required param: features.", param="features", code="parameter_missing")
    doc = call.new(_CONFIGURATION, active=True, is_default=False, updated=call.now, metadata={})
    doc["features"] = {**doc["features"], "subscription_pause": {"enabled": False, "duration": _PAUSE}}
    return call.save({**doc, **_changes(call, doc)}, "billing_portal.configuration.created")


@routes.add("POST", _CONFIGURATIONS + "/{id}", "billing_portal.ConfigurationUpdateParams")
def update_configuration(call: Call) -> Doc:
    doc = call.get(_CONFIGURATION, call.ids[0])
    return call.update(doc, "billing_portal.configuration.updated", updated=call.now, **_changes(call, doc))


@routes.add("GET", _CONFIGURATIONS + "/{id}", "billing_portal.ConfigurationRetrieveParams")
def retrieve_configuration(call: Call) -> Doc:
    return call.get(_CONFIGURATION, call.ids[0])


@routes.add("GET", _CONFIGURATIONS, "billing_portal.ConfigurationListParams")
def list_configurations(call: Call) -> Doc:
    wanted = [(name, call.params[name]) for name in ("active", "is_default") if name in call.params]
    return page(call, _CONFIGURATION, where=lambda doc: all(doc[name] == value for name, value in wanted))


@routes.add("POST", "/v1/billing_portal/sessions", "billing_portal.SessionCreateParams")
def create_session(call: Call) -> Doc:
    params = call.params
    refuse_uncovered(params, ("after_expiration", "customer_account", "flow_data", "on_behalf_of"))
    if not params.get("customer"):
        raise invalid("Missing required param: customer.", param="customer", code="parameter_missing")
    customer = call.get("customer", params["customer"], param="customer")
    configuration = _configuration(call, params.get("configuration"))
    if "return_url" in params:
        check_url(params["return_url"], "return_url")
    session = call.new(
        _SESSION, customer=customer["id"], configuration=configuration["id"], locale=params.get("locale"),
        return_url=params.get("return_url") or configuration["default_return_url"], _token=call.text(40),
        _until=call.wall + UNUSED_SECONDS,
    )  # fmt: skip
    session["url"] = f"{call.public_url}/sandbox/portal/{session['_token']}"
    return call.save(session, "billing_portal.session.created")


def _configuration(call: Call, identifier: str | None) -> Doc:
    if identifier is None:
        raise invalid(
            "No configuration provided and your test mode default configuration has not been created. Provide a configuration "
            "or create your default by saving your customer portal settings in test mode."
        )
    doc = call.get(_CONFIGURATION, identifier, param="configuration")
    if not doc["active"]:
        raise conflict(f"The configuration {identifier} is not active, and cannot be used.", param="configuration")
    return doc


def _changes(call: Call, doc: Doc) -> Doc:
    params = call.params
    changes: Doc = {name: params[name] for name in ("active",) if name in params}
    changes |= {name: unset(params[name]) for name in ("default_return_url", "name") if name in params}
    if changes.get("default_return_url"):
        check_url(changes["default_return_url"], "default_return_url")
    if params.get("login_page", {}).get("enabled"):
        raise invalid("The sandbox does not cover the portal's login page; see its README.", param="login_page[enabled]")
    if "business_profile" in params:
        given = {name: unset(value) for name, value in params["business_profile"].items()}
        changes["business_profile"] = {**doc["business_profile"], **given}
    if "metadata" in params:
        changes["metadata"] = merged(doc["metadata"], params["metadata"])
    if "features" in params:
        changes["features"] = {**doc["features"], **_features(doc["features"], params["features"])}
    return changes


def _features(old: Doc, given: Doc) -> Doc:
    changes: dict[str, Any] = {}
    for name, feature in given.items():
        if name not in _COVERED_FEATURES and feature.get("enabled"):
            raise invalid(f"The sandbox does not cover the portal's {name}; see its README.", param=f"features[{name}][enabled]")
        known = old[name].keys() & feature.keys()
        changes[name] = {**old[name], **{part: unset(feature[part]) for part in sorted(known)}}
    return changes
