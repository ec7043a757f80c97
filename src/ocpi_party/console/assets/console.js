// What every page may use: the menu on a phone, copying what is shown once, and a word while a form is under way.
"use strict";

const button = document.querySelector(".menu-button");
if (button) {
  const menu = document.getElementById("menu");
  button.addEventListener("click", () => {
    const open = menu.classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  });
}

for (const field of document.querySelectorAll("[data-copy]")) {
  field.addEventListener("focus", () => field.select());
  if (!navigator.clipboard) continue; // Browsers give it to pages from a safe origin only.
  const copy = document.createElement("button");
  copy.type = "button";
  copy.className = "copy outline";
  copy.textContent = "Copy";
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.value);
    copy.textContent = "Copied";
  });
  field.closest("label").after(copy);
}

for (const form of document.querySelectorAll("form[data-busy]")) {
  form.addEventListener("submit", () => {
    const sent = form.querySelector("button");
    sent.setAttribute("aria-busy", "true");
    sent.textContent = form.dataset.busy;
  });
}
