import { describe, expect, it } from "vitest";
import { listenMeanwhile } from "../src/logic/meanwhile";

interface Alarm {
  id: string;
  state: string;
}

function page() {
  const shown = new Map<string, string>();
  const meanwhile = listenMeanwhile();
  const told = meanwhile.hear(({ id, state }: Alarm) => void shown.set(id, state));
  const take = (list: Alarm[]) => {
    shown.clear();
    for (const { id, state } of list) shown.set(id, state);
  };
  return { shown, told, read: (ask: Promise<Alarm[]>) => meanwhile.read(() => ask, take) };
}

describe("while a list is read", () => {
  it("an alarm that is raised meanwhile stays, and one that changed is as it is now", async () => {
    const { shown, told, read } = page();
    let answer: (list: Alarm[]) => void = () => undefined;
    const reading = read(new Promise((resolve) => (answer = resolve)));
    told({ id: "A-2", state: "UNACK" });
    told({ id: "A-1", state: "ACKED" });
    answer([{ id: "A-1", state: "UNACK" }]);
    await reading;
    expect([...shown]).toEqual([
      ["A-1", "ACKED"],
      ["A-2", "UNACK"],
    ]);
  });

  it("nothing of before is told again behind the next list", async () => {
    const { shown, told, read } = page();
    const first = read(Promise.resolve([]));
    told({ id: "A-1", state: "UNACK" });
    await first;
    await read(Promise.resolve([]));
    expect([...shown]).toEqual([]);
  });

  it("a list that fails leaves what was told, and the next begins anew", async () => {
    const { shown, told, read } = page();
    const first = read(Promise.reject(new Error("cut")));
    told({ id: "A-1", state: "UNACK" });
    await expect(first).rejects.toThrow("cut");
    expect([...shown.keys()]).toEqual(["A-1"]);
    await read(Promise.resolve([{ id: "A-2", state: "UNACK" }]));
    expect([...shown.keys()]).toEqual(["A-2"]);
  });
});
