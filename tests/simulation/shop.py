"""What is sold in a simulated world: a meter for each way of counting, prices of several kinds, and who buys."""

import random
from decimal import Decimal

from tallystick.app import Tallystick
from tallystick.domain.catalog import Charge, GraduatedPrice, PackagePrice, PercentagePrice, Price, UnitPrice
from tallystick.domain.tiers import Tier
from tallystick.domain.uptime import METER as UPTIME
from tallystick.domain.uptime import charge as uptime_charge
from tallystick.domain.usage import Aggregation, Meter
from tallystick.values.ids import MeterKey
from tallystick.values.money import EUR, JPY, USD

CUSTOMERS = ("svc", "svc-1", "Ada Lovelace ", "ada", "a\u0301da", "\u00e1da", "日本-支店", "o'brien;--", "\U0001f600", "svc-1-2")
SOURCES = ("api", "api-1", "1-a", "é", "e\u0301", "A")
SERVER = "server:web-1"

_METERS = {
    "tokens": Meter(MeterKey("tokens"), Aggregation.SUM, decimals=3),
    "calls": Meter(MeterKey("calls"), Aggregation.COUNT, decimals=0),
    "peak": Meter(MeterKey("peak"), Aggregation.MAX, decimals=0),
    "level": Meter(MeterKey("level"), Aggregation.LATEST, decimals=2),
    "users": Meter(MeterKey("users"), Aggregation.UNIQUE, decimals=0, unique_property="user"),
    "held": Meter(MeterKey("held"), Aggregation.TIME_WEIGHTED, decimals=2),
    "transfers": Meter(MeterKey("transfers"), Aggregation.SUM, decimals=2, allow_negative=False),
}


def price(meter: str, chance: random.Random) -> Price:
    """One that some hundred events make some dollars of, with cents that do not come out even."""
    unit = Decimal(chance.randint(101, 3999)).scaleb(-4)
    match meter:
        case "tokens":
            tiers = (
                Tier(up_to=Decimal(40), unit_amount=unit),
                Tier(up_to=None, unit_amount=unit / 2, flat_amount=Decimal("0.07")),
            )
            return GraduatedPrice(currency=USD, tiers=tiers)
        case "calls":
            return UnitPrice(currency=USD, unit_amount=unit)
        case "peak":
            return PackagePrice(currency=USD, package_amount=Decimal("0.125"), package_size=Decimal(chance.randint(3, 9)))
        case "level":
            return UnitPrice(currency=JPY, unit_amount=unit * 9)
        case "held":
            return UnitPrice(currency=JPY, unit_amount=unit)
        case "users":
            return UnitPrice(currency=EUR, unit_amount=unit, included=Decimal(1))
        case _:
            return PercentagePrice(currency=EUR, rate_percent=Decimal("2.9"), fixed_amount_per_event=Decimal("0.105"))


def stock(app: Tallystick, chance: random.Random) -> list[Meter]:
    """Makes the catalogue of this world; the meters that its clients use."""
    names = ["tokens", *chance.sample(sorted(_METERS.keys() - {"tokens"}), 2)]
    for name in names:
        app.put_meter(_METERS[name])
        app.put_charge(charge(name, chance))
    if chance.random() < 0.3:  # the same usage, charged for twice, at different prices
        app.put_charge(Charge(key="tokens, again", meter_key=MeterKey("tokens"), price=price("calls", chance)))
    app.put_meter(UPTIME)
    app.put_charge(uptime_charge(Decimal("0.10"), USD))
    return [_METERS[name] for name in names]


def charge(meter: str, chance: random.Random) -> Charge:
    return Charge(key=meter, meter_key=MeterKey(meter), price=price(meter, chance), display_name=f"{meter.title()} – simulated")
