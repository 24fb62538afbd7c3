"""The engine's calls about coupons, and about what customers hold in credit grants."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from tallystick import domain, flows, storage
from tallystick.app.engine import Engine
from tallystick.domain.coupons import Coupon, Discount, PromotionCode
from tallystick.domain.credits import CreditGrant
from tallystick.domain.customers import checked_key
from tallystick.values.errors import NotFound
from tallystick.values.ids import CustomerId, DiscountId
from tallystick.values.money import Money


class CreditCalls(Engine):
    """Coupons, discounts, credit grants."""

    def put_coupon(self, coupon: Coupon, codes: Sequence[PromotionCode] = (), *, actor: str = "system") -> None:
        """The coupon as given, with these codes beside those that it has; once redeemed, it keeps its terms: Conflict."""
        flows.put_coupon.put_coupon(self.context, coupon, codes, actor=actor)

    def put_promotion_code(self, code: PromotionCode, *, actor: str = "system") -> None:
        """The code as given; it stays with its coupon: Conflict."""
        flows.put_coupon.put_promotion_code(self.context, code, actor=actor)

    def coupons(self) -> dict[str, Coupon]:
        """Every coupon, by key."""
        with self.context.database.reading() as conn:
            return storage.coupons.coupons(conn)

    def promotion_code(self, code: str) -> PromotionCode:
        """The code, asked for in letters of any case. Raises NotFound."""
        with self.context.database.reading() as conn:
            found = storage.coupons.code(conn, domain.coupons.typed(code) or "")
        if found is None:
            raise NotFound("code: there is no such code", field="code")
        return found

    def promotion_codes(self, *, after: str | None = None, limit: int = 50) -> list[PromotionCode]:
        """A page of codes, in alphabetical order, behind `after`."""
        with self.context.database.reading() as conn:
            return storage.coupons.codes_page(conn, after=after, limit=limit)

    def codes_by_coupon(self) -> dict[str, list[PromotionCode]]:
        """Every code, by the key of its coupon."""
        found: dict[str, list[PromotionCode]] = defaultdict(list)
        with self.context.database.reading() as conn:
            for code in storage.coupons.codes(conn).values():
                found[code.coupon_key].append(code)
        return found

    def redemptions(self) -> dict[str, int]:
        """How often each coupon was redeemed, by key."""
        with self.context.database.reading() as conn:
            return storage.coupons.redemptions(conn)

    def offered(self, code_or_coupon: str) -> Coupon:
        """The coupon that this code, or key of a coupon, would redeem. Raises NotFound."""
        text = checked_key(code_or_coupon, field="coupon")
        with self.context.database.reading() as conn:
            code = storage.coupons.code(conn, domain.coupons.typed(text) or "")
            coupon = storage.coupons.coupon(conn, text if code is None else code.coupon_key)
        if coupon is None:
            raise NotFound("coupon: there is no such code or coupon", field="coupon", code="unknown_coupon")
        return coupon

    def redeem(self, customer_id: str, code_or_coupon: str, *, subscription_id: str = "", actor: str = "system") -> Discount:
        """What the customer has off from now on: every invoice, or those of one subscription. Redeemed again, it is the same."""
        customer = CustomerId(checked_key(customer_id, field="customer"))
        return flows.redeem_coupon.redeem_coupon(
            self.context, customer, code_or_coupon, subscription_id=subscription_id, actor=actor
        )

    def discounts(self, customer_id: str) -> list[Discount]:
        """All that the customer ever redeemed, oldest first."""
        with self.context.database.reading() as conn:
            return storage.coupons.discounts(conn, CustomerId(customer_id))

    def remove_discount(self, customer_id: str, discount_id: str, *, actor: str = "system") -> Discount:
        """The discount, ended; what it has taken off stays. Raises NotFound."""
        wanted = DiscountId(discount_id)
        return flows.remove_discount.remove_discount(self.context, CustomerId(customer_id), wanted, actor=actor)

    def grant_credit(  # noqa: PLR0913 each is said by name
        self,
        customer_id: str,
        amount: Money,
        *,
        kind: str,
        name: str,
        op: str,
        priority: int = 0,
        expires_at: datetime | None = None,
        actor: str = "system",
    ) -> CreditGrant:
        """Value that is used up before money is asked for; once for `op`, however often it is sent."""
        customer = CustomerId(checked_key(customer_id, field="customer"))
        wanted = CreditGrant(
            id=domain.credits.grant_id(customer, checked_key(op, field="op")),
            customer_id=customer,
            amount=amount,
            remaining=amount,
            kind=domain.credits.checked_kind(kind),
            priority=priority,
            name=name,
            granted_at=self.context.clock.now(),
            expires_at=expires_at,
        )
        return flows.grant_credit.grant_credit(self.context, wanted, actor=actor)

    def credits(self, customer_id: str) -> list[CreditGrant]:
        """All that the customer was ever granted, oldest first; what `remaining` says can still be burned, until it expires."""
        with self.context.database.reading() as conn:
            return storage.credits.grants(conn, CustomerId(customer_id))
