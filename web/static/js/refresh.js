// Fetches the page again every five seconds and replaces its live regions.
// The page is complete without this file. Nothing moves under a reader who
// has selected text or works with the keyboard inside a region, and nothing
// is fetched while nobody looks.

const period = 5000;
const stale = document.getElementById("stale");

function busy(region) {
  const selection = document.getSelection();
  return region.contains(document.activeElement) ||
    (selection !== null && !selection.isCollapsed && selection.containsNode(region, true));
}

async function refresh() {
  if (document.hidden) {
    return;
  }
  try {
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(period) });
    if (!answer.ok) {
      throw new Error(`status ${answer.status}`);
    }
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const region of document.querySelectorAll("[data-live]")) {
      const fresh = next.getElementById(region.id);
      if (fresh !== null && !busy(region)) {
        region.replaceChildren(...document.adoptNode(fresh).childNodes);
      }
    }
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  }
}

async function run() {
  await refresh();
  setTimeout(run, period);
}

setTimeout(run, period);
document.addEventListener("visibilitychange", refresh);
