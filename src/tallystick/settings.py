"""All settings: environment first, then `.env`, then these defaults. A wrong value stops the start and says what is right."""

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from tallystick.values.errors import InvalidInput, WrongConfiguration
from tallystick.values.money import Currency, currency

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

WEBHOOK_SECRET_LENGTH_MIN = 24
WEBHOOK_SECRETS_MAX = 4
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+")
_ADDRESS = r"^[^\s@<>,;:\x00-\x1f\x7f]+@[^\s@<>,;:\x00-\x1f\x7f]+$"


class Settings(BaseSettings):
    """Names without a prefix are the ones that Stripe's own examples use; everything else begins with TALLYSTICK_."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True, populate_by_name=True, frozen=True
    )

    stripe_secret_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("STRIPE_SECRET_KEY", "STRIPE_API_KEY"),
        description="Secret or restricted key. Absent: the offline sandbox stands in for Stripe.",
        examples=["sk_test_…"],
    )
    stripe_publishable_key: str | None = Field(
        default=None,
        validation_alias="STRIPE_PUBLISHABLE_KEY",
        description="For the pay page in the browser.",
        examples=["pk_test_…"],
    )
    stripe_webhook_secret: SecretStr | None = Field(
        default=None,
        validation_alias="STRIPE_WEBHOOK_SECRET",
        description="Signing secret of the webhook endpoint; two, separated by a comma, while one replaces the other. "
        "Absent: webhooks are refused, and payments are settled by asking.",
        examples=["whsec_…"],
    )
    stripe_api_base: str | None = Field(
        default=None,
        validation_alias="STRIPE_API_BASE",
        description="Tests and stand-ins only; refused with a live key.",
        examples=["http://127.0.0.1:12111"],
    )
    server_name: str = Field(
        default="localhost",
        validation_alias="SERVER_NAME",
        min_length=1,
        max_length=200,
        description="The server whose uptime is billed.",
    )
    hourly_rate: Decimal = Field(
        default=Decimal(100),
        validation_alias="HOURLY_RATE",
        gt=0,
        max_digits=18,
        description="Price of one hour of uptime, in major units of CURRENCY.",
    )
    currency_code: str = Field(
        default="jpy", validation_alias="CURRENCY", description="ISO 4217 code, in any case.", examples=["jpy", "usd"]
    )
    debug: bool = Field(default=False, validation_alias="DEBUG", description="More to read in the log; refused with a live key.")
    port: int = Field(default=8000, validation_alias="PORT", ge=1, le=65535, description="Where `tallystick serve` listens.")
    host: str = Field(
        default="127.0.0.1", validation_alias="HOST", min_length=1, description="The address it binds; 0.0.0.0 for all."
    )
    database_url: str = Field(
        default="sqlite:///tallystick.db",
        validation_alias="DATABASE_URL",
        description="sqlite:///FILE or postgresql://user:password@host/name.",
        examples=["postgresql://tallystick@localhost/tallystick"],
    )
    sandbox_path: str = Field(
        default="tallystick-sandbox.db",
        validation_alias="TALLYSTICK_SANDBOX_PATH",
        description="Where the offline sandbox keeps its state.",
    )
    public_url: str | None = Field(
        default=None,
        validation_alias="TALLYSTICK_PUBLIC_URL",
        description="The address under which browsers reach the service. Default: http://localhost:PORT.",
        examples=["https://billing.example.com"],
    )
    stripe_price_basic: str | None = Field(
        default=None,
        validation_alias="STRIPE_PRICE_BASIC",
        description="The price at Stripe that means the plan `basic`, for programs that name it by its price.",
        examples=["price_…"],
    )
    stripe_price_pro: str | None = Field(
        default=None, validation_alias="STRIPE_PRICE_PRO", description="Likewise for the plan `pro`.", examples=["price_…"]
    )
    stripe_price_enterprise: str | None = Field(
        default=None,
        validation_alias="STRIPE_PRICE_ENTERPRISE",
        description="Likewise for the plan `enterprise`.",
        examples=["price_…"],
    )
    allowed_origins_text: str = Field(
        default="",
        validation_alias="TALLYSTICK_ALLOWED_ORIGINS",
        description="Other origins, separated by commas, whose pages may call the routes for users and be led back to.",
        examples=["https://app.example.com"],
    )
    due_days: int = Field(
        default=14, validation_alias="TALLYSTICK_DUE_DAYS", ge=0, le=365, description="Days until an invoice is due."
    )
    grace_minutes: int = Field(
        default=60,
        validation_alias="TALLYSTICK_GRACE_MINUTES",
        ge=0,
        le=60 * 24 * 31,
        description="Minutes after the end of a period in which usage may still come before it is invoiced.",
    )
    dunning_path: str | None = Field(
        default=None,
        validation_alias="TALLYSTICK_DUNNING",
        description="A file that says what happens when a payment fails, in the place of the rules that come with the package.",
        examples=["/etc/tallystick/dunning.toml"],
    )
    dunning_end: Literal["keep", "pause", "cancel"] = Field(
        default="keep",
        validation_alias="TALLYSTICK_DUNNING_END",
        description="What becomes of a subscription whose invoice was given up on: it stays unpaid, or is paused or canceled.",
    )
    safety_charges_per_day: int = Field(
        default=20,
        validation_alias="TALLYSTICK_SAFETY_CHARGES_PER_DAY",
        ge=1,
        le=1_000_000,
        description="Charges that are begun by themselves for a customer in a day (UTC); a further one is held.",
    )
    safety_times_the_mean: Decimal = Field(
        default=Decimal(20),
        validation_alias="TALLYSTICK_SAFETY_TIMES_THE_MEAN",
        ge=1,
        max_digits=9,
        description="How many times the mean of what a customer has paid before is charged by itself; more is held.",
    )
    safety_lines_max: int = Field(
        default=1000,
        validation_alias="TALLYSTICK_SAFETY_LINES_MAX",
        ge=1,
        le=1_000_000,
        description="Lines of an invoice that is charged by itself; one with more is held.",
    )
    number_prefix: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}$")] = Field(
        default="INV", validation_alias="TALLYSTICK_NUMBER_PREFIX", description="First letters of invoice numbers."
    )
    seller_name: str | None = Field(
        default=None,
        validation_alias="TALLYSTICK_SELLER_NAME",
        min_length=1,
        max_length=200,
        description="Who asks for the money, as it stands on invoices. Default: SERVER_NAME.",
        examples=["Example Ltd"],
    )
    seller_address_text: str = Field(
        default="",
        validation_alias="TALLYSTICK_SELLER_ADDRESS",
        max_length=1000,
        description="The address below it; lines are separated by semicolons.",
        examples=["1 Main Street; London N1 9GU"],
    )
    seller_tax_id: str | None = Field(
        default=None,
        validation_alias="TALLYSTICK_SELLER_TAX_ID",
        max_length=100,
        description="The number under which the seller is registered for tax.",
        examples=["T1234567890123"],
    )
    api_key_pepper: SecretStr | None = Field(
        default=None,
        validation_alias="TALLYSTICK_API_KEY_PEPPER",
        description="Secret under which API keys are hashed, and from which endpoints' secrets are made. "
        "Default: one of each, made for this database and kept in it.",
    )
    uptime: bool = Field(
        default=True, validation_alias="TALLYSTICK_UPTIME", description="Whether `serve` meters this machine's uptime."
    )
    worker: bool = Field(
        default=True,
        validation_alias="TALLYSTICK_WORKER",
        description="Whether `serve` works off jobs itself; else run `tallystick worker` beside it.",
    )
    simulated_clock: bool = Field(
        default=False,
        validation_alias="TALLYSTICK_SIMULATED_CLOCK",
        description="With the sandbox: time is set forward by hand, by a day or a month, to see what happens then.",
    )

    smtp_url: SecretStr | None = Field(
        default=None,
        validation_alias="TALLYSTICK_SMTP_URL",
        description="The mail server: smtp:// (with STARTTLS) or smtps://. Absent: letters are shown on /dev/mail, and not sent.",
        examples=["smtps://user:password@mail.example.com:465"],
    )
    mail_from: str = Field(
        default="billing@localhost",
        validation_alias="TALLYSTICK_MAIL_FROM",
        pattern=_ADDRESS,
        description="Whom letters are from.",
        examples=["billing@example.com"],
    )
    mail_operator: str | None = Field(
        default=None,
        validation_alias="TALLYSTICK_MAIL_OPERATOR",
        pattern=_ADDRESS,
        description="Who is told of what the business should know: spikes, caps, endpoints that were disabled.",
        examples=["ops@example.com"],
    )
    locale: Literal["en", "ja"] = Field(
        default="en", validation_alias="TALLYSTICK_LOCALE", description="The language of letters."
    )
    mail_invoices: bool = Field(
        default=False,
        validation_alias="TALLYSTICK_MAIL_INVOICES",
        description="Whether customers with an address are sent each invoice by mail; as PDF, where the extra is installed.",
    )
    webhooks_local: bool = Field(
        default=False,
        validation_alias="TALLYSTICK_WEBHOOKS_LOCAL",
        description="Whether endpoints may be on this machine, over HTTP too: for development. Refused with a live key.",
    )
    spike_factor: Decimal = Field(
        default=Decimal(3),
        validation_alias="TALLYSTICK_SPIKE_FACTOR",
        gt=1,
        max_digits=6,
        description="How many times the usual of an hour of the week is told as a spike.",
    )
    spike_floor: Decimal = Field(
        default=Decimal(1000),
        validation_alias="TALLYSTICK_SPIKE_FLOOR",
        gt=0,
        max_digits=18,
        description="How much of a meter, in its unit, must be used in an hour before it can be a spike.",
    )

    usage_sync_percent_min: Decimal = Field(
        default=Decimal(95),
        validation_alias="TALLYSTICK_USAGE_SYNC_PERCENT_MIN",
        ge=0,
        le=100,
        description="Told where fewer percents of the exports of usage succeed.",
    )
    payment_percent_min: Decimal = Field(
        default=Decimal(90),
        validation_alias="TALLYSTICK_PAYMENT_PERCENT_MIN",
        ge=0,
        le=100,
        description="Told where fewer percents of the attempts to collect succeed.",
    )
    webhook_seconds_max: int = Field(
        default=5,
        validation_alias="TALLYSTICK_WEBHOOK_SECONDS_MAX",
        ge=1,
        le=60,
        description="Told where a webhook is answered later than that.",
    )
    unpaid_invoices_max: int = Field(
        default=5,
        validation_alias="TALLYSTICK_UNPAID_INVOICES_MAX",
        ge=0,
        le=1_000_000,
        description="Told where more open invoices than that were due.",
    )
    share_window_hours: int = Field(
        default=24,
        validation_alias="TALLYSTICK_SHARE_WINDOW_HOURS",
        ge=1,
        le=24 * 7,
        description="Hours over which the two shares are counted.",
    )
    webhook_window_minutes: int = Field(
        default=15,
        validation_alias="TALLYSTICK_WEBHOOK_WINDOW_MINUTES",
        ge=1,
        le=24 * 60,
        description="Minutes for which a late answer to a webhook is remembered.",
    )

    @field_validator("currency_code")
    @classmethod
    def _known_currency(cls, code: str) -> str:
        try:
            return currency(code).code
        except InvalidInput as refusal:
            raise ValueError(refusal.message) from None

    @field_validator("allowed_origins_text")
    @classmethod
    def _origins(cls, text: str) -> str:
        wrong = [origin for origin in _listed(text) if not _ORIGIN.fullmatch(origin)]
        if wrong:
            raise ValueError('TALLYSTICK_ALLOWED_ORIGINS: scheme and host alone, such as "https://app.example.com", by commas')
        return text

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        key = self.stripe_secret_key.get_secret_value() if self.stripe_secret_key else ""
        if key and not key.startswith(("sk_test_", "sk_live_", "rk_test_", "rk_live_")):
            raise ValueError("STRIPE_SECRET_KEY: begins with sk_test_, sk_live_, rk_test_ or rk_live_")
        if self.live and self.debug:
            raise ValueError("DEBUG: is on, and the Stripe key is a live one; switch DEBUG off, or use a test key")
        if self.live and self.stripe_api_base:
            raise ValueError("STRIPE_API_BASE: is for tests, and the Stripe key is a live one; remove it")
        if self.live and self.webhooks_local:
            raise ValueError("TALLYSTICK_WEBHOOKS_LOCAL: is for development, and the Stripe key is a live one; switch it off")
        secrets = self.webhook_secrets
        if len(secrets) > WEBHOOK_SECRETS_MAX or any(len(secret) < WEBHOOK_SECRET_LENGTH_MIN for secret in secrets):
            raise ValueError(
                "STRIPE_WEBHOOK_SECRET: one secret, or up to four separated by commas, of at least 24 characters each"
            )
        if key and self.simulated_clock:
            raise ValueError("TALLYSTICK_SIMULATED_CLOCK: is for the offline sandbox, and there is a Stripe key; switch it off")
        return self

    @property
    def live(self) -> bool:
        return self.stripe_secret_key is not None and self.stripe_secret_key.get_secret_value()[2:].startswith("_live_")

    @property
    def meters_uptime(self) -> bool:
        """A machine is up in real time, and not in that of a business that is played."""
        return self.uptime and not self.simulated_clock

    @property
    def sandbox(self) -> bool:
        return self.stripe_secret_key is None

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        if self.stripe_webhook_secret is None:
            return ()
        return tuple(secret.strip() for secret in self.stripe_webhook_secret.get_secret_value().split(","))

    @property
    def plans_by_price(self) -> dict[str, str]:
        """The plan that each price at Stripe means."""
        prices = {"basic": self.stripe_price_basic, "pro": self.stripe_price_pro, "enterprise": self.stripe_price_enterprise}
        return {price: plan for plan, price in prices.items() if price is not None}

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Our own origin, and those that are allowed besides."""
        own = urlsplit(self.url)
        return (f"{own.scheme}://{own.netloc}", *_listed(self.allowed_origins_text))

    @property
    def seller_address(self) -> tuple[str, ...]:
        lines = re.split(r"[;\n]", self.seller_address_text)
        return tuple(line for line in (line.strip() for line in lines) if line)

    @property
    def currency(self) -> Currency:
        return currency(self.currency_code)

    @property
    def url(self) -> str:
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part for part in (part.strip().rstrip("/").lower() for part in text.split(",")) if part)


def read_settings(**given: Any) -> Settings:
    """The settings of this process; `given` ones win. Raises WrongConfiguration that names each wrong one, and why."""
    try:
        return Settings(**given)
    except ValidationError as error:
        raise WrongConfiguration("; ".join(_said(item) for item in error.errors())) from None


def _said(wrong: "ErrorDetails") -> str:
    """Which setting, why, and an example: our own reasons have one, pydantic's get what stands there if nothing is said."""
    name, reason = ".".join(str(part) for part in wrong["loc"]), wrong["msg"]
    if wrong["type"] == "value_error":
        reason = reason.removeprefix("Value error, ")
        return f"{name}: {reason}" if name else reason
    example = _EXAMPLES.get(name)
    return f"{name}: {reason}" if example is None else f"{name}: {reason}; such as {name}={example}"


def _example(field: FieldInfo) -> str | None:
    if field.examples:
        return str(field.examples[0])
    default = field.default
    if isinstance(default, bool):
        return str(default).lower()
    return str(default) if isinstance(default, int | Decimal | str) and default != "" else None


_EXAMPLES = {
    field.validation_alias: _example(field) for field in Settings.model_fields.values() if isinstance(field.validation_alias, str)
}
