"use strict";
async function refresh() {
  try {
    const numbers = await (await fetch("/status.json")).json();
    for (const [name, value] of Object.entries(numbers)) {
      const place = document.querySelector(`[data-name="${name}"]`);
      if (place) place.textContent = value;
    }
  } finally {
    setTimeout(refresh, 1000);
  }
}
refresh();
