"use strict";

// textual.js reads the terminal's address when the page has loaded, and adds the size in characters itself.
document.getElementById("terminal").dataset.sessionWebsocketUrl = new URL("terminal", location.href.split(/[?#]/)[0])
  .href.replace(/^http/, "ws");
document.getElementById("again").addEventListener("click", () => location.reload());

// Keys go to the dashboard from its first picture on; before that there is nobody to tell of the focus.
new MutationObserver((_, watching) => {
  if (document.body.classList.contains("-first-byte")) {
    watching.disconnect();
    document.querySelector(".xterm-helper-textarea").focus();
  }
}).observe(document.body, { attributes: true, attributeFilter: ["class"] });
