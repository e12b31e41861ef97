//! A plugin as an author for Extism writes it: Extism's PDK from its registry and nothing of this repository.

use extism_pdk::*;
use serde::{Deserialize, Serialize};

#[plugin_fn]
pub fn greet(name: String) -> FnResult<String> {
    if name.is_empty() {
        return Err(WithReturnCode::new(Error::msg("nobody to greet"), 3));
    }
    let greeting = config::get("greeting")?.unwrap_or_else(|| "Hello".to_string());
    Ok(format!("{greeting}, {name}!"))
}

#[plugin_fn]
pub fn count() -> FnResult<String> {
    let times = var::get::<i64>("times")?.unwrap_or(0) + 1;
    var::set("times", times)?;
    Ok(times.to_string())
}

#[plugin_fn]
pub fn forget() -> FnResult<()> {
    var::remove("times")?;
    Ok(())
}

#[derive(Deserialize)]
struct Add {
    a: i64,
    b: i64,
}

#[derive(Serialize)]
struct Sum {
    sum: i64,
}

#[plugin_fn]
pub fn add(Json(add): Json<Add>) -> FnResult<Json<Sum>> {
    Ok(Json(Sum { sum: add.a + add.b }))
}

#[plugin_fn]
pub fn echo(input: Vec<u8>) -> FnResult<Vec<u8>> {
    Ok(input)
}

#[plugin_fn]
pub fn log_all() -> FnResult<()> {
    debug!("a debug line");
    info!("an info line");
    warn!("a warning");
    error!("an error");
    Ok(())
}

#[plugin_fn]
pub fn fetch(url: String) -> FnResult<String> {
    let request = HttpRequest::new(url).with_method("PUT").with_header("x-asked", "yes");
    let response = http::request::<Vec<u8>>(&request, Some(b"body".to_vec()))?;
    let kind = response.headers().get("content-type").cloned().unwrap_or_default();
    Ok(format!("{} {kind} {}", response.status_code(), String::from_utf8(response.body())?))
}

#[plugin_fn]
pub fn give_up() -> FnResult<()> {
    panic!("gave up")
}

#[cfg(target_os = "wasi")]
#[derive(Serialize)]
struct Surroundings {
    unix_seconds: u64,
    slept: bool,
    random: String,
    arguments: usize,
    variables: usize,
    read: String,
    written: String,
}

#[cfg(target_os = "wasi")]
#[plugin_fn]
pub fn look_around() -> FnResult<Json<Surroundings>> {
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
    println!("seen on standard output");
    eprintln!("seen on standard error");
    let mut random = [0u8; 16];
    getrandom::fill(&mut random).map_err(|error| Error::msg(error.to_string()))?;
    let before = Instant::now();
    std::thread::sleep(Duration::from_millis(5));
    Ok(Json(Surroundings {
        unix_seconds: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
        slept: before.elapsed() >= Duration::from_millis(5),
        random: random.iter().map(|byte| format!("{byte:02x}")).collect(),
        arguments: std::env::args().count(),
        variables: std::env::vars().count(),
        read: std::fs::read("/etc/passwd").map_or_else(|_| "refused".to_string(), |_| "read".to_string()),
        written: std::fs::write("note.txt", "x").map_or_else(|_| "refused".to_string(), |_| "written".to_string()),
    }))
}
