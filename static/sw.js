// The site's one service worker. First section: public pages, kept readable without network. Staff pages are never kept here.
"use strict";

/* ---- public pages ---------------------------------------------------------------------------------------------- */
{
  const ASSETS = "assets-1", GUIDES = "guides-1", VISITED = "visited-1", ABOUT = "about-1";
  const MOST_VISITED = 30, PATIENCE = 4000, LOOK_AGAIN = 30 * 60 * 1000;
  // What may be kept: pages that are the same for everybody. Whatever is not named here passes by untouched.
  const PAGE = /^\/([a-z]{2})\/(?:$|check$|about$|notices\/$|guides\/(?:[\w-]+(?:\/print)?)?$|procedures\/[\w.-]+(?:\/print)?$)/;
  const GUIDE = /^\/[a-z]{2}\/guides\//;

  const languageOf = (url) => (url.origin === location.origin && !url.search && PAGE.exec(url.pathname) || [])[1];
  const good = (response) => response.status === 200 && response.type === "basic" && !response.redirected
    && /public/.test(response.headers.get("Cache-Control") || "") && /text\/html/.test(response.headers.get("Content-Type") || "");
  const found = async (name, key) => (await caches.open(name)).match(key, { ignoreVary: true });

  const keep = async (name, path, response) => {
    const cache = await caches.open(name);
    const headers = new Headers(response.headers);
    headers.set("X-Kept-At", new Date().toISOString());
    ["Content-Encoding", "Content-Length", "Vary"].forEach((header) => headers.delete(header));
    await cache.delete(path);
    await cache.put(path, new Response(await response.blob(), { status: 200, headers }));
    if (name !== VISITED) return;
    const keys = await cache.keys();
    await Promise.all(keys.slice(0, Math.max(0, keys.length - MOST_VISITED)).map((key) => cache.delete(key)));
  };

  // Bring the kept guides of a language up to date, one after the other, only those that changed.
  const running = new Map();
  const looked = new Map();
  const refresh = (lang) => {
    if (running.has(lang) || Date.now() - (looked.get(lang) || 0) < LOOK_AGAIN) return running.get(lang);
    looked.set(lang, Date.now());
    const work = bring(lang).catch(() => looked.delete(lang)).finally(() => running.delete(lang));
    running.set(lang, work);
    return work;
  };
  const bring = async (lang) => {
    const listPath = `/${lang}/guides/kept.json`;
    const answer = await fetch(listPath, { cache: "no-cache" });
    if (!answer.ok) return;
    const list = await answer.json();
    const before = await (await found(ABOUT, listPath))?.json();
    const assets = await caches.open(ASSETS);
    for (const path of list.assets) if (!(await assets.match(path))) await assets.add(path);
    if (!navigator.connection?.saveData) {
      const guides = await caches.open(GUIDES);
      for (const [path, stamp] of Object.entries(list.pages)) {
        if (before?.pages[path] === stamp && (await guides.match(path, { ignoreVary: true }))) continue;
        const page = await fetch(path, { cache: "no-cache", credentials: "omit" });
        if (good(page)) await keep(GUIDES, path, page);
      }
      for (const key of await guides.keys()) {
        const path = new URL(key.url).pathname;
        if (path.startsWith(`/${lang}/`) && !(path in list.pages)) await guides.delete(key);
      }
    }
    await (await caches.open(ABOUT)).put(listPath, new Response(JSON.stringify(list), { headers: { "Content-Type": "application/json" } }));
    for (const key of await assets.keys()) {
      const url = new URL(key.url);
      const path = url.pathname + url.search;
      if (!list.assets.includes(path) && Date.now() - Date.parse((await assets.match(key)).headers.get("Date") || 0) > 14 * 864e5) await assets.delete(key);
    }
  };

  const told = async (lang, name, kept) => {
    const words = await (await found(ABOUT, `/${lang}/guides/kept.json`))?.json();
    const when = new Intl.DateTimeFormat(lang, { dateStyle: "long", timeStyle: "short" }).format(new Date(kept));
    return (words?.[name] || "Offline: {when}").replace("{when}", when);
  };
  const withNote = async (response, lang, name) => {
    const note = await told(lang, name, response.headers.get("X-Kept-At"));
    const html = (await response.text()).replace(/<main\b[^>]*>/, (main) => `${main}<div class="callout note kept" role="status"><p>${note.replace(/[&<>]/g, "")}</p></div>`);
    return new Response(html, { status: 200, headers: response.headers });
  };
  const copyOf = async (path) => (await found(VISITED, path)) || (await found(GUIDES, path));
  const fromNetwork = async (request, path) => {
    const response = await fetch(request, { cache: "no-cache" }); // the browser's own copy would not say how old it is
    if (good(response)) await keep(GUIDE.test(path) ? GUIDES : VISITED, path, response.clone());
    return response;
  };
  const answer = async (event, path, lang) => {
    const network = fromNetwork(event.request, path);
    event.waitUntil(network.catch(() => {}));
    const copy = await copyOf(path);
    try {
      if (!copy) return await network;
      const slow = new Promise((_done, give) => setTimeout(give, PATIENCE, new Error("slow")));
      const response = await Promise.race([network, slow]);
      return response.status < 500 ? response : await withNote(copy, lang, "copy");
    } catch {
      if (copy) return withNote(copy, lang, "copy");
      const list = await copyOf(`/${lang}/guides/`);
      return list ? withNote(list, lang, "missing") : Response.error();
    }
  };

  self.addEventListener("install", () => self.skipWaiting());
  self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
  // Every page load asks for this. It is no part of the activation: until that has ended, the visitor's next page waits.
  self.addEventListener("message", (event) => {
    const url = new URL(event.source.url), { pathname } = url;
    const lang = event.data === "keep" && languageOf(url);
    if (!lang) return;
    event.waitUntil((async () => {
      if (!(await copyOf(pathname))) {
        const page = await fetch(pathname, { credentials: "omit" }).catch(() => null);
        if (page && good(page)) await keep(GUIDE.test(pathname) ? GUIDES : VISITED, pathname, page);
      }
      await refresh(lang);
    })());
  });
  self.addEventListener("fetch", (event) => {
    const { request } = event;
    if (request.method !== "GET") return;
    const url = new URL(request.url);
    if (url.origin === location.origin && url.pathname.startsWith("/static/") && url.searchParams.has("v")) {
      event.respondWith(caches.match(request, { ignoreVary: true }).then((kept) => kept || fetch(request)));
      return;
    }
    const lang = request.mode === "navigate" ? languageOf(url) : undefined;
    if (lang) event.respondWith(answer(event, url.pathname, lang));
  });
}

