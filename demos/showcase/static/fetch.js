"use strict";
const rows = document.querySelector("#results tbody");
const total = document.getElementById("total");

function show(result) {
  const row = rows.insertRow();
  for (const value of [result.url, result.error || result.code, result.size ?? "", result.milliseconds]) {
    row.insertCell().textContent = value;
  }
}

document.getElementById("fetch").addEventListener("submit", async (event) => {
  event.preventDefault();
  rows.replaceChildren();
  const query = new URLSearchParams();
  for (const url of document.getElementById("urls").value.split(/\s+/)) if (url) query.append("url", url);
  const started = performance.now();
  const reader = (await fetch("/fetch/results?" + query)).body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    held += value || "";
    const lines = held.split("\n");
    held = lines.pop();
    for (const line of lines) show(JSON.parse(line));
    if (done) break;
  }
  total.textContent = `All of them together took ${Math.round(performance.now() - started)} ms.`;
});
