"""A page of the provider's to which a customer is sent for one thing, and from which they come back to the host's own."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """Where it leads back to: with the thing done, and without. The same two addresses are the same page, while it is open."""

    success_url: str
    cancel_url: str
