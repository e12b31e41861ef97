// An event as a handler gets it: CloudEvents 1.0 attributes, stamped by the host, and data in whatever form the handler asks for.

import { Json } from "./json";
import { decodeView, encodeUtf8, viewOf } from "./memory";
import { Result, fail, ok } from "./result";

@json
export class Event {
  id!: string;
  /** Who published it: `/plugins/<name>`. */
  source!: string;
  type!: string;
  /** RFC 3339. */
  time: string = "";
  traceparent: string = "";
  datacontenttype: string = "application/json";
  data: Json | null = null;
  data_base64: Uint8Array | null = null;

  /** The data as any JSON value; fails with invalid-message when it is not JSON. */
  get dataJson(): Result<Json> {
    const data = this.data;
    if (data === null) return fail<Json>("the data is not JSON but " + this.datacontenttype, "invalid-message");
    return ok<Json>(data);
  }

  /** The data as T; fails with invalid-message, naming the field that does not fit. */
  dataAs<T>(): Result<T> {
    const data = this.dataJson;
    if (!data.isOk) return data.failure<T>();
    return data.value.as<T>();
  }

  /** The data as text: a JSON text as it is, anything else decoded as UTF-8. */
  get dataText(): string {
    const data = this.data;
    return data !== null ? data.toString() : decodeView(this.dataBytes);
  }

  get dataBytes(): Uint8Array {
    const data = this.data;
    if (data !== null) return viewOf(encodeUtf8(data.toString()));
    const encoded = this.data_base64;
    return encoded === null ? new Uint8Array(0) : encoded;
  }
}
