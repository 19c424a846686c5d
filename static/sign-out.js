// Signing out destroys the desk's key and everything that waits on this device; it asks first when something waits.
(() => {
  "use strict";
  const form = document.querySelector("form[data-sign-out]");
  if (!form || !window.indexedDB?.databases) return;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      if ((await indexedDB.databases()).some((one) => one.name === "desk")) {
        const db = await new Promise((resolve, reject) => {
          const request = indexedDB.open("desk");
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
        const waiting = await new Promise((resolve) => {
          const request = db.transaction("queue").objectStore("queue").count();
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => resolve(0);
        });
        if (waiting && !window.confirm(form.dataset.signOut.replace("{count}", waiting))) return db.close();
        await new Promise((resolve) => {
          const transaction = db.transaction(["key", "queue", "kept"], "readwrite");
          for (const name of ["key", "queue", "kept"]) transaction.objectStore(name).clear();
          transaction.oncomplete = transaction.onerror = transaction.onabort = resolve;
        });
        db.close();
        indexedDB.deleteDatabase("desk");
      }
    } catch { /* nothing was kept here */ }
    HTMLFormElement.prototype.submit.call(form);
  });
})();
