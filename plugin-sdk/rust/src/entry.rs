//! What stands behind the attributes: reads the turn's input, runs the handler and reports how it ended (0 or 1).

use crate::{Bytes, Error, ErrorCode, abi, json::to_json};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{any::Any, fmt::Display, sync::Once};

/// JSON as input or output of a service. An empty input counts as `{}`.
pub struct Json<T>(pub T);

/// An event, with data that is the JSON of `T`. Where the data is no JSON let `T` be an `Option` and read `data_base64`.
#[derive(Clone, Debug, Deserialize)]
pub struct Event<T> {
    pub id: String,
    /// `/plugins/<name>` of the publisher.
    pub source: String,
    #[serde(rename = "type")]
    pub event_type: String,
    pub time: String,
    pub datacontenttype: Option<String>,
    pub data: T,
    pub data_base64: Option<Bytes>,
}

#[doc(hidden)]
pub trait Input: Sized {
    fn read(bytes: Vec<u8>) -> Result<Self, Error>;
}

impl Input for () {
    fn read(_: Vec<u8>) -> Result<Self, Error> {
        Ok(())
    }
}

impl Input for Vec<u8> {
    fn read(bytes: Vec<u8>) -> Result<Self, Error> {
        Ok(bytes)
    }
}

impl Input for String {
    fn read(bytes: Vec<u8>) -> Result<Self, Error> {
        String::from_utf8(bytes).map_err(|_| Error::refused("invalid-input", "input is not valid UTF-8"))
    }
}

impl<T: DeserializeOwned> Input for Json<T> {
    fn read(bytes: Vec<u8>) -> Result<Self, Error> {
        let json: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(json).map(Json).map_err(|error| Error::refused("invalid-input", format!("input is not the JSON that this service expects: {error}")))
    }
}

impl<T: DeserializeOwned> Input for Event<T> {
    fn read(bytes: Vec<u8>) -> Result<Self, Error> {
        serde_json::from_slice(&bytes).map_err(|error| Error::failed(format!("input is not the event that this plugin expects: {error}")))
    }
}

#[doc(hidden)]
pub trait Output {
    fn write(self) -> Result<(), Error>;
}

impl Output for () {
    fn write(self) -> Result<(), Error> {
        Ok(())
    }
}

impl Output for Vec<u8> {
    fn write(self) -> Result<(), Error> {
        abi::set_output(&self);
        Ok(())
    }
}

impl Output for String {
    fn write(self) -> Result<(), Error> {
        abi::set_output(self.as_bytes());
        Ok(())
    }
}

impl<T: Serialize> Output for Json<T> {
    fn write(self) -> Result<(), Error> {
        abi::set_output(&to_json(&self.0)?);
        Ok(())
    }
}

impl<O: Output, E: Display + 'static> Output for Result<O, E> {
    fn write(self) -> Result<(), Error> {
        self.map_err(|error| refusal_in(&error).unwrap_or_else(|| Error::failed(error.to_string())))?.write()
    }
}

/// The refusal that a handler failed with, also in a box; any other error has only words.
fn refusal_in(error: &dyn Any) -> Option<Error> {
    let boxed = || error.downcast_ref::<Box<dyn std::error::Error>>().and_then(|inner| inner.downcast_ref::<Error>());
    let sendable = || error.downcast_ref::<Box<dyn std::error::Error + Send + Sync>>().and_then(|inner| inner.downcast_ref::<Error>());
    let found = error.downcast_ref::<Error>().or_else(boxed).or_else(sendable)?;
    (found.code == ErrorCode::Refused).then(|| found.clone())
}

/// Runs one turn.
pub fn run<I: Input, O: Output>(handler: impl FnOnce(I) -> O) -> i32 {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| std::panic::set_hook(Box::new(report)));
    match I::read(abi::input()).and_then(|input| handler(input).write()) {
        Ok(()) => 0,
        Err(error) => {
            abi::set_error(&error.told());
            1
        }
    }
}

/// The turn's error says what panicked, in which file and line; the trap that follows ends the instance.
fn report(panic: &std::panic::PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("panicked");
    let place = panic.location().map_or_else(String::new, |at| format!(" ({}:{}:{})", at.file(), at.line(), at.column()));
    abi::set_error(format!("{message}{place}").as_bytes());
}
