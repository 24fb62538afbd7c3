// What the pay page says, in English and Japanese, and how it writes amounts and times.

const WORDS = {
  page_title: ["Uptime bill – {server}", "稼働時間の請求 – {server}"],
  title: ["Uptime bill", "稼働時間の請求"],
  skip: ["Skip to payment", "お支払いへ移動"],
  language: ["Language", "言語"],
  sandbox: ["Sandbox: no real money moves", "サンドボックス：実際の課金はありません"],
  test: ["Test mode: no real money moves", "テストモード：実際の課金はありません"],
  due: ["Due now", "現在のお支払い額"],
  uptime: ["Uptime", "稼働時間"],
  rate: ["Hourly rate", "1時間あたりの料金"],
  paid: ["Paid so far", "お支払い済み"],
  paid_through: ["Paid through", "支払い済み期間"],
  paid_through_moment: ["{moment}", "{moment}まで"],
  never: ["nothing yet", "まだありません"],
  total: ["Total so far", "これまでの合計"],
  span: ["{hours} h {minutes} min {seconds} s", "{hours}時間{minutes}分{seconds}秒"],
  per_hour: ["{amount} per hour", "{amount} / 時間"],
  updated: ["Updated at {time}", "{time} 更新"],
  loading: ["Loading the bill…", "請求情報を読み込んでいます…"],
  refresh: ["Refresh", "更新する"],
  stale: ["Out of date: the server does not answer", "最新ではありません：サーバーの応答がありません"],
  never_loaded: ["The server does not answer", "サーバーの応答がありません"],
  payment: ["Payment", "お支払い"],
  pay: ["Pay", "支払う"],
  pay_amount: ["Pay {amount}", "{amount}を支払う"],
  pay_note: ["You pay for the time since the last payment.", "前回のお支払い以降の稼働時間が対象です。"],
  pay_note_minimum: ["The smallest payment is {minimum}.", "最低お支払い額は{minimum}です。"],
  asked: ["{amount} for the time until now. Enter your card:", "現在までの稼働時間分 {amount}。カード情報を入力してください。"],
  cancel: ["Not now", "今は支払わない"],
  working: ["One moment…", "処理しています…"],
  recording: ["Recording the payment…", "お支払いを記録しています…"],
  test_title: ["Try it without a card", "カードなしで試す"],
  test_outcome: ["What the test card does", "テストカードの動作"],
  test_pays: ["Pays", "支払いが成功する"],
  test_declines: ["Is declined", "拒否される"],
  test_insufficient: ["Has insufficient funds", "残高が不足している"],
  test_asks: ["Asks for 3-D Secure", "3Dセキュア認証を求める"],
  test_pay: ["Test payment", "テスト決済"],
  footer: [
    "The bill is refreshed every 30 seconds. Card details go to Stripe, never to this server.",
    "請求情報は30秒ごとに更新されます。カード情報はStripeに送られ、このサーバーには送られません。",
  ],
  footer_sandbox: [
    "The bill is refreshed every 30 seconds. The offline sandbox stands for Stripe: enter test cards only.",
    "請求情報は30秒ごとに更新されます。Stripeの代わりにサンドボックスが動いています。テストカードだけを入力してください。",
  ],
  paid_now: ["Paid {amount}. Thank you. It is being recorded…", "{amount}のお支払いが完了しました。ありがとうございます。記録しています…"],
  recorded: ["Paid {amount}. Thank you. It is recorded: paid through {moment}.", "{amount}のお支払いが完了し、記録されました（{moment}まで支払い済み）。ありがとうございます。"],
  recorded_later: [
    "Paid {amount}. Thank you. The bill will show it when the provider’s message arrives; do not pay again.",
    "{amount}のお支払いが完了しました。決済サービスの通知が届くと請求に反映されます。再度のお支払いは不要です。",
  ],
  processing: ["Your payment of {amount} is on its way. The bill will show it when it arrives.", "{amount}のお支払いを処理しています。完了すると請求に反映されます。"],
  declined: ["The payment did not go through", "お支払いができませんでした"],
  nothing_charged: ["Nothing was charged. Correct the card or use another one, then pay again.", "課金されていません。カードを確認するか、別のカードでもう一度お試しください。"],
  unknown: ["We lost the connection while you were paying", "お支払い中に接続が切れました"],
  unknown_advice: [
    "We cannot say yet whether it went through. It is safe to pay again: the same payment is never charged twice.",
    "完了したかどうかまだ確認できません。同じお支払いが二重に課金されることはありませんので、もう一度お試しいただけます。",
  ],
  changed: ["The amount has changed", "金額が変わりました"],
  changed_advice: ["It is now {amount}. Check it, then pay.", "現在の金額は{amount}です。ご確認のうえ、お支払いください。"],
  withdrawn: ["This payment was withdrawn", "このお支払いは取り消されました"],
  withdrawn_advice: ["Nothing was charged. Press Pay for a new one.", "課金されていません。もう一度「支払う」を押してください。"],
  amount_below_minimum: ["Too little to pay yet", "まだお支払いいただける金額ではありません"],
  below_minimum_advice: [
    "{amount} is due, and the smallest payment is {minimum}. Nothing is lost: it stays on the bill.",
    "現在の金額は{amount}で、最低お支払い額は{minimum}です。金額はそのまま次回に繰り越されます。",
  ],
  below_minimum_reached: ["It will be reached at {moment}.", "{moment}に到達する見込みです。"],
  bill_moved: ["The bill has just changed", "請求内容が変わりました"],
  bill_moved_advice: ["Look at it again, then pay what is still due.", "内容をご確認のうえ、残りの金額をお支払いください。"],
  invoice_is_hosted: ["This time is already on an invoice with a page of its own", "この期間の請求書には専用のお支払いページがあります"],
  hosted_link: ["Go to the invoice", "請求書を開く"],
  offline: ["No connection to the server", "サーバーに接続できません"],
  offline_advice: ["Nothing was charged. Check the connection, then try again.", "課金されていません。接続を確認して、もう一度お試しください。"],
  provider_down: ["The payment provider cannot be reached", "決済サービスに接続できません"],
  provider_down_advice: ["Nothing was charged. Try again in a few minutes.", "課金されていません。数分後にもう一度お試しください。"],
  busy: ["The server is busy", "サーバーが混み合っています"],
  busy_advice: ["Nothing was charged. Wait a minute, then try again.", "課金されていません。1分ほど待ってから、もう一度お試しください。"],
  no_stripe: ["The card form could not be loaded", "カード入力フォームを読み込めません"],
  no_stripe_advice: ["Nothing was charged. Check that Stripe is not blocked, then try again.", "課金されていません。Stripeがブロックされていないか確認して、もう一度お試しください。"],
  failed: ["Something went wrong here", "エラーが発生しました"],
  failed_advice: ["Try again. If it stays so, tell the operator the reference.", "もう一度お試しください。解決しない場合は、参照番号を運営者にお知らせください。"],
  reference: ["Reference: {id}", "参照番号：{id}"],
};

