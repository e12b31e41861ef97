// What the benchmarks enter on our side.

import { clock, config, crypto, done, fail, ok, rawEvent, rawService, service, services, storage } from "@bulkhead/assemblyscript";

export function echo(): i32 {
  return rawService((bytes) => ok(bytes));
}

// Each takes the number of repetitions as its input, so that the entry itself does not count.
export function config_get(): i32 {
  return service<i32, i32>((times) => {
    let length = 0;
    for (let i = 0; i < times; i++) {
      const value = config.get("key").value;
      if (value !== null) length += value.length;
    }
    return ok(length);
  });
}

export function storage_put(): i32 {
  return service<i32, i32>((times) => {
    const value = new Uint8Array(200);
    for (let i = 0; i < times; i++) {
      value[0] = <u8>i;
      storage.set("key-" + (i % 100).toString(), value);
    }
    return ok(times);
  });
}

export function storage_get(): i32 {
  return service<i32, i32>((times) => {
    let length = 0;
    for (let i = 0; i < times; i++) {
      const value = storage.get("key-" + (i % 100).toString()).value;
      if (value !== null) length += value.length;
    }
    return ok(length);
  });
}

function digests(bytes: i32, times: i32): i32 {
  const message = new Uint8Array(bytes);
  let sum = 0;
  for (let i = 0; i < times; i++) {
    message[0] = <u8>i;
    sum += crypto.digest(crypto.HashAlgorithm.sha256, message).value[0];
  }
  return sum;
}

export function digest_kib(): i32 {
  return service<i32, i32>((times) => ok(digests(1_024, times)));
}

export function digest_mib(): i32 {
  return service<i32, i32>((times) => ok(digests(1_048_576, times)));
}

/** Answers the microseconds that each call took. */
export function call_echo(): i32 {
  return service<i32, f64[]>((times) => {
    const payload = new Uint8Array(100);
    const us: f64[] = [];
    for (let i = 0; i < times; i++) {
      const start = clock.monotonic();
      const answer = services.callRaw("bench.echo", payload);
      if (!answer.isOk) return fail<f64[]>(answer.error.message);
      us.push(<f64>(clock.monotonic() - start) / 1000.0);
    }
    return ok(us);
  });
}

export function on_event(): i32 {
  return rawService((bytes) => ok(new Uint8Array(0)));
}

export function on_parsed_event(): i32 {
  return rawEvent((event) => done());
}

/** So many rounds of arithmetic. */
export function burn(): i32 {
  return service<i32, i32>((rounds) => {
    let x: u32 = 1;
    for (let i = 0; i < rounds; i++) x = x * 1664525 + 1013904223;
    return ok(<i32>(x & 1));
  });
}

export function spin(): i32 {
  let i: u32 = 0;
  while (true) i++;
  return 0;
}

/** Takes memory until it gets no more, and touches it. */
export function hoard(): i32 {
  const kept: Uint8Array[] = [];
  while (true) kept.push(new Uint8Array(65536).fill(1));
  return 0;
}
