// What the page does beside htmx: it hears of changes, keeps its place while they come, and obeys the keyboard.
"use strict";

const live = document.getElementById("live");
const trouble = document.getElementById("trouble");

// Server-sent events say that something changed; the parts that show it ask for themselves anew.
const events = new EventSource("/_sandbox/events");
const show = (on) => {
  live.textContent = on ? live.dataset.on : live.dataset.off;
  live.classList.toggle("on", on);
};
events.addEventListener("open", () => show(true));
events.addEventListener("error", () => show(false));
events.addEventListener("change", () => document.body.dispatchEvent(new Event("sandbox:change")));
addEventListener("pagehide", () => events.close());

// What somebody has written and not saved yet is not refreshed away.
document.addEventListener("input", (event) => event.target.closest("form[hx-post]")?.setAttribute("data-unsaved", ""));
document.addEventListener("htmx:beforeRequest", (event) => {
  const isChange = event.detail.requestConfig.triggeringEvent?.type === "sandbox:change";
  if (isChange && event.target.querySelector("form[data-unsaved]")) event.preventDefault();
});

const scroller = (name) => document.querySelector(`[data-scroll="${name}"]`);
const atEnd = (element) => element.scrollHeight - element.scrollTop - element.clientHeight < 60;
const newer = document.querySelector("[data-newer]");

// Who has scrolled down the list is not moved: a button says that there is something new.
document.addEventListener("htmx:beforeRequest", (event) => {
  const list = scroller("phones");
  const isChange = event.detail.requestConfig.triggeringEvent?.type === "sandbox:change";
  if (event.target.id === "phones" && isChange && list.scrollTop > 40) {
    event.preventDefault();
    newer.hidden = false;
  }
});
newer?.addEventListener("click", () => {
  scroller("phones").scrollTop = 0;
  newer.hidden = true;
  document.body.dispatchEvent(new Event("sandbox:change"));
});
scroller("phones")?.addEventListener("scroll", (event) => {
  if (event.target.scrollTop <= 40 && !newer.hidden) newer.click();
});

// A conversation stays at its end if it was there, and where it was while earlier messages come in above.
let before = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const conversation = scroller("conversation");
  if (!conversation || !conversation.contains(event.detail.target)) return;
  const isEarlier = event.detail.target.matches("[data-earlier]");
  before = { isEarlier, end: atEnd(conversation), height: conversation.scrollHeight, top: conversation.scrollTop };
});
document.addEventListener("htmx:afterSwap", () => {
  const conversation = scroller("conversation");
  if (!conversation || !before) return;
  if (before.isEarlier) conversation.scrollTop = before.top + conversation.scrollHeight - before.height;
  else if (before.end) conversation.scrollTop = conversation.scrollHeight;
  before = null;
});
const opened = scroller("conversation");
const named = document.getElementById("details") && location.pathname.split("/").pop();
if (opened) opened.scrollTop = opened.scrollHeight;
if (named) document.getElementById(`message-${named}`)?.scrollIntoView({ block: "center" });

// What the sandbox refuses is said in its own words.
let hiding;
document.addEventListener("htmx:responseError", (event) => {
  trouble.textContent = event.detail.xhr.responseText || event.detail.xhr.statusText;
  trouble.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => (trouble.hidden = true), 8000);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.successful || !event.target.matches("form")) return;
  if (event.target.matches("[data-clear]")) event.target.reset();
  if (event.target.matches("[data-unsaved]")) {
    event.target.removeAttribute("data-unsaved");
    document.body.dispatchEvent(new Event("sandbox:change"));
  }
});

// The keyboard: / searches, j and k (or the arrows in the list) go from phone to phone, r replies, Escape closes.
const go = (step) => {
  const phones = [...document.querySelectorAll("a.phone")];
  const at = phones.indexOf(document.activeElement.closest?.("a.phone") ?? document.querySelector("a.phone[aria-current]"));
  phones[Math.min(Math.max(at + step, 0), phones.length - 1)]?.focus();
};
const keys = {
  "/": () => document.querySelector("[data-search]")?.focus(),
  j: () => go(1),
  k: () => go(-1),
  r: () => document.getElementById("reply")?.focus(),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    const close = document.querySelector("[data-close]");
    if (close) close.click();
    else document.activeElement.blur();
    return;
  }
  const inList = document.activeElement.closest?.("a.phone");
  if (inList && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    go(event.key === "ArrowDown" ? 1 : -1);
    return;
  }
  if (document.activeElement.matches("input, select, textarea") || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
