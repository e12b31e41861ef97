//! Counts measurements: the one scenario that every SDK implements (plugins/counter/README.md).

use bulkhead::{Error, Event, Json, clock, config, events, extensions, log, random, services, state, storage};
use serde::{Deserialize, Serialize};
use serde_json::{Number, value::RawValue};

const LAST_LIVES_MS: u64 = 60_000;
const SURVEY_MS: u32 = 2_000;

#[derive(Deserialize)]
struct Measured {
    sensor: String,
    value: Number,
}

#[derive(Serialize)]
struct Last<'a> {
    sensor: &'a str,
    value: &'a Number,
}

#[derive(Serialize)]
struct Counted<'a> {
    count: u64,
    sensor: &'a str,
}

#[derive(Serialize)]
struct Reading {
    count: u64,
    last: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Environment {
    unit: Option<String>,
    now: bool,
    monotonic: bool,
    random: bool,
    caller: String,
}

/// How many were counted, and the last as it is stored.
fn stored() -> Result<(u64, Option<Vec<u8>>), Error> {
    let mut values = storage::get_many(&["count", "last"])?.into_iter();
    let count = match values.next().flatten() {
        Some(text) => std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok()).ok_or_else(|| Error::failed("count is no number"))?,
        None => 0,
    };
    Ok((count, values.next().flatten().map(|last| last.0)))
}

fn change(key: &str, value: Option<Vec<u8>>, ttl_ms: Option<u64>) -> storage::Change {
    storage::Change { key: key.into(), value: value.map(Into::into), ttl_ms }
}

#[bulkhead::lifecycle]
fn on_load() -> Result<(), Error> {
    log::write(log::Level::Debug, "counter loaded")
}

#[bulkhead::event]
fn on_measured(event: Event<Measured>) -> Result<(), Error> {
    let Measured { sensor, value } = event.data;
    let count = stored()?.0 + 1;
    let last = serde_json::to_vec(&Last { sensor: &sensor, value: &value })?;
    storage::apply(&[
        change("count", Some(count.to_string().into_bytes()), None),
        change("last", Some(last), Some(LAST_LIVES_MS)),
        change("stale", None, None),
    ])?;
    events::publish("counter.counted", "application/json", &serde_json::to_vec(&Counted { count, sensor: &sensor })?)?;
    let greeting = services::call("greeter.greet", sensor.as_bytes(), None)?;
    log::write(log::Level::Info, &format!("greeter said: {}", String::from_utf8_lossy(&greeting)))
}

#[bulkhead::service]
fn read() -> Result<Json<Reading>, Error> {
    let (count, last) = stored()?;
    let last = last.map(|json| serde_json::from_slice(&json)).transpose()?;
    Ok(Json(Reading { count, last }))
}

#[bulkhead::service]
fn environment() -> Result<Json<Environment>, Error> {
    let first = clock::monotonic();
    let (one, other) = (random::bytes(16)?, random::bytes(16)?);
    let caller = services::current_caller();
    Ok(Json(Environment {
        unit: config::get("unit")?,
        now: clock::now() > 1_600_000_000_000,
        monotonic: clock::monotonic() >= first,
        random: one.len() == 16 && other.len() == 16 && one != other,
        caller: format!("{}:{}", caller.kind.name(), caller.name),
    }))
}

#[bulkhead::service]
fn denied() -> Result<Json<[&'static str; 2]>, Error> {
    let (Err(call), Err(set)) = (services::call("vault.open", b"", None), state::set("vault.key", b"x")) else {
        return Err(Error::failed("nothing was denied"));
    };
    log::write(log::Level::Warning, &call.message)?;
    Ok(Json([call.code.name(), set.code.name()]))
}

#[bulkhead::service]
fn survey(name: String) -> Result<String, Error> {
    let answers = extensions::ask("lab.greeting", name.as_bytes(), Some(SURVEY_MS))?;
    let lines: Vec<String> = answers.iter().map(|one| format!("{}: {}", one.plugin, String::from_utf8_lossy(&one.output))).collect();
    Ok(lines.join("\n"))
}

#[bulkhead::service]
fn echo(bytes: Vec<u8>) -> Vec<u8> {
    bytes
}

#[bulkhead::service]
fn greet(name: String) -> String {
    format!("Grüße, {name} 🌍 — 你好")
}

#[bulkhead::service]
fn fail(input: String) -> Result<(), Error> {
    Err(Error::failed(format!("failed on purpose: {input}")))
}

#[bulkhead::service]
fn crash() {
    panic!("crashed on purpose");
}
