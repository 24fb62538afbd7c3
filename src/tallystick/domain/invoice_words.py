"""What an invoice says in words, in English and Japanese. A word that one of them lacks is seen by the type checker."""

from dataclasses import dataclass

from tallystick.domain.letter_frames import Locale


@dataclass(frozen=True, slots=True)
class Words:
    """Templates take values by name; they are filled with text that is never read as a template itself."""

    invoice: str
    credit_note: str
    draft: str
    paid_stamp: str
    void_stamp: str
    uncollectible_stamp: str
    number: str
    opened_on: str
    due_on: str
    period: str
    customer_id: str
    of_invoice: str
    issued_on: str
    seller: str
    buyer: str
    tax_id: str
    description: str
    quantity: str
    price: str
    amount: str
    by_tier: str
    per_package: str
    given_back: str
    full_price: str
    step: str
    tier: str
    tier_flat: str
    tier_fixed: str
    included: str
    fixed: str
    per_event: str
    discount: str
    maximum: str
    minimum: str
    proration: str
    unused: str
    billed_before: str
    subtotal: str
    discounted: str
    carried_in: str
    from_credit: str
    carried_out: str
    total: str
    less_note: str
    rest_carried: str
    paid: str
    due: str
    owed_before: str
    in_favour_before: str
    too_small: str
    in_favour: str
    pay_by: str
    pay_at: str
    paid_on: str
    paid_under: str
    paid_by_nothing: str
    voided: str
    uncollectible: str
    refunded: str
    kept: str
    whole_invoice: str
    credited: str
    reason: str
    reduced: str
    to_be_refunded: str
    to_be_kept: str
    to_be_carried: str
    zone: str
    page: str
    mail_subject: str
    mail_said: str
    mail_due: str
    mail_attached: str
    mail_pay: str


_EN = Words(
    invoice="Invoice",
    credit_note="Credit note",
    draft="Draft",
    paid_stamp="Paid",
    void_stamp="Void",
    uncollectible_stamp="Uncollectible",
    number="Number",
    opened_on="Date",
    due_on="Due",
    period="Period",
    customer_id="Customer",
    of_invoice="For invoice",
    issued_on="Date",
    seller="From",
    buyer="To",
    tax_id="Tax ID: {tax_id}",
    description="Description",
    quantity="Quantity",
    price="Price",
    amount="Amount",
    by_tier="by tier",
    per_package="{amount} per {size}",
    given_back="Given back: {description}",
    full_price="For a full period: {amount}",
    step="{quantity} × {unit_amount} = {amount}",
    tier="Tier {tier}: {quantity} × {unit_amount} = {amount}",
    tier_flat="Tier {tier}: {quantity} × {unit_amount} + {flat_amount} = {amount}",
    tier_fixed="Tier {tier}, for {quantity}: {amount}",
    included="Included: {included}",
    fixed="Per event: {quantity} × {unit_amount} = {amount}",
    per_event="Minimum and maximum per event: {amount}",
    discount="Discount in the price: {amount}",
    maximum="Down to the maximum: {amount}",
    minimum="Up to the minimum: {amount}",
    proration="Less, for a part of the period only: {amount}",
    unused="The part that was not used: {amount}",
    billed_before="In all {total}, of which {before} was billed before",
    subtotal="Subtotal",
    discounted="Discount: {description}",
    carried_in="Carried over from earlier invoices",
    from_credit="Paid from your credit",
    carried_out="Carried to the next invoice",
    total="Total",
    less_note="Credit note {number}, {day}",
    rest_carried="Rest, carried to the next invoice",
    paid="Paid on {day}",
    due="Amount due",
    owed_before="Carried over: {amount} of earlier invoices was too little to collect, and is asked for here.",
    in_favour_before="Carried over: {amount} of earlier invoices was in your favour, and is taken off here.",
    too_small="Carried to the next invoice: {amount} is too little to collect by itself. You need not pay anything now.",
    in_favour="Carried to the next invoice: {amount} is in your favour, and will be taken off there.",
    pay_by="Please pay {amount} by {day}.",
    pay_at="Pay here",
    paid_on="Paid on {day}. Thank you.",
    paid_under="Payment: {ref}",
    paid_by_nothing="There is nothing to pay.",
    voided="This invoice is void: nothing is to be paid.",
    uncollectible="This invoice was given up as uncollectible; it is still owed.",
    refunded="Credit note {number}: {amount} goes back to you. {reason}",
    kept="Credit note {number}: {amount} is kept in your favour, for the next invoice. {reason}",
    whole_invoice="Invoice {number}",
    credited="Credited",
    reason="Reason: {reason}",
    reduced="{amount} is asked for no more.",
    to_be_refunded="{amount} goes back to you, the way it was paid.",
    to_be_kept="{amount} is kept in your favour, and will be taken off the next invoice.",
    to_be_carried="{amount} is on the next invoice instead.",
    zone="Days and times in {zone}.",
    page="Page {page} of {pages}",
    mail_subject="Your invoice {number}",
    mail_said="{seller} has sent you the invoice {number} of {day}, over {total}.",
    mail_due="{amount} is to be paid by {day}.",
    mail_attached="The invoice is attached.",
    mail_pay="Pay the invoice",
)

