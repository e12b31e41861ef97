// Why something failed, as a value. What fails in a handler is told to the caller by Display.

use crate::ErrorCode;
use serde::Deserialize;
use std::fmt;

/// A refusal or failure. Branch on `code`, show `message` to people.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Error {
    pub code: ErrorCode,
    /// What was refused, the limit, the current value, the remedy.
    pub message: String,
    pub detail: Option<String>,
}

impl Error {
    /// The plugin's own failure, with the code `plugin-failed`.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::PluginFailed, message)
    }

    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: None }
    }
}

/// What the plugin itself refuses is said as it is; what the host refused keeps its code, so that the caller sees the cause.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            ErrorCode::PluginFailed => f.write_str(&self.message),
            code => write!(f, "{}: {}", code.name(), self.message),
        }
    }
}

impl std::error::Error for Error {}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::new(ErrorCode::InvalidMessage, error.to_string())
    }
}