/* ---- the desk: without network its empty shell opens; pages with data are never kept ---------------------------- */
{
  const CACHE = "desk-1", PATIENCE = 6000;
  const DESK = /^\/([a-z]{2})\/(?:desk(?:\/.*)?|sign-in)$/;
  const SHELL = /^\/[a-z]{2}\/desk\/offline$/;
  const addressOf = (lang) => `/${lang}/desk/offline`;
  const filesOf = (page) => [...page.matchAll(/(?:href|src)="(\/static\/[^"]+)"/g)].map((found) => new URL(found[1], location.origin).href);
  const shells = async (cache) => (await cache.keys()).filter((key) => SHELL.test(new URL(key.url).pathname));

  // Keep the shell of a language: first its files, then the page, so that it is whole whenever it is there. This is the
  // worker's business and not the page's, because a window that is closed at once would leave it half done.
  const keepShell = async (lang) => {
    const cache = await caches.open(CACHE);
    const answer = await fetch(addressOf(lang), { credentials: "omit", cache: "no-cache" });
    if (!answer.ok) throw new Error(`${answer.status}`);
    const files = filesOf(await answer.clone().text());
    await Promise.all(files.map(async (file) => (await cache.match(file)) || cache.add(file)));
    await cache.put(addressOf(lang), answer);
    const needed = new Set();
    for (const key of await shells(cache)) filesOf(await (await cache.match(key, { ignoreVary: true })).text()).forEach((file) => needed.add(file));
    for (const key of await cache.keys()) if (/\/static\//.test(key.url) && !needed.has(key.url)) await cache.delete(key);
  };
  // The shell in the language of the address, else in any that this device holds.
  const shell = async (lang) => {
    const cache = await caches.open(CACHE);
    const own = await cache.match(addressOf(lang), { ignoreVary: true });
    const [other] = own ? [] : await shells(cache);
    return own || (other && cache.match(other, { ignoreVary: true }));
  };
  // This device has never held a shell: say so, and try again by itself.
  const sorry = () => new Response(`<!doctype html><html lang="vi"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="15"><title>Chưa có mạng</title><body style="font: 1.2rem/1.6 system-ui, sans-serif; max-inline-size: 34rem; margin: 2rem auto; padding-inline: 1rem">
<h1>Chưa có mạng</h1><p>Máy này chưa từng mở bàn hỗ trợ khi có mạng nên chưa lưu được trang. Trang tự thử lại sau mỗi 15 giây.</p>
<p lang="en">No connection. This device has not opened the desk with a connection yet, so it holds no copy. The page tries again every 15 seconds.</p>
<p lang="ur" dir="rtl">نیٹ ورک نہیں ہے۔ اس آلے پر ڈیسک ابھی تک نیٹ ورک کے ساتھ نہیں کھولا گیا، اس لیے صفحہ محفوظ نہیں۔ صفحہ ہر 15 سیکنڈ بعد خود دوبارہ کوشش کرتا ہے۔</p>`,
    { status: 200, headers: { "Content-Type": "text/html; charset=utf-8" } });

  // A network that says nothing is none: after a while the shell opens, unless somebody asked to wait (`?wait=1`) or signs in.
  const answer = async (request, lang, patient) => {
    const network = fetch(request);
    const slow = new Promise((done) => { if (!patient) setTimeout(done, PATIENCE); });
    const fresh = await Promise.race([network.catch(() => null), slow]);
    if (fresh && ![502, 503, 504].includes(fresh.status)) return fresh;
    return (await shell(lang).catch(() => null)) || fresh || network.catch(sorry);
  };

  self.addEventListener("message", (event) => {
    const lang = /^[a-z]{2}$/.exec(event.data?.keepDesk || "")?.[0];
    if (!lang) return;
    const kept = keepShell(lang).catch(() => {}).then(() => shell(lang)).then(Boolean, () => false);
    event.waitUntil(kept.then((ready) => event.ports[0]?.postMessage(ready)));
  });
  self.addEventListener("fetch", (event) => {
    const { request } = event, url = new URL(request.url);
    const lang = request.mode === "navigate" && request.method === "GET" && url.origin === location.origin && DESK.exec(url.pathname)?.[1];
    if (lang) event.respondWith(answer(request, lang, url.searchParams.has("wait") || url.pathname.endsWith("/sign-in")));
  });
}