_JA = Words(
    invoice="請求書",
    credit_note="クレジットノート（減額通知書）",
    draft="下書き",
    paid_stamp="支払済",
    void_stamp="無効",
    uncollectible_stamp="回収不能",
    number="番号",
    opened_on="発行日",
    due_on="支払期限",
    period="対象期間",
    customer_id="お客様番号",
    of_invoice="対象の請求書",
    issued_on="発行日",
    seller="発行元",
    buyer="請求先",
    tax_id="登録番号：{tax_id}",
    description="内容",
    quantity="数量",
    price="単価",
    amount="金額",
    by_tier="段階制",
    per_package="{size} あたり {amount}",
    given_back="返還：{description}",
    full_price="全期間の料金：{amount}",
    step="{quantity} × {unit_amount} = {amount}",
    tier="第 {tier} 段階：{quantity} × {unit_amount} = {amount}",
    tier_flat="第 {tier} 段階：{quantity} × {unit_amount} + {flat_amount} = {amount}",
    tier_fixed="第 {tier} 段階（{quantity}）：{amount}",
    included="無料分：{included}",
    fixed="1 件ごと：{quantity} × {unit_amount} = {amount}",
    per_event="1 件ごとの下限・上限による差額：{amount}",
    discount="単価に含まれる割引：{amount}",
    maximum="上限額までの調整：{amount}",
    minimum="最低料金までの調整：{amount}",
    proration="期間の一部のみの利用による減額：{amount}",
    unused="利用されなかった分：{amount}",
    billed_before="累計 {total}（うち {before} は請求済み）",
    subtotal="小計",
    discounted="割引：{description}",
    carried_in="前回までの繰越",
    from_credit="クレジット残高の充当",
    carried_out="次回への繰越",
    total="合計",
    less_note="クレジットノート {number}（{day}）",
    rest_carried="残額の次回への繰越",
    paid="お支払い（{day}）",
    due="ご請求額",
    owed_before="繰越：前回までの請求書のうち {amount} は少額のため請求を見送り、今回に加算しました。",
    in_favour_before="繰越：前回までの請求書でお客様への返還分となった {amount} を、今回から差し引きました。",
    too_small="次回への繰越：{amount} は単独で決済できる最低額に満たないため、次回に加算します。今回のお支払いは不要です。",
    in_favour="次回への繰越：{amount} はお客様への返還分として、次回から差し引きます。",
    pay_by="{day} までに {amount} をお支払いください。",
    pay_at="お支払いはこちら",
    paid_on="{day} にお支払いいただきました。ありがとうございます。",
    paid_under="決済番号：{ref}",
    paid_by_nothing="お支払いいただく金額はありません。",
    voided="この請求書は無効です。お支払いは不要です。",
    uncollectible="この請求書は回収不能として処理しましたが、債務は残っています。",
    refunded="クレジットノート {number}：{amount} を返金します。{reason}",
    kept="クレジットノート {number}：{amount} をお預かりし、次回の請求書から差し引きます。{reason}",
    whole_invoice="請求書 {number}",
    credited="減額の合計",
    reason="理由：{reason}",
    reduced="{amount} は請求しません。",
    to_be_refunded="{amount} を、お支払いいただいた方法で返金します。",
    to_be_kept="{amount} をお預かりし、次回の請求書から差し引きます。",
    to_be_carried="{amount} は、代わりに次回の請求書に記載します。",
    zone="日時は {zone} によります。",
    page="{page} / {pages} ページ",
    mail_subject="請求書 {number} のお知らせ",
    mail_said="{seller} から {day} 付の請求書 {number}（合計 {total}）をお送りします。",
    mail_due="{day} までに {amount} をお支払いください。",
    mail_attached="請求書を添付しています。",
    mail_pay="請求書を支払う",
)

WORDS: dict[Locale, Words] = {"en": _EN, "ja": _JA}
