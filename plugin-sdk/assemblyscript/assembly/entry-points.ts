// What an author's exports return: each function here reads the turn's input, runs the handler and reports how it ended (0 or 1).

import * as abi from "./imports";
import { Event } from "./event";
import { attempted, written } from "./json";
import { JsonReader } from "./json-reader";
import { decodeUtf8, encodeUtf8, keep, readInput, readInputView, setError, setOutput, setOutputText, setOutputView, textBlock } from "./memory";
import { HostError, Nothing, Outcome, Result } from "./result";

/**
 * A service that takes and answers JSON. `I` and `O` are @json classes, arrays, maps, strings, numbers or Json; `Nothing` as `I`
 * ignores the input, as `O` answers nothing. An empty input counts as `{}`. Input that does not fit never reaches the handler: the
 * caller is told `invalid-input`, and what is wrong with which field.
 */
export function service<I, O>(handler: (request: I) => Result<O>): i32 {
  const input = readInput();
  const request = new JsonReader(input.length ? input : encodeUtf8("{}")).whole<I>();
  if (!request.isOk) {
    return failed(new HostError("refused", `input is not the JSON that this service expects (${nameof<I>()}): ${request.error.message}`, null, "invalid-input"));
  }
  const answer = handler(request.value);
  if (!answer.isOk) return failed(answer.error);
  if (isReference<O>()) {
    if (idof<nonnull<O>>() == idof<Nothing>()) return 0;
  }
  const json = attempted<O>(answer.value);
  if (json.problem.length) return refuse(json.explain());
  setOutput(json.bytes, json.length);
  return 0;
}

/** A service that takes and answers text. Ill-formed UTF-8 arrives as U+FFFD. */
export function textService(handler: (text: string) => Result<string>): i32 {
  const input = readInput();
  const answer = handler(decodeUtf8(input, 0, input.length));
  if (!answer.isOk) return failed(answer.error);
  setOutputText(answer.value);
  return 0;
}

/** A service that takes and answers bytes: the cheapest kind, nothing is parsed. */
export function rawService(handler: (bytes: Uint8Array) => Result<Uint8Array>): i32 {
  const answer = handler(readInputView());
  if (!answer.isOk) return failed(answer.error);
  setOutputView(answer.value);
  return 0;
}

/** A handler of events whose data is the JSON of `T`. */
export function event<T>(handler: (event: Event, data: T) => Outcome): i32 {
  const input = readInput();
  const received = new JsonReader(input).whole<Event>();
  if (!received.isOk) return refuse(`input is not an event: ${received.error.message}`);
  const event = received.value;
  const data = event.dataAs<T>();
  if (!data.isOk) {
    return refuse(`the data of ${event.type} from ${event.source} is not the JSON expected (${nameof<T>()}): ${data.error.message}`);
  }
  return ended(handler(event, data.value));
}

/** A handler of events that looks at the data itself, or not at all. */
export function rawEvent(handler: (event: Event) => Outcome): i32 {
  const received = new JsonReader(readInput()).whole<Event>();
  if (!received.isOk) return refuse(`input is not an event: ${received.error.message}`);
  return ended(handler(received.value));
}

/** For on_load, on_start, on_stop and on_unload. */
export function lifecycle(handler: () => Outcome): i32 {
  return ended(handler());
}

function ended(outcome: Outcome): i32 {
  return outcome.isOk ? 0 : failed(outcome.error);
}

/** The form of a refusal (docs/abi.md, entry points). */
@json
class Refusal {
  code: string = "";
  message: string = "";
  retryAfterMs: u32 = 0;
}

/**
 * A refusal keeps its reason, also one that another plugin gave and a handler hands on. What else the plugin fails with is said as it is; what a host function failed
 * with keeps its code, so that the caller sees the cause.
 */
function failed(error: HostError): i32 {
  const reason = error.reason;
  if (error.code == "refused" && reason !== null) {
    const refusal = new Refusal();
    refusal.code = reason;
    refusal.message = error.message;
    refusal.retryAfterMs = error.retryAfterMs;
    const json = written<Refusal>(refusal);
    const marked = new StaticArray<u8>(json.length + 1);
    marked[0] = 1;
    memory.copy(changetype<usize>(marked) + 1, changetype<usize>(json.bytes), json.length);
    setError(marked);
    return 1;
  }
  return refuse(error.code == "plugin-failed" ? error.message : error.toString());
}

function refuse(message: string): i32 {
  abi.error_set(keep(textBlock(message)));
  return 1;
}
