// Thirty percent for everybody, whatever is in the cart.

import { ok, service } from "@bulkhead/assemblyscript";

@json
class Cart {
  customer!: string;
  total: f64 = 0;
}

@json
class Discount {
  constructor(
    readonly percent: f64 = 0,
    readonly because: string = "",
  ) {}
}

// plugin.json says that `shop.discount` is answered by this export.
export function discount(): i32 {
  return service<Cart, Discount>((_cart) => ok(new Discount(30, "Black Friday")));
}
