
const page = document.getElementById("page");
const lost = document.getElementById("lost");
let timer;

// Change only what differs: focus, selection and open details stay.
function update(shown, fresh) {
  if (shown.isEqualNode(fresh)) return;
  if (shown.nodeName !== fresh.nodeName || shown.id !== fresh.id) {
    shown.replaceWith(fresh);
  } else if (shown.nodeType === Node.TEXT_NODE) {
    shown.data = fresh.data;
  } else {
    for (const { name } of [...shown.attributes]) {
      if (name !== "open" && !fresh.hasAttribute(name)) shown.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
    }
    const before = [...shown.childNodes];
    const after = [...fresh.childNodes];
    before.slice(after.length).forEach((node) => node.remove());
    after.forEach((node, place) => before[place] ? update(before[place], node) : shown.append(node));
  }
}

async function refresh() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const response = await fetch("/", { cache: "no-store", signal: AbortSignal.timeout(10000) });
    const text = await response.text();
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const body = fresh.getElementById("page");
    if (!body) throw new Error(text);
    update(page, body);
    document.title = fresh.title;
    lost.textContent = "";
  } catch {
    lost.textContent ||= "The daemon doesn’t answer. What follows is old.";
  }
  timer = setTimeout(refresh, 5000);
}

document.addEventListener("visibilitychange", refresh);
timer = setTimeout(refresh, 5000);
