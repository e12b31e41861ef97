// Documents are made for what their reader may see, and kept as long as that holds.

import { describe, expect, it } from "vitest";
import { Documents } from "../../../host/adapters/gateway/documents.ts";
import { openApiDocument } from "../../../host/adapters/gateway/openapi.ts";
import { Host } from "../../../host/core/host.ts";
import { compilePattern } from "../../../host/core/names.ts";
import { systemClock } from "../../../host/drivers/system-clock.ts";
import type { Catalog, Principal } from "../../../host/seams.ts";
import { testContext } from "../../support/adapter-context.ts";
import { manifestOf } from "../../support/catalogs.ts";
import { hostPorts } from "../../support/host-ports.ts";
import { memoryLog } from "../../support/memory-log.ts";
import { definition, type Script, scriptedCell } from "../../support/scripted-cell.ts";

const SCRIPT: Script = { a: (input) => input, b: (input) => input };
const SERVICES = [
  { name: "p.a", entryPoint: "a" },
  { name: "p.b", entryPoint: "b" },
];

/** Who may call what the pattern says, which a test changes. */
function principal(name: string, resource: string): Principal & { may(pattern: string): void } {
  let matches = compilePattern(resource);
  return {
    name,
    allows: (permission, asked) => permission === "services.call" && matches(asked),
    may: (pattern) => {
      matches = compilePattern(pattern);
    },
  };
}

function documents() {
  const log = memoryLog();
  const host = new Host(hostPorts({ clock: systemClock, log }));
  host.add(definition("p", SCRIPT, { services: SERVICES }), scriptedCell({ p: SCRIPT }));
  const { context, manifests } = testContext(host, { log, adapter: "http" });
  const declared = Object.fromEntries(SERVICES.map(({ name, entryPoint }) => [name, { entryPoint }]));
  manifests.set("p", manifestOf({ services: declared }));
  const kept = new Documents<Buffer>(context.catalog);
  let made = 0;
  const make = ({ services, plugins }: Catalog): Buffer => {
    made += 1;
    return Buffer.from(JSON.stringify(openApiDocument({ services, plugins, routes: [] })));
  };
  return {
    pathsFor: (who: Principal): string[] => Object.keys(JSON.parse(kept.get("openapi", who, make).toString()).paths),
    change: () => manifests.set("p", manifestOf({ services: { ...declared, "p.a": { entryPoint: "a", public: false } } })),
    made: () => made,
  };
}

describe("documents", () => {
  it("have what their reader may call, and nothing else", () => {
    const { pathsFor } = documents();
    expect(pathsFor(principal("all", "**"))).toEqual(["/v1/services/p.a", "/v1/services/p.b"]);
    expect(pathsFor(principal("some", "p.b"))).toEqual(["/v1/services/p.b"]);
    expect(pathsFor(principal("none", "q.*"))).toEqual([]);
  });

  it("are made once for all who may see the same, and anew when there is something else to see", () => {
    const { pathsFor, made, change } = documents();
    for (const name of ["ada", "bob", "ada"]) pathsFor(principal(name, "p.*"));
    expect(made()).toBe(1);
    const ada = principal("ada", "p.*");
    ada.may("p.a");
    expect(pathsFor(ada)).toEqual(["/v1/services/p.a"]);
    expect(made()).toBe(2);
    change();
    expect(pathsFor(principal("bob", "p.*"))).toEqual(["/v1/services/p.b"]);
    expect(made()).toBe(3);
  });

  it("are kept in a small number, those that were read last", () => {
    const { pathsFor, made, change } = documents();
    const ada = principal("ada", "**");
    for (let i = 0; i < 20; i += 1) {
      change();
      pathsFor(ada);
      pathsFor(principal("bob", "p.b"));
    }
    expect(made()).toBe(40);
    pathsFor(ada);
    pathsFor(principal("bob", "p.b"));
    expect(made()).toBe(40);
  });
});
