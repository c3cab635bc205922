// What makes a page handier where scripts run; without them all of it can be read too.
"use strict";
(() => {
  const root = document.documentElement;
  const remembered = {
    get() { try { return localStorage.getItem("recrate-theme"); } catch { return null; } },
    set(value) { try { localStorage.setItem("recrate-theme", value); } catch { /* files of a disk may have no storage */ } },
  };
  const theme = remembered.get();
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const button = document.getElementById("theme");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = isDark ? "light" : "dark";
      remembered.set(root.dataset.theme);
    });
  }

  // A link to something folded unfolds it.
  function unfold() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView();
  }
  addEventListener("hashchange", unfold);
  if (location.hash) unfold();

  // What is too wide for the screen begins in its middle.
  for (const region of document.querySelectorAll(".scroll")) region.scrollLeft = (region.scrollWidth - region.clientWidth) / 2;

  document.addEventListener("click", (event) => {
    const bar = event.target.closest && event.target.closest("[data-href]");
    if (bar && bar.dataset.href) location.href = bar.dataset.href;
  });

  // The jobs that are shown, by their path and by how they ended.
  const find = document.getElementById("find-job");
  const onlyFailed = document.getElementById("only-failed");
  const found = document.getElementById("found");
  if (find && onlyFailed && found) {
    find.closest(".filter").hidden = false;
    const narrow = () => {
      const wanted = find.value.trim().toLowerCase();
      let count = 0;
      for (const job of document.querySelectorAll("#jobs .job")) {
        const isWanted = job.querySelector("summary").textContent.toLowerCase().includes(wanted)
          && (!onlyFailed.checked || job.dataset.state === "failed");
        job.hidden = !isWanted;
        count += isWanted ? 1 : 0;
      }
      const isNarrow = Boolean(wanted || onlyFailed.checked);
      for (const fold of document.querySelectorAll("#jobs .fold")) fold.open = isNarrow && fold.querySelector(".job:not([hidden])") !== null;
      found.textContent = isNarrow ? `${count} shown` : "";
    };
    find.addEventListener("input", narrow);
    onlyFailed.addEventListener("change", narrow);
  }
})();
