/** Start: find out who is here, then show the page. */

import { createApp } from "vue";
import App from "./App.vue";
import * as calls from "./api/calls";
import { ApiError } from "./api/client";
import { i18n, language, setLanguage } from "./i18n";
import { createPages } from "./router";
import { consoleKey, createConsole } from "./store/console";
import "element-plus/theme-chalk/base.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/element.css";

const RELOADED = "fengsui.reloaded";
const AGAIN = 60_000;

/** A part of the page that is gone from the server belongs to an older build: load the new one, once. */
window.addEventListener("vite:preloadError", (event) => {
  const last = Number(sessionStorage.getItem(RELOADED) ?? 0);
  if (Date.now() - last < AGAIN) return;
  event.preventDefault();
  sessionStorage.setItem(RELOADED, String(Date.now()));
  location.reload();
});

async function start(): Promise<void> {
  setLanguage(language());
  const store = createConsole(() => {
    store.leave();
    void router.push({ name: "login", query: { expired: "1", to: router.currentRoute.value.fullPath } });
  });
  const router = createPages(() => store.state.session !== null);
  const toLogin = location.hash.startsWith("#/login"); // nobody is asked for where somebody is about to log in
  try {
    if (!toLogin) store.enter(await calls.session());
  } catch (error) {
    if (!(error instanceof ApiError)) throw error; // 401, or nothing answers: the login page says so
  }
  createApp(App).use(i18n).use(router).provide(consoleKey, store).mount("#app");
}

void start();