let language = "en";

export const spoken = () => language;

/** Chooses the language by its tag; what is not Japanese is English. */
export function speak(tag) {
  language = tag.toLowerCase().startsWith("ja") ? "ja" : "en";
}

export function say(name, values = {}) {
  return WORDS[name][language === "ja" ? 1 : 0].replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

/** Minor units as an amount. Only the point is moved, in text: a float could not hold every amount. */
export function money(minor, currency, exponent) {
  const digits = String(minor).replace("-", "").padStart(exponent + 1, "0");
  const cut = digits.length - exponent;
  const text = `${minor < 0 ? "-" : ""}${digits.slice(0, cut)}${exponent ? `.${digits.slice(cut)}` : ""}`;
  return written(text, currency, exponent, exponent);
}

/** A rate in major units, with as many places as it has. */
export function rate(decimal, currency, exponent) {
  return written(decimal, currency, exponent, 12);
}

function written(text, currency, minimumFractionDigits, maximumFractionDigits) {
  const style = { style: "currency", currency, minimumFractionDigits, maximumFractionDigits: Math.max(minimumFractionDigits, maximumFractionDigits) };
  return new Intl.NumberFormat(language, style).format(text);
}

export function moment(at) {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
}

export function timeOfDay(at) {
  return new Intl.DateTimeFormat(language, { timeStyle: "medium" }).format(at);
}

export function span(seconds) {
  const whole = Math.floor(seconds);
  const two = (number) => String(number).padStart(2, "0");
  const hours = new Intl.NumberFormat(language).format(Math.floor(whole / 3600));
  return say("span", { hours, minutes: two(Math.floor(whole / 60) % 60), seconds: two(whole % 60) });
}
