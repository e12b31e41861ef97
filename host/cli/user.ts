// `bulkhead user add | list | passwd | roles | logout | remove`: accounts of people who log in at the host's doors.

import type { Command } from "commander";
import type { ListedUser } from "../admin/user-operations.ts";
import { escapeControls } from "../core/names.ts";
import { openHost } from "./control.ts";
import { readNewPassword } from "./hidden-value.ts";
import { conclude, print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";

interface JsonOptions extends DataOptions {
  readonly json?: boolean;
}

interface RoleOptions extends JsonOptions {
  readonly role: readonly string[];
}

export function addUser(program: Command): void {
  const user = program.command("user").description("accounts of people who log in by name and password");
  const withRoles = (command: Command): Command =>
    command.option("-r, --role <role>", "viewer, operator, admin or one of auth.roles; may be given often", collect, []);
  const withJson = (command: Command): Command => withDataOptions(command).option("--json", "print JSON on standard output");
  withRoles(withJson(user.command("add").description("make an account; the password is asked for, or read from standard input")))
    .argument("<name>", "what whoever it is for types, such as ada")
    .action(add);
  withJson(user.command("list").description("show the accounts, and who has logged in")).action(list);
  withJson(user.command("passwd").description("set another password, which ends the sessions of the account"))
    .argument("<name>", "the account's name")
    .action(setPassword);
  withRoles(withJson(user.command("roles").description("give an account other roles, which ends its sessions")))
    .argument("<name>", "the account's name")
    .action(setRoles);
  withJson(user.command("logout").description("end all sessions of a principal"))
    .argument("<principal>", "such as account:ada; bulkhead user list shows them")
    .action(logOut);
  withJson(user.command("remove").description("remove an account, its sessions, and the tokens that were made with it"))
    .argument("<name>", "the account's name")
    .action(remove);
}

async function add(name: string, { role: roles, ...options }: RoleOptions): Promise<void> {
  await using host = await openHost(options);
  await host.invoke("add-user", { name, roles, password: await readNewPassword(name) });
  conclude(options.json, { name, roles }, `${name} can log in, as account:${name} (${roles.join(", ")})`);
}

async function list(options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const listed = await host.invoke<{ users: ListedUser[]; others: Record<string, number> }>("users");
  const users = listed.users.map(({ name, roles, sessions, passwordSetAt }) => [
    `account:${name}`,
    roles.join("\n"),
    sessions,
    passwordSetAt,
  ]);
  const others = Object.entries(listed.others).map(([principal, sessions]) => [
    escapeControls(principal),
    "as its groups say",
    sessions,
    "",
  ]);
  print(options.json, listed, () => table(["principal", "roles", "sessions", "password set"], [...users, ...others]));
}

async function setPassword(name: string, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const { ended } = await host.invoke<{ ended: number }>("set-password", { name, password: await readNewPassword(name) });
  conclude(options.json, { name, ended }, `${name} has another password; sessions that ended: ${ended}`);
}

async function setRoles(name: string, { role: roles, ...options }: RoleOptions): Promise<void> {
  await using host = await openHost(options);
  await host.invoke("set-user-roles", { name, roles });
  conclude(options.json, { name, roles }, `${name} has other roles (${roles.join(", ")}), and has to log in again`);
}

async function logOut(principal: string, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const { ended } = await host.invoke<{ ended: number }>("end-sessions", { principal });
  conclude(options.json, { principal, ended }, `sessions that ended: ${ended}`);
}

async function remove(name: string, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const removed = await host.invoke<{ name: string; revoked: string[] }>("remove-user", { name });
  const tokens = removed.revoked.length === 0 ? "" : `; revoked with it: ${removed.revoked.join(", ")}`;
  conclude(options.json, removed, `${name} is removed${tokens}`);
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];
