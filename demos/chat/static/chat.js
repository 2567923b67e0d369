"use strict";

const messages = document.getElementById("messages");
const form = document.getElementById("say");
const url = new URL(location.pathname + "/socket", location.href);
url.protocol = url.protocol.replace("http", "ws");
const socket = new WebSocket(url);

function show(text, kind) {
  const line = document.createElement("li");
  line.textContent = text;
  line.className = kind;
  messages.append(line);
}

socket.onmessage = (event) => {
  const happened = JSON.parse(event.data);
  if (happened.type === "names") {
    document.getElementById("names").textContent = happened.names.join(", ");
  } else if (happened.type === "message") {
    show(`${happened.author}: ${happened.text}`, "message");
  } else {
    show(happened.reason, "error");
  }
};
socket.onclose = () => show("The connection is closed.", "error");

form.onsubmit = (event) => {
  event.preventDefault();
  socket.send(JSON.stringify({ text: form.elements.text.value }));
  form.reset();
};
