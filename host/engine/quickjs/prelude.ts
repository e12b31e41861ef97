// The JavaScript that runs in every sandbox before a stranger's: what crosses the line, in JSON, and what a stranger has of functions of the host's program.
// It runs metered and inside, where nothing is trusted; it takes what it needs of the language before a stranger can change it, and reads own properties only.

/** The file of its frames, which nobody is shown. */
export const PRELUDE_FILE = "bulkhead:prelude";

/** A function of an operation with its text, and a value; see machine.ts. */
export const PRELUDE = `(() => {
"use strict";
const { apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
const { parse, stringify } = JSON;
const { isArray } = Array;
const NativePromise = Promise;
const NativeError = Error;
const NativeTypeError = TypeError;
const { then } = NativePromise.prototype;
const { charAt, indexOf, slice } = String.prototype;
const ObjectPrototype = Object.prototype;
const { hasOwnProperty } = ObjectPrototype;
const NativeArray = Array.prototype;
const fileOf = getOwnPropertyDescriptor(Function.prototype, "fileName")?.get;
const lineOf = getOwnPropertyDescriptor(Function.prototype, "lineNumber")?.get;
const columnOf = getOwnPropertyDescriptor(Function.prototype, "columnNumber")?.get;
const world = globalThis;
const MAX_DEPTH = 62;
const MAX_TEXT = 4000;

const has = (object, key) => apply(hasOwnProperty, object, [key]);
const text = (value) => (typeof value === "string" ? apply(slice, value, [0, MAX_TEXT]) : "");
const here = () => text(new NativeError().stack);

const nameOf = (fn) => {
  const name = getOwnPropertyDescriptor(fn, "name");
  return name !== undefined && has(name, "value") ? text(name.value) : "";
};

// The way to what is encoded, by depth: put together only for who is refused.
const way = { __proto__: null };
let refusal;
const refuseAs = (what, why, stack = "") => {
  refusal = { __proto__: null, message: (what === "" ? "the value" : what) + " " + why, stack };
  throw refusal;
};
const refuse = (depth, why, stack) => {
  let path = way.root;
  for (let i = 0; i < depth; i += 1) path += typeof way[i] === "number" ? "[" + way[i] + "]" : (path === "" ? "" : ".") + text(way[i]);
  refuseAs(path, why, stack);
};
const placeOf = (fn) => {
  if (fileOf === undefined || lineOf === undefined || columnOf === undefined) return "";
  return "at " + nameOf(fn) + " (" + apply(fileOf, fn, []) + ":" + apply(lineOf, fn, []) + ":" + apply(columnOf, fn, []) + ")";
};

const valueIn = (member, depth) => {
  // Not has(), which takes as long as all the rest: who gives all objects a value deceives himself, and is told at his next program.
  if (!("value" in member)) refuse(depth, "is a getter; only plain data goes out", typeof member.get === "function" ? placeOf(member.get) : "");
  return member.value;
};
const quoted = { __proto__: null };
let quotedCount = 0;
const quote = (key) => {
  const made = stringify(key) + ":";
  if (key.length <= 64 && quotedCount < 256) {
    quotedCount += 1;
    quoted[key] = made;
  }
  return made;
};
const encodeList = (list, depth) => {
  let json = "[";
  for (let i = 0; i < list.length; i += 1) {
    way[depth] = i;
    const member = getOwnPropertyDescriptor(list, i);
    if (member === undefined) refuse(depth + 1, "is missing in its list");
    const value = valueIn(member, depth + 1);
    if (value === undefined) refuse(depth + 1, "is undefined, which JSON has not; write null");
    json += (i === 0 ? "" : ",") + encode(value, depth + 1);
  }
  return json + "]";
};
const encodeRecord = (record, depth) => {
  let json = "";
  const keys = ownKeys(record);
  for (let i = 0; i < keys.length; i += 1) {
    const key = keys[i];
    if (typeof key === "symbol") refuse(depth, "has a symbol for a key");
    const member = getOwnPropertyDescriptor(record, key);
    if (member === undefined || !member.enumerable) continue;
    way[depth] = key;
    if (key === "__proto__") refuse(depth + 1, "is a key that nothing may have");
    const value = valueIn(member, depth + 1);
    if (value === undefined) continue;
    json += (json === "" ? "" : ",") + (quoted[key] ?? quote(key)) + encode(value, depth + 1);
  }
  return "{" + json + "}";
};
const className = (value) => {
  const prototype = getPrototypeOf(value);
  const made = prototype === null ? undefined : getOwnPropertyDescriptor(prototype, "constructor");
  const by = made !== undefined && has(made, "value") ? made.value : undefined;
  return typeof by === "function" ? nameOf(by) : "";
};
const encode = (value, depth) => {
  switch (typeof value) {
    case "string":
      return stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (value - value !== 0) refuse(depth, "is " + value + ", which JSON has not");
      return "" + value;
    case "bigint":
      return refuse(depth, "is a bigint; write String(value)");
    case "object": {
      if (value === null) return "null";
      if (depth >= MAX_DEPTH) refuseAs("the value", "nests deeper than " + MAX_DEPTH + ", or in a circle");
      const prototype = getPrototypeOf(value);
      if (prototype === NativeArray && isArray(value)) return encodeList(value, depth);
      if (prototype === null || prototype === ObjectPrototype) return encodeRecord(value, depth);
      const name = className(value);
      if (name === "Date") return refuse(depth, "is a Date; write toISOString()");
      return refuse(depth, "is a " + (name === "" ? "class's object" : name) + "; only plain objects and lists go out");
    }
    case "function":
      return refuse(depth, "is a function; only plain data goes out", placeOf(value));
    default:
      return refuse(depth, "is a " + typeof value + "; only plain data goes out");
  }
};
const encodeAll = (value, root) => {
  way.root = root;
  return encode(value, 0);
};

let outcome;
let args;
let pending;
let open;
let queue;
let head;
let tail;
let thrownNull = false;
let exhausted;
let calls = 0;
let lastPromise = "";

const failed = (code, name, message, stack) => {
  outcome = '{"ok":false,"code":' + stringify(code) + ',"name":' + stringify(name) + ',"message":' + stringify(message) + ',"stack":' + stringify(stack) + "}";
};
const fail = (thrown) => {
  if (thrown === refusal && thrown !== undefined) {
    failed("invalid-message", "", refusal.message, refusal.stack);
    return;
  }
  thrownNull = thrown === null;
  let name = "";
  let message = "a value that cannot be shown";
  let stack = "";
  try {
    if ((typeof thrown === "object" && thrown !== null) || typeof thrown === "function") {
      stack = text(thrown.stack);
      name = text(thrown.name);
      message = text(thrown.message);
    } else message = typeof thrown === "symbol" ? "a symbol" : text("" + thrown);
  } catch {}
  if (name === "InternalError" && message === "out of memory") exhausted = stack;
  failed("", name, message, stack);
};
const finish = async (result) => {
  try {
    let { value } = result;
    if (args !== undefined) {
      if (typeof value !== "function") refuseAs("", "is no function, so it cannot be called");
      value = apply(value, undefined, args);
    }
    value = await value;
    outcome = value === undefined ? '{"ok":true}' : '{"ok":true,"value":' + encodeAll(value, "") + "}";
  } catch (thrown) {
    fail(thrown);
  }
};

const begin = (json) => {
  outcome = args = refusal = undefined;
  lastPromise = "";
  thrownNull = false;
  exhausted = undefined;
  pending = { __proto__: null };
  queue = { __proto__: null };
  open = head = tail = 0;
  // QuickJS hands out what a program evaluates to as the member of an object, and asks that whether it is a promise.
  if (has(ObjectPrototype, "value") || has(ObjectPrototype, "then"))
    refuseAs("Object.prototype", "has a member value or then by a program before, so that nothing can be handed out");
  const given = parse(json);
  if (has(given, "args")) args = given.args;
  const keys = ownKeys(given.globals);
  for (let i = 0; i < keys.length; i += 1) {
    const value = { __proto__: null, value: given.globals[keys[i]], writable: true, enumerable: true, configurable: true };
    if (!defineProperty(world, keys[i], value)) refuseAs(keys[i], "cannot be set: an evaluation before has frozen it");
  }
};
const declare = (names) => {
  const all = parse(names);
  for (let i = 0; i < all.length; i += 1) {
    const name = all[i];
    const call = (...given) => {
      let json;
      try {
        json = encodeAll(given, "argument");
      } catch (thrown) {
        if (thrown !== refusal) throw thrown;
        throw new NativeTypeError(name + ": " + refusal.message);
      }
      const id = (calls += 1);
      const at = here();
      queue[tail] = id + " " + name + " " + at.length + " " + at + json;
      tail += 1;
      open += 1;
      return new NativePromise((resolve, reject) => {
        pending[id] = { __proto__: null, resolve, reject, at };
      });
    };
    defineProperty(call, "name", { __proto__: null, value: name });
    defineProperty(world, name, { __proto__: null, value: call, writable: false, enumerable: true, configurable: false });
  }
};
const answer = (said) => {
  const space = apply(indexOf, said, [" "]);
  const id = apply(slice, said, [0, space]);
  const json = apply(slice, said, [space + 2]);
  const call = pending[id];
  delete pending[id];
  open -= 1;
  if (apply(charAt, said, [space + 1]) === "+") {
    call.resolve(json === "" ? undefined : parse(json));
    return;
  }
  const { code, message, reason, retryAfterMs } = parse(json);
  const error = new NativeError(message);
  const tell = (name, value) =>
    value !== null && defineProperty(error, name, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
  tell("code", code);
  tell("reason", reason);
  tell("retryAfterMs", retryAfterMs);
  defineProperty(error, "stack", { __proto__: null, value: call.at, writable: true, enumerable: false, configurable: true });
  call.reject(error);
};
const next = (isFull) => {
  if (head < tail) {
    const call = queue[head];
    delete queue[head];
    head += 1;
    return "c" + call;
  }
  // Without room for an error QuickJS throws null, and without room for a job it forgets it.
  if (isFull && (thrownNull || (outcome === undefined && open === 0))) return "m";
  if (exhausted !== undefined) return "m" + exhausted;
  if (outcome !== undefined) return "d" + outcome;
  return open > 0 ? "w" : "s" + lastPromise;
};

// Where a promise was made that nothing settles is all that can be told of it.
defineProperty(world, "Promise", {
  __proto__: null,
  value: new Proxy(NativePromise, {
    __proto__: null,
    construct(target, given, newTarget) {
      lastPromise = here();
      return construct(target, given, newTarget);
    },
  }),
  writable: true,
  enumerable: false,
  configurable: true,
});

// Undefined is all that most of them have to say.
return (op, value) => {
  switch (apply(charAt, op, [0])) {
    case "n":
      return next(op === "n!");
    case "b":
      try {
        return begin(apply(slice, op, [1]));
      } catch (thrown) {
        fail(thrown);
        return "refused";
      }
    case "f":
      return declare(apply(slice, op, [1]));
    case "r":
      apply(then, value, [finish, fail]);
      return;
    case "x":
      fail(value);
      return;
    default:
      return answer(apply(slice, op, [1]));
  }
};
})()`;
