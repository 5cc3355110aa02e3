/** The pages. Filters and the open drawer are in the address; the back button closes the drawer. */

import { type Router, createRouter, createWebHashHistory } from "vue-router";
import AlarmsPage from "./pages/AlarmsPage.vue";
import HealthPage from "./pages/HealthPage.vue";
import LoginPage from "./pages/LoginPage.vue";
import MinePage from "./pages/MinePage.vue";
import OnboardingPage from "./pages/OnboardingPage.vue";
import OverviewPage from "./pages/OverviewPage.vue";
import PointsPage from "./pages/PointsPage.vue";
import RulesPage from "./pages/RulesPage.vue";
import SystemPage from "./pages/SystemPage.vue";

export function createPages(loggedIn: () => boolean): Router {
  const router = createRouter({
    history: createWebHashHistory(),
    routes: [
      { path: "/login", name: "login", component: LoginPage },
      { path: "/overview", name: "overview", component: OverviewPage },
      { path: "/alarms/:id?", name: "alarms", component: AlarmsPage },
      { path: "/health/:gateway?", name: "health", component: HealthPage },
      { path: "/points", name: "points", component: PointsPage },
      { path: "/onboarding", redirect: "/onboarding/gateways" },
      { path: "/onboarding/:part(gateways|systems)/:name?", name: "onboarding", component: OnboardingPage },
      { path: "/rules", redirect: "/rules/library" },
      { path: "/figures", redirect: "/rules/figures" },
      { path: "/rules/:part(library|named|point|files|figures)/:rule?", name: "rules", component: RulesPage },
      { path: "/system", redirect: "/system/calendar" },
      { path: "/system/:part(calendar|deliveries|retention|store|backups)", name: "system", component: SystemPage },
      { path: "/mine", name: "mine", component: MinePage },
      { path: "/:rest(.*)*", redirect: "/overview" },
    ],
  });
  router.beforeEach((to) => {
    if (to.name === "login" || loggedIn()) return true;
    return { name: "login", query: to.fullPath === "/overview" ? {} : { to: to.fullPath } };
  });
  return router;
}
