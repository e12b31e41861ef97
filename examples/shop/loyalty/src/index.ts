// A point for each coin spent, and a percent off for each twenty points.

import { type Event, plugin, services, storage } from "@bulkhead/sdk";

interface Customer {
  readonly customer: string;
}

interface Order {
  readonly customer: string;
  readonly total: number;
}

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const parsed = (value: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(value));

function pointsOf(customer: string): number {
  const stored = storage.get(`points/${customer}`);
  return stored === undefined ? 0 : Number(parsed(stored));
}

export const entryPoints = plugin({
  events: {
    on_order_placed({ data: { id } }: Event<{ readonly id: string }>) {
      const order = parsed(services.call("shop.get-order", bytes({ id }))) as Order | null;
      if (order !== null) storage.set(`points/${order.customer}`, bytes(pointsOf(order.customer) + order.total));
    },
  },
  services: {
    points: (request) => ({ points: pointsOf(request.json<Customer>().customer) }),
    discount(request) {
      const points = pointsOf(request.json<Customer>().customer);
      return { percent: Math.min(20, Math.floor(points / 20)), because: `${points} points` };
    },
  },
});
