// The touch screen in a service centre: back to the start when nobody is there, and nothing left of the last visitor.
(() => {
  "use strict";
  const WARN_AFTER = 75_000, LEAVE_AFTER = 90_000;
  const { start, first } = document.body.dataset;
  const dialog = document.getElementById("idle");
  const forget = () => {
    try {
      Object.keys(localStorage).filter((key) => key.startsWith("ticks:") || key === "larger").forEach((key) => localStorage.removeItem(key));
      sessionStorage.clear();
    } catch { /* a private window keeps nothing anyway */ }
  };
  let warning = 0, leaving = 0;
  const leave = () => { forget(); location.replace(first); };
  const awake = () => {
    clearTimeout(warning);
    clearTimeout(leaving);
    if (location.pathname === first && !location.search) {
      leaving = setTimeout(() => { forget(); scrollTo(0, 0); awake(); }, LEAVE_AFTER);
      return;
    }
    warning = setTimeout(() => { if (!dialog.open) dialog.showModal(); }, WARN_AFTER);
    leaving = setTimeout(leave, LEAVE_AFTER);
  };
  for (const name of ["pointerdown", "keydown", "touchmove", "wheel"]) addEventListener(name, awake, { passive: true });
  dialog.addEventListener("close", awake);
  if (location.pathname === start) forget();

  // The next visitor cannot go back to what the last one read: every page takes the place of the one before.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link) return;
    event.preventDefault();
    const target = new URL(link.href);
    if (target.origin === location.origin) location.replace(target.href);
  });
  awake();
})();
