// What the disposable process that reads packages runs: answers which version a packument means, or what a tarball holds.

import { answerOnce } from "../cell/admission/disposable-main.ts";
import { chooseVersion } from "../install/packument.ts";
import { readTarball } from "../install/tarball.ts";
import type { ReaderRequest } from "./package-reader.ts";

const NOTHING = new Uint8Array(0);

answerOnce(async ({ value, bytes }) => {
  const request = value as ReaderRequest;
  if (request.kind === "packument") {
    const { encoding, registry } = request;
    return { value: await chooseVersion({ body: bytes, encoding, registry }, request), bytes: NOTHING };
  }
  const { manifestText, wasm, contents, license, signatures = "" } = await readTarball(bytes, request.label);
  const text = Buffer.from(manifestText);
  const signed = Buffer.from(signatures);
  const lengths = { manifestBytes: text.length, signatureBytes: signed.length, contents, license };
  return { value: lengths, bytes: new Uint8Array(Buffer.concat([text, signed, wasm])) };
});
