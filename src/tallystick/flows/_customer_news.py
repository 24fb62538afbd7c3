"""What follows when the provider's customer is no longer as it was: it becomes known here, or is known no longer."""

from sqlalchemy import Connection

from tallystick import storage
from tallystick.domain.customers import Customer, ProviderCustomer
from tallystick.domain.payments import CustomerChanged, MethodsChanged, Payment
from tallystick.domain.withdrawals import Why, Withdrawal
from tallystick.flows import _dunning, _news, _settlement, _unpayable
from tallystick.flows._news import News, Result
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refused, Unknown
from tallystick.storage.provider_events import Settlement


def follow(ctx: Context, news: News, fact: CustomerChanged) -> Result:
    """Asked about only where something may follow: of names and addresses ours count, and none of the provider's are kept."""
    with ctx.database.reading() as conn:
        known = storage.customers.of_provider_ref(conn, fact.ref)
        named = None if fact.customer_id is None else storage.customers.get(conn, fact.customer_id)
    if known is not None and not fact.gone:
        _look_for_card(ctx, known)
        return _news.mark(ctx, news, Settlement.SETTLED, f"{known.id} is known; what we call them is what counts")
    if known is None and (named is None or named.provider_ref is not None):
        return _news.mark(ctx, news, Settlement.IGNORED, _stranger(fact, named))
    told = ctx.provider.fetch_customer(fact.ref)
    if isinstance(told, Refused | Limited | Unknown):
        return _news.no_answer(ctx, news, told)
    stranded = _stranded(ctx, known) if told.gone and known is not None else []
    if any(payment.charging for payment in stranded):
        return news.wait  # what becomes of that has to be known first
    canceled = [moved for payment in stranded if (moved := _canceled(ctx, payment)) is not None]
    with ctx.database.transaction("news of customer") as conn:
        for before, after in canceled:  # first, as where one is voided; what has just moved is left as it is
            _settlement.save(ctx, conn, before, after, via=news.via)
        return _news.noted(ctx, conn, news, *_learn(ctx, conn, told))


def _stranded(ctx: Context, known: Customer) -> list[Payment]:
    with ctx.database.reading() as conn:
        return storage.payments.waiting(conn, known.id)


def _canceled(ctx: Context, payment: Payment) -> tuple[Payment, Payment] | None:
    """Nobody can pay any more what was asked of a customer who is gone there; with it canceled, another one asks for as much."""
    before = _unpayable.withdrawn(ctx, payment, Withdrawal(Why.GONE, actor="provider"))
    return None if before is None else (before, _unpayable.canceled(ctx, before))


def methods(ctx: Context, news: News, fact: MethodsChanged) -> Result:
    """Nothing of a payment method is kept here: whoever charges asks for it then."""
    with ctx.database.reading() as conn:
        known = storage.customers.of_provider_ref(conn, fact.customer_ref)
    if known is None:
        return _news.mark(ctx, news, Settlement.IGNORED, f"{fact.customer_ref} is no customer of ours")
    _look_for_card(ctx, known)
    return _news.mark(ctx, news, Settlement.SETTLED, f"of {known.id}: asked for when it is charged")


def _look_for_card(ctx: Context, known: Customer) -> None:
    """Who owes something may have saved a card that pays it; which one is charged now is asked by a job of its own."""
    with ctx.database.transaction("news of card") as conn:
        if _dunning.look_for_card(ctx, conn, known.id):
            ctx.faults.mark("customer.looked_for_card")


def _learn(ctx: Context, conn: Connection, told: ProviderCustomer) -> tuple[Settlement, str | None]:
    known = storage.customers.of_provider_ref(conn, told.ref)
    if told.gone and known is not None:
        storage.customers.forget_provider_ref(conn, known.id, told.ref)
        _audit(ctx, conn, "customer.lost_at_provider", known, told.ref)
        ctx.faults.mark("customer.lost")
        return Settlement.SETTLED, f"{known.id} is made there anew when it is next asked for money"
    named = None if told.customer_id is None else storage.customers.get(conn, told.customer_id)
    if told.gone or known is not None or named is None:
        return Settlement.IGNORED, "nothing follows from it any more"
    stands = storage.customers.set_provider_ref(conn, named.id, told.ref)
    if stands != told.ref:
        return Settlement.IGNORED, f"{named.id} is {stands} there, and not {told.ref}"
    _audit(ctx, conn, "customer.adopted", named, told.ref)
    ctx.faults.mark("customer.adopted")
    return Settlement.SETTLED, None


def _stranger(fact: CustomerChanged, named: Customer | None) -> str:
    if named is not None:
        return f"{named.id} is {named.provider_ref} there, and not {fact.ref}"
    return f"{fact.ref} is no customer of ours"


def _audit(ctx: Context, conn: Connection, action: str, customer: Customer, ref: str) -> None:
    storage.audit.append(conn, storage.audit.Act("provider", action, customer.id, after={"ref": ref}), at=ctx.clock.now())
