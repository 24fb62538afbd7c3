// The pay page: the live bill, and one payment at a time. Money is shown here, never computed.

import { money, moment, rate, say, span, speak, spoken, timeOfDay } from "./pay-words.js";

const REFRESH_MS = 30_000;
const ANSWER_MS = 15_000;
const RECORDING_WAITS_MS = [400, 800, 1_000, 2_000, 3_000, 5_000, 8_000, 10_000];
const LANGUAGE_KEY = "tallystick.language";

const root = document.documentElement;
const { publishableKey, stripeJsUrl, mode } = root.dataset;
const $ = (id) => document.getElementById(id);

let bill = null; // the last status, with `asked_at` of our own
let isStale = false;
let refreshing = null;
let nextRefresh = 0;
let isBusy = false;
let isRecording = false; // what was paid is not on the bill yet, and is not offered again
let payment = null; // the one whose form is open
let stripeLoading = null;
const messages = { news: null, trouble: null }; // functions: the language may change while they stand

// --- talking to the server ---

async function ask(path, request = {}) {
  let response;
  try {
    response = await fetch(path, { ...request, headers: { Accept: "application/json", ...request.headers }, signal: AbortSignal.timeout(ANSWER_MS) });
  } catch {
    return { problem: { code: "offline" } };
  }
  const answer = await response.json().catch(() => null);
  return response.ok && answer ? { answer } : { problem: { code: "failed", ...answer, status: response.status } };
}

function refresh() {
  refreshing ??= loadBill().finally(() => (refreshing = null));
  return refreshing;
}

async function loadBill() {
  clearTimeout(nextRefresh);
  const { answer } = await ask("/api/billing-status", { cache: "no-store" });
  if (answer) bill = { ...answer, asked_at: performance.now(), updated: new Date() };
  isStale = !answer;
  showBill();
  nextRefresh = setTimeout(refresh, REFRESH_MS);
}

async function createIntent() {
  const request = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
  const { answer, problem } = await ask("/api/create-payment-intent", request);
  if (problem) refuse(problem);
  if (problem?.status === 409) refresh();
  return answer && { ...answer, before: paidThrough() };
}

// --- showing the bill ---

const amount = (minor, currency = bill.currency) => money(minor, currency, exponentOf(currency));

function exponentOf(currency) {
  if (bill?.currency === currency && Number.isInteger(bill.currency_exponent)) return bill.currency_exponent;
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
}

const paidThrough = () => bill?.paid_through ?? null;
const isBelowMinimum = () => bill.minimum_charge !== null && bill.amount_due < bill.minimum_charge;

function showBill() {
  // Its role reads it out when it changes, so it is only touched when it does.
  put("stale", isStale ? say(bill ? "stale" : "never_loaded") : "");
  put("updated", bill ? say("updated", { time: timeOfDay(bill.updated) }) : isStale ? "" : say("loading"));
  if (!bill) return;
  document.title = say("page_title", { server: bill.server_name });
  put("server-name", bill.server_name);
  put("amount-due", amount(bill.amount_due));
  put("hourly-rate", say("per_hour", { amount: rate(bill.hourly_rate, bill.currency, exponentOf(bill.currency)) }));
  put("amount-paid", amount(bill.amount_paid));
  put("total-amount", amount(bill.total_amount));
  put("paid-through", bill.paid_through ? say("paid_through_moment", { moment: moment(bill.paid_through) }) : say("never"));
  put("pay-note", isBelowMinimum() ? say("pay_note_minimum", { minimum: amount(bill.minimum_charge) }) : say("pay_note"));
  showButtons();
  tick();
}

function showButtons() {
  const isPayable = bill && !isBelowMinimum();
  const offer = isPayable ? say("pay_amount", { amount: amount(bill.amount_due) }) : say("pay");
  put("pay", isBusy ? say("working") : isRecording ? say("recording") : offer);
  put("confirm", isBusy || !payment ? say("working") : say("pay_amount", { amount: amount(payment.amount, payment.currency) }));
  for (const id of ["pay", "confirm", "cancel", "test-pay"]) $(id).ariaDisabled = isBusy || isRecording ? "true" : null;
}

function tick() {
  if (!bill || isStale) return; // a server that does not answer may not be up
  put("uptime", span(bill.uptime.uptime_seconds + (performance.now() - bill.asked_at) / 1000));
}

