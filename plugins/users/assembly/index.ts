// The users plugin: one export a service of plugin.json. Who there is stands in account.ts, passwords in secrets.ts, tokens in tokens.ts.

import { Json, Nothing, Result, ok, rawService, refuse, service, services } from "@bulkhead/assemblyscript";
import { Account, AccountView, Kind, endTokens, groupsProblem, load, make, page, remove as removeAccount, save, setPassword } from "./account";
import { answer, field, formOf, refusal } from "./form";
import { checkSecret, hashOfSecret } from "./secrets";
import { Tokens, check, end, issue, nobodys, publicKeys, randomText, renew } from "./tokens";

// plugin.json says how large a page may be.
const DEFAULT_PAGE: u32 = 100;
/** Of the principals that this plugin lets in. */
const OURS = "users/";

@json
class NewUser {
  name!: string;
  password: string | null = null;
  groups: string[] = [];
}

@json
class Named {
  name!: string;
}

@json
class PageRequest {
  after: string | null = null;
  limit: u32 = DEFAULT_PAGE;
}

@json
class Page {
  users: AccountView[] = [];
  next: string | null = null;
}

@json
class NewPassword {
  name!: string;
  password!: string;
}

@json
class OwnPassword {
  current!: string;
  password!: string;
}

@json
class NewGroups {
  name!: string;
  groups!: string[];
}

@json
class Disabling {
  name!: string;
  disabled: bool;
}

@json
class NewClient {
  id!: string;
  groups: string[] = [];
}

@json
class ClientId {
  id!: string;
}

@json
class MadeClient {
  id: string = "";
  secret: string = "";
}

@json
class Credential {
  scheme!: string;
  name: string = "";
  password: string = "";
  token: string = "";
  subject: string = "";
}

@json
class Known {
  subject: string = "";
  groups: string[] = [];
  expiresAtMs: u64 = 0;
}

@json
class KnownForGood {
  subject: string = "";
  groups: string[] = [];
}

@json
class KeySet {
  keys: Json[] = [];
}

export function create(): i32 {
  return service<NewUser, AccountView>((request) => {
    const made = make(Kind.user, request.name, request.groups);
    if (!made.isOk) return made.failure<AccountView>();
    const password = request.password;
    if (password !== null) {
      const set = setPassword(made.value, password);
      if (!set.isOk) return set.failure<AccountView>();
    }
    return saved(made.value, "created");
  });
}

export function get(): i32 {
  return service<Named, AccountView>((request) => {
    const found = load(Kind.user, request.name);
    return found.isOk ? ok(AccountView.of(found.value)) : found.failure<AccountView>();
  });
}

export function list(): i32 {
  return service<PageRequest, Page>((request) => {
    const found = page(request.after, request.limit);
    if (!found.isOk) return found.failure<Page>();
    const answer = new Page();
    answer.users = found.value;
    if (found.value.length == <i32>request.limit) answer.next = found.value[found.value.length - 1].name;
    return ok(answer);
  });
}

export function set_password(): i32 {
  return service<NewPassword, Nothing>((request) => {
    const found = load(Kind.user, request.name);
    if (!found.isOk) return found.failure<Nothing>();
    const set = setPassword(found.value, request.password);
    return set.isOk ? save(found.value, "password") : set;
  });
}

export function change_password(): i32 {
  return service<OwnPassword, Nothing>((request) => {
    const principal = services.currentPrincipal();
    if (principal === null || !principal.startsWith(OURS)) return refuse<Nothing>("forbidden", "this is for those who logged in here");
    const account = checkSecret(Kind.user, principal.substring(OURS.length), request.current);
    if (!account.isOk) return account.failure<Nothing>();
    const set = setPassword(account.value, request.password);
    return set.isOk ? save(account.value, "password") : set;
  });
}

export function set_groups(): i32 {
  return service<NewGroups, AccountView>((request) => {
    const bad = groupsProblem(request.groups);
    if (bad !== null) return refuse<AccountView>("invalid-input", bad);
    const found = load(Kind.user, request.name);
    if (!found.isOk) return found.failure<AccountView>();
    found.value.groups = request.groups;
    endTokens(found.value);
    return saved(found.value, "groups");
  });
}

export function set_disabled(): i32 {
  return service<Disabling, AccountView>((request) => {
    const found = load(Kind.user, request.name);
    if (!found.isOk) return found.failure<AccountView>();
    found.value.disabled = request.disabled;
    endTokens(found.value);
    return saved(found.value, request.disabled ? "disabled" : "enabled");
  });
}

export function remove(): i32 {
  return service<Named, Nothing>((request) => removeAccount(Kind.user, request.name));
}

