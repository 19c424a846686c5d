// The site's one script. Every page is complete without it; it adds suggestions, remembered ticks, larger text and kind words when the network fails.
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const memory = {
    get(key) { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } },
    set(key, value) { try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* a private window keeps nothing */ } },
  };

  // Larger text, kept on this device.
  const larger = (on) => {
    root.classList.toggle("larger", on);
    all("[data-larger]").forEach((button) => button.setAttribute("aria-pressed", on));
  };
  larger(memory.get("larger") === true);

  // Suggestions while typing: the ARIA combobox pattern with a list box.
  const combobox = (input) => {
    const list = document.createElement("ul");
    list.id = `${input.id}-list`;
    list.hidden = true;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", input.dataset.label);
    input.after(list);
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id]]) input.setAttribute(name, value);
    let at = -1, asked = 0, timer = 0, request = null;
    const options = () => all("[role=option]", list);
    const close = () => {
      list.hidden = true;
      at = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const move = (to) => {
      const found = options();
      at = (to + found.length + 1) % (found.length + 1);
      found.forEach((option, index) => option.setAttribute("aria-selected", index === at));
      if (at < found.length) {
        input.setAttribute("aria-activedescendant", found[at].id);
        found[at].scrollIntoView({ block: "nearest" });
      } else {
        at = -1;
        input.removeAttribute("aria-activedescendant");
      }
    };
    const ask = async () => {
      const words = input.value.trim();
      const mine = ++asked;
      request?.abort();
      if (words.length < 2) return close();
      request = new AbortController();
      try {
        const answer = await fetch(`${input.dataset.suggest}?q=${encodeURIComponent(words)}`, { signal: request.signal });
        const text = answer.ok ? await answer.text() : "";
        if (mine !== asked || document.activeElement !== input) return;
        const parsed = new DOMParser().parseFromString(`<ul>${text}</ul>`, "text/html");
        list.replaceChildren(...all("[role=option]", parsed));
        const any = list.childElementCount > 0;
        at = -1;
        input.removeAttribute("aria-activedescendant");
        list.hidden = !any;
        input.setAttribute("aria-expanded", any);
      } catch { /* an older question was given up, or the network is gone: the form still works */ }
    };
    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 120); });
    input.addEventListener("blur", () => setTimeout(close, 150));
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return; // Vietnamese and Urdu keyboards
      const open = !list.hidden;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (!open) { if (event.key === "ArrowDown") ask(); return; }
        event.preventDefault();
        move(event.key === "ArrowDown" ? at + 1 : at < 0 ? options().length - 1 : at - 1);
      } else if (event.key === "Enter" && open && at >= 0) {
        event.preventDefault();
        location.href = options()[at].dataset.url;
      } else if (event.key === "Escape" && open) {
        event.preventDefault();
        close();
      }
    });
    list.addEventListener("pointerdown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[data-url]");
      if (option) location.href = option.dataset.url;
    });
    input.form.addEventListener("submit", () => { asked++; request?.abort(); close(); });
  };

  // Ticks stay on this device only.
  const keep = (list) => {
    const key = `ticks:${list.dataset.keep}`;
    const done = new Set(memory.get(key) || []);
    all("[data-tick]", list).forEach((box) => { box.checked = done.has(box.dataset.tick); });
    list.addEventListener("change", () => {
      memory.set(key, all("[data-tick]:checked", list).map((box) => box.dataset.tick));
    });
  };

  // The place somebody chose stays on this device only.
  const myPlace = () => {
    const mine = memory.get("place");
    return mine && /^\d+$/.test(mine.code) && mine.name ? mine : null;
  };
  const showPlace = (part) => {
    const mine = myPlace();
    all("[data-mine]", part).forEach((line) => { line.hidden = !mine; });
    all("a[data-my-place]", part).forEach((link) => {
      link.textContent = mine ? mine.name : "";
      link.href = link.dataset.myPlace + (mine ? `?unit=${mine.code}` : "");
    });
    all("button[data-keep-place]", part).forEach((button) => {
      const kept = mine?.code === button.dataset.keepPlace, label = button.querySelector("span");
      button.dataset.word ||= label.textContent;
      label.textContent = kept ? button.dataset.said : button.dataset.word;
      button.setAttribute("aria-pressed", kept);
    });
  };

  const say = (button, sentence) => {
    const live = button.parentElement.querySelector("[role=status]");
    if (live) live.textContent = sentence;
  };
  const reading = window.speechSynthesis;
  const read = (button) => {
    const label = button.querySelector("span");
    const stop = () => { reading.cancel(); label.textContent = button.dataset.word; button.setAttribute("aria-pressed", "false"); };
    if (button.getAttribute("aria-pressed") === "true") return stop();
    button.dataset.word = label.textContent;
    label.textContent = button.dataset.said;
    button.setAttribute("aria-pressed", "true");
    const parts = all(`${button.dataset.read} :is(h1, h2, h3, p, li > label, dt, dd)`).filter((part) => part.checkVisibility?.() !== false && !part.closest(".share, .mark"));
    parts.forEach((part, index) => {
      const words = new SpeechSynthesisUtterance(part.textContent);
      words.lang = { vi: "vi-VN", en: "en-GB", ur: "ur-PK" }[root.lang] || root.lang;
      words.rate = 0.9;
      if (index === parts.length - 1) words.onend = stop;
      reading.speak(words);
    });
  };
  window.addEventListener("pagehide", () => reading?.cancel());

  document.addEventListener("click", async (event) => {
    const at = (selector) => event.target.closest(selector);
    let button;
    if (at("[data-larger]")) {
      const on = !root.classList.contains("larger");
      larger(on);
      memory.set("larger", on);
    } else if ((button = at("[data-copy]"))) {
      try {
        await navigator.clipboard.writeText(button.dataset.copy || location.href);
        say(button, button.dataset.said);
        const label = button.querySelector("span"), word = label.textContent;
        label.textContent = button.dataset.said;
        setTimeout(() => { label.textContent = word; }, 2500);
      } catch { location.hash ||= "main"; }
    } else if ((button = at("[data-keep-place]"))) {
      const kept = button.getAttribute("aria-pressed") === "true";
      memory.set("place", kept ? null : { code: button.dataset.keepPlace, name: button.dataset.name });
      showPlace(document);
    } else if (at("[data-share]")) {
      navigator.share({ title: document.title, url: location.href }).catch(() => {});
    } else if ((button = at("[data-read]"))) {
      read(button);
    } else if (at("[data-print]")) {
      window.print();
    }
    const results = at("[data-opened]"); // the words alone, so that editors see what leads nowhere
    if (results && at("a")) navigator.sendBeacon?.(results.dataset.opened, new URLSearchParams({ q: results.dataset.asked }));
    all("details.languages[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.languages[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  // Whatever is new on the page learns its manners.
  const ready = (part) => {
    all("input[data-suggest]:not([role])", part).forEach(combobox);
    all("[data-keep]", part).forEach(keep);
    showPlace(part);
    if (navigator.share) all("[data-share]", part).forEach((button) => { button.hidden = false; });
    if (reading) all("[data-read]", part).forEach((button) => { button.hidden = false; });
  };
  ready(document);
  document.getElementById("errors")?.focus();

  // Public pages stay readable without network.
  if (document.body.classList.contains("public")) addEventListener("load", () => navigator.serviceWorker?.register("/sw.js")
    .then(() => navigator.serviceWorker.ready)
    .then((worker) => setTimeout(() => worker.active.postMessage("keep"), 4000)) // first the page itself, then what may be read later
    .catch(() => {}));

  // htmx: a sign of work after 300 ms, focus that is not lost, one sentence when an answer does not come.
  const trouble = document.getElementById("trouble"), announced = document.getElementById("announced");
  let waiting = 0, timer = 0, focused = null;
  const worked = () => { waiting = Math.max(0, waiting - 1); if (!waiting) { clearTimeout(timer); root.classList.remove("busy"); } };
  const failed = (event) => {
    const status = event.detail?.ctx?.response?.status;
    if (!trouble || (status && status < 500)) return; // 409 and 422 bring their own sentence
    trouble.textContent = trouble.dataset.text;
    trouble.hidden = false;
  };
  document.addEventListener("htmx:before:request", () => {
    if (!waiting++) timer = setTimeout(() => root.classList.add("busy"), 300);
    if (trouble) trouble.hidden = true;
  });
  document.addEventListener("htmx:finally:request", worked);
  document.addEventListener("htmx:response:error", failed);
  document.addEventListener("htmx:error", failed);
  document.addEventListener("htmx:before:swap", () => {
    const here = document.activeElement;
    focused = here && here !== document.body ? { id: here.id, name: here.getAttribute("name"), href: here.getAttribute("href"), gone: here } : null;
  });
  document.addEventListener("htmx:after:swap", (event) => {
    const target = event.detail?.ctx?.target;
    const part = (target?.id && document.getElementById(target.id)) || document;
    ready(part);
    const news = part !== document && part.querySelector("[data-announce], [role=status]");
    if (news && announced) announced.textContent = news.textContent;
    const summary = part.querySelector("#errors");
    if (summary) return summary.focus();
    if (!focused || focused.gone.isConnected) return;
    const again = (focused.id && document.getElementById(focused.id))
      || (focused.name && part.querySelector(`[name="${CSS.escape(focused.name)}"]`))
      || (focused.href && part.querySelector(`a[href="${CSS.escape(focused.href)}"]`));
    if (again) return again.focus({ preventScroll: true });
    const start = part === document ? document.getElementById("main") : part;
    start.tabIndex = -1;
    start.focus();
  });
})();
