// What the disposable admission process runs: admits one module, compiles all of it, instantiates it, answers and ends.

import { Socket } from "node:net";
import { toHostError } from "../core/errors.ts";
import { admitPlugin } from "../engine/admit-plugin.ts";
import { admitComponent } from "../engine/component/admit-component.ts";
import { decodeBundle, isBundle, isComponent } from "../engine/component/bundle.ts";
import { type AdmissionAnswer, type AdmissionRequest, readAdmissionRequest, writeAdmissionAnswer } from "./admission-codec.ts";
import { pipeChannel } from "./pipe-channel.ts";
import { loadTranspiler } from "./transpiler.ts";

const CHANNEL_DESCRIPTOR = 3;
const MAX_FRAME_BYTES = 256 * 1024 * 1024;

async function answerFor({ wasm, limits }: AdmissionRequest): Promise<AdmissionAnswer> {
  try {
    const admitted = isComponent(wasm) ? await admitComponent(wasm, limits, loadTranspiler) : admitPlugin(wasm, limits);
    tryOut(admitted.module);
    return { ok: true, admitted };
  } catch (thrown) {
    const { code, message, detail } = toHostError(thrown);
    return { ok: false, error: { code, message, detail } };
  }
}

// The flags of this process make V8 compile every function now, so that what hurts hurts here. No guest code runs: the start
// function is an export by now, and a data segment out of bounds is the plugin's own failure later.
function tryOut(module: Uint8Array<ArrayBuffer>): void {
  if (isBundle(module)) {
    // Its modules import each other's memories, so they are compiled and not linked; its glue has been compiled when it was looked through.
    for (const bytes of decodeBundle(module).modules.values()) void new WebAssembly.Module(bytes);
    return;
  }
  const compiled = new WebAssembly.Module(module);
  const imports: Record<string, Record<string, () => void>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(compiled)) {
    imports[from] = { ...imports[from], [name]: () => {} };
  }
  try {
    new WebAssembly.Instance(compiled, imports);
  } catch (thrown) {
    if (!(thrown instanceof WebAssembly.RuntimeError)) throw thrown;
  }
}

const socket = new Socket({ fd: CHANNEL_DESCRIPTOR, readable: true, writable: true });
socket.on("close", () => process.exit(0));
socket.on("error", () => process.exit(1));
const channel = pipeChannel({
  socket,
  write: writeAdmissionAnswer,
  read: readAdmissionRequest,
  plan: queueMicrotask,
  maxFrameBytes: () => MAX_FRAME_BYTES,
  onMalformed: (cause) => {
    throw cause;
  },
});
channel.send("ready");
channel.receive((request) => void answerFor(request).then((answer) => channel.send(answer)));
