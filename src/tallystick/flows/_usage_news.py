"""News that the provider does not count usage which it took: each row says so, and why."""

from tallystick.domain.payments import UsageRejected
from tallystick.flows import _exports, _news
from tallystick.flows._news import News, Result
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refused, Unknown
from tallystick.storage.provider_events import Settlement


def follow(ctx: Context, news: News, fact: UsageRejected) -> Result:
    """What is not counted, asked of the provider: the news says only that there is something."""
    told = ctx.provider.usage_rejections(fact.ref)
    if isinstance(told, Refused | Limited | Unknown):
        return _news.no_answer(ctx, news, told)
    with ctx.database.transaction("usage rejected") as conn:
        done = _exports.reject(ctx, conn, told)
        reason = f"{len(done)} of our events are not counted"
        return _news.noted(ctx, conn, news, Settlement.SETTLED if done else Settlement.IGNORED, reason)
