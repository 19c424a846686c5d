// On guide pages: hear one step at a time with the browser's own voice, with its ways out where they stand open.
(() => {
  "use strict";
  const voice = window.speechSynthesis;
  const list = document.querySelector("[data-listen]");
  if (!voice || !list) return;
  const LANGUAGES = { vi: "vi-VN", en: "en-GB", ur: "ur-PK" };
  let reading = null;
  const stop = () => {
    voice.cancel();
    reading?.setAttribute("aria-pressed", "false");
    reading = null;
  };
  const words = (step) => [...step.querySelectorAll(".step-title, :scope > div:not(.callout) p, :scope > div:not(.callout) li, .callout p, details[open] :is(dt, dd)")]
    .map((part) => {
      const copy = part.cloneNode(true);
      copy.querySelectorAll(".note, .badge").forEach((mark) => mark.remove());
      return [copy.textContent.trim(), part.closest("[lang]").lang];
    })
    .filter(([text]) => text);
  const read = (button, step) => {
    const again = reading === button;
    stop();
    if (again) return;
    reading = button;
    button.setAttribute("aria-pressed", "true");
    const parts = words(step);
    parts.forEach(([text, lang], index) => {
      const said = new SpeechSynthesisUtterance(text);
      said.lang = LANGUAGES[lang] || lang;
      said.rate = 0.9;
      if (index === parts.length - 1) said.onend = () => { if (reading === button) stop(); };
      voice.speak(said);
    });
  };
  for (const step of list.children) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "tool listen";
    button.setAttribute("aria-pressed", "false");
    const sign = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of [["class", "icon"], ["width", 22], ["height", 22], ["viewBox", "0 0 24 24"], ["aria-hidden", "true"]]) sign.setAttribute(name, value);
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", "M4 9v6h4l5 4V5L8 9zM16 9a4 4 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11");
    sign.append(line);
    const label = document.createElement("span");
    label.className = "hidden";
    label.textContent = `${list.dataset.listen} (${[...list.children].indexOf(step) + 1})`;
    button.append(sign, label);
    button.title = list.dataset.listen;
    button.addEventListener("click", () => read(button, step));
    step.querySelector(".step-title").after(button);
  }
  window.addEventListener("pagehide", stop);
})();
