import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

const collector = process.env["COLLECTOR"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  base: "./",
  plugins: [vue()],
  define: {
    __VUE_OPTIONS_API__: true,
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: false,
    __VUE_I18N_LEGACY_API__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  // The strict content policy allows no data: scripts or styles; small pictures stay files too.
  build: {
    assetsInlineLimit: 0,
    target: "es2022",
    modulePreload: { polyfill: false },
    // What changes with every release apart from what does not: a return visit loads only the former.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "vue", test: /node_modules[\\/](@?vue|vue-router|vue-i18n|@intlify)[\\/]/, priority: 2 },
            { name: "chart", test: /node_modules[\\/]uplot/, priority: 2 },
            { name: "element", test: /node_modules/, priority: 1 },
          ],
        },
      },
    },
  },
  server: { proxy: { "/api": collector, "/healthz": collector }, fs: { allow: ["../.."] } },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
