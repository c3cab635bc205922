// Pages that change while they are looked at: what has changed is put in place, the rest is left alone.
"use strict";
(() => {
  const main = document.getElementById("content");
  const mark = document.querySelector(".live-mark");
  const LEAST_PAUSE = 1000;
  const SHARE = 10; // of the time a page is left alone, so that looking on does not slow a run down
  let busy = false, again = false, timer = 0, took = 0;

  const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE && (node.id || node.dataset.keep)) || "";
  const isAlike = (one, other) => one.nodeType === other.nodeType && one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

  // Take over what differs, from the outside in; what somebody has unfolded or typed stays so.
  function patch(old, fresh) {
    if (old.isEqualNode(fresh)) return;
    if (!isAlike(old, fresh) || old.nodeType !== Node.ELEMENT_NODE) { old.replaceWith(document.importNode(fresh, true)); return; }
    if (old.dataset.keep || (old === document.activeElement && "value" in old)) return;
    for (const name of new Set([...old.getAttributeNames(), ...fresh.getAttributeNames()])) {
      if (name === "open" || name === "hidden") continue;
      if (!fresh.hasAttribute(name)) old.removeAttribute(name);
      else if (old.getAttribute(name) !== fresh.getAttribute(name)) old.setAttribute(name, fresh.getAttribute(name));
    }
    patchChildren(old, fresh);
  }
  // What has a name is found by it wherever it was; all else by its place among its like.
  function patchChildren(old, fresh) {
    const named = new Map([...old.childNodes].filter(keyOf).map((node) => [keyOf(node), node]));
    let at = old.firstChild;
    for (const node of [...fresh.childNodes]) {
      let match = named.get(keyOf(node)) || null;
      if (!keyOf(node)) for (match = at; match && !isAlike(match, node); match = match.nextSibling);
      if (!match) { old.insertBefore(document.importNode(node, true), at); continue; }
      if (match === at) at = at.nextSibling;
      else old.insertBefore(match, at);
      patch(match, node);
    }
    while (at) { const next = at.nextSibling; at.remove(); at = next; }
  }

  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    const begun = performance.now();
    try {
      const address = new URL(location.href);
      address.hash = "";
      address.searchParams.set("part", "1");
      const answer = await fetch(address);
      if (answer.ok) {
        const text = await answer.text();
        const fresh = new DOMParser().parseFromString(`<main id="content" tabindex="-1">${text}</main>`, "text/html");
        patch(main, fresh.getElementById("content"));
        follow();
      }
    } catch { /* the next beat tries again */ }
    took = performance.now() - begun;
    busy = false;
    if (again) { again = false; schedule(); }
  }
  function schedule() {
    if (!timer) timer = setTimeout(() => { timer = 0; refresh(); }, Math.max(LEAST_PAUSE / 2, SHARE * took));
  }

  const address = document.body.dataset.live;
  if (address && main) {
    const source = new EventSource(address);
    source.addEventListener("open", () => { if (mark) mark.hidden = false; });
    source.addEventListener("beat", schedule);
    source.addEventListener("end", () => { source.close(); if (mark) mark.hidden = true; schedule(); });
    source.addEventListener("error", () => { if (mark) mark.hidden = true; });
  }

  // Logs that grow. Text is only ever added as text.
  const followed = new WeakSet();
  function follow() {
    for (const box of document.querySelectorAll("pre[data-log]")) {
      if (followed.has(box)) continue;
      followed.add(box);
      grow(box, "");
    }
  }
  async function grow(box, from) {
    let next = from, more = true;
    try {
      const answer = await fetch(`${box.dataset.log}?from=${from}`);
      if (answer.ok) {
        const news = await answer.json();
        const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
        if (news.text) box.append(news.text);
        if (isAtEnd) box.scrollTop = box.scrollHeight;
        more = news.grows || news.next !== from;
        next = news.next;
      }
    } catch { /* the next time */ }
    if (more && box.isConnected) setTimeout(() => grow(box, next), LEAST_PAUSE);
  }
  follow();
})();
