"""The payment methods that a customer has saved at the provider: nothing of them is kept here, they are asked for when needed."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SavedMethod:
    """What may be shown of one. `is_default`: it is charged unless an invoice or a subscription names another one."""

    ref: str
    kind: str
    is_default: bool
    brand: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None


@dataclass(frozen=True, slots=True)
class Saving:
    """A payment method is about to be saved in the customer's browser, which alone is given the secret."""

    ref: str
    client_secret: str = field(repr=False)
