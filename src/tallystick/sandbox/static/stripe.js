// Stands in for Stripe.js wherever the offline sandbox stands in for Stripe. It refuses live keys and talks to its own origin only.
(() => {
  "use strict";

  // Served as …/sandbox/js/stripe.js, beside …/sandbox/api and …/sandbox/3ds, under whatever prefix the host has chosen.
  const HOME = new URL("../", document.currentScript?.src || new URL("/sandbox/js/", location.href));

  // English, Japanese. Where the English is missing, Stripe's own message stands.
  const WORDS = {
    card: ["Card", "カード"], number: ["Card number", "カード番号"],
    expiry: ["Expiry date", "有効期限"], expiry_hint: ["MM / YY", "月 / 年"],
    cvc: ["Security code", "セキュリティコード"],
    hint: ["Sandbox test cards, with any future date and any code:", "サンドボックスのテストカード（期限は未来、コードは任意）："],
    pays: ["pays", "成功"], declines: ["declines", "拒否"], insufficient: ["insufficient funds", "残高不足"],
    asks: ["asks for 3-D Secure", "3Dセキュア認証"],
    title: ["Sandbox 3-D Secure", "サンドボックスの3Dセキュア"],
    question: ["Here your bank would ask you to confirm the payment. Choose its answer.", "本番ではカード会社が本人確認をします。結果を選んでください。"],
    complete: ["Complete", "認証する"], fail: ["Fail", "失敗させる"],
    incomplete_number: ["Your card number is incomplete.", "カード番号が不完全です。"],
    invalid_number: ["Your card number is invalid.", "カード番号が無効です。"],
    incomplete_expiry: ["Your card’s expiration date is incomplete.", "カードの有効期限が不完全です。"],
    invalid_expiry_month: ["Your card’s expiration month is invalid.", "カードの有効期限の月が無効です。"],
    invalid_expiry_year: ["Your card’s expiration year is invalid.", "カードの有効期限の年が無効です。"],
    invalid_expiry_year_past: ["Your card’s expiration year is in the past.", "カードの有効期限（年）が過ぎています。"],
    invalid_expiry_month_past: ["Your card’s expiration date is in the past.", "カードの有効期限が過ぎています。"],
    incomplete_cvc: ["Your card’s security code is incomplete.", "セキュリティコードが不完全です。"],
    api_connection_error: ["The payment service cannot be reached. Check the connection.", "決済サービスに接続できません。接続を確認してください。"],
    api_error: ["The payment service’s answer cannot be read. Try again in a moment.", "決済サービスの応答を読み取れません。後でもう一度お試しください。"],
    no_secret: ["The client secret is not one of a PaymentIntent or a SetupIntent.", "client secret が正しくありません。"],
    no_element: ["No card was given: create a card or payment element first.", "カードが入力されていません。"],
    card_declined: ["", "カードが拒否されました。"],
    insufficient_funds: ["", "カードの残高が不足しています。"],
    expired_card: ["", "カードの有効期限が切れています。"], incorrect_number: ["", "カード番号が正しくありません。"],
    incorrect_cvc: ["", "セキュリティコードが正しくありません。"],
    processing_error: ["", "カードの処理中にエラーが発生しました。後でもう一度お試しください。"],
    card_velocity_exceeded: ["", "カードの利用限度を超えています。"],
    payment_intent_authentication_failure: ["", "カードの本人認証に失敗しました。"],
  };

  const TEST_CARDS = [["4242 4242 4242 4242", "pays"], ["4000 0000 0000 0002", "declines"],
    ["4000 0000 0000 9995", "insufficient"], ["4000 0025 0000 3155", "asks"]];
  const BRANDS = [["visa", "Visa", /^4/], ["mastercard", "Mastercard", /^(5[1-5]|2[2-7])/], ["amex", "American Express", /^3[47]/], ["jcb", "JCB", /^35/],
    ["diners", "Diners Club", /^3[068]/], ["discover", "Discover", /^6(011|5|4[4-9])/], ["unionpay", "UnionPay", /^62/]];

  const VARIABLES = [["colorPrimary", "primary"], ["colorBackground", "background"], ["colorText", "text"], ["colorTextSecondary", "quiet"],
    ["colorDanger", "danger"], ["borderRadius", "radius"], ["fontFamily", "font"], ["spacingUnit", "unit"]];

  const STYLE = `
    :host { display: block; --primary: light-dark(#0a6b4f, #5fd3a8); --background: light-dark(#fff, #16201d); --text: light-dark(#1b2420, #e8efec);
      --quiet: light-dark(#56625d, #a3b2ac); --danger: light-dark(#b3261e, #ffb4a9); --line: light-dark(#7b8782, #75857f);
      --radius: 6px; --font: system-ui, sans-serif; --unit: 4px; } * { box-sizing: border-box; }
    .card { display: grid; grid-template-columns: 1fr 1fr; gap: calc(var(--unit) * 4) calc(var(--unit) * 3); font-family: var(--font); color: var(--text); }
    .field { display: grid; gap: var(--unit); align-content: start; min-width: 0; }
    .field:first-child, .hint { grid-column: 1 / -1; }
    label { font-size: 0.9rem; font-weight: 500; } .box { position: relative; display: block; }
    .brand { position: absolute; inset: 0 12px 0 auto; display: grid; align-items: center; color: var(--quiet); font-size: 0.8rem; pointer-events: none; }
    input { width: 100%; min-height: 44px; padding: 0 12px; border: 1px solid var(--line); border-radius: var(--radius);
      background: var(--background); color: var(--text); font: inherit; font-variant-numeric: tabular-nums; }
    input::placeholder { color: var(--quiet); opacity: 1; }
    input:focus-visible, button:focus-visible { outline: 3px solid var(--primary); outline-offset: 1px; }
    input[aria-invalid="true"] { border-color: var(--danger); }
    .fault { margin: 0; color: var(--danger); font-size: 0.85rem; } .fault:empty { display: none; }
    .hint { color: var(--quiet); font-size: 0.8rem; line-height: 1.6; } .hint p, .hint ul { margin: 0; padding: 0; list-style: none; }
    .hint ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); }
    .hint code { font: inherit; font-variant-numeric: tabular-nums; color: var(--text); }
    dialog { max-width: min(26rem, calc(100vw - 2rem)); padding: 24px; border: 1px solid var(--line); border-radius: 10px;
      background: var(--background); color: var(--text); font-family: var(--font); line-height: 1.5; }
    dialog::backdrop { background: rgb(0 0 0 / 0.55); }
    dialog h2 { margin: 0 0 8px; font-size: 1.15rem; } dialog p { margin: 0 0 20px; }
    .answers { display: flex; flex-wrap: wrap; gap: 12px; }
    button { flex: 1 1 8rem; min-height: 44px; padding: 0 16px; border: 1px solid var(--primary); border-radius: var(--radius); background: var(--background); color: var(--primary); font: inherit; font-weight: 600; cursor: pointer; }
    button.first { background: var(--primary); color: var(--background); }`;
  let sheet; // made when first needed: the script may run before there is a document to style

  class IntegrationError extends Error { name = "IntegrationError"; }

  const digitsOf = (text) => text.replace(/\D/g, "");
  const brandOf = (digits) => BRANDS.find(([, , pattern]) => pattern.test(digits)) ?? ["unknown", "", null];
  const lengthOf = (brand) => ({ amex: 15, diners: 14 })[brand] ?? 16;
  const cvcLengthOf = (brand) => (brand === "amex" ? 4 : 3);

  function passesLuhn(digits) {
    const doubled = (digit) => (digit > 4 ? digit * 2 - 9 : digit * 2);
    const sum = [...digits].reverse().reduce((total, each, place) => total + (place % 2 ? doubled(Number(each)) : Number(each)), 0);
    return sum % 10 === 0;
  }

  function numberFault(digits) {
    if (digits.length < lengthOf(brandOf(digits)[0])) return "incomplete_number";
    return passesLuhn(digits) ? "" : "invalid_number";
  }

  function expiryFault(digits, now = new Date()) {
    if (digits.length < 4) return "incomplete_expiry";
    const [month, year, thisYear] = [Number(digits.slice(0, 2)), 2000 + Number(digits.slice(2)), now.getFullYear()];
    if (month < 1 || month > 12) return "invalid_expiry_month";
    if (year < thisYear) return "invalid_expiry_year_past";
    if (year > thisYear + 50) return "invalid_expiry_year";
    return year === thisYear && month < now.getMonth() + 1 ? "invalid_expiry_month_past" : "";
  }

  function grouped(digits) {
    const length = lengthOf(brandOf(digits)[0]);
    const parts = (length < 16 ? /^(.{0,4})(.{0,6})(.*)/ : /^(.{0,4})(.{0,4})(.{0,4})(.*)/).exec(digits.slice(0, length)).slice(1);
    return parts.filter(Boolean).join(" ");
  }

  function expiryShown(text) {
    const typed = digitsOf(text);
    const padded = /^[2-9]/.test(typed) ? `0${typed}` : typed;
    const year = padded.length > 5 ? padded.slice(4, 6) : padded.slice(2, 4); // autofill may write 12/2034
    return year ? `${padded.slice(0, 2)} / ${year}` : padded;
  }

  function formOf(params, outer = "", form = new URLSearchParams()) {
    for (const [name, value] of Object.entries(params)) {
      const key = outer ? `${outer}[${name}]` : name;
      if (value === undefined || value === null) continue;
      if (typeof value === "object") formOf(value, key, form);
      else form.append(key, value);
    }
    return form;
  }

  const said = (client, code, more = {}) => ({ error: { type: code, message: client.word(code), ...more } });
  const noSecret = (client) => said(client, "no_secret", { type: "invalid_request_error", param: "client_secret" });
  const sent = (url, request) => fetch(url, { credentials: "omit", ...request }).catch(() => null);

  async function call(client, method, path, params) {
    const [url, form] = [new URL(`api/v1/${path}`, HOME), formOf(params)];
    const body = method === "GET" ? undefined : form;
    url.search = body ? "" : form;
    const response = await sent(url, { method, body, headers: { Authorization: `Bearer ${client.key}` } });
    if (!response) return said(client, "api_connection_error");
    const answer = await response.json().catch(() => null);
    if (response.ok && answer) return { answer };
    return answer?.error ? { error: client.inWords(answer.error) } : said(client, "api_error");
  }

  function intentOf(clientSecret) {
    const [, id, kind] = /^((pi|seti)_\w+?)_secret_\w+$/.exec(clientSecret ?? "") ?? [];
    if (!id) return null;
    const [noun, field] = kind === "pi" ? ["paymentIntent", "payment_intent"] : ["setupIntent", "setup_intent"];
    return { id, noun, field, path: `${field}s/${id}`, clientSecret };
  }

  async function retrieve(client, clientSecret) {
    const intent = intentOf(clientSecret);
    if (!intent) return noSecret(client);
    const found = await call(client, "GET", intent.path, { client_secret: clientSecret });
    return found.error ? found : { [intent.noun]: found.answer };
  }

  async function confirm(client, clientSecret, params, handleActions = true) {
    const intent = intentOf(clientSecret);
    if (!intent) return noSecret(client);
    const { answer, error } = await call(client, "POST", `${intent.path}/confirm`, { client_secret: clientSecret, use_stripe_sdk: true, ...params });
    if (error) return { error };
    return outcome(client, intent, handleActions ? await authenticated(client, intent, answer) : { answer });
  }

  function outcome(client, intent, { answer, error }) {
    if (error) return { error };
    const failure = answer.last_payment_error ?? answer.last_setup_error;
    if (answer.status !== "requires_payment_method" || !failure) return { [intent.noun]: answer };
    return { error: { ...client.inWords(failure), [intent.field]: answer } };
  }

  async function authenticated(client, intent, answer) {
    if (answer.status !== "requires_action") return { answer };
    const form = formOf({ client_secret: intent.clientSecret, result: await banksAnswer(client) });
    const response = await sent(new URL(`3ds/${intent.id}`, HOME), { method: "POST", body: form, redirect: "manual" });
    if (!response) return said(client, "api_connection_error");
    return call(client, "GET", intent.path, { client_secret: intent.clientSecret });
  }

  function banksAnswer(client) {
    const complete = make("button", { type: "button", className: "first", textContent: client.word("complete") });
    const fail = make("button", { type: "button", textContent: client.word("fail") });
    const title = make("h2", { textContent: client.word("title") });
    const question = make("p", { textContent: client.word("question") });
    const dialog = make("dialog", {}, title, question, make("div", { className: "answers" }, complete, fail));
    Object.assign(dialog, { ariaLabel: title.textContent, ariaDescription: question.textContent });
    const host = make("div", { lang: client.locale });
    shadowOf(host).append(dialog);
    document.body.append(host);
    complete.addEventListener("click", () => dialog.close("success"));
    fail.addEventListener("click", () => dialog.close("failure"));
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => {
        host.remove();
        resolve(dialog.returnValue || "failure"); // Escape gives none: who turns away from the bank has not confirmed
      });
    });
  }

  function make(tag, properties = {}, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  }

  function shadowOf(host) {
    if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(STYLE);
    const root = host.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    return root;
  }

  class Emitter {
    #listeners = [];

    on(event, listener) {
      this.#listeners.push({ event, listener });
      return this;
    }

    once(event, listener) {
      const first = (told) => listener(told, this.off(event, first));
      return this.on(event, first);
    }

    off(event, listener) {
      this.#listeners = this.#listeners.filter((each) => each.event !== event || (listener && each.listener !== listener));
      return this;
    }

    emit(event, told) {
      for (const each of this.#listeners) if (each.event === event) each.listener(told);
    }
  }

  const FIELDS = {
    number: { autocomplete: "cc-number", fault: numberFault, shown: (text) => grouped(digitsOf(text)), placeholder: () => "1234 1234 1234 1234" },
    expiry: { autocomplete: "cc-exp", fault: expiryFault, shown: expiryShown, placeholder: (client) => client.word("expiry_hint") },
    cvc: { autocomplete: "cc-csc", fault: null, shown: (text) => digitsOf(text).slice(0, 4), placeholder: () => "123" },
  };
  const NAMES = Object.keys(FIELDS);

  class CardElement extends Emitter {
    #client; #type; #host = null; #inputs = {}; #faults = {}; #labels = {}; #brand; #group; #hint;

    constructor(client, type, options) {
      super();
      [this.#client, this.#type] = [client, type];
      this.#hint = make("div", { className: "hint" });
      this.#group = make("div", { className: "card", role: "group" }, ...NAMES.map((name) => this.#field(name)), this.#hint);
      this.#group.addEventListener("focusin", (event) => this.#within(event) || this.emit("focus", { elementType: this.#type }));
      this.#group.addEventListener("focusout", (event) => this.#within(event) || this.emit("blur", { elementType: this.#type }));
      this.relabel();
      this.update(options);
    }

    #field(name) {
      const input = make("input", { id: name, type: "text", inputMode: "numeric", autocomplete: FIELDS[name].autocomplete, spellcheck: false });
      input.setAttribute("aria-describedby", `${name}-fault`);
      input.addEventListener("input", () => this.#typed(name));
      input.addEventListener("blur", () => input.value && this.#show(name, this.#fault(name)));
      // As in Stripe's own frame: Enter sends the form that the element stands in.
      input.addEventListener("keydown", (event) => event.key === "Enter" && this.#host?.closest("form")?.requestSubmit());
      this.#inputs[name] = input;
      this.#labels[name] = make("label", { htmlFor: name });
      this.#faults[name] = make("p", { id: `${name}-fault`, className: "fault" });
      const box = make("span", { className: "box" }, input);
      if (name === "number") box.append((this.#brand = make("span", { className: "brand", ariaHidden: "true" })));
      return make("div", { className: "field" }, this.#labels[name], box, this.#faults[name]);
    }

    #within(event) { return this.#group.contains(event.relatedTarget); }

    #typed(name) {
      const input = this.#inputs[name];
      const ahead = digitsOf(input.value.slice(0, input.selectionStart)).length;
      const atEnd = input.selectionStart === input.value.length;
      input.value = FIELDS[name].shown(input.value);
      const place = new RegExp(`^(\\D*\\d){${ahead}}`).exec(input.value)?.[0].length ?? input.value.length;
      if (!atEnd) input.setSelectionRange(place, place);
      this.#brand.textContent = brandOf(this.#digits("number"))[1];
      if (this.#faults[name].textContent) this.#show(name, this.#fault(name));
      this.emit("change", this.#told());
    }

    #digits(name) { return digitsOf(this.#inputs[name].value); }

    #fault(name) {
      if (name !== "cvc") return FIELDS[name].fault(this.#digits(name));
      return this.#digits("cvc").length < cvcLengthOf(brandOf(this.#digits("number"))[0]) ? "incomplete_cvc" : "";
    }

    #show(name, code = "") {
      this.#faults[name].dataset.code = code;
      this.#faults[name].textContent = code ? this.#client.word(code) : "";
      this.#inputs[name].ariaInvalid = code ? "true" : null;
    }

    #told() {
      const codes = NAMES.map((name) => this.#fault(name));
      const told = { elementType: this.#type, empty: NAMES.every((name) => !this.#inputs[name].value), complete: codes.every((code) => !code) };
      if (this.#type === "payment") return { ...told, collapsed: false, value: { type: "card" } };
      const wrong = codes.find((code) => code.startsWith("invalid"));
      const error = wrong && { type: "validation_error", code: wrong, message: this.#client.word(wrong) };
      return { ...told, brand: brandOf(this.#digits("number"))[0], error: error || undefined, value: { postalCode: "" } };
    }

    /** What keeps the card from being sent, shown at its field; undefined when nothing does. */
    validate() {
      for (const name of NAMES) this.#show(name, this.#fault(name));
      const first = NAMES.find((name) => this.#fault(name));
      if (!first) return undefined;
      this.#inputs[first].focus();
      return { type: "validation_error", code: this.#fault(first), message: this.#client.word(this.#fault(first)) };
    }

    /** The card as the API takes it. */
    data() {
      const [number, expiry, cvc] = NAMES.map((name) => this.#digits(name));
      return { type: "card", card: { number, exp_month: Number(expiry.slice(0, 2)), exp_year: 2000 + Number(expiry.slice(2)), cvc } };
    }

    relabel() {
      this.#group.ariaLabel = this.#client.word("card");
      this.#group.lang = this.#client.locale;
      for (const [name, label] of Object.entries(this.#labels)) {
        label.textContent = this.#client.word(name);
        this.#inputs[name].placeholder = FIELDS[name].placeholder(this.#client);
        this.#show(name, this.#faults[name].dataset.code);
      }
      const cards = TEST_CARDS.map(([number, meaning]) => make("li", {}, make("code", { textContent: number }), ` ${this.#client.word(meaning)}`));
      this.#hint.replaceChildren(make("p", { textContent: this.#client.word("hint") }), make("ul", {}, ...cards));
    }

    dress({ theme, variables = {} } = {}) {
      if (!this.#host) return;
      for (const [name, own] of VARIABLES) if (variables[name]) this.#host.style.setProperty(`--${own}`, variables[name]);
      this.#host.style.colorScheme = theme === "night" ? "dark" : "";
    }

    mount(target) {
      const host = typeof target === "string" ? document.querySelector(target) : target;
      if (!host) throw new IntegrationError(`The selector you specified (${target}) applies to no DOM elements that are currently on the page.`);
      this.unmount();
      this.#host = make("div", { className: "StripeElement" });
      shadowOf(this.#host).append(this.#group);
      host.replaceChildren(this.#host);
      this.dress(this.#client.appearance);
      this.emit("loaderstart", { elementType: this.#type });
      setTimeout(() => this.emit("ready", { elementType: this.#type }), 0);
      return this;
    }

    update(options = {}) {
      const shut = options.disabled ?? options.readOnly;
      for (const input of Object.values(this.#inputs)) input.disabled = shut ?? input.disabled;
    }

    clear() {
      for (const input of Object.values(this.#inputs)) input.value = "";
      for (const name of NAMES) this.#typed(name, this.#show(name, ""));
    }

    unmount() {
      this.#host?.remove();
      this.#host = null;
    }

    destroy() {
      this.unmount();
      this.emit("destroy");
    }

    focus() { this.#inputs.number.focus(); }
    blur() { this.#host?.shadowRoot.activeElement?.blur(); }
    collapse() {}
  }

  class Elements extends Emitter {
    #client; #options; #created = new Map();

    constructor(client, options) {
      super();
      if (options.paymentMethodTypes) throw new IntegrationError("elements(): paymentMethodTypes is gone; use allowedPaymentMethodTypes.");
      if (options.clientSecret && !intentOf(options.clientSecret)) throw new IntegrationError(client.word("no_secret"));
      [this.#client, this.#options] = [client, options];
      this.update(options);
    }

    get clientSecret() { return this.#options.clientSecret; }
    create(type, options = {}) {
      if (type !== "payment" && type !== "card") throw new IntegrationError(`The sandbox has a payment and a card element, and no ${type}.`);
      const element = new CardElement(this.#client, type, options).on("destroy", () => this.#created.delete(type));
      this.#created.set(type, element);
      return element;
    }

    getElement(type) { return this.#created.get(type) ?? null; }
    element() { return this.getElement("payment") ?? this.getElement("card"); }

    async update({ locale, appearance, ...rest } = {}) {
      Object.assign(this.#options, rest);
      if (locale) this.#client.setLocale(locale);
      if (appearance) this.#client.appearance = appearance;
      for (const element of this.#created.values()) {
        element.dress(this.#client.appearance);
        element.relabel();
      }
    }

    async submit() {
      const error = this.element() ? this.element().validate() : said(this.#client, "no_element").error;
      return error ? { error } : { selectedPaymentMethod: "card" };
    }

    async fetchUpdates() {
      const { error } = this.clientSecret ? await retrieve(this.#client, this.clientSecret) : {};
      return error ? { error } : {};
    }
  }

  class Client {
    constructor(key, options) {
      [this.key, this.appearance] = [key, {}];
      this.setLocale(options.locale ?? "auto");
    }

    setLocale(wanted) {
      const tag = wanted === "auto" ? document.documentElement.lang || navigator.language : wanted;
      this.locale = tag.toLowerCase().startsWith("ja") ? "ja" : "en";
    }

    word(name) { return WORDS[name]?.[this.locale === "ja" ? 1 : 0] ?? ""; }
    inWords(error) { return { ...error, message: this.word(error.decline_code) || this.word(error.code) || error.message }; }
  }

  // A card to send, or what is wrong with it: from an element, from `elements`, or the id of a PaymentMethod.
  function methodParams(client, source, billing_details) {
    if (typeof source === "string") return { params: { payment_method: source } };
    const element = source instanceof Elements ? source.element() : source;
    if (!(element instanceof CardElement)) return said(client, "no_element", { type: "invalid_request_error" });
    const error = element.validate();
    return error ? { error } : { params: { payment_method_data: { ...element.data(), billing_details } } };
  }

  async function confirmWithElements(client, { elements, clientSecret, confirmParams = {}, redirect = "always" }) {
    const { payment_method, payment_method_data, return_url } = confirmParams;
    const { params, error } = methodParams(client, payment_method ?? elements, payment_method_data?.billing_details);
    if (error) return { error };
    const secret = clientSecret ?? elements?.clientSecret;
    const result = await confirm(client, secret, { ...params, return_url });
    if (result.error || redirect === "if_required") return result;
    location.assign(returnAddress(return_url, intentOf(secret), result));
    return new Promise(() => {}); // the page is leaving; Stripe.js does not answer either
  }

  function returnAddress(return_url, { id, noun, field, clientSecret }, result) {
    const url = new URL(return_url ?? location.href, location.href);
    const told = { [field]: id, [`${field}_client_secret`]: clientSecret, redirect_status: result[noun].status };
    for (const [name, value] of Object.entries(told)) url.searchParams.set(name, value);
    return url;
  }

  async function confirmWithCard(client, clientSecret, { payment_method, return_url, setup_future_usage } = {}, { handleActions = true } = {}) {
    const source = payment_method?.card ?? payment_method;
    const { params, error } = source ? methodParams(client, source, payment_method.billing_details) : { params: {} };
    return error ? { error } : confirm(client, clientSecret, { ...params, return_url, setup_future_usage }, handleActions);
  }

  async function createPaymentMethod(client, { elements, card, billing_details, params: more = {} }) {
    const { params, error } = methodParams(client, card ?? elements, billing_details ?? more.billing_details);
    if (error) return { error };
    const created = await call(client, "POST", "payment_methods", params.payment_method_data ?? {});
    return created.error ? created : { paymentMethod: created.answer };
  }

  async function handleNextAction(client, { clientSecret }) {
    const intent = intentOf(clientSecret);
    const found = await retrieve(client, clientSecret);
    return found.error ? found : outcome(client, intent, await authenticated(client, intent, found[intent.noun]));
  }

  function Stripe(publishableKey, options = {}) {
    if (!/^pk_test_/.test(publishableKey)) throw new IntegrationError("The sandbox takes a publishable test key: pk_test_…");
    const client = new Client(publishableKey, options);
    return {
      elements: (given = {}) => new Elements(client, { ...given }),
      confirmPayment: (given = {}) => confirmWithElements(client, given),
      confirmSetup: (given = {}) => confirmWithElements(client, given),
      confirmCardPayment: (secret, data, how) => confirmWithCard(client, secret, data, how),
      confirmCardSetup: (secret, data, how) => confirmWithCard(client, secret, data, how),
      createPaymentMethod: (given = {}) => createPaymentMethod(client, given),
      retrievePaymentIntent: (secret) => retrieve(client, secret),
      retrieveSetupIntent: (secret) => retrieve(client, secret),
      handleNextAction: (given = {}) => handleNextAction(client, given),
      registerAppInfo() {}, _registerWrapper() {},
    };
  }

  Stripe.version = "endive";
  window.Stripe = Stripe;
})();