export function create_client(): i32 {
  return service<NewClient, MadeClient>((request) => {
    const made = make(Kind.client, request.id, request.groups);
    if (!made.isOk) return made.failure<MadeClient>();
    const secret = randomText();
    if (!secret.isOk) return secret.failure<MadeClient>();
    const hash = hashOfSecret(secret.value);
    if (!hash.isOk) return hash.failure<MadeClient>();
    made.value.secret = hash.value;
    const kept = save(made.value, "created");
    if (!kept.isOk) return kept.failure<MadeClient>();
    const answer = new MadeClient();
    answer.id = request.id;
    answer.secret = secret.value;
    return ok(answer);
  });
}

export function remove_client(): i32 {
  return service<ClientId, Nothing>((request) => removeAccount(Kind.client, request.id));
}

/** Asked by the host alone: whoever else could ask would try passwords past its limits. */
export function authenticate(): i32 {
  return rawService((bytes) => {
    if (services.currentCaller().kind != "host") return refuse<Uint8Array>("forbidden", "only the host asks this");
    const credential = Json.parse<Credential>(String.UTF8.decode(bytes.buffer));
    if (!credential.isOk) return credential.failure<Uint8Array>();
    const given = credential.value;
    if (given.scheme == "bearer") {
      const shown = check(given.token);
      if (!shown.isOk) return shown.failure<Uint8Array>();
      const known = new Known();
      known.subject = subjectOf(shown.value.account);
      known.groups = shown.value.account.groups;
      known.expiresAtMs = shown.value.expiresAtMs;
      return ok(bytesOf<Known>(known));
    }
    const account = given.scheme == "subject" ? still(given.subject) : checkSecret(Kind.user, given.name, given.password);
    if (!account.isOk) return account.failure<Uint8Array>();
    const known = new KnownForGood();
    known.subject = subjectOf(account.value);
    known.groups = account.value.groups;
    return ok(bytesOf<KnownForGood>(known));
  });
}

export function token(): i32 {
  return rawService((request) => {
    const form = formOf(request);
    if (form === null) return answer(400, `{"error":"invalid_request"}`);
    const grant = field(form, "grant_type");
    if (grant == "refresh_token") return answered(renew(field(form, "refresh_token")));
    if (grant == "password") return answered(login(Kind.user, field(form, "username"), field(form, "password")));
    if (grant == "client_credentials") return answered(login(Kind.client, field(form, "client_id"), field(form, "client_secret")));
    return answer(400, `{"error":"unsupported_grant_type"}`);
  });
}

export function revoke(): i32 {
  return rawService((request) => {
    const form = formOf(request);
    if (form === null) return answer(400, `{"error":"invalid_request"}`);
    const ended = end(field(form, "token"));
    return ended.isOk ? answer(200, "{}") : refusal(ended.error);
  });
}

export function jwks(): i32 {
  return service<Nothing, KeySet>(() => {
    const keys = publicKeys();
    if (!keys.isOk) return keys.failure<KeySet>();
    const answer = new KeySet();
    for (let i = 0; i < keys.value.length; i++) answer.keys.push(Json.parse<Json>(keys.value[i]).value);
    return ok(answer);
  });
}

function login(kind: string, name: string, secret: string): Result<Tokens> {
  if (secret.length == 0) return nobodys<Tokens>();
  const account = checkSecret(kind, name, secret);
  if (!account.isOk) return account.failure<Tokens>();
  // A program shows its secret again.
  if (kind == Kind.client) return issue(account.value, null);
  const family = randomText();
  return family.isOk ? issue(account.value, family.value) : family.failure<Tokens>();
}

function answered(tokens: Result<Tokens>): Result<Uint8Array> {
  return tokens.isOk ? answer(200, Json.stringify<Tokens>(tokens.value)) : refusal(tokens.error);
}

function saved(account: Account, what: string): Result<AccountView> {
  const kept = save(account, what);
  return kept.isOk ? ok(AccountView.of(account)) : kept.failure<AccountView>();
}

const CLIENT = "client:";

/** A user and a program of one name are two. */
function subjectOf(account: Account): string {
  return account.kind == Kind.user ? account.name : CLIENT + account.name;
}

/** Whoever came in by his password, as long as he may. */
function still(subject: string): Result<Account> {
  if (subject.startsWith(CLIENT)) return nobodys<Account>();
  const found = load(Kind.user, subject);
  return !found.isOk || !found.value.disabled ? found : nobodys<Account>();
}

function bytesOf<T>(value: T): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(Json.stringify<T>(value)));
}
