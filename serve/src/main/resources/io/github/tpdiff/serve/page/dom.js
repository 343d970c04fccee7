// Elements, and what is said to those who do not see the page.

export const byId = id => document.getElementById(id);

/** An element with properties and children; text is text, never markup. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [property, value] of Object.entries(properties)) {
    if (property.includes("-") || property === "role" || property === "for") made.setAttribute(property, value);
    else made[property] = value;
  }
  made.append(...children);
  return made;
}

/** Says something to screen readers. */
export function announce(text) {
  byId("announce").textContent = text;
}

/** Copies text; where the browser forbids it, shows it to be copied. */
export async function copyText(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    announce(what + " copied");
    return true;
  } catch (forbidden) {
    byId("copied-text").value = text;
    byId("copied").showModal();
    byId("copied-text").select();
    return false;
  }
}

/** Asks before something is lost. */
export function confirmed(question) {
  const dialog = byId("confirm");
  byId("confirm-text").textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise(answer =>
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), {once: true}));
}

/** Seconds in words. */
export function duration(seconds) {
  if (seconds < 1) return "less than a second";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
