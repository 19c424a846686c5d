// The desk on this device: one key fills the log, saves go through an encrypted queue that outlives network, server and browser.
// Without it every part of the desk still works as a plain form.
(() => {
  "use strict";
  const $ = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const desk = $("#desk");
  if (!desk || !window.isSecureContext || !window.crypto?.subtle || !window.indexedDB) return;
  let device = JSON.parse(desk.dataset.device);
  const form = $("#log"), about = $("#about"), said = $("#said"), note = $("#note"), save = $("#save");
  const words = (name, values = {}) => Object.entries(values).reduce((text, [key, value]) => text.replace(`{${key}}`, value), device.words[name]);

  // ---- the store: IndexedDB, every record encrypted with a key that cannot leave the browser; sign-out destroys it (sign-out.js)
  let opened = null;
  const database = () => opened ||= new Promise((resolve, reject) => {
    const request = indexedDB.open("desk", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("key");
      request.result.createObjectStore("queue", { keyPath: "id", autoIncrement: true });
      request.result.createObjectStore("kept");
    };
    request.onsuccess = () => {
      request.result.onversionchange = () => { request.result.close(); opened = null; };
      resolve(request.result);
    };
    request.onerror = () => { opened = null; reject(request.error); };
  });
  const run = async (store, mode, act) => {
    const db = await database();
    return new Promise((resolve, reject) => {
      const transaction = db.transaction(store, mode, { durability: "strict" });
      const request = act(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  };
  const theKey = async () => {
    const kept = await run("key", "readonly", (store) => store.get("key"));
    if (kept || device.offline) return kept;
    const fresh = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    await run("key", "readwrite", (store) => store.add(fresh, "key")).catch(() => {}); // another window was first
    return run("key", "readonly", (store) => store.get("key"));
  };
  const lock = async (value) => {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await theKey(), new TextEncoder().encode(JSON.stringify(value)));
    return { iv, data };
  };
  const unlock = async ({ iv, data }) => JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, await theKey(), data)));
  const keep = async (name, value) => { const locked = await lock(value); return run("kept", "readwrite", (store) => store.put(locked, name)); };
  const kept = async (name) => { const locked = await run("kept", "readonly", (store) => store.get(name)); return locked ? unlock(locked) : null; };
  const queue = () => run("queue", "readonly", (store) => store.getAll());
  const drop = (id) => run("queue", "readwrite", (store) => store.delete(id));

  // ---- sending: one window at a time, in order, each until the server has said that it has it
  const headers = () => ({ "Content-Type": "application/json", "X-Desk-Account": String(device.account) });
  let again = 0, tries = 0;
  const later = () => {
    clearTimeout(again);
    again = setTimeout(flush, Math.min(60000, 2000 * 2 ** tries++));
  };
  const flush = () => {
    if (device.offline && !device.account) return Promise.resolve();
    return navigator.locks.request("desk-send", async () => {
      let sent = 0;
      for (const item of await queue()) {
        if (item.owner !== device.account || item.refused) continue;
        let answer;
        try {
          const body = JSON.stringify(await unlock(item));
          answer = await fetch(device.send, { method: "POST", headers: headers(), body, signal: AbortSignal.timeout(20000) });
        } catch { results.get(item.uid)?.({}); later(); break; }
        if (answer.status === 200 || answer.status === 201) {
          await answer.text();
          await drop(item.id);
          results.get(item.uid)?.({ stored: true });
          tries = 0;
          sent += 1;
        } else if (answer.status === 401) {
          needsSignIn = true;
          results.get(item.uid)?.({});
          break;
        } else if ([400, 403, 409, 413, 422].includes(answer.status)) {
          const problem = await answer.json().catch(() => ({}));
          const why = Object.values(problem.errors || {}).join(" ") || problem.title || String(answer.status);
          await run("queue", "readwrite", (store) => store.put({ ...item, refused: why }));
          results.get(item.uid)?.({ refused: why });
        } else { later(); break; }
      }
      if (sent) { noteSent(); refreshToday(); }
      return sent;
    }).finally(showWaiting);
  };
  const results = new Map();
  let needsSignIn = false;

  // ---- what waits
  const waiting = $("#waiting"), list = $("#waiting-list");
  async function showWaiting() {
    const items = await queue();
    const mine = items.filter((item) => item.owner === device.account);
    const open = mine.filter((item) => !item.refused), refused = mine.filter((item) => item.refused);
    const others = items.length - mine.length;
    waiting.replaceChildren();
    if (open.length) waiting.append(words("waiting", { count: open.length }) + " ");
    if (open.length && needsSignIn) {
      const link = document.createElement("a");
      link.href = device.signIn;
      link.textContent = words("signIn");
      waiting.append(link);
    }
    if (others) waiting.append(" " + words("others", { count: others }));
    waiting.hidden = !waiting.textContent;
    list.hidden = !refused.length;
    list.replaceChildren(...await Promise.all(refused.map(async (item) => {
      const record = await unlock(item);
      const line = document.createElement("li");
      line.className = "callout problem";
      const text = document.createElement("p");
      text.textContent = words("refused", { why: item.refused });
      const back = button(words("intoForm"), async () => { await drop(item.id); fill(record, record.name_here || record.topic); showWaiting(); });
      const away = button(words("discard"), async () => { await drop(item.id); showWaiting(); });
      line.append(text, back, " ", away);
      return line;
    })));
  }
  const button = (label, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "button quiet";
    made.textContent = label;
    made.addEventListener("click", act);
    return made;
  };

  // ---- the form
  const radio = (name, value) => all(`input[name="${name}"]`, form).forEach((input) => { input.checked = input.value === value; });
  const state = () => Object.fromEntries(["topic", "need", "help_mode", "outcome", "reason", "people", "minutes", "place"].map((name) => [name, new FormData(form).get(name) || ""]));
  const start = state();
  const startName = $("#topic-name").textContent;
  const fill = (values, name) => {
    const whole = { ...start, topic: "", need: "", help_mode: "", outcome: "", reason: "", minutes: "", people: "1", ...values };
    for (const part of ["need", "help_mode", "outcome"]) radio(part, whole[part]);
    for (const part of ["topic", "reason", "minutes", "people", "place"]) if (form.elements[part]) form.elements[part].value = whole[part] ?? "";
    for (const part of ["note", "occurred_at", "failed_step", "file_reference"]) if (form.elements[part]) form.elements[part].value = values[part] || "";
    for (const part of ["age_band", "access_need"]) if (form.elements[part]) form.elements[part].value = values[part] || "";
    if (form.elements.first_time) form.elements.first_time.checked = values.first_time === true;
    $("#topic-name").textContent = whole.topic ? name : words("none");
    $("#errors")?.remove();
    warn();
  };
  const clear = (focus = true) => {
    fill({ place: form.elements.place.value }, "");
    all("[data-template][aria-current]").forEach((link) => link.removeAttribute("aria-current"));
    showBeside("");
    if (focus) (about || form).focus();
  };
  // The same as the server's (text.plain_numbers, desk/forms.looks_personal): digits of any script, any gap between them.
  const HARMLESS = /(?<![\d.,/-])(?<!\d )(?:\d{1,2}([/.-])\d{1,2}\1\d{4}|\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[:h]\d{2}|(?:\d{1,3}|\d{1,2}[.,]\d{3})[.,](?:000|500)|[1-3]\.\d{6}|(?:19|20)\d\d(?:(?:, ?| - |-|\/)(?:19|20)\d\d)*)(?![.,:/-]?\d| ?\d{3})/g;
  const GAP = /(?<=[\d)])[ .,:;/()_*+|-]{2,4}(?=[\d(])/g;
  const PERSONAL = [
    /(?<![\d.,])\d{6}(?![\d.,]*\d)/, /\d(?:[ .,:/()+-]?\d){8,}/, /[\p{L}\p{N}_.+-]+@[\p{L}\p{N}_-]+(\.[\p{L}\p{N}_-]+)+/u,
    /(stk|so tai khoan|tai khoan so|tai khoan ngan hang|account (number|no)|bank account)\D{0,12}\d([ .-]?\d){5,18}/,
    /(otp|ma xac thuc|ma xac nhan|passcode|mat khau|password|one.time code|\bpin\b)\D{0,14}\d([ .-]?\d){3,7}(?!\d)/,
  ];
  const digit = (character) => { // digits of a script follow each other from nought to nine
    let value = 0;
    for (let code = character.codePointAt(0) - 1; /\p{Nd}/u.test(String.fromCodePoint(code)); code--) value++;
    return String(value % 10);
  };
  const plainNumbers = (text) => text.normalize("NFKD").replace(/[\p{M}\p{Cf}]/gu, "").replace(/[đĐ]/g, "d").toLowerCase()
    .replace(/\p{Nd}/gu, digit).replace(/[\p{Cc}\p{Z}]/gu, " ").replace(/[\p{Pd}_\u2212\u2043]/gu, "-")
    .replace(/[\u00b7\u2022\u2219\u22c5\u3002\u06d4]/g, ".").replace(/[\u060c\u066b\u066c]/g, ",").replace(HARMLESS, "#").replace(GAP, " ");
  const personal = (text) => { const plain = plainNumbers(text); return PERSONAL.some((pattern) => pattern.test(plain)); };
  function warn() {
    const wrong = personal(note.value);
    $("#note-warning").textContent = wrong ? words("personal") : "";
    note.setAttribute("aria-invalid", wrong);
    return wrong;
  }
  note.addEventListener("input", warn);

  const uid = () => crypto.randomUUID ? crypto.randomUUID() : [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const record = (submitter) => {
    const data = new FormData(form);
    const made = { case_uid: uid() };
    for (const name of ["topic", "need", "help_mode", "outcome", "reason", "place", "minutes", "age_band", "access_need", "note", "file_reference", "unit", "failed_step"]) {
      const value = (data.get(name) || "").trim();
      if (value) made[name] = value;
    }
    const when = data.get("occurred_at");
    made.occurred_at = when ? `${when}:00+07:00`.slice(0, 25) : new Date().toISOString();
    made.people = Number(data.get("people") || 1);
    made.first_time = data.get("first_time") === "y";
    made.steps = data.getAll("steps");
    if (submitter?.name === "stopped") {
      const [step, reason] = submitter.value.split("|");
      Object.assign(made, { outcome: "stopped", failed_step: step, reason });
    } else if (submitter?.name === "finish") made.outcome = submitter.value;
    if (!["stopped", "referred"].includes(made.outcome)) { delete made.reason; delete made.failed_step; }
    return made;
  };
  const complain = (sentence, where) => { say(sentence); said.classList.add("problem-text"); where?.focus(); };
  const say = (sentence, undo) => {
    said.classList.remove("problem-text");
    said.replaceChildren(sentence);
    if (!undo) return;
    const back = button(words("undo"), undo);
    back.id = "undo";
    said.append(" ", back);
    setTimeout(() => back.remove(), 10000);
  };

  let last = null, saving = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (saving) return;
    const made = record(event.submitter), name = $("#topic-name").textContent, same = event.submitter?.name === "again";
    if (!made.topic) return complain(words("topic"), about);
    if (!made.need || !made.help_mode || !made.outcome) return complain(words("missing"), $("input[name=need]", form));
    if (["stopped", "referred"].includes(made.outcome) && !made.reason) return complain(words("why"), form.elements.reason);
    if (warn()) return complain(words("personal"), note);
    saving = true;
    let id;
    try {
      const locked = await lock({ ...made, name_here: name });
      id = await run("queue", "readwrite", (store) => store.add({ owner: device.account, uid: made.case_uid, ...locked }));
    } catch { // this browser keeps nothing: send it the plain way
      saving = false;
      form.elements.case_uid.value = made.case_uid;
      return HTMLFormElement.prototype.submit.call(form);
    }
    const answered = new Promise((resolve) => { results.set(made.case_uid, resolve); setTimeout(resolve, 1500, {}); });
    flush();
    last = { values: made, name };
    if (same) fill({ ...made, note: "", occurred_at: "" }, name); else clear(false);
    saving = false;
    const result = await answered;
    results.delete(made.case_uid);
    if (result.refused) complain(words("refused", { why: result.refused }), list);
    else say(result.stored ? words("saved", { name }) : words("kept"), () => undo(made.case_uid, id));
    if (same) save.focus({ preventScroll: true }); else said.focus({ preventScroll: true });
  });
  const undo = async (caseUid, id) => {
    $("#undo")?.remove();
    await navigator.locks.request("desk-send", async () => {
      if ((await queue()).some((item) => item.id === id)) { await drop(id); return say(words("undone")); }
      const answer = await fetch(device.send.replace("/cases", `/cases/${caseUid}/undo`), { method: "POST", headers: headers(), body: "{}" }).catch(() => null);
      if (answer?.ok) return say(words("undone"));
      say(answer ? (await answer.json().catch(() => ({}))).title || "" : words("kept"));
    });
    refreshToday();
    showWaiting();
  };

  // ---- parts of the page that the server draws
  const part = async (address, id) => {
    const answer = await fetch(address, { headers: { "HX-Request": "true", "HX-Target": `section#${id}` }, signal: AbortSignal.timeout(8000) });
    if (!answer.ok || answer.redirected) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(id);
  };
  const put = (id, fresh) => { const old = document.getElementById(id); if (fresh && old) old.replaceWith(document.adoptNode(fresh)); };
  async function refreshToday() {
    if (device.offline) return;
    const query = new URLSearchParams(location.search).get("mine") === "1" ? "?mine=1" : "";
    put("today", await part(device.desk + query, "today").catch(() => null));
  }
  // Another window, or this one's last page while it was left, may have sent what this page was drawn too early to list.
  const SENT = "desk-sent";
  function noteSent() { try { localStorage.setItem(SENT, String(Date.now())); } catch { /* a private window */ } }
  const sentSince = (instant) => { try { return Number(localStorage.getItem(SENT)) >= instant; } catch { return false; } };
  window.addEventListener("storage", (event) => { if (event.key === SENT) { refreshToday(); showWaiting(); } });
  let wanted = "";
  async function showBeside(topic) {
    const box = $("#beside");
    if (!box) return;
    wanted = topic;
    if (!topic || device.offline) return box.replaceChildren();
    const fresh = await part(`${device.desk}?topic=${encodeURIComponent(topic)}`, "beside").catch(() => null);
    if (wanted !== topic) return;
    put("beside", fresh);
    return fresh?.dataset.defaults ? JSON.parse(fresh.dataset.defaults) : null;
  }

  // ---- choosing what it is about
  const choose = async (topic, name) => {
    fill({ topic, place: form.elements.place.value }, name);
    save.focus();
    let touched = false;
    const touch = () => { touched = true; };
    form.addEventListener("change", touch, { once: true });
    const usual = device.offline ? null : await showBeside(topic);
    form.removeEventListener("change", touch);
    if (usual && !touched && form.elements.topic.value === topic) {
      for (const one of ["need", "help_mode", "outcome"]) radio(one, usual[one]);
      if (usual.minutes) form.elements.minutes.value = usual.minutes;
    }
  };
  const pick = (template) => {
    fill({ ...template.values, place: template.values.place || form.elements.place.value }, device.topicNames[template.values.topic] || template.name);
    all("[data-template]").forEach((link) => link.toggleAttribute("aria-current", link.dataset.template === template.key));
    save.focus();
    showBeside(template.values.topic);
  };
  const templateOf = (key) => device.templates.find((one) => one.key === key);

  if (about) {
    const options = document.createElement("ul");
    options.id = "about-list";
    options.hidden = true;
    options.setAttribute("role", "listbox");
    options.setAttribute("aria-label", about.dataset.label);
    about.after(options);
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", options.id]]) about.setAttribute(name, value);
    let at = -1, asked = 0, timer = 0, names = null;
    const flat = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d").toLowerCase();
    const close = () => { options.hidden = true; at = -1; about.setAttribute("aria-expanded", "false"); about.removeAttribute("aria-activedescendant"); };
    const mark = (to) => {
      const found = all("[role=option]", options);
      if (!found.length) return;
      at = (to + found.length) % found.length;
      found.forEach((option, index) => option.setAttribute("aria-selected", index === at));
      about.setAttribute("aria-activedescendant", found[at].id);
      found[at].scrollIntoView({ block: "nearest" });
    };
    const local = async (question) => {
      names ||= await kept(`topics-${device.lang}`) || [];
      const parts = flat(question).split(/\s+/);
      return names.filter((one) => parts.every((word) => flat(one.name).includes(word))).slice(0, 8);
    };
    const ask = async () => {
      const question = about.value.trim(), mine = ++asked;
      if (question.length < 2) return close();
      let found;
      try {
        if (device.offline) throw new Error();
        const answer = await fetch(`${about.dataset.find}?q=${encodeURIComponent(question)}`, { signal: AbortSignal.timeout(1500) });
        if (!answer.ok) throw new Error();
        found = await answer.json();
      } catch { found = await local(question); }
      if (mine !== asked) return;
      options.replaceChildren(...found.map((one, index) => {
        const option = document.createElement("li");
        option.id = `about-option-${index}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.dataset.topic = one.topic;
        option.textContent = one.name;
        return option;
      }));
      options.hidden = !found.length;
      about.setAttribute("aria-expanded", String(found.length > 0));
      at = -1;
      if (found.length) mark(0);
    };
    const take = (option) => { asked++; close(); about.value = ""; choose(option.dataset.topic, option.textContent); };
    about.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 100); });
    about.addEventListener("blur", () => setTimeout(close, 150));
    about.addEventListener("keydown", async (event) => {
      if (event.isComposing) return;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); mark(at + (event.key === "ArrowDown" ? 1 : -1)); }
      else if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); options.hidden ? about.blur() : close(); }
      else if (event.key === "Enter") {
        event.preventDefault();
        if (options.hidden || at < 0) await ask();
        const option = all("[role=option]", options)[Math.max(at, 0)];
        if (option) take(option);
      }
    });
    options.addEventListener("pointerdown", (event) => event.preventDefault());
    options.addEventListener("click", (event) => { const option = event.target.closest("[role=option]"); if (option) take(option); });
  }

  // ---- keys and clicks
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-template], [data-topic], [data-repeat], [data-keys]");
    if (!link || event.ctrlKey || event.metaKey || link.getAttribute("role") === "option") return;
    event.preventDefault();
    if (link.dataset.template) pick(templateOf(link.dataset.template));
    else if (link.dataset.topic) choose(link.dataset.topic, link.textContent);
    else if (link.dataset.repeat) { fill(JSON.parse(link.dataset.values), link.dataset.name); save.focus(); }
    else $("#keys").showModal();
  });
  const unit = form.elements.unit; // an account of the whole site chooses its commune once
  if (unit && !unit.value) {
    try { unit.value = localStorage.getItem(`desk-unit-${device.account}`) || ""; } catch { /* a private window */ }
    unit.addEventListener("change", () => { try { localStorage.setItem(`desk-unit-${device.account}`, unit.value); } catch { /* it holds for now */ } });
  }
  const single = $("#single-keys");
  try { single.checked = localStorage.getItem("single-keys") !== "off"; } catch { /* a private window */ }
  single.addEventListener("change", () => { try { localStorage.setItem("single-keys", single.checked ? "on" : "off"); } catch { /* it holds for now */ } });
  const typing = (target) => target.matches?.("textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=submit], [type=button])");
  let counted = 0;
  const group = (digit) => { // 1 and 2 in quick succession are twelve people
    const people = form.elements.people, soon = Date.now() - counted < 900 && people.value.length < 3;
    if (!soon && digit === "0") return;
    people.value = soon ? people.value + digit : digit;
    counted = Date.now();
    save.focus();
  };
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.repeat || $("dialog[open]")) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); return form.requestSubmit(save); }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || !single.checked) return;
    const key = event.key.toLowerCase(), template = templateOf(key);
    let act = null;
    if (!/^[0-9]$/.test(key)) counted = 0;
    if (key === "?") act = () => $("#keys").showModal();
    else if (key === "/") act = () => about.focus();
    else if (key === "escape") act = clear;
    else if (/^[0-9]$/.test(key)) act = () => group(key);
    else if (key === "s") act = () => form.requestSubmit($("#save-next"));
    else if (key === "r") act = () => { if (last) { fill({ ...last.values, note: "", occurred_at: "" }, last.name); save.focus(); } else $("[data-repeat]")?.click(); };
    else if (key === "n") act = () => note.focus();
    else if (key === "z") act = () => $("#undo")?.click();
    else if (key === "m") act = () => { const more = $("details", form); more.open = true; $("input, select", more).focus(); };
    else if (key === "enter" && !event.target.closest("a, button, input, select, summary") && form.elements.topic.value) act = () => form.requestSubmit(save);
    else if (template) act = () => pick(template);
    if (!act) return;
    event.preventDefault();
    act();
  });

  // ---- without network: the shell asks the store who was here last
  const begin = async () => {
    if (device.offline) {
      const known = await kept(`device-${device.lang}`).catch(() => null);
      if (!known) { $("#signed-out").hidden = false; desk.hidden = true; return; }
      device = { ...known, words: device.words, lang: device.lang, offline: true };
      const shelf = $("#templates");
      for (const one of device.templates) {
        const line = document.createElement("li"), key = document.createElement("kbd"), link = button("", () => {});
        link.dataset.template = one.key;
        key.textContent = one.key;
        link.replaceChildren(key, " ", one.name);
        line.append(link);
        shelf.append(line);
      }
    } else {
      const { words: _words, ...known } = device;
      await keep(`device-${device.lang}`, known);
      navigator.storage?.persist?.().catch(() => {}); // what waits must not make room for something else
      navigator.serviceWorker?.addEventListener("controllerchange", () => prepare().catch(() => {})); // a new worker after an upgrade
      prepare().catch(() => {});
    }
    await showWaiting();
    desk.setAttribute("data-ready", "");
    await flush();
    if (sentSince(performance.timeOrigin)) refreshToday();
  };
  // The worker keeps the shell; its answer says whether this device opens the desk without network.
  const keepShell = async () => {
    if (!navigator.serviceWorker) return false;
    await navigator.serviceWorker.register("/sw.js");
    const { active } = await navigator.serviceWorker.ready;
    const { port1, port2 } = new MessageChannel();
    const answered = new Promise((resolve) => { port1.onmessage = (event) => resolve(event.data); });
    active.postMessage({ keepDesk: device.lang }, [port2]);
    return answered;
  };
  const keepTopics = async () => {
    const answer = await fetch(device.topics);
    if (!answer.ok || answer.redirected) throw new Error(answer.status);
    await keep(`topics-${device.lang}`, await answer.json());
  };
  const prepare = async () => {
    const [shell] = await Promise.all([keepShell(), keepTopics()]);
    $("#prepared").hidden = !shell;
  };
  if (device.offline) { // the network is back: go on at the real desk, where what waits is sent
    const back = () => fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(5000) }).then((answer) => { if (answer.ok) flush(); }, () => {});
    window.addEventListener("online", back);
    setInterval(back, 20000);
  }
  window.addEventListener("online", () => { tries = 0; flush(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) flush(); });
  begin();
})();
