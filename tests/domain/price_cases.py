"""Prices and quantities at random, drawn to where mistakes live: tier edges, halves of a cent, zero, and the very large."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

Document = dict[str, Any]
MODELS = (
    "flat per_unit graduated volume package stairstep percentage graduated_percentage dynamic graduated volume percentage".split()
)
AMOUNTS = ("0", "0.005", "0.01", "0.015", "0.0049", "0.1", "0.25", "1", "1.5", "2.675", "99", "0.0000001", "1234567.891")
WHOLES = ("1", "2", "3", "5", "7", "10", "100", "1000", "1024", "0.5", "0.1", "33.3")
PERCENTS = ("0", "1", "1.3", "2.9", "10", "33.333", "50", "100")


@dataclass(frozen=True)
class Case:
    """A price document, and what it is asked for: a quantity, or single amounts."""

    document: Document
    quantity: str | None
    events: list[str] | None


def random_case(rng: Random) -> Case:
    return random_cases(rng, 1)[0]


def random_cases(rng: Random, count: int) -> list[Case]:
    """One price, asked `count` times: for quantities that ascend, or for more and more of the events of a period."""
    document = random_document(rng)
    edges = _edges_of(document)
    if document["model"] in ("percentage", "dynamic"):
        events = [random_quantity(rng, edges) for _ in range(rng.choice((0, 1, 2, 3, 5, 8)))]
        ends = [*sorted(rng.randrange(len(events) + 1) for _ in range(count - 1)), len(events)]
        return [Case(document, None, events[:end]) for end in ends]
    quantities = sorted((random_quantity(rng, edges) for _ in range(count)), key=Decimal)
    return [Case(document, quantity, None) for quantity in quantities]


def _edges_of(document: Document) -> list[str]:
    """Where something ends: each tier, with what is included and without, and what is free."""
    ends = [Decimal(tier["up_to"]) for tier in document.get("tiers", []) if tier["up_to"] is not None]
    included, free = Decimal(document.get("included", 0)), Decimal(document.get("free_amount", 10))
    return [str(end) for end in (*ends, *(end + included for end in (*ends, free)), included)]


def random_document(rng: Random) -> Document:
    model = rng.choice(MODELS)
    document: Document = {"currency": rng.choice(("usd", "usd", "jpy", "kwd", "isk")), "model": model}
    document |= globals()[f"_{model}"](rng)
    if model in ("graduated", "volume", "stairstep", "graduated_percentage") and rng.random() < 0.3:
        document["zero_usage_flat"] = True
    if rng.random() < 0.25:
        document["included"] = rng.choice(("0", "1", "5", "10", "2.5", "1000"))
    if rng.random() < 0.25:
        document["discount_percent"] = rng.choice(PERCENTS)
    if rng.random() < 0.2:
        document["maximum_amount"] = rng.choice(("0", "1", "10", "99.995", "5000"))
    if rng.random() < 0.2:
        document["minimum_amount"] = rng.choice(("0", "1", "9.995", "100"))
    if rng.random() < 0.2:
        by = rng.choice(("divide_by", "multiply_by"))
        document["convert"] = {by: rng.choice(WHOLES), "round": rng.choice(("up", "down", "none"))}
    return document


def random_quantity(rng: Random, edges: list[str]) -> str:
    kind = rng.randrange(8)
    if kind == 0:
        return "0"
    if kind <= 3:
        return _beside(rng, rng.choice(edges))
    if kind == 4:
        return str(rng.randrange(1, 30))
    if kind == 5:
        return f"{rng.randrange(0, 3000)}.{rng.randrange(0, 1000):03}"
    if kind == 6:
        return f"{rng.randrange(10**30, 10**36)}"
    return f"0.{rng.randrange(1, 10**9):09}"


def _beside(rng: Random, edge: str) -> str:
    """The edge, or just below or above it: where `up_to` is inclusive or is not."""
    whole, _, places = edge.partition(".")
    scaled = int(whole + (places + "000000")[:6]) + rng.choice((-1_000_000, -1, 0, 0, 1, 1_000_000))
    scaled = max(scaled, 0)
    return f"{scaled // 10**6}.{scaled % 10**6:06}"


def _amount(rng: Random) -> str:
    return rng.choice(AMOUNTS) if rng.random() < 0.8 else f"{rng.randrange(0, 100)}.{rng.randrange(0, 10**6):06}"


def _edges(rng: Random) -> list[str | None]:
    count = rng.choice((0, 1, 2, 4))
    found = sorted({rng.choice((1, 2, 5, 10, 15, 100, 1000, rng.randrange(1, 2000))) for _ in range(count)})
    half = ".5" if rng.random() < 0.1 else ""
    return [*(f"{edge}{half}" for edge in found), None]


def _flat(rng: Random) -> Document:
    return {"amount": _amount(rng)}


def _per_unit(rng: Random) -> Document:
    return {"unit_amount": _amount(rng)}


def _graduated(rng: Random) -> Document:
    return {"tiers": [_tier(rng, edge) for edge in _edges(rng)]}


_volume = _graduated


def _tier(rng: Random, edge: str | None) -> Document:
    tier: Document = {"up_to": edge, "unit_amount": _amount(rng)}
    if rng.random() < 0.4:
        tier["flat_amount"] = _amount(rng)
    if rng.random() < 0.2:
        tier["package_size"] = rng.choice(WHOLES)
    if rng.random() < 0.15:
        tier["maximum_amount"] = _amount(rng)
    return tier


def _package(rng: Random) -> Document:
    return {"package_size": rng.choice(WHOLES), "package_amount": _amount(rng), "round": rng.choice(("up", "down", None))}


def _stairstep(rng: Random) -> Document:
    return {"tiers": [{"up_to": edge, "flat_amount": _amount(rng)} for edge in _edges(rng)]}


def _graduated_percentage(rng: Random) -> Document:
    tiers = [{"up_to": edge, "rate_percent": rng.choice(PERCENTS), "flat_amount": _amount(rng)} for edge in _edges(rng)]
    if rng.random() < 0.2:
        rng.choice(tiers)["maximum_amount"] = _amount(rng)
    return {"tiers": tiers}


def _percentage(rng: Random) -> Document:
    parts = {
        "fixed_amount_per_event": _amount(rng),
        "minimum": rng.choice(("0", "0.5", "1.75")),
        "maximum": rng.choice(("0.3", "1.75", "12", "1000")),
        "free_events": rng.choice((0, 1, 2, "3")),
        "free_amount": rng.choice(("0", "1", "10", "15", "250.5")),
    }
    return {"rate_percent": rng.choice(PERCENTS), **{name: value for name, value in parts.items() if rng.random() < 0.4}}


def _dynamic(rng: Random) -> Document:
    return {"multiplier": rng.choice(("1", "1.2", "0.5", "0"))} if rng.random() < 0.7 else {}