function put(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

// --- saying what happened ---

function news(words) {
  messages.news = words;
  put("news", words ? words() : "");
}

/** `lines` gives [title, advice, reference, address]; the message takes the focus, so that it is read and seen. */
function trouble(lines) {
  messages.trouble = lines;
  const [title, advice, reference, href] = lines ? lines() : [];
  const parts = [title && line("strong", title), advice && line("span", advice), reference && line("small", reference)];
  if (href) parts.push(Object.assign(line("a", say("hosted_link")), { href }));
  $("trouble").replaceChildren(...parts.filter(Boolean));
}

function stop(lines) {
  trouble(lines);
  $("trouble").focus();
}

function line(tag, text) {
  const node = document.createElement(tag);
  node.textContent = text;
  return node;
}

function refuse(problem) {
  const kind = kindOf(problem);
  const reference = () => (problem.request_id ? say("reference", { id: problem.request_id }) : "");
  if (kind === "invoice_is_hosted") return stop(() => [say(kind), "", reference(), problem.url]);
  if (kind === "amount_below_minimum") return stop(() => [say(kind), belowMinimum(problem), reference()]);
  return stop(() => [say(kind), kind === "failed" && spoken() === "en" && problem.detail ? problem.detail : say(`${kind}_advice`), reference()]);
}

function kindOf({ code, status }) {
  if (["amount_below_minimum", "invoice_is_hosted", "offline"].includes(code)) return code;
  if (code === "busy" || status === 429) return "busy";
  if (status === 409) return "bill_moved";
  return code !== "provider_refused" && [502, 503, 504].includes(status) ? "provider_down" : "failed";
}

function belowMinimum({ amount: due, minimum, currency, reached_at }) {
  const words = say("below_minimum_advice", { amount: amount(due, currency), minimum: amount(minimum, currency) });
  return reached_at ? `${words} ${say("below_minimum_reached", { moment: moment(reached_at) })}` : words;
}

// --- Stripe.js ---

function loadScript(url) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: url, async: true });
    script.addEventListener("load", () => (window.Stripe ? resolve() : reject(new Error("no Stripe"))));
    script.addEventListener("error", () => {
      script.remove();
      reject(new Error("not loaded"));
    });
    document.head.append(script);
  });
}

/** The Stripe object, or null, with the reason said. A script that did not load is asked for again next time. */
async function stripeFor(key) {
  stripeLoading ??= loadScript(stripeJsUrl);
  try {
    await stripeLoading;
    return window.Stripe(key || publishableKey, { locale: spoken() });
  } catch {
    stripeLoading = null;
    stop(() => [say("no_stripe"), say("no_stripe_advice")]);
    return null;
  }
}

function appearance() {
  const style = (id) => getComputedStyle($(id));
  const variables = {
    colorPrimary: style("pay").backgroundColor,
    colorBackground: style("payment").backgroundColor,
    colorText: style("payment").color,
    colorTextSecondary: style("pay-note").color,
    colorDanger: style("trouble").color,
    fontFamily: style("payment").fontFamily,
    borderRadius: style("pay").borderRadius,
  };
  return { theme: matchMedia("(prefers-color-scheme: dark)").matches ? "night" : "stripe", variables };
}

// --- paying ---

/** One thing at a time: a second press while the first is under way, or is being recorded, does nothing. */
async function alone(work) {
  if (isBusy || isRecording) return;
  setBusy(true);
  news(null);
  trouble(null);
  try {
    await work();
  } catch {
    stop(() => [say("failed"), say("failed_advice")]);
  } finally {
    setBusy(false);
  }
}

function setBusy(now) {
  isBusy = now;
  $("payment").ariaBusy = String(now);
  showButtons();
}

async function startPayment() {
  const created = await createIntent();
  const stripe = created && (await stripeFor(created.publishable_key));
  if (!stripe) return;
  const elements = stripe.elements({ clientSecret: created.client_secret, appearance: appearance(), locale: spoken() });
  payment = { ...created, stripe, elements };
  const element = elements.create("payment");
  element.on("ready", () => element.focus());
  element.on("loaderror", () => stop(() => [say("no_stripe"), say("no_stripe_advice")]));
  element.mount("#payment-element");
  showForm();
}

function showForm() {
  $("start").hidden = Boolean(payment);
  $("card-form").hidden = !payment;
  $("test-payment").hidden = Boolean(payment) || mode === "live";
  put("asked", payment ? say("asked", { amount: amount(payment.amount, payment.currency) }) : "");
  showButtons();
}

function closeForm() {
  payment?.elements.getElement("payment")?.destroy();
  payment = null;
  showForm();
}

async function confirmPayment() {
  const { stripe, elements } = payment;
  const { error } = await elements.submit();
  if (error) return settle({ error }, payment);
  if (await isOutdated()) return undefined;
  const before = new URLSearchParams({ paid_through: payment.before ?? "" });
  const confirmParams = { return_url: `${location.origin}${location.pathname}?${before}` };
  const result = await stripe.confirmPayment({ elements, confirmParams, redirect: "if_required" });
  return settle(result, payment);
}

/** Another page may have paid the same intent, or moved its amount: nobody pays a sum that they have not seen. */
async function isOutdated() {
  const { paymentIntent: now, error } = await payment.stripe.retrievePaymentIntent(payment.client_secret);
  if (error || ["succeeded", "processing"].includes(now.status)) {
    settle({ paymentIntent: now, error }, payment);
  } else if (now.status === "canceled") {
    closeForm();
    stop(() => [say("withdrawn"), say("withdrawn_advice")]);
  } else if (now.amount !== payment.amount) {
    payment.amount = now.amount;
    showForm();
    stop(() => [say("changed"), say("changed_advice", { amount: amount(now.amount, now.currency) })]);
  } else {
    return false;
  }
  return true;
}

