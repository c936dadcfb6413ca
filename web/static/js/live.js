// Keeps the figures of a page live. The server says by server-sent events that
// something was judged; htmx then fetches the live part of the page again
// ("verdict" is its trigger). The page is complete without this file.
//
// A hidden page holds no connection: a browser has six for a server over
// HTTP/1.1, and many open tabs must not use them up.
"use strict";
(() => {
  const pulse = document.getElementById("pulse");
  const text = document.getElementById("pulse-text");
  const address = document.body.dataset.live;
  if (!address) {
    return;
  }

  // What a reader has opened stays open.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.tagName === "DETAILS");

  // The server sends something every five seconds, news or not.
  const patience = 12000;
  let source = null;
  let watchdog = 0;
  let lastFresh = document.getElementById("live")?.dataset.at ?? "";

  function say(state, words) {
    if (pulse.dataset.state !== state) {
      pulse.dataset.state = state;
      document.body.dataset.pulse = state;
    }
    if (text.textContent !== words) {
      text.textContent = words;
    }
  }

  function stale() {
    say("stale", `Not live: as of ${lastFresh}, trying again`);
  }

  function heard() {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => {
      stale();
      open(); // A connection that says nothing is given up.
    }, patience);
  }

  function open() {
    close();
    source = new EventSource(address);
    source.addEventListener("verdict", () => {
      heard();
      document.body.dispatchEvent(new Event("verdict"));
    });
    source.addEventListener("beat", () => {
      heard();
      say("live", "Live");
    });
    // The browser reconnects by itself, unless the server refused.
    source.addEventListener("error", () => {
      stale();
      if (source !== null && source.readyState === EventSource.CLOSED) {
        clearTimeout(watchdog);
        watchdog = setTimeout(open, 3000);
      }
    });
    heard();
  }

  function close() {
    clearTimeout(watchdog);
    if (source !== null) {
      source.close();
      source = null;
    }
  }

  document.body.addEventListener("htmx:afterSwap", (event) => {
    const live = document.getElementById("live");
    if (live !== null && (event.target === live || live.contains(event.target) || event.target.contains(live))) {
      lastFresh = live.dataset.at;
      say("live", "Live");
      const badge = document.querySelector(".menu .count");
      if ((badge?.firstChild.textContent ?? "") !== live.dataset.firing) {
        badge?.remove();
        mark(live.dataset.firing);
      }
    }
  });

  // mark writes how many alerts fire beside their entry in the menu.
  function mark(firing) {
    if (!firing) {
      return;
    }
    const hidden = document.createElement("span");
    hidden.className = "visually-hidden";
    hidden.textContent = " firing";
    const badge = document.createElement("span");
    badge.className = "count";
    badge.title = "firing";
    badge.append(firing, hidden);
    document.querySelector('.menu a[href="/alerts"]').append(" ", badge);
  }

  for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.body.addEventListener(failure, stale);
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      close();
    } else {
      document.body.dispatchEvent(new Event("verdict"));
      open();
    }
  });
  addEventListener("pagehide", close);

  open();
})();
