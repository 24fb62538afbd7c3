"""Open the provider's portal, in which a customer manages their payment methods."""

from tallystick.flows import _customer_ref
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, PortalOutcome, Refused, Unknown
from tallystick.values.errors import ProviderRefused, ProviderUnavailable
from tallystick.values.ids import CustomerId


def open_portal(ctx: Context, customer_id: CustomerId, *, return_url: str) -> str:
    """The address, for one visit that begins now: it is not kept, and each call makes another.

    Raises ProviderUnavailable where the provider does not answer.
    """
    outcome = _ask(ctx, customer_id, return_url)
    match outcome:
        case str():
            return outcome
        case Refused(code, message, unheard=False):
            raise ProviderRefused(f"the provider does not open its portal: {code}: {message}")
        case Limited() | Unknown() | Refused():
            raise ProviderUnavailable("the provider did not open its portal; try again")


def _ask(ctx: Context, customer_id: CustomerId, return_url: str) -> PortalOutcome:
    ref = _customer_ref.of(ctx, customer_id)
    # A key of its own for each visit: under an old one the provider repeats an address that has been used up.
    return ctx.provider.open_portal(ref, return_url=return_url, key=ctx.ids.new("portal")) if isinstance(ref, str) else ref
