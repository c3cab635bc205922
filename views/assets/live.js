// Pages that change while they are looked at: what has changed is put in place, the rest is left alone.
"use strict";
(() => {
  const main = document.getElementById("content");
  const mark = document.querySelector(".live-mark");
  const LEAST_PAUSE = 1000;
  let busy = false, again = false, timer = 0;

  const keyOf = (node) => node.id || node.dataset.keep || "";

  // Take over what differs, from the inside out; what somebody has unfolded stays so.
  function patch(old, fresh) {
    if (old.isEqualNode(fresh)) return;
    const isLeaf = old.nodeType !== 1 || fresh.nodeType !== 1 || old.tagName !== fresh.tagName || keyOf(old) !== keyOf(fresh);
    if (isLeaf) { old.replaceWith(document.importNode(fresh, true)); return; }
    if (old.dataset.keep) return;
    for (const name of new Set([...old.getAttributeNames(), ...fresh.getAttributeNames()])) {
      if (name === "open" || name === "hidden") continue;
      if (!fresh.hasAttribute(name)) old.removeAttribute(name);
      else if (old.getAttribute(name) !== fresh.getAttribute(name)) old.setAttribute(name, fresh.getAttribute(name));
    }
    if (old === document.activeElement && "value" in old) return;
    const before = [...old.childNodes], after = [...fresh.childNodes];
    after.forEach((node, index) => {
      if (index < before.length) patch(before[index], node);
      else old.append(document.importNode(node, true));
    });
    for (const node of before.slice(after.length)) node.remove();
  }

  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
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
    busy = false;
    if (again) { again = false; schedule(); }
  }
  function schedule() {
    if (!timer) timer = setTimeout(() => { timer = 0; refresh(); }, LEAST_PAUSE / 2);
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
