// A guest for tests: does a list of steps of cryptography in one turn, and answers what came of each.

import { Result, crypto, ok, service } from "@bulkhead/assemblyscript";

@json
class Step {
  op!: string;
  algorithm: string = "sha256";
  /** Of a key that signs; none for the one that it has. */
  keyAlgorithm: string | null = null;
  format: string = "jwk";
  /** A name, a JWK or the text of a key. */
  key: string = "";
  message: string = "";
  /** How many zeros the message is; 0 for the text. */
  zeros: u32 = 0;
  signature: Uint8Array = new Uint8Array(0);
  password: string = "";
  phc: string = "";
  times: u32 = 1;
}

function shown<T>(result: Result<T>, text: (value: T) => string): string {
  return result.isOk ? text(result.value) : result.error.toString();
}

const utf8 = (text: string): Uint8Array => Uint8Array.wrap(String.UTF8.encode(text));
const same = (text: string): string => text;
const isTrue = (value: bool): string => (value ? "true" : "false");

function hex(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += (bytes[i] < 16 ? "0" : "") + bytes[i].toString(16);
  return text;
}

function take(step: Step): string {
  const op = step.op;
  const message = step.zeros > 0 ? new Uint8Array(step.zeros) : utf8(step.message);
  if (op == "digest") return shown(crypto.digest(step.algorithm, message), hex);
  if (op == "hmac") return shown(crypto.hmac(step.algorithm, utf8(step.key), message), hex);
  if (op == "verify") return shown(crypto.verify(step.algorithm, step.format, utf8(step.key), message, step.signature), isTrue);
  if (op == "equal") return shown(crypto.equal(utf8(step.key), message), isTrue);
  if (op == "password-hash") return shown(crypto.passwordHash(step.password), same);
  if (op == "password-verify") return shown(crypto.passwordVerify(step.password, step.phc), isTrue);
  if (op == "sign") return shown(crypto.sign(step.key, step.keyAlgorithm, message), hex);
  if (op == "public-key") return shown(crypto.publicKey(step.key, step.keyAlgorithm), same);
  if (op == "public-keys") return shown(crypto.publicKeys(step.key), (keys: string[]) => keys.join("\n"));
  return `no such step: ${op}`;
}

export function run(): i32 {
  return service<Step[], string[]>((steps) => {
    const answers: string[] = [];
    for (let i = 0; i < steps.length; i++) {
      let answer = "";
      for (let n: u32 = 0; n < steps[i].times; n++) answer = take(steps[i]);
      answers.push(answer);
    }
    return ok(answers);
  });
}
