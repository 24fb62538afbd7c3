"""What goes wrong in one seed, and how often: every kind of fault is off, low or high, and some paths of recovery are closed."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

# Of our own world: per seam point, per step, per delivery. The sandbox has its own kinds, which begin below them.
OURS: Mapping[str, tuple[float, float]] = {
    "crash": (0.004, 0.025),
    "pause": (0.01, 0.06),
    "busy": (0.005, 0.04),
    "clock_step": (0.1, 0.5),
    "forged": (0.05, 0.3),
    "old_secret": (0.1, 0.5),
    "receiver_down": (0.5, 1.0),
    "outage": (0.5, 1.0),
    "long_outage": (0.3, 0.6),
    "reboot": (0.1, 0.4),
    "void": (0.1, 0.4),
    "price_change": (0.05, 0.2),
    "resend": (0.1, 0.4),
    "conflict": (0.05, 0.2),
    "late": (0.1, 0.35),
    "before_all": (0.02, 0.1),
    "out_of_range": (0.02, 0.1),
}
STRIPES: Mapping[str, tuple[float, float]] = {
    "lost_request": (0.03, 0.15),
    "lost_reply": (0.03, 0.2),
    "timeout_after_success": (0.03, 0.2),
    "rate_limited": (0.03, 0.15),
    "lock_timeout": (0.02, 0.1),
    "idempotency_key_in_use": (0.02, 0.1),
    "stored_500": (0.03, 0.15),
    "webhook_duplicate": (0.1, 0.5),
    "webhook_reorder": (0.2, 0.8),
    "webhook_delay": (0.1, 0.5),
    "webhook_drop": (0.05, 0.5),
}
# Drawn apart, so that the weather of a seed is what it was before there were any.
CREDITS: dict[str, tuple[float, float]] = {"credit": (0.15, 0.5)}
# In one world of five the provider counts usage too; in one of four of those, with 2, its answers never come in a storm.
EXPORTS: dict[str, tuple[float, ...]] = {"export": (*(0.0,) * 16, 1.0, 1.0, 1.0, 2.0)}
# Likewise: what happens at the provider without us, and three days in which none of its news arrives.
PROVIDERS: dict[str, tuple[float, float]] = {"elsewhere": (0.2, 0.6), "deaf": (0.5, 1.0)}
# Each in few worlds: hours in which the provider answers nothing but 429; a plan that it bills; invoices that are mailed;
# charges that somebody must let go; customers who are sent to its pages.
SOMETIMES: dict[str, tuple[float, ...]] = {
    "limit_storm": (0.0, 0.0, 0.0, 1.0),
    "followed": (*(0.0,) * 5, 1.0),
    "mail": (*(0.0,) * 7, 1.0),
    "bounded": (*(0.0,) * 7, 1.0),
    "paged": (0.0, 0.0, 0.0, 1.0),
}
MAIL = ("mail_refused", "mail_reply_lost")
KINDS = (*OURS, *STRIPES, *CREDITS, *PROVIDERS, "limit_storm", *MAIL)
INLINE, RETRY, WEBHOOK, SWEEP = "inline answer", "retry job", "webhook", "sweep"
PATHS = (INLINE, RETRY, WEBHOOK, SWEEP)


@dataclass(frozen=True)
class Weather:
    """`closed` are the paths by which the engine may not learn what happened in this seed; the others must be enough."""

    seed: int
    days: float
    rates: Mapping[str, float] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()

    def __getitem__(self, kind: str) -> float:
        return self.rates.get(kind, 0.0)

    def __str__(self) -> str:
        rates = ", ".join(f"{kind} {rate:g}" for kind, rate in sorted(self.rates.items()))
        closed = f"; closed: {', '.join(sorted(self.closed))}" if self.closed else ""
        return f"seed {self.seed}, {self.days:g} days: {rates or 'calm'}{closed}"


def of_seed(seed: int) -> Weather:
    """The weather of that seed: always the same."""
    chance = random.Random(f"weather:{seed}")
    rates = {}
    for kind in (*OURS, *STRIPES):
        low, high = OURS.get(kind) or STRIPES[kind]
        level = chance.choices(("off", "low", "high"), (5, 3, 2))[0]
        if level != "off":
            rates[kind] = high if level == "high" else low
    for kind, (low, high) in (CREDITS | PROVIDERS).items():
        rates[kind] = random.Random(f"{kind}:{seed}").choice((0.0, low, high))
    for kind, levels in (EXPORTS | SOMETIMES).items():
        rates[kind] = random.Random(f"{kind}:{seed}").choice(levels)
    closed = _closed(chance)
    if SWEEP in closed:  # then every piece of news must come, though late, twice and out of order
        rates.pop("webhook_drop", None)
        rates.pop("receiver_down", None)
        rates.pop("deaf", None)
    return Weather(seed, chance.choice((1.0, 2.0, 4.0)), rates, closed)


def _closed(chance: random.Random) -> frozenset[str]:
    """A customer pays at the provider: so news must come, or we must ask. A retry that is lost must be found by the sweep."""
    closed = {path for path in (INLINE, RETRY) if chance.random() < 0.15}
    both = [path for path in (WEBHOOK, SWEEP) if chance.random() < 0.25]
    closed.update(both[:1])
    if RETRY in closed:
        closed.discard(SWEEP)
    return frozenset(closed)
