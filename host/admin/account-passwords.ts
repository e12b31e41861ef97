// Passwords of those who log in, hashed by the same code and in the same queue as those that plugins ask for. What a hash costs is the same for all accounts,
// and for names that are nobody's, so that nobody learns by the clock which accounts there are.

import { randomBytes } from "node:crypto";
import type { HashingLine } from "../capabilities/crypto/hashing-line.ts";
import { cryptoOptions } from "../capabilities/crypto/options.ts";
import { Passwords } from "../capabilities/crypto/passwords.ts";
import { formatHash } from "../capabilities/crypto/phc.ts";
import { HostError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";

const MIN_LENGTH = 12;
const MAX_WAIT_MS = 10_000;
/** As the queue knows whom it is for; no plugin can have the name. */
const WHO = "host";
const OPTIONS = cryptoOptions.parse({});

export class AccountPasswords {
  readonly #passwords: Passwords;
  readonly #clock: Clock;
  readonly #nobodys: string = formatHash({ parameters: OPTIONS.own, salt: randomBytes(16), hash: randomBytes(32) });

  constructor(queue: HashingLine, clock: Clock) {
    this.#passwords = new Passwords(queue, OPTIONS);
    this.#clock = clock;
  }

  /** Rejects with HostError `invalid-message` for one of fewer than 12 characters or more than 1,024 bytes, and as `verify` does. */
  async hash(password: string): Promise<string> {
    const normal = password.normalize();
    const length = [...normal].length;
    if (length < MIN_LENGTH)
      throw new HostError("invalid-message", `the password has ${length} characters; write ${MIN_LENGTH} at least, such as a few words`);
    return this.#passwords.hash(this.#call(), normal);
  }

  /**
   * The same work for a hash that is not there, which nothing verifies. Rejects with HostError `rate-limited` when too many wait, `deadline-exceeded` for one who
   * has waited 10 s.
   */
  async verify(password: string, hash: string | undefined): Promise<boolean> {
    const isRight = await this.#passwords.verify(this.#call(), password.normalize(), hash ?? this.#nobodys);
    return isRight && hash !== undefined;
  }

  #call(): Parameters<Passwords["hash"]>[0] {
    return { plugin: WHO, deadline: this.#clock.monotonicMs() + MAX_WAIT_MS, spend: () => {} };
  }
}
