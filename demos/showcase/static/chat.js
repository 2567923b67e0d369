"use strict";
const room = document.getElementById("chat").dataset.room;
const base = "/room/" + encodeURIComponent(room);
const list = document.getElementById("messages");
const link = document.getElementById("link");
const form = document.getElementById("say");
const token = form.elements._xsrf.value;
let socket = null;
let latest = 0;
for (const item of list.children) latest = Math.max(latest, Number(item.dataset.id));

function show(message) {
  if (message.id <= latest) return;
  latest = message.id;
  const item = document.createElement("li");
  item.dataset.id = message.id;
  const author = document.createElement("b");
  author.textContent = message.author;
  const text = document.createElement("span");
  text.className = "text";
  text.textContent = message.text;
  item.append(author, " ", text);
  if (message.picture) {
    const picture = document.createElement("img");
    picture.src = "/pictures/" + message.picture;
    picture.alt = "picture by " + message.author;
    item.append(picture);
  }
  list.append(item);
  list.scrollTop = list.scrollHeight;
}

async function catchUp() {
  const answer = await fetch(base + "/messages?after=" + latest);
  if (!answer.ok) throw new Error(answer.status);
  for (const message of (await answer.json()).messages) show(message);
}

async function poll() {
  link.textContent = "long polling";
  link.className = "link live";
  for (;;) {
    try {
      await catchUp();
    } catch {
      link.textContent = "not connected";
      link.className = "link";
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

function connect(failures) {
  if (new URLSearchParams(location.search).has("poll") || failures > 2 || !("WebSocket" in window)) {
    poll();
    return;
  }
  const scheme = location.protocol === "https:" ? "wss://" : "ws://";
  const candidate = new WebSocket(scheme + location.host + base + "/socket");
  let opened = false;
  candidate.onopen = () => {
    opened = true;
    socket = candidate;
    link.textContent = "live";
    link.className = "link live";
  };
  candidate.onmessage = (event) => show(JSON.parse(event.data));
  candidate.onclose = () => {
    socket = null;
    link.textContent = "connecting …";
    link.className = "link";
    setTimeout(() => connect(opened ? 0 : failures + 1), 500);
  };
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const author = form.elements.author.value.trim();
  const text = form.elements.text.value.trim();
  if (!text) return;
  localStorage.setItem("author", author);
  form.elements.text.value = "";
  if (socket) {
    socket.send(JSON.stringify({ author, text }));
    return;
  }
  const body = new URLSearchParams({ author, text });
  await fetch(base + "/messages", { method: "POST", body, headers: { "X-XSRFToken": token } });
});

document.getElementById("picture").addEventListener("change", async (event) => {
  if (!event.target.files.length) return;
  const body = new FormData();
  body.append("picture", event.target.files[0]);
  body.append("author", form.elements.author.value.trim());
  event.target.value = "";
  const answer = await fetch(base + "/pictures", { method: "POST", body, headers: { "X-XSRFToken": token } });
  if (!answer.ok) alert("That picture was not accepted.");
});

form.elements.author.value = localStorage.getItem("author") || "";
list.scrollTop = list.scrollHeight;
connect(0);