async function testPayment() {
  const created = await createIntent();
  const stripe = created && (await stripeFor(created.publishable_key));
  if (!stripe) return;
  settle(await stripe.confirmCardPayment(created.client_secret, { payment_method: $("test-outcome").value }), created);
}

function settle({ paymentIntent, error }, paying) {
  const intent = paymentIntent ?? error.payment_intent;
  if (["succeeded", "processing"].includes(intent?.status)) return arrived(intent, paying);
  if (error?.type === "validation_error") return undefined; // the element says it beside its field, and has the focus there
  if (error?.type === "api_connection_error") return stop(() => [say("unknown"), say("unknown_advice")]);
  const reason = error?.message ?? intent?.last_payment_error?.message;
  return stop(() => [reason ?? say("declined"), say("nothing_charged")]);
}

function arrived({ status }, paying) {
  const sum = () => amount(paying.amount, paying.currency);
  closeForm();
  news(() => say(status === "processing" ? "processing" : "paid_now", { amount: sum() }));
  $("pay").focus();
  if (status === "succeeded") recorded(sum, paying.before);
}

async function recorded(sum, before) {
  isRecording = true;
  showButtons();
  const words = await untilRecorded(sum, before);
  isRecording = false;
  showButtons();
  news(words);
  // The second press of two may have come where the form was, and taken the focus from the button.
  if (document.activeElement === document.body) $("pay").focus();
}

/** What to say in the end. The provider tells the server by webhook, which may take a moment after it has told us. */
async function untilRecorded(sum, before) {
  for (const wait of RECORDING_WAITS_MS) {
    await refresh();
    if (!isStale && paidThrough() !== before) {
      const through = bill.paid_through;
      return () => say("recorded", { amount: sum(), moment: moment(through) });
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
  return () => say("recorded_later", { amount: sum() });
}

/** Some banks lead away from the page and back: then the address says which payment it was, and what was paid before. */
async function resume() {
  const asked = new URLSearchParams(location.search);
  const clientSecret = asked.get("payment_intent_client_secret");
  const before = asked.has("paid_through") ? asked.get("paid_through") || null : paidThrough();
  history.replaceState(null, "", location.pathname);
  const stripe = await stripeFor(publishableKey);
  if (!stripe) return;
  const { paymentIntent, error } = await stripe.retrievePaymentIntent(clientSecret);
  settle({ paymentIntent, error }, { ...paymentIntent, before });
}

// --- language, theme, and the start ---

function showWords() {
  root.lang = spoken();
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = say(node.dataset.text, { server: bill?.server_name });
  for (const node of document.querySelectorAll("[data-label]")) node.ariaLabel = say(node.dataset.label);
  for (const button of document.querySelectorAll("[data-language]")) button.ariaPressed = String(button.dataset.language === spoken());
  $("mode").hidden = mode === "live";
  if (mode !== "live") put("mode", say(mode === "test" ? "test" : "sandbox"));
  put("footer", say(mode === "sandbox" ? "footer_sandbox" : "footer"));
  root.dataset.ready = "";
  news(messages.news);
  trouble(messages.trouble);
  showForm();
  showBill();
}

function switchLanguage(tag) {
  speak(tag);
  remembered(tag);
  payment?.elements.update({ locale: spoken() });
  showWords();
}

/** Reads, or with a tag writes, the chosen language; a browser may forbid the storage. */
function remembered(tag) {
  try {
    if (tag) localStorage.setItem(LANGUAGE_KEY, tag);
    return localStorage.getItem(LANGUAGE_KEY);
  } catch {
    return null;
  }
}

function listen() {
  $("pay").addEventListener("click", () => alone(startPayment));
  $("test-pay").addEventListener("click", () => alone(testPayment));
  $("card-form").addEventListener("submit", (event) => {
    event.preventDefault();
    alone(confirmPayment);
  });
  $("cancel").addEventListener("click", () => {
    if (isBusy) return;
    trouble(null);
    closeForm();
    $("pay").focus();
  });
  $("refresh").addEventListener("click", refresh);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => switchLanguage(button.dataset.language));
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => payment?.elements.update({ appearance: appearance() }));
  window.addEventListener("online", refresh);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());
}

// Whoever follows a link to one of the languages gets it; else what was chosen here before; else what the browser prefers.
speak(new URLSearchParams(location.search).has("lang") ? root.lang : (remembered() ?? root.lang));
listen();
showWords();
setInterval(tick, 1000);
refresh().then(() => location.search.includes("payment_intent_client_secret=") && alone(resume));
stripeLoading = loadScript(stripeJsUrl);
stripeLoading.catch(() => (stripeLoading = null)); // said when it is needed
