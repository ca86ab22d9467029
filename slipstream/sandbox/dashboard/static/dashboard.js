// Replaces what is live on the page once a second. Without scripts the page reloads itself.
const live = () => document.querySelectorAll("[data-live]");
let last = "";

async function refresh() {
  try {
    const response = await fetch("/", { headers: { Accept: "text/html" } });
    const text = await response.text();
    if (text !== last) {
      const page = new DOMParser().parseFromString(text, "text/html");
      live().forEach((part) => part.replaceWith(page.getElementById(part.id)));
      last = text;
    }
    document.body.classList.remove("ended");
  } catch {
    document.body.classList.add("ended");
  }
  setTimeout(refresh, 1000);
}

setTimeout(refresh, 1000);
