// What the TypeScript compiler makes of files: what it complains of, as strictly as it can, and their syntax trees.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SourceFile } from "typescript/unstable/ast";
import { API } from "typescript/unstable/sync";

const STRICT = {
  target: "es2024",
  lib: ["es2024", "esnext.disposable"],
  module: "nodenext",
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noPropertyAccessFromIndexSignature: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
  isolatedDeclarations: true,
  declaration: true,
  allowImportingTsExtensions: true,
  skipLibCheck: true,
  noEmit: true,
};

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface Compiled {
  /** `<file>: <what is wrong>`. */
  readonly complaints: readonly string[];
  readonly trees: ReadonlyMap<string, SourceFile>;
}

/** Writes the files below `folder` and compiles them. Packages of this repository are found as a program and a plugin would find them. */
export function compile(folder: string, files: Readonly<Record<string, string>>, options: object = {}): Compiled {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const paths = {
    bulkhead: [join(ROOT, "host/index.ts")],
    "@bulkhead/sdk": [join(ROOT, "plugin-sdk/typescript/src/index.ts")],
    zod: [join(ROOT, "node_modules/zod/index.d.ts")],
  };
  const compilerOptions = { ...STRICT, types: [], typeRoots: [join(ROOT, "node_modules/@types")], paths, ...options };
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const config = join(folder, "tsconfig.json");
  writeFileSync(config, JSON.stringify({ compilerOptions, files: Object.keys(files) }));
  const api = new API();
  try {
    const [project] = api.updateSnapshot({ openProjects: [config] }).getProjects();
    if (project === undefined) throw new Error(`${config} is no project`);
    const { program } = project;
    const trees = new Map<string, SourceFile>();
    const complaints: string[] = program.getProgramDiagnostics().map(({ text }) => `tsconfig.json: ${text}`);
    for (const name of Object.keys(files)) {
      const file = join(folder, name);
      const tree = program.getSourceFile(file);
      if (tree !== undefined) trees.set(name, tree);
      const found = [program.getSyntacticDiagnostics(file), program.getSemanticDiagnostics(file), program.getDeclarationDiagnostics(file)];
      complaints.push(...found.flat().map(({ text }) => `${name}: ${text}`));
    }
    return { complaints, trees };
  } finally {
    api.close();
  }
}
