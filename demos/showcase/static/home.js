"use strict";
document.getElementById("new-room").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = event.target.room.value.trim().replace(/[^\p{L}\p{N}_-]+/gu, "-");
  if (name) location.href = "/room/" + encodeURIComponent(name);
});
