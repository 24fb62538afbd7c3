"""What must hold of everything that is stored, each written once: for `verify`, for tests, and for the simulator."""

from tallystick.storage.invariants import (
    books,
    credit_notes,
    credits,
    disputes,
    dunning,
    fees,
    lines,
    lowered,
    payments,
    quotas,
    trail,
    usage,
)
from tallystick.storage.invariants.finding import Finding, Invariant, Violation

__all__ = ["INVARIANTS", "Finding", "Invariant", "Violation"]

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(2, "once", "an event of one customer, source and id is stored once", usage.once),
    Invariant(5, "exact input", "what is stored is what was sent, within its bounds", usage.exact_input),
    Invariant(6, "complete and disjoint", "each event before the billing position is billed, in one period", lines.complete),
    Invariant(7, "derivable", "every rollup is what the events that count come to", usage.derivable),
    Invariant(8, "tiling", "the periods of a charge meet, without gap or overlap", lines.tiling),
    Invariant(8, "periods", "the periods of a subscription meet", fees.tiling),
    Invariant(10, "amendments", "what was amended was recorded, and so was what counts in its place", usage.amended),
    Invariant(11, "one rounding", "each line is its price over its quantity, rounded once", lines.rated_as_stored),
    Invariant(11, "fees", "each fee is its price for its part of a period, rounded once", fees.rated),
    Invariant(11, "usage given back", "of usage that was less than billed goes back what was asked for it", lowered.given_back),
    Invariant(12, "sums", "invoices and transactions add up", books.sums),
    Invariant(12, "discounts", "discounts are shared out over their lines, and leave none below zero", credits.discounted),
    Invariant(12, "balances", "each account holds what invoices and payments say", books.balances),
    Invariant(12, "carried", "what one invoice leaves over, the next one takes up", books.carried),
    Invariant(
        12, "credit notes", "credit notes take no more off an invoice than it asks for, and are booked once", credit_notes.noted
    ),
    Invariant(14, "bounds", "nothing is collected below the provider's minimum, or owed below zero", books.bounds),
    Invariant(14, "credit", "what remains of a grant is what was granted and moved, and what the books hold", credits.held),
    Invariant(14, "credit burned", "an invoice burned what it says, and gives it back when it is void", credits.burned),
    Invariant(15, "redemptions", "a coupon is redeemed and used up as often as it may be", credits.redeemed),
    Invariant(
        14,
        "refunds",
        "no more goes back than was paid, once for each credit note, and booked as it ended",
        credit_notes.given_back,
    ),
    Invariant(14, "disputes", "what banks have taken back of payments has left the cash, and nothing else has", disputes.booked),
    Invariant(15, "quota", "used and reserved are what the operations come to, and within every hard limit", quotas.within),
    Invariant(15, "quota is billed", "what was taken from a quota is recorded as usage, once", quotas.recorded),
    Invariant(17, "reservations end", "no reservation is without its end", quotas.ending),
    Invariant(19, "one line", "one line per customer, charge, period and part", lines.one_line),
    Invariant(19, "no time twice", "no time is asked for twice of one charge", fees.once),
    Invariant(26, "going on", "every subscription waits for what comes next", fees.going_on),
    Invariant(20, "final is final", "an invoice is in the state that its trail led to", books.final),
    Invariant(20, "gapless", "invoice numbers run from 1 without a gap", books.gapless),
    Invariant(20, "gapless notes", "credit note numbers run from 1 without a gap", books.gapless_notes),
    Invariant(22, "one payment", "one live payment per invoice, for its total less its credit notes", payments.one_payment),
    Invariant(22, "tried in time", "no further attempt to collect comes before its time, or beside another one", dunning.in_time),
    Invariant(22, "tries are counted", "every failure is dunned for, and no try is made that is not counted", dunning.counted),
    Invariant(22, "what is settled is not dunned for", "a paid or voided invoice is asked for no more", dunning.settled),
    Invariant(22, "booked once", "a payment is booked when it succeeds, and once", payments.booked_once),
    Invariant(28, "one mode", "nothing of another mode is kept", payments.one_mode),
    Invariant(29, "settled", "news is settled with its effect, or waits with its job", payments.settled),
    Invariant(30, "monotonic", "what was paid stays paid", payments.monotonic),
    Invariant(42, "tamper-evident", "the audit trail is whole, hash by hash", trail.chained),
    Invariant(43, "explained", "each minor unit traces to events, a price and one rounding", lines.explained),
)
