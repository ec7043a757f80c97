// What every page may use: the menu on a phone, wide tables by keyboard, copying what is shown once, a form that is
// under way.
"use strict";

const button = document.querySelector(".menu-button");
if (button) {
  const menu = document.getElementById("menu");
  button.addEventListener("click", () => {
    const open = menu.classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  });
}

// What scrolls must be reached with the Tab key, and tell what it is; not every browser sees to that.
function mark(scrolled) {
  const heading = scrolled.closest("section")?.querySelector("h2") || document.querySelector("h1");
  scrolled.setAttribute("role", "region");
  scrolled.setAttribute("aria-label", heading.textContent);
  if (scrolled.scrollWidth <= scrolled.clientWidth && scrolled.scrollHeight <= scrolled.clientHeight) scrolled.removeAttribute("tabindex");
  else scrolled.tabIndex = 0;
}
const sizes = new ResizeObserver((seen) => seen.forEach(({ target }) => mark(target)));
function markAll() {
  for (const scrolled of document.querySelectorAll(".scroll, pre")) {
    mark(scrolled);
    sizes.observe(scrolled);
  }
}
markAll();
document.addEventListener("htmx:after:swap", markAll); // A part of the page that comes anew knows nothing of this.

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

// What a form asks for is done once, however often it is sent while the answer is under way: a partner may be slow.
for (const form of document.querySelectorAll("form[method=post]")) {
  const sent = form.querySelector("button");
  const words = sent.textContent;
  form.addEventListener("submit", (event) => {
    if (sent.hasAttribute("aria-busy")) return event.preventDefault();
    sent.setAttribute("aria-busy", "true");
    if (form.dataset.busy) sent.textContent = form.dataset.busy;
  });
  window.addEventListener("pageshow", () => {
    sent.removeAttribute("aria-busy"); // The page may come back as it was left.
    sent.textContent = words;
  });
}
