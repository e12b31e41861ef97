// Bulkhead in its three kinds of cells. In processes the polite guest has one of its own, and twenty hostile ones share one.

import type { Cell } from "../../../host/core/ports/cell.ts";
import { type CellKind, createCell, image, runTurn } from "../../support/cells.ts";
import { builtProcessCell, enter, QUIET, readWasm } from "../cells.ts";
import { type Attack, CPU_MS, type MakeSubject, MEMORY_MIB, POLITE_TEXT } from "./subject.ts";

const GUESTS_A_PROCESS = 20;
const TURNS: Readonly<Record<Attack, { readonly entryPoint: string; readonly input: string }>> = {
  loops: { entryPoint: "spin", input: "" },
  memory: { entryPoint: "hoard", input: "" },
  "host calls": { entryPoint: "config_get", input: "2000000000" },
};

export const bulkhead =
  (kind: CellKind): MakeSubject =>
  async (hostile) => {
    const limits = { cpuMs: CPU_MS, memoryBytes: MEMORY_MIB * 1_024 * 1_024, deadlineMs: 60_000 };
    const template = image("polite", await readWasm("plugin"), limits, { key: "value" });
    const create = async (): Promise<Cell> => (kind === "process" ? builtProcessCell() : createCell(kind, QUIET));
    const polite = await create();
    await polite.load(template);
    const cells: Cell[] = [];
    for (let i = 0; i < hostile; i += 1) {
      const cell = kind !== "process" ? polite : i % GUESTS_A_PROCESS === 0 ? await create() : cells[i - 1];
      if (cell === undefined) throw new Error("no cell");
      await cell.load({ ...template, name: `hostile-${i}` });
      cells.push(cell);
    }
    return {
      callPolite: async () => void (await enter(polite, "echo", POLITE_TEXT, "polite")),
      attack: async (attack, guest) => {
        const { entryPoint, input } = TURNS[attack];
        await runTurn(cells[guest] ?? polite, `hostile-${guest}`, entryPoint, { input, timeoutMs: 60_000 });
      },
    };
  };
