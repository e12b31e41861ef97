//! Greets people, and counts how often. plugin.json names the functions with an attribute.

use bulkhead::{Error, Event, Json, config, events, log, storage};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Person {
    name: String,
}

#[derive(Serialize)]
struct Greeting {
    message: String,
    times: u64,
}

#[derive(Serialize)]
struct Greeted<'a> {
    name: &'a str,
    times: u64,
}

fn message_to(name: &str) -> Result<String, Error> {
    let greeting = config::get("greeting")?.unwrap_or_else(|| "Hello".into());
    Ok(format!("{greeting}, {name}!"))
}

#[bulkhead::service]
fn greet(Json(Person { name }): Json<Person>) -> Result<Json<Greeting>, Error> {
    if name.is_empty() {
        return Err(Error::refused("invalid-input", "name is empty"));
    }
    let key = format!("times/{name}");
    let before: u64 = storage::get(&key)?.map_or(Ok(0), |text| serde_json::from_slice(&text))?;
    let times = before + 1;
    storage::set(&key, times.to_string().as_bytes())?;
    events::publish("my-plugin.greeted", "application/json", &serde_json::to_vec(&Greeted { name: &name, times })?)?;
    Ok(Json(Greeting { message: message_to(&name)?, times }))
}

#[bulkhead::event]
fn on_arrived(event: Event<Person>) -> Result<(), Error> {
    log::write(log::Level::Info, &message_to(&event.data.name)?)
}
