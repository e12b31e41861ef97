// Secrets at rest: what the database alone gives away, and what becomes of a row or a key that somebody changed.

import { createCipheriv } from "node:crypto";
import { copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HostDatabase, openHostDatabase } from "../../host/admin/database.ts";
import { SecretStore } from "../../host/admin/secrets.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const VALUE = "sk-live-4711";
const TO = ["https://api.example.com", "POST https://*.example.org/v1"];

describe("the operator's secrets", () => {
  let folder: TemporaryFolder;
  let database: HostDatabase;
  let store: SecretStore;
  const open = (): SecretStore => new SecretStore(database.connection, systemClock, folder.path);
  const keyFile = (): string => join(folder.path, "secret.key");

  beforeEach(() => {
    folder = temporaryFolder();
    database = openHostDatabase(folder.path);
    store = open();
  });
  afterEach(() => {
    delete process.env.BULKHEAD_SECRET_KEY;
    database.close();
    folder.remove();
  });

  it("are found again by another process and go only where they were set for", () => {
    store.set("TOKEN", VALUE, TO);
    const found = open().find("TOKEN");
    expect(found?.value).toBe(VALUE);
    const goes = (resource: string): boolean | undefined => found?.mayGoTo(resource);
    expect(goes("GET https://api.example.com:443/any")).toBe(true);
    expect(goes("POST https://eu.example.org:443/v1/x")).toBe(true);
    expect(goes("GET https://eu.example.org:443/v1/x")).toBe(false);
    expect(goes("GET http://api.example.com:80/any")).toBe(false);
    expect(goes("GET https://api.example.com.evil.test:443/")).toBe(false);
    expect(store.find("OTHER")).toBeUndefined();
  });

  it("are not in the database's files, and the list has no values", () => {
    store.set("TOKEN", VALUE, TO);
    expect(JSON.stringify(store.list())).not.toContain(VALUE);
    expect(store.list()).toMatchObject([{ name: "TOKEN", to: TO }]);
    database.connection.pragma("wal_checkpoint(TRUNCATE)");
    expect(readFileSync(join(folder.path, "host.sqlite")).includes(VALUE)).toBe(false);
  });

  it("have a key that only the user can read, and are of no use without it", () => {
    store.set("TOKEN", VALUE, TO);
    expect(statSync(keyFile()).mode & 0o777).toBe(0o600);
    copyFileSync(keyFile(), `${keyFile()}.kept`);
    rmSync(keyFile());
    expect(() => open().find("TOKEN")).toThrow(expect.objectContaining({ code: "storage-failed" }));
    writeFileSync(keyFile(), "short");
    expect(() => open().find("TOKEN")).toThrow(expect.objectContaining({ code: "storage-failed" }));
    copyFileSync(`${keyFile()}.kept`, keyFile());
    expect(open().find("TOKEN")?.value).toBe(VALUE);
  });

  it("take a key from the environment, and refuse one that is none", () => {
    process.env.BULKHEAD_SECRET_KEY = Buffer.alloc(32, 7).toString("base64");
    open().set("TOKEN", VALUE, TO);
    expect(() => readFileSync(keyFile())).toThrow("ENOENT");
    expect(open().find("TOKEN")?.value).toBe(VALUE);
    process.env.BULKHEAD_SECRET_KEY = "short";
    expect(() => open().set("TOKEN", VALUE, TO)).toThrow(expect.objectContaining({ code: "invalid-message" }));
  });

  it("break when somebody changes where they go, whose they are, or a byte of them", () => {
    store.set("TOKEN", VALUE, TO);
    store.set("OTHER", "x".repeat(8), ["https://evil.test"]);
    const { connection } = database;
    const broken = (): void => expect(() => store.find("TOKEN")).toThrow(expect.objectContaining({ code: "storage-failed" }));
    connection.exec(`UPDATE secrets SET destinations = '["https://evil.test"]' WHERE name = 'TOKEN'`);
    broken();
    store.set("TOKEN", VALUE, TO);
    connection.exec("UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE name = 'OTHER') WHERE name = 'TOKEN'");
    broken();
    connection.exec("UPDATE secrets SET sealed = x'00' WHERE name = 'TOKEN'");
    broken();
  });

  it.each([
    ["a bad name", "a b", VALUE, TO],
    ["a destination that is none", "A", VALUE, ["example.com"]],
    ["no destination", "A", VALUE, []],
    ["a line break", "A", "long enough\r\nb", TO],
    ["what no header can hold", "A", "€".repeat(9), TO],
    ["an empty value", "A", "", TO],
    ["a value too short to be hidden", "A", "1234567", TO],
    ["a long value", "A", "x".repeat(4_097), TO],
  ])("refuse %s", (_what, name, value, to) => {
    expect(() => store.set(name, value, to)).toThrow(expect.objectContaining({ code: "invalid-message" }));
    expect(store.list()).toEqual([]);
  });

  it("that were set before and are too short to be hidden are not filled in, which the list says", () => {
    store.set("PIN", VALUE, TO);
    const destinations = JSON.stringify(TO);
    const nonce = Buffer.alloc(12, 1);
    const cipher = createCipheriv("aes-256-gcm", readFileSync(keyFile()), nonce).setAAD(Buffer.from(JSON.stringify(["PIN", destinations])));
    const sealed = Buffer.concat([nonce, cipher.update("1234"), cipher.final(), cipher.getAuthTag()]);
    database.connection.prepare("UPDATE secrets SET sealed = ? WHERE name = 'PIN'").run(sealed);
    expect(() => store.find("PIN")).toThrow(
      expect.objectContaining({ code: "permission-denied", message: expect.stringContaining("fewer than 8 characters") }),
    );
    expect(store.list()).toMatchObject([{ name: "PIN", opens: true, isTooShort: true }]);
    store.set("PIN", "12345678", TO);
    expect(store.find("PIN")?.value).toBe("12345678");
    expect(store.list()).toMatchObject([{ name: "PIN", isTooShort: false }]);
  });

  it("are gone once they are removed", () => {
    store.set("TOKEN", VALUE, TO);
    expect([store.remove("TOKEN"), store.remove("TOKEN"), store.find("TOKEN")]).toEqual([true, false, undefined]);
  });
});
