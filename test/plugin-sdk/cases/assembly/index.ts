import { Json, fail, ok, service } from "@bulkhead/assemblyscript";

@json
class Float {
  v!: f64;
}

@json
class Signed {
  v!: i64;
}

@json
class Unsigned {
  v!: u64;
}

@json
class Text {
  v!: string;
}

@json
class X {
  constructor(public x: f64 = 0) {}
}

@json
class Unfit {
  a: i32 = 1;
  list: X[] = [];
}

export function any(): i32 {
  return service<Json, Json>((value) => ok(value));
}

export function floats(): i32 {
  return service<Float, Float>((value) => ok(value));
}

export function signed(): i32 {
  return service<Signed, Signed>((value) => ok(value));
}

export function unsigned(): i32 {
  return service<Unsigned, Unsigned>((value) => ok(value));
}

export function text(): i32 {
  return service<Text, Text>((value) => ok(value));
}

export function unfit(): i32 {
  return service<Json, Unfit>((value) => {
    const name = value.toString();
    if (name.length < 5) return fail<Unfit>("no number");
    const answer = new Unfit();
    answer.list = [new X(), new X(name == '"NaN"' ? NaN : name == '"Infinity"' ? Infinity : -Infinity)];
    return ok(answer);
  });
}

export function random(): i32 {
  return service<Json, f64[]>(() => ok([Math.random(), Math.random(), Math.random(), Math.random()]));
}
