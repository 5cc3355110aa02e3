// Runs before the first paint: the person's theme, else the system's. The application takes over from here.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem("fengsui.theme");
  } catch {
    chosen = null;
  }
  var dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-theme", dark ? "dark" : "light");
})();
